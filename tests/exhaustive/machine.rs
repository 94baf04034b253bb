//! One computer of the model: a node, its disk, the one write that is between them, and a game that counts.

use crate::{hashed::Hashed, network::Envelope};
use bevy_quorum::{
    playtest::absorb,
    raft::{
        Command, Config, Durable, Effect, Input, Joiner, LogIndex, Marked, Message, MessageBody, Moment, Node, NodeId,
        PRIORITY_DEFAULT, Permission, ReadId, Serial, Snapshot, Standing, Write, WriteId,
    },
};
use bytes::Bytes;
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// By how much a clock jumps: further than any patience reaches.
const LONG: Duration = Duration::from_secs(60);

/// What a step of a machine gives to the others.
pub type Sent = Vec<(NodeId, Message)>;

/// A node that runs, and what would survive if it stopped.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Machine {
    pub node: Node,
    pub disk: Durable,
    /// Handed to the disk, not durable yet. The core has one write under way at a time.
    pub writing: Option<(WriteId, Write)>,
    /// What was committed anywhere when it began to read.
    pub reading: Option<LogIndex>,
    /// How a read ended in the last step: whether it saw all that.
    pub read: Option<bool>,
    clock: Moment,
    /// The last command of each author that is carried out in its state.
    carried_out: BTreeMap<NodeId, Serial>,
}

/// What can happen at a machine.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Act {
    /// A message arrives.
    Hear(Arc<Hashed<Envelope>>),
    /// A timer fires.
    Wake,
    /// All whom it sounds out would vote for it.
    Encourage,
    /// All others refuse a candidate their votes.
    Refuse,
    /// A member says that it is there.
    Notice(NodeId),
    /// A write becomes durable.
    Sync,
    /// It stops without a word, loses what is not durable, and starts again.
    Crash,
    /// Time passes here, longer than its patience with anybody, and nothing is heard meanwhile.
    Outwait,
    /// It gets a command.
    Propose,
    /// It is asked for a read, when so much is known committed anywhere.
    Read(LogIndex),
    /// It is asked to give this member a vote, or to take it.
    Turn(NodeId),
    /// It is asked to hand over to this member.
    HandOver(NodeId),
    /// It is linked with another that may be let in.
    Meet(NodeId),
}

impl Machine {
    pub fn new(id: NodeId, config: &Config, disk: Durable) -> Self {
        let node = Node::new(id, config.clone(), 0, disk.clone(), Moment::ZERO);
        let mut machine = Self {
            node,
            disk,
            writing: None,
            reading: None,
            read: None,
            clock: Moment::ZERO,
            carried_out: BTreeMap::new(),
        };
        machine.settle();
        machine
    }

    /// Lets something happen here. None if it can't.
    pub fn act(&mut self, act: &Act, config: &Config) -> Option<Sent> {
        match act {
            Act::Hear(envelope) => Some(self.hear(envelope.it.from, envelope.it.message.clone())),
            Act::Wake => Some(self.input(Input::Wake)),
            Act::Encourage => {
                let asked = self.node.term().next();
                let body = MessageBody::PreVoteReply { asked, granted: true, ahead: None };
                Some(self.hear_voters(&Message { term: asked, body }))
            }
            Act::Refuse => {
                let (term, body) = (self.node.term(), MessageBody::VoteReply { granted: false });
                Some(self.hear_voters(&Message { term, body }))
            }
            Act::Notice(from) => Some(self.notice(*from, config)),
            Act::Sync => self.sync(),
            Act::Crash => Some(self.crash(config)),
            Act::Outwait => {
                self.clock = self.clock + LONG;
                Some(Sent::new())
            }
            Act::Propose => {
                self.node.propose(self.clock, "x".into()).ok()?;
                Some(self.settle())
            }
            Act::Read(committed) => {
                self.node.read(self.clock, ReadId(1)).ok()?;
                self.reading = Some(*committed);
                Some(self.settle())
            }
            Act::Turn(whom) => self.turn(*whom),
            Act::HandOver(to) => Some(self.input(Input::Transfer { to: Some(*to) })),
            Act::Meet(node) => {
                let joiner = Joiner { node: *node, key: [0; 32], permission: Permission::Editor };
                Some(self.input(Input::Linked(joiner)))
            }
        }
    }

    /// Whether it has carried out any command.
    pub fn has_carried_out(&self) -> bool {
        !self.carried_out.is_empty()
    }

    fn input(&mut self, input: Input) -> Sent {
        self.node.handle(self.clock, input);
        self.settle()
    }

    fn hear(&mut self, from: NodeId, message: Message) -> Sent {
        self.input(Input::Receive { from, message })
    }

    /// All other voters say the same.
    fn hear_voters(&mut self, message: &Message) -> Sent {
        let voters: Vec<NodeId> = self.node.membership().voters().filter(|voter| *voter != self.node.id()).collect();
        voters.into_iter().flat_map(|voter| self.hear(voter, message.clone())).collect()
    }

    fn notice(&mut self, from: NodeId, config: &Config) -> Sent {
        let marked = Marked { makes: config.makes_snapshots, ..Marked::default() };
        let body = MessageBody::HeartbeatReply { round: 0, priority: PRIORITY_DEFAULT, sent: self.clock, marked };
        self.hear(from, Message { term: self.node.term(), body })
    }

    fn sync(&mut self) -> Option<Sent> {
        let (id, write) = self.writing.take()?;
        absorb(&mut self.disk, write);
        Some(self.input(Input::Persisted(id)))
    }

    fn crash(&mut self, config: &Config) -> Sent {
        (self.writing, self.reading) = (None, None);
        self.carried_out.clear();
        self.node = Node::new(self.node.id(), config.clone(), 0, self.disk.clone(), self.clock);
        self.settle()
    }

    fn turn(&mut self, whom: NodeId) -> Option<Sent> {
        let mut membership = self.node.membership().clone();
        let member = membership.members.get_mut(&whom)?;
        member.standing = match member.standing {
            Standing::Voter => Standing::Learner,
            Standing::Learner => Standing::Voter,
        };
        self.node.change(membership).ok()?;
        Some(self.settle())
    }

    /// Does what the node wants done, until it wants nothing more.
    fn settle(&mut self) -> Sent {
        let mut sent = Sent::new();
        while let Some(effect) = self.node.poll() {
            match effect {
                Effect::Persist { id, write } => {
                    assert!(self.writing.is_none(), "one write is under way at a time");
                    self.writing = Some((id, write));
                }
                Effect::Send { to, message } => sent.push((to, message)),
                Effect::Apply(batch) => batch.commands().for_each(|command| self.carry_out(command)),
                Effect::Snapshot { position } => {
                    let input = Input::Snapshotted { index: position.index, state: self.state() };
                    self.node.handle(self.clock, input);
                }
                Effect::Restore(snapshot) => self.restore(&snapshot),
                Effect::Read { outcome, .. } => {
                    let committed = self.reading.take().expect("somebody asked");
                    self.read = outcome.ok().map(|_| self.node.applied() >= committed);
                }
                Effect::Settled { .. } => {}
            }
        }
        self.node.forget_counts();
        sent
    }

    fn carry_out(&mut self, command: &Command) {
        let last = self.carried_out.entry(command.author).or_default();
        assert_eq!(command.serial, last.next(), "each command once, in its author's order");
        *last = command.serial;
    }

    fn state(&self) -> Bytes {
        let pairs = self.carried_out.iter().map(|(author, serial)| [author.0.to_le_bytes(), serial.0.to_le_bytes()]);
        pairs.flatten().flatten().collect()
    }

    fn restore(&mut self, snapshot: &Snapshot) {
        let numbers = snapshot.state.chunks_exact(8).map(|bytes| u64::from_le_bytes(bytes.try_into().expect("eight")));
        let numbers: Vec<u64> = numbers.collect();
        self.carried_out = numbers.chunks_exact(2).map(|pair| (NodeId(pair[0]), Serial(pair[1]))).collect();
    }
}
