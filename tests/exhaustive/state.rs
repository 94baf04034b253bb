//! What can be: all machines, what is on its way between them, and what has to be remembered.

use crate::{
    hashed::Hashed,
    invariants::{Broken, Record},
    machine::{Act, Machine},
    network::Network,
};
use bevy_quorum::raft::{LogIndex, MessageBody, Node, NodeId, Payload, RoleKind};
use std::sync::Arc;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    pub machines: Vec<Arc<Hashed<Machine>>>,
    pub network: Network,
    pub record: Arc<Hashed<Record>>,
    pub broken: Option<Broken>,
    pub spent: Spent,
    /// What the last event did.
    pub feat: Option<Feat>,
}

/// The bounds, as far as they are used up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Spent {
    pub silences: u8,
    pub commands: u8,
    pub reads: u8,
    pub changes: u8,
    pub transfers: u8,
}

/// Something worth to be reached that shows in no state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Feat {
    /// A leader overwrites a part of a log.
    Drop,
    /// And a configuration in it.
    DropConfiguration,
    /// A snapshot takes the place of a log.
    Install,
    /// A candidate takes what its log lacks from a voter.
    Borrow,
    /// A follower campaigns as its leader wishes.
    TakeOver,
}

impl Feat {
    /// What an act did to a node.
    pub fn of(act: &Act, before: &Node, after: &Node) -> Option<Self> {
        let Act::Hear(envelope) = act else { return None };
        match &envelope.it.message.body {
            MessageBody::Snapshot { .. } if after.base() > before.base() => Some(Self::Install),
            MessageBody::Lend { .. } if after.position_at(after.last()) > before.position_at(before.last()) => {
                Some(Self::Borrow)
            }
            MessageBody::TimeoutNow { .. } if after.role_kind() == RoleKind::Candidate => Some(Self::TakeOver),
            _ => dropped(before, after),
        }
    }
}

/// What `after` no longer holds of the log of `before`, though it was not cut off.
fn dropped(before: &Node, after: &Node) -> Option<Feat> {
    let entries = (after.base().index.0 + 1..=before.last().0).filter_map(|index| before.entry(LogIndex(index)));
    let mut dropped = entries.filter(|entry| after.entry(entry.index) != Some(*entry)).peekable();
    dropped.peek()?;
    let configuration = dropped.any(|entry| matches!(entry.payload, Payload::Membership(_)));
    Some(if configuration { Feat::DropConfiguration } else { Feat::Drop })
}

impl State {
    pub fn new(machines: Vec<Arc<Hashed<Machine>>>) -> Self {
        Self {
            machines,
            network: Network::default(),
            record: Hashed::new(Record::default()),
            broken: None,
            spent: Spent::default(),
            feat: None,
        }
    }

    /// The history is over: nothing is on its way, and no bound is used up.
    pub fn begin(&mut self) {
        self.network.lose_everything();
        self.spent = Spent::default();
        self.feat = None;
    }

    /// Looks whether all is well after something happened at one machine.
    pub fn inspect(&mut self, at: usize) {
        let mut record = self.record.it.clone();
        let machines: Vec<&Machine> = self.machines.iter().map(|machine| &machine.it).collect();
        self.broken = record.inspect(&machines, at).err();
        if record != self.record.it {
            self.record = Hashed::new(record);
        }
    }

    pub fn id(&self, at: usize) -> NodeId {
        self.node(at).id()
    }

    pub fn node(&self, at: usize) -> &Node {
        &self.machines[at].it.node
    }

    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.machines.iter().map(|machine| &machine.it.node)
    }

    pub fn leads(&self, at: usize) -> bool {
        self.node(at).role_kind() == RoleKind::Leader
    }

    pub fn leaders(&self) -> impl Iterator<Item = &Node> {
        self.nodes().filter(|node| node.role_kind() == RoleKind::Leader)
    }
}
