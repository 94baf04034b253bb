//! *Your players are the server.* Raft as ECS systems over WebRTC, so that the peers of a game or a shared
//! board commit authoritative state among themselves.

pub mod link;
#[cfg(feature = "playtest")]
pub mod playtest;
pub mod raft;
pub mod replicate;
pub mod room;
pub mod storage;
pub mod wire;

/// What a game imports.
pub mod prelude {
    pub use crate::{
        raft::{LogIndex, LogTime, NodeId, Permission, Serial, Term},
        replicate::{
            AppBell, ApplyBudget, Committed, Leader, LeaderChanged, Learner, LinkStats, Outcome, Peer, PeerOf, Peers,
            Permitted, Portable, Proposal, QuorumAppExt, QuorumPlugins, QuorumSystems, Reject, Restored, Room,
            RoomState, Settled, Voter, WhisperError, Whispered,
        },
        room::{ProposeError, RendezvousState, Role, RoomError, RoomStatus},
        wire::Invitation,
    };
}
