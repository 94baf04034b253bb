//! What a game sees: rooms, peers, commands that everybody carries out in one order, and whispers.

mod apply;
mod bell;
mod chore;
mod command;
mod continuation;
#[cfg(feature = "playtest")]
#[doc(hidden)]
pub mod decoders;
mod entrance;
mod game_state;
mod handle;
mod keeper;
mod ledger;
mod mirror;
mod plugin;
mod portable;
mod proposal;
mod read;
mod reflection;
mod rejections;
mod room;
mod state;
mod whisper;

pub use bell::AppBell;
pub use command::{Committed, QuorumAppExt, REASON_BYTES_MAX, Reject};
pub use continuation::Parent;
pub use handle::RoomHandle;
pub use mirror::{Leader, LeaderChanged, Learner, LinkStats, Peer, PeerOf, Peers, Permitted, Voter};
pub use plugin::{ApplyBudget, QuorumPlugin, QuorumPlugins, QuorumSystems};
pub use portable::{NAME_BYTES_MAX, Portable};
pub use proposal::{Outcome, Proposal, Restored, Settled};
pub use read::{Read, ReadDone};
pub use room::{Room, RoomState, WhisperError};
pub use state::StateRestored;
pub use whisper::Whispered;
