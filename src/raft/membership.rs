//! Who belongs to a room, and who votes in it.

use super::{LogIndex, NodeId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most members a room remembers, voters and learners together.
pub const MEMBERS_MAX: usize = 256;

/// A configuration of the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Membership {
    /// Every member, voting or not.
    pub members: BTreeMap<NodeId, Member>,
}

/// One member of a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Member {
    /// Whether it votes.
    pub standing: Standing,
    /// What it may do to the state.
    pub permission: Permission,
    /// The Ed25519 public key that its [`NodeId`] is drawn from.
    pub key: [u8; 32],
    /// The entry that let it in, which names its session: the leader sets it, and it stays as long as the member.
    pub session: LogIndex,
}

/// Whether a member counts towards a majority.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Standing {
    /// Votes, and is counted in every majority.
    Voter,
    /// Receives the log, and is counted nowhere (§4.2.1).
    Learner,
}

/// What a member may do to the room's state; independent of whether it votes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Permission {
    /// Sees everything, changes nothing: its commands are refused when they are applied.
    Viewer,
    /// May propose commands.
    Editor,
    /// May propose commands and manage the room.
    Owner,
}

impl Membership {
    /// The voters, in order of their ids.
    pub fn voters(&self) -> impl Iterator<Item = NodeId> + Clone + '_ {
        self.with(Standing::Voter)
    }

    /// The members that only listen, in order of their ids.
    pub fn learners(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.with(Standing::Learner)
    }

    /// Whether `node` votes in this configuration.
    pub fn is_voter(&self, node: NodeId) -> bool {
        self.members.get(&node).is_some_and(|member| member.standing == Standing::Voter)
    }

    fn with(&self, standing: Standing) -> impl Iterator<Item = NodeId> + Clone + '_ {
        self.members.iter().filter(move |(_, member)| member.standing == standing).map(|(node, _)| *node)
    }
}
