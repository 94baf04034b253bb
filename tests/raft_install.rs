//! How a snapshot is taken over, told message by message.

mod lab;

use bevy_quorum::raft::{
    Config, Durable, Effect, Entry, Input, LogIndex, LogPosition, Message, MessageBody, Moment, Node, NodeId, Serial,
    Snapshot, Term,
};
use bytes::Bytes;
use lab::{A, B, Lab, append, at, command, entry, heartbeat, snapshot, three};
use std::sync::Arc;

const CHUNK: usize = 1_000;

/// One of three voters, in term 2, with entries of these terms after the first.
fn of_three(terms: &[u64]) -> Lab {
    let config = Config { makes_snapshots: true, append_bytes_max: CHUNK, tail_bytes: 0, ..Config::default() };
    Lab::on(config, three(terms, 2), Moment::ZERO)
}

/// What a snapshot is sent as.
fn chunks(snapshot: &Snapshot) -> Vec<MessageBody> {
    let bytes = lab::image(snapshot);
    let part = |offset: usize| MessageBody::Snapshot {
        mark: snapshot.position,
        digest: snapshot.digest(),
        total: bytes.len() as u64,
        offset: offset as u64,
        bytes: bytes.slice(offset..bytes.len().min(offset + CHUNK)),
        sent: Moment::ZERO,
    };
    (0..bytes.len()).step_by(CHUNK).map(part).collect()
}

fn hear_all(lab: &mut Lab, from: NodeId, term: u64, bodies: &[MessageBody]) -> Vec<MessageBody> {
    bodies.iter().flat_map(|body| lab.answers(from, term, body.clone())).collect()
}

fn append_after(lab: &mut Lab, previous: LogPosition, entries: Vec<Entry>, commit: u64) -> Vec<MessageBody> {
    let term = lab.node.term().0;
    lab.answers(A, term, append(previous, entries, commit))
}

fn received(answers: &[MessageBody]) -> Vec<u64> {
    let received = |answer: &MessageBody| match answer {
        MessageBody::SnapshotReceived { received, .. } => Some(*received),
        _ => None,
    };
    answers.iter().filter_map(received).collect()
}

fn matched(answers: &[MessageBody]) -> Vec<u64> {
    let matched = |answer: &MessageBody| match answer {
        MessageBody::Appended { matched } => Some(matched.0),
        _ => None,
    };
    answers.iter().filter_map(matched).collect()
}

#[test]
fn a_snapshot_is_taken_over_once_all_of_it_is_there() {
    let (mut lab, snapshot) = (of_three(&[]), snapshot(at(2, 50), 3, &[7; 4_500]));
    let chunks = chunks(&snapshot);
    let (last, before) = chunks.split_last().expect("it has chunks");
    let answers = hear_all(&mut lab, A, 2, before);
    assert_eq!(received(&answers), [1_000, 2_000, 3_000, 4_000]);
    assert!(lab.restored.is_empty());
    let answers = lab.answers(A, 2, last.clone());
    assert_eq!(lab.restored, [Arc::new(snapshot.clone())]);
    assert_eq!(matched(&answers).last(), Some(&50));
    assert_eq!((lab.node.commit(), lab.node.base(), lab.node.last()), (LogIndex(50), at(2, 50), LogIndex(50)));
    // The log goes on behind it.
    assert_eq!(matched(&append_after(&mut lab, at(2, 50), vec![entry(2, 51)], 51)), [51]);
}

#[test]
fn chunks_may_come_in_any_order_and_twice() {
    let (mut lab, snapshot) = (of_three(&[]), snapshot(at(2, 50), 3, &[7; 4_500]));
    let chunks = chunks(&snapshot);
    for place in [3, 1, 1, 0, 3, 4] {
        lab.answers(A, 2, chunks[place].clone());
        assert!(lab.restored.is_empty());
    }
    let answers = lab.answers(A, 2, chunks[2].clone());
    assert_eq!(lab.restored, [Arc::new(snapshot)]);
    assert_eq!(received(&answers).len(), 1);
}

#[test]
fn what_is_missing_is_named() {
    let (mut lab, snapshot) = (of_three(&[]), snapshot(at(2, 50), 3, &[7; 6_500]));
    let chunks = chunks(&snapshot);
    hear_all(&mut lab, A, 2, &[chunks[0].clone(), chunks[2].clone()]);
    let answers = lab.answers(A, 2, chunks[5].clone());
    let MessageBody::SnapshotReceived { received, missing, .. } = &answers[0] else { panic!("{answers:?}") };
    assert_eq!((*received, &missing[..]), (1_000, &[1_000..2_000, 3_000..5_000][..]));
}

#[test]
fn another_leader_goes_on_where_the_last_one_stopped() {
    let (mut lab, snapshot) = (of_three(&[]), snapshot(at(2, 50), 3, &[7; 4_500]));
    let chunks = chunks(&snapshot);
    hear_all(&mut lab, A, 2, &chunks[..3]);
    assert_eq!(received(&lab.answers(B, 3, chunks[0].clone())), [3_000]);
    hear_all(&mut lab, B, 3, &chunks[3..]);
    assert_eq!(lab.restored, [Arc::new(snapshot)]);
}

#[test]
fn a_newer_snapshot_takes_the_place_of_what_has_come_of_an_older_one() {
    let (old, new) = (snapshot(at(2, 50), 3, &[7; 4_500]), snapshot(at(2, 80), 3, &[8; 4_500]));
    let mut lab = of_three(&[]);
    hear_all(&mut lab, A, 2, &chunks(&old)[..3]);
    assert_eq!(received(&lab.answers(A, 2, chunks(&new)[0].clone())), [1_000]);
    // What was on its way of the older one changes nothing.
    assert!(hear_all(&mut lab, A, 2, &chunks(&old)).is_empty());
    hear_all(&mut lab, A, 2, &chunks(&new)[1..]);
    assert_eq!(lab.restored, [Arc::new(new)]);
    // A leader that has only the older one may send that.
    let mut lab = of_three(&[]);
    lab.answers(A, 2, chunks(&snapshot(at(2, 80), 3, &[8; 4_500]))[0].clone());
    hear_all(&mut lab, B, 3, &chunks(&old));
    assert_eq!(lab.restored, [Arc::new(old)]);
}

#[test]
fn bytes_that_are_not_what_was_announced_are_dropped() {
    let (mut lab, snapshot) = (of_three(&[]), snapshot(at(2, 50), 3, &[7; 2_500]));
    let mut wrong = chunks(&snapshot);
    if let MessageBody::Snapshot { bytes, .. } = &mut wrong[1] {
        *bytes = vec![9; bytes.len()].into();
    }
    hear_all(&mut lab, A, 2, &wrong);
    assert!(lab.restored.is_empty());
    assert_eq!((lab.node.commit(), lab.node.ignored()), (LogIndex(1), 1));
    // It begins anew.
    hear_all(&mut lab, A, 2, &chunks(&snapshot));
    assert_eq!(lab.restored, [Arc::new(snapshot)]);
}

#[test]
fn announcements_beyond_all_bounds_are_ignored() {
    let snapshot = snapshot(at(2, 50), 3, b"x");
    let body = |total, offset| {
        let (mark, digest) = (snapshot.position, snapshot.digest());
        MessageBody::Snapshot { mark, digest, total, offset, bytes: "x".into(), sent: Moment::ZERO }
    };
    let mut lab = of_three(&[]);
    assert!(lab.answers(A, 2, body(u64::MAX, 0)).is_empty());
    assert_eq!(received(&lab.answers(A, 2, body(10, u64::MAX))), [0]);
    assert_eq!(received(&lab.answers(A, 2, body(10, 10))), [0]);
    assert_eq!(lab.node.ignored(), 1);
}

#[test]
fn a_snapshot_of_what_is_committed_is_not_taken_but_acknowledged() {
    let mut lab = of_three(&[2, 2, 2, 2]);
    append_after(&mut lab, at(2, 5), Vec::new(), 5);
    for mark in [at(2, 4), at(2, 5)] {
        let answers = hear_all(&mut lab, A, 2, &chunks(&snapshot(mark, 3, b"old")));
        // The word of it may have been lost: the leader learns that it needn't send more.
        assert_eq!(matched(&answers), [5], "{mark:?}");
    }
    assert!(lab.restored.is_empty());
    assert_eq!((lab.node.base(), lab.node.last()), (at(0, 0), LogIndex(5)));
}

#[test]
fn of_a_log_that_holds_the_mark_the_tail_is_kept() {
    let mut lab = of_three(&[2, 2, 2, 2, 2]);
    hear_all(&mut lab, A, 2, &chunks(&snapshot(at(2, 4), 2, b"state")));
    assert_eq!((lab.node.base(), lab.node.last(), lab.node.commit()), (at(2, 4), LogIndex(6), LogIndex(4)));
    let write = lab.writes.last().expect("it was stored");
    assert_eq!((write.truncate_from, write.compact, write.commit), (None, Some(at(2, 4)), Some(LogIndex(4))));
}

#[test]
fn of_a_log_that_does_not_hold_the_mark_everything_uncommitted_goes() {
    let mut lab = of_three(&[2, 2, 2, 2, 2]);
    lab.answers(A, 3, heartbeat(at(1, 1)));
    hear_all(&mut lab, A, 3, &chunks(&snapshot(at(3, 4), 2, b"state")));
    assert_eq!((lab.node.base(), lab.node.last(), lab.node.commit()), (at(3, 4), LogIndex(4), LogIndex(4)));
    let write = lab.writes.last().expect("it was stored");
    assert_eq!((write.truncate_from, write.compact), (Some(LogIndex(2)), Some(at(3, 4))));
}

#[test]
fn a_snapshot_is_acknowledged_once_it_is_durable() {
    let mut lab = of_three(&[]);
    lab.held = Some(Vec::new());
    let answers = hear_all(&mut lab, A, 2, &chunks(&snapshot(at(2, 50), 3, b"state")));
    assert!(received(&answers).len() == 1 && !matched(&answers).contains(&50));
    let id = lab.held.take().and_then(|held| held.last().copied()).expect("it is being written");
    lab.sent.clear();
    lab.input(Input::Persisted(id));
    assert_eq!(matched(&lab.sent.iter().map(|(_, message)| message.body.clone()).collect::<Vec<_>>()), [50]);
}

#[test]
fn a_vote_with_the_log_of_a_snapshot_waits_until_that_is_durable() {
    let mut lab = of_three(&[]);
    lab.held = Some(Vec::new());
    hear_all(&mut lab, A, 2, &chunks(&snapshot(at(2, 50), 3, b"state")));
    let last = lab.node.last();
    assert_eq!(last, LogIndex(50));
    lab.answers(A, 2, MessageBody::TimeoutNow { last: at(2, 50) });
    let asks = |lab: &Lab| lab.sent.iter().any(|(_, message)| matches!(message.body, MessageBody::Vote { .. }));
    assert!(!asks(&lab));
    while let Some(id) = lab.held.as_mut().and_then(Vec::pop) {
        lab.input(Input::Persisted(id));
    }
    assert!(asks(&lab));
}

#[test]
fn whose_commands_were_carried_out_is_inside() {
    let mut lab = of_three(&[]);
    hear_all(&mut lab, A, 2, &chunks(&snapshot(at(2, 50), 3, b"state")));
    let entries = [3, 4, 1, 6, 5].into_iter().zip(51..).map(|(serial, index)| command(2, index, serial));
    append_after(&mut lab, at(2, 50), entries.collect(), 55);
    assert_eq!(lab.serials(), [4, 5]);
}

#[test]
fn own_commands_that_a_snapshot_has_the_effects_of_wait_no_longer() {
    // As if this node were the author of the commands inside.
    let inside = snapshot(at(2, 50), 3, b"state");
    let config = Config { makes_snapshots: true, ..Config::default() };
    let outbox = (1..=5).map(|serial| (Serial(serial), Bytes::new())).collect();
    let durable = Durable { outbox, last_serial: Serial(5), session: Some(LogIndex(1)), ..three(&[], 2) };
    let mut node = Node::new(A, config, 1, durable.clone(), Moment::ZERO);
    let mut settled = None;
    for body in chunks(&inside) {
        node.handle(Moment::ZERO, Input::Receive { from: B, message: Message { term: Term(2), body } });
        while let Some(effect) = node.poll() {
            if let Effect::Persist { id, write } = effect {
                settled = settled.or(write.outbox_settled);
                node.handle(Moment::ZERO, Input::Persisted(id));
            }
        }
    }
    assert_eq!((node.waiting(), settled), (2, Some(Serial(3))));
    // The same for who finds a snapshot in its store.
    let position = inside.position;
    let stored = Durable {
        base: position,
        commit: position.index,
        log: Vec::new(),
        snapshot: Some(Arc::new(inside)),
        ..durable
    };
    assert_eq!(Node::new(A, Config::default(), 1, stored, Moment::ZERO).waiting(), 2);
}

#[test]
fn an_append_that_begins_before_the_log_joins_it() {
    let mut lab = of_three(&[]);
    hear_all(&mut lab, A, 2, &chunks(&snapshot(at(2, 50), 3, b"state")));
    let entries: Vec<Entry> = (45..=53).map(|index| entry(2, index)).collect();
    assert_eq!(matched(&append_after(&mut lab, at(2, 44), entries.clone(), 52)), [53]);
    assert_eq!((lab.node.last(), lab.node.commit()), (LogIndex(53), LogIndex(52)));
    // One that ends before it proves what is committed anyway.
    assert_eq!(matched(&append_after(&mut lab, at(2, 10), entries[..1].to_vec(), 0)), Vec::<u64>::new());
    assert_eq!(matched(&append_after(&mut lab, at(2, 44), entries[..3].to_vec(), 52)), [53]);
}
