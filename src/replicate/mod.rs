//! What a game sees: rooms, peers, commands that everybody carries out in one order, and whispers.

mod apply;
mod command;
mod entrance;
mod ledger;
mod mirror;
mod plugin;
mod portable;
mod proposal;
mod read;
mod reflection;
mod room;
mod whisper;

pub use command::{Committed, QuorumAppExt, Reject};
pub use mirror::{Leader, LeaderChanged, Learner, LinkStats, Peer, PeerOf, Peers, Permitted, Voter};
pub use plugin::{AppBell, ApplyBudget, QuorumPlugin, QuorumPlugins, QuorumSystems};
pub use portable::{NAME_BYTES_MAX, Portable};
pub use proposal::{Outcome, Proposal, Restored, Settled};
pub use read::{Read, ReadDone};
pub use room::{Room, RoomState, WhisperError};
pub use whisper::Whispered;
