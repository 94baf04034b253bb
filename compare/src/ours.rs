//! bevy_quorum's core, as it ships.

use crate::{machine::Machine, stepped::Participant};
use bevy_quorum::{
    raft::{
        Ballot, Config, Durable, Effect, Entry, Input, LogIndex, LogTime, Member, Membership, Message, Moment, Node,
        NodeId, Payload, Permission, RoleKind, Standing, Term,
    },
    wire::{FRAME_BYTES_MAX, Frame, FrameBody, Payload as Content, SessionTag},
};
use std::time::Duration;

pub struct Ours {
    node: Node,
    now: Moment,
    machine: Machine,
}

impl Participant for Ours {
    const NAME: &'static str = "core";
    const SETTINGS: &'static [()] = &[()];
    type Settings = ();
    type Message = Message;

    fn group(nodes: usize, (): ()) -> Vec<Self> {
        let durable = founded(nodes);
        let node = |place| {
            let node = Node::new(id(place), Config::default(), 7, durable.clone(), Moment::ZERO);
            Self { node, now: Moment::ZERO, machine: Machine::default() }
        };
        (0..nodes).map(node).collect()
    }

    fn pass_time(&mut self, now: Duration) {
        self.now = Moment::ZERO + now;
        if self.node.deadline() <= self.now {
            self.node.handle(self.now, Input::Wake);
        }
    }

    fn receive(&mut self, from: usize, message: Message) {
        self.node.handle(self.now, Input::Receive { from: id(from), message });
    }

    fn propose(&mut self, body: Vec<u8>) {
        self.node.propose(self.now, body.into()).expect("the outbox has room");
    }

    fn work(&mut self, sent: &mut Vec<(usize, Message)>) {
        while let Some(effect) = self.node.poll() {
            match effect {
                // The log is in the node, and the store is as instant as memory.
                Effect::Persist { id, .. } => self.node.handle(self.now, Input::Persisted(id)),
                Effect::Send { to, message } => sent.push((place(to), message)),
                Effect::Apply(batch) => batch.commands().for_each(|command| self.machine.apply(&command.body)),
                other => unreachable!("nobody asked for {other:?}"),
            }
        }
    }

    fn leads(&self) -> bool {
        self.node.role_kind() == RoleKind::Leader
    }

    fn machine(&self) -> &Machine {
        &self.machine
    }

    fn encode(message: Message) -> Vec<u8> {
        let body = FrameBody::Payload(Content::Consensus(message));
        Frame { tag: SessionTag([7; 8]), body }.encode().expect("a message fits a frame").to_vec()
    }

    fn decode(bytes: &[u8]) -> Message {
        match Frame::decode(bytes, FRAME_BYTES_MAX).expect("just encoded").body {
            FrameBody::Payload(Content::Consensus(message)) => message,
            other => unreachable!("a message became {other:?}"),
        }
    }
}

fn id(place: usize) -> NodeId {
    NodeId(place as u64 + 1)
}

fn place(id: NodeId) -> usize {
    usize::try_from(id.0 - 1).expect("a place")
}

/// The state of a room that has these members and nothing else.
fn founded(nodes: usize) -> Durable {
    let member =
        Member { standing: Standing::Voter, permission: Permission::Owner, key: [0; 32], session: LogIndex(1) };
    let membership = Membership { members: (0..nodes).map(|place| (id(place), member)).collect() };
    let entry = Entry { term: Term(1), index: LogIndex(1), time: LogTime(0), payload: Payload::Membership(membership) };
    Durable {
        ballot: Ballot { term: Term(1), vote: None },
        log: vec![entry],
        commit: LogIndex(1),
        ..Durable::default()
    }
}
