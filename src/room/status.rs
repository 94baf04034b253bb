//! What a room shows of itself.

use super::StateError;
use crate::{
    link::{LinkError, Rendezvous, SessionStats},
    raft::{Holdup, LogIndex, Member, NodeId, Permission, RoleKind, Standing, Term, Trouble},
};
use bevy_reflect::Reflect;
use std::collections::BTreeMap;

/// How a room stands, as its consensus last saw it.
///
/// *Committed* and *applied* are told apart: a committed command is decided, an applied one has also been
/// through the game's handler in the main world.
#[derive(Clone, Debug, Default, PartialEq, Reflect)]
pub struct RoomStatus {
    /// This node, once its store is open.
    pub node: Option<NodeId>,
    /// What it does in the room.
    pub role: Role,
    /// Whom it follows; itself if it leads.
    pub leader: Option<NodeId>,
    /// Its term.
    pub term: Term,
    /// The last index it knows committed.
    pub commit: LogIndex,
    /// The last index that went through the game's handlers.
    pub applied: LogIndex,
    /// The end of its log.
    pub last: LogIndex,
    /// The members that vote.
    pub voters: Vec<NodeId>,
    /// The members that don't.
    pub learners: Vec<NodeId>,
    /// Other nodes that are linked and were heard within the last moments.
    pub peers: Vec<NodeId>,
    /// Those of them that are reached through a relay alone.
    pub relayed: Vec<NodeId>,
    /// Own proposals that are not decided.
    pub pending: usize,
    /// Why they wait, if it is for anything but their turn; it reads as a sentence without its end.
    pub holdup: Option<Holdup>,
    /// Whether newcomers can find the room.
    pub rendezvous: RendezvousState,
    /// Frames that were refused, from all links together.
    pub refused_frames: u64,
    /// The protocol version of somebody who wanted in within the last minutes and speaks another one than this program,
    /// [`PROTOCOL_VERSION`](crate::wire::PROTOCOL_VERSION): one of the two has to be updated.
    pub other_version: Option<u16>,
    /// The last index that its newest snapshot stands for; zero without one.
    pub snapshot: LogIndex,
    /// The bytes of its log since then.
    pub log_bytes: usize,
    /// Why the log can't be cut, if it can't.
    pub trouble: Option<Trouble>,
    /// Why this app made no snapshot at the last mark, if it made none.
    #[reflect(ignore)]
    pub state_error: Option<StateError>,
}

/// What a node does in its room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Reflect)]
pub enum Role {
    /// It is no member yet.
    #[default]
    Waiting,
    /// It follows a leader, or waits for one.
    Follower,
    /// It asks for votes.
    Candidate,
    /// It leads.
    Leader,
}

impl From<RoleKind> for Role {
    fn from(role: RoleKind) -> Self {
        match role {
            RoleKind::Waiting => Self::Waiting,
            RoleKind::Follower => Self::Follower,
            RoleKind::Candidate => Self::Candidate,
            RoleKind::Leader => Self::Leader,
        }
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Waiting => "waiting",
            Self::Follower => "follower",
            Self::Candidate => "candidate",
            Self::Leader => "leader",
        })
    }
}

/// Whether newcomers can find a room.
#[derive(Clone, Debug, Default, PartialEq, Eq, Reflect)]
pub enum RendezvousState {
    /// The signaling server is being looked for.
    #[default]
    Connecting,
    /// Newcomers can come in.
    Connected,
    /// It can't be reached, for this reason; links that stand go on, and it is tried again.
    Lost(String),
    /// It was reached and takes nobody else in, for this reason; links that stand go on, and it is tried again.
    Full(String),
    /// It may be reached, but the browser lets nobody be linked, for this reason, which only its user can change.
    Blocked(String),
}

impl From<Rendezvous> for RendezvousState {
    fn from(rendezvous: Rendezvous) -> Self {
        match rendezvous {
            Rendezvous::Connecting => Self::Connecting,
            Rendezvous::Connected => Self::Connected,
            Rendezvous::Lost(error @ (LinkError::WebRtcBlocked | LinkError::Exhausted)) => {
                Self::Blocked(error.to_string())
            }
            Rendezvous::Lost(error @ LinkError::Full { .. }) => Self::Full(error.to_string()),
            Rendezvous::Lost(error) => Self::Lost(error.to_string()),
        }
    }
}

/// What is known of one other node.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PeerStatus {
    /// Its standing, if it is a member.
    pub standing: Option<Standing>,
    /// What it may do, if it is a member.
    pub permission: Option<Permission>,
    /// Its link, if there is one.
    pub link: Option<SessionStats>,
}

impl PeerStatus {
    /// A member that isn't linked.
    pub(crate) fn member(member: &Member) -> Self {
        Self { standing: Some(member.standing), permission: Some(member.permission), link: None }
    }
}

/// What the driver lays open for the main world to copy once a frame.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Showcase {
    pub status: RoomStatus,
    pub peers: BTreeMap<NodeId, PeerStatus>,
}
