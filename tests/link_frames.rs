//! No message that a node sends is larger than a frame, whatever its log and its outbox hold.
#![allow(clippy::unwrap_used, missing_docs)]

use bevy_quorum::{
    raft::{
        Ballot, COMMAND_BYTES_MAX, Command, Config, Durable, Effect, Entry, Input, LogIndex, LogTime, MEMBERS_MAX,
        Member, Membership, Message, MessageBody, Moment, Node, NodeId, Payload, Permission, Serial, Standing, Term,
    },
    wire::{FRAME_BYTES_MAX, Frame, FrameBody, Payload as Wire, SessionTag},
};
use bytes::Bytes;
use std::{collections::BTreeMap, time::Duration};

const ME: NodeId = NodeId(u64::MAX);
const TERM: Term = Term((1 << 62) - 1_000);

/// The largest room there can be: this node votes, everybody else listens.
fn crowd() -> Membership {
    let member =
        |standing| Member { standing, permission: Permission::Owner, key: [255; 32], session: LogIndex(u64::MAX) };
    let others = (1..MEMBERS_MAX as u64).map(|n| (NodeId(u64::MAX - n), member(Standing::Learner)));
    Membership { members: others.chain([(ME, member(Standing::Voter))]).collect() }
}

fn command(bytes: usize, serial: u64) -> Payload {
    Payload::Command(Command { author: NodeId(u64::MAX - 1), serial: Serial(serial), body: vec![7; bytes].into() })
}

/// A log with entries of every size, memberships between them, and the most bytes that its numbers can take.
fn log() -> Vec<Entry> {
    let sizes = [0, 1, 1, 30, 200, 999, 1_000, 3_000, COMMAND_BYTES_MAX, COMMAND_BYTES_MAX, COMMAND_BYTES_MAX];
    let mut payloads = vec![Payload::Membership(crowd())];
    for round in 0..60 {
        let size = |place: usize| sizes[(place * (round + 3)) % sizes.len()];
        payloads.extend((0..20).map(|place| command(size(place), (round * 20 + place) as u64 + 1)));
        payloads.push(if round % 2 == 0 { Payload::Membership(crowd()) } else { Payload::Empty });
    }
    payloads.extend((0..2_000).map(|n| command(0, 2_000 + n)));
    let entry =
        |(place, payload)| Entry { term: TERM, index: LogIndex(place as u64 + 1), time: LogTime(u64::MAX), payload };
    payloads.into_iter().enumerate().map(entry).collect()
}

fn frame_bytes(message: Message) -> usize {
    let frame = Frame { tag: SessionTag([255; 8]), body: FrameBody::Payload(Wire::Consensus(message)) };
    frame.encode().unwrap().len()
}

/// Carries out everything the node wants, and says how large its messages are.
fn drain(
    node: &mut Node,
    now: Moment,
    sizes: &mut Vec<usize>,
    mut answer: impl FnMut(&mut Node, NodeId, &MessageBody),
) {
    while let Some(effect) = node.poll() {
        match effect {
            Effect::Persist { id, .. } => node.handle(now, Input::Persisted(id)),
            Effect::Send { to, message } => {
                answer(node, to, &message.body);
                sizes.push(frame_bytes(message));
            }
            Effect::Apply(_) | Effect::Settled { .. } | Effect::Snapshot { .. } | Effect::Restore(_) => {}
            Effect::Read { .. } => unreachable!("nobody reads here"),
        }
    }
}

#[test]
fn every_append_of_the_largest_room_fits_a_frame() {
    let mut now = Moment(u64::MAX / 2);
    let log = log();
    let (last, commit) = (log.len() as u64, LogIndex(1));
    let durable = Durable { ballot: Ballot { term: TERM, vote: Some(ME) }, log, commit, ..Durable::default() };
    let mut node = Node::new(ME, Config::default(), 7, durable, now);
    let (mut sizes, mut matched) = (Vec::new(), LogIndex(0));
    let follower = NodeId(u64::MAX - 1);
    for _ in 0..2_000 {
        now = now + Duration::from_millis(100);
        node.handle(now, Input::Wake);
        let term = node.term();
        let mut answers = Vec::new();
        drain(&mut node, now, &mut sizes, |_, to, body| match body {
            MessageBody::Append { previous, .. }
                if to == follower && matched == LogIndex(0) && previous.index > matched =>
            {
                let hint = Default::default();
                answers.push(MessageBody::Mismatch { hint, sent: now });
            }
            MessageBody::Append { previous, entries, .. } if to == follower && previous.index <= matched => {
                matched = matched.max(LogIndex(previous.index.0 + entries.len() as u64));
                answers.push(MessageBody::Appended { matched });
            }
            MessageBody::Append { .. } | MessageBody::Heartbeat { .. } if to == follower => {
                answers.push(MessageBody::HeartbeatReply {
                    priority: 100,
                    round: 0,
                    sent: now,
                    marked: Default::default(),
                });
            }
            _ => {}
        });
        for body in answers {
            node.handle(now, Input::Receive { from: follower, message: Message { term, body } });
        }
        if matched.0 > last {
            break;
        }
    }
    assert!(matched.0 > last, "the follower has the whole log: {matched} of {last}");
    let largest = *sizes.iter().max().unwrap();
    assert!((12_000..=FRAME_BYTES_MAX).contains(&largest), "{largest} bytes");
}

#[test]
fn every_forward_of_a_full_outbox_fits_a_frame() {
    let mut now = Moment(u64::MAX / 2);
    let (leader, key) = (NodeId(3), [255; 32]);
    let voter = Member { standing: Standing::Voter, permission: Permission::Owner, key, session: LogIndex(1) };
    let membership = Membership { members: BTreeMap::from([(ME, voter), (leader, voter)]) };
    let entry = Entry { term: TERM, index: LogIndex(1), time: LogTime(0), payload: Payload::Membership(membership) };
    let outbox: BTreeMap<_, _> = (0..400)
        .map(|n| {
            (Serial(u64::MAX - 500 + n), Bytes::from(vec![7; [0, 1, 30, 4_000, COMMAND_BYTES_MAX][n as usize % 5]]))
        })
        .collect();
    let last_serial = *outbox.keys().last().unwrap();
    let ballot = Ballot { term: TERM, vote: None };
    let session = Some(LogIndex(1));
    let log = vec![entry];
    let durable = Durable { ballot, log, commit: LogIndex(1), session, outbox, last_serial, ..Durable::default() };
    let mut node = Node::new(ME, Config::default(), 7, durable, now);
    let mut sizes = Vec::new();
    for _ in 0..20 {
        now = now + Duration::from_millis(50);
        let commit = bevy_quorum::raft::LogPosition { term: TERM, index: LogIndex(1) };
        let message =
            Message { term: TERM, body: MessageBody::Heartbeat { commit, round: 0, patience_ms: 400, sent: now } };
        node.handle(now, Input::Receive { from: leader, message });
        drain(&mut node, now, &mut sizes, |_, _, _| {});
    }
    let largest = *sizes.iter().max().unwrap();
    assert!((8_000..=FRAME_BYTES_MAX).contains(&largest), "{largest} bytes");
}
