//! *Your players are the server.* Raft as ECS systems over WebRTC, so that the peers of a game or a shared
//! board commit authoritative state among themselves, without a game server, and go on when whoever was host
//! leaves.
//!
//! # Quick start
//!
//! A game says what can happen as a type, how it happens as one system, and proposes. Every peer carries out the
//! same commands in the same order, each once.
//!
//! ```
//! # #[cfg(feature = "playtest")] {
//! use bevy_app::prelude::*;
//! use bevy_ecs::prelude::*;
//! use bevy_quorum::{playtest::Party, prelude::*};
//! use serde::{Deserialize, Serialize};
//! use std::time::Duration;
//!
//! /// Somebody scores. Peers and stores know it as `score`.
//! #[derive(Serialize, Deserialize)]
//! struct Score { points: u32 }
//!
//! impl Portable for Score {
//!     const NAME: &'static str = "score";
//! }
//!
//! /// What scores add up to: a part of the room's state, which newcomers and restarts get as it is.
//! #[derive(Resource, Default, Serialize, Deserialize)]
//! struct Total(u32);
//!
//! impl Portable for Total {
//!     const NAME: &'static str = "total";
//! }
//!
//! /// Changes the state, alike on every peer, or refuses to.
//! fn score(score: In<Committed<Score>>, mut total: ResMut<Total>) -> Result<(), Reject> {
//!     total.0 = total.0.checked_add(score.points).ok_or(Reject::because("the total is full"))?;
//!     Ok(())
//! }
//!
//! fn game(app: &mut App) {
//!     app.init_resource::<Total>().replicate_resource::<Total>().add_command(score);
//! }
//!
//! // In a game: `App::new().add_plugins((DefaultPlugins, QuorumPlugins))`, then spawn `Room::open(server)` or
//! // `Room::join(invitation)`. Here, two whole apps play in one process, in virtual time.
//! let mut party = Party::new(7, game);
//! let (host, guest) = (party.open(), party.join());
//! party.run_for(Duration::from_secs(2));
//!
//! party.room(guest).propose(&Score { points: 3 })?;
//! party.run_for(Duration::from_secs(1));
//! assert_eq!(party.app(host).world().resource::<Total>().0, 3);
//! assert_eq!(party.room(guest).status().pending, 0);
//! # }
//! # Ok::<(), bevy_quorum::room::ProposeError>(())
//! ```
//!
//! # Where things are
//!
//! What a game needs is in the [`prelude`]:
//!
//! | to | there is |
//! |---|---|
//! | enter a room, and leave it | spawn a [`Room`](replicate::Room), and despawn it |
//! | keep a room of a game that the app doesn't have | [`Room::witness`](replicate::Room::witness) |
//! | change the state of all | [`add_command`](replicate::QuorumAppExt::add_command), [`propose`](replicate::Room::propose) |
//! | say what that changes | [`replicate_resource`](replicate::QuorumAppExt::replicate_resource), [`StateRestored`](replicate::StateRestored) |
//! | see and hear what happened | observers of [`Committed`](replicate::Committed) |
//! | know what became of a proposal | observers of [`Settled`](replicate::Settled) and [`Restored`](replicate::Restored) |
//! | see what is decided by now, anywhere | [`read`](replicate::Room::read), [`ReadDone`](replicate::ReadDone) |
//! | show a cursor to the others | [`add_whisper`](replicate::QuorumAppExt::add_whisper), [`whisper`](replicate::Room::whisper), [`Whispered`](replicate::Whispered) |
//! | see who is there | [`Peer`](replicate::Peer) entities with [`Voter`](replicate::Voter), [`Learner`](replicate::Learner), [`Leader`](replicate::Leader), [`LinkStats`](replicate::LinkStats) |
//! | see how the room stands | [`RoomState`](replicate::RoomState), [`Room::status`](replicate::Room::status) |
//!
//! Below it, each part stands on those after it: [`replicate`], what a game sees; [`room`], consensus as systems
//! beside the game's frame; [`link`], authenticated peers over lanes; [`storage`], what a node must not forget;
//! [`wire`], frames and invitations; [`raft`], the algorithm as a pure state machine. `playtest` runs whole clusters
//! and whole apps in one process, from a seed.
//!
//! # Guarantees, in short
//!
//! - One order of commands for all; what is committed stays, while a majority of the voters keeps its stores.
//! - A command is carried out once, in its author's order, across changes of leader and restarts. It waits in a
//!   durable outbox until it is decided.
//! - Consensus never waits for a frame, and proposing never blocks.
//! - Whispers promise nothing but that an older one never follows a newer.
//! - Without a majority nothing is committed. Members are trusted: Raft survives crashes, not lies.
//!
//! # Features
//!
//! `webrtc` (real links) and `disk` (the durable store) are there by default; `playtest` is for tests.

pub mod link;
#[cfg(feature = "playtest")]
pub mod playtest;
pub mod raft;
pub mod replicate;
pub mod room;
pub mod storage;
pub mod wire;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// What a game imports.
pub mod prelude {
    pub use crate::{
        link::IceServer,
        raft::{LogIndex, LogTime, NodeId, Permission, Serial, Term},
        replicate::{
            AppBell, ApplyBudget, Committed, Leader, LeaderChanged, Learner, LinkStats, Outcome, Peer, PeerOf, Peers,
            Permitted, Portable, Proposal, QuorumAppExt, QuorumPlugins, QuorumSystems, Read, ReadDone, Reject,
            Restored, Room, RoomHandle, RoomState, Settled, StateRestored, Voter, WhisperError, Whispered,
        },
        room::{ProposeError, ReadError, RendezvousState, Role, RoomError, RoomStatus},
        wire::Invitation,
    };
}
