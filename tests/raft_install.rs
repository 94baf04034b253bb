//! How a snapshot is taken over, told message by message.
#![cfg(feature = "playtest")]

#[path = "mutants/stories/mod.rs"]
mod stories;

use bevy_quorum::raft::{
    Ballot, Config, Durable, Effect, Entry, Input, LogIndex, Marked, Message, MessageBody, Moment, Node, NodeId,
    Serial, Term,
};
use bytes::Bytes;
use std::{sync::Arc, time::Duration};
use stories::{
    install::{self, CHUNK, Lab, chunks, command, first, matched, received, snapshot},
    lab::{A, B, at, entry},
};

#[test]
fn a_snapshot_is_taken_over_once_all_of_it_is_there() {
    let (mut lab, snapshot) = (Lab::new(&[]), snapshot(at(2, 50), 3, &[7; 4_500]));
    let chunks = chunks(&snapshot);
    let (last, before) = chunks.split_last().expect("it has chunks");
    let answers = lab.hear_all(A, 2, before);
    assert_eq!(received(&answers), [1_000, 2_000, 3_000, 4_000]);
    assert!(lab.restored.is_empty());
    let answers = lab.hear(A, 2, last.clone());
    assert_eq!(lab.restored, [Arc::new(snapshot.clone())]);
    assert_eq!(matched(&answers).last(), Some(&50));
    assert_eq!((lab.node.commit(), lab.node.base(), lab.node.last()), (LogIndex(50), at(2, 50), LogIndex(50)));
    // The log goes on behind it.
    assert_eq!(matched(&lab.append_after(at(2, 50), vec![entry(2, 51)], 51)), [51]);
}

#[test]
fn chunks_may_come_in_any_order_and_twice() {
    let (mut lab, snapshot) = (Lab::new(&[]), snapshot(at(2, 50), 3, &[7; 4_500]));
    let chunks = chunks(&snapshot);
    for place in [3, 1, 1, 0, 3, 4] {
        lab.hear(A, 2, chunks[place].clone());
        assert!(lab.restored.is_empty());
    }
    let answers = lab.hear(A, 2, chunks[2].clone());
    assert_eq!(lab.restored, [Arc::new(snapshot)]);
    assert_eq!(received(&answers).len(), 1);
}

#[test]
fn what_is_missing_is_named() {
    let (mut lab, snapshot) = (Lab::new(&[]), snapshot(at(2, 50), 3, &[7; 6_500]));
    let chunks = chunks(&snapshot);
    lab.hear_all(A, 2, &[chunks[0].clone(), chunks[2].clone()]);
    let answers = lab.hear(A, 2, chunks[5].clone());
    let MessageBody::SnapshotReceived { received, missing, .. } = &answers[0] else { panic!("{answers:?}") };
    assert_eq!((*received, &missing[..]), (1_000, &[1_000..2_000, 3_000..5_000][..]));
}

#[test]
fn another_leader_goes_on_where_the_last_one_stopped() {
    let (mut lab, snapshot) = (Lab::new(&[]), snapshot(at(2, 50), 3, &[7; 4_500]));
    let chunks = chunks(&snapshot);
    lab.hear_all(A, 2, &chunks[..3]);
    assert_eq!(received(&lab.hear(B, 3, chunks[0].clone())), [3_000]);
    lab.hear_all(B, 3, &chunks[3..]);
    assert_eq!(lab.restored, [Arc::new(snapshot)]);
}

#[test]
fn a_newer_snapshot_takes_the_place_of_what_has_come_of_an_older_one() {
    let (old, new) = (snapshot(at(2, 50), 3, &[7; 4_500]), snapshot(at(2, 80), 3, &[8; 4_500]));
    let mut lab = Lab::new(&[]);
    lab.hear_all(A, 2, &chunks(&old)[..3]);
    assert_eq!(received(&lab.hear(A, 2, chunks(&new)[0].clone())), [1_000]);
    // What was on its way of the older one changes nothing.
    assert!(lab.hear_all(A, 2, &chunks(&old)).is_empty());
    lab.hear_all(A, 2, &chunks(&new)[1..]);
    assert_eq!(lab.restored, [Arc::new(new)]);
    // A leader that has only the older one may send that.
    let mut lab = Lab::new(&[]);
    lab.hear(A, 2, chunks(&snapshot(at(2, 80), 3, &[8; 4_500]))[0].clone());
    lab.hear_all(B, 3, &chunks(&old));
    assert_eq!(lab.restored, [Arc::new(old)]);
}

#[test]
fn bytes_that_are_not_what_was_announced_are_dropped() {
    let (mut lab, snapshot) = (Lab::new(&[]), snapshot(at(2, 50), 3, &[7; 2_500]));
    let mut wrong = chunks(&snapshot);
    if let MessageBody::Snapshot { bytes, .. } = &mut wrong[1] {
        *bytes = vec![9; bytes.len()].into();
    }
    lab.hear_all(A, 2, &wrong);
    assert!(lab.restored.is_empty());
    assert_eq!((lab.node.commit(), lab.node.ignored()), (LogIndex(1), 1));
    // It begins anew.
    lab.hear_all(A, 2, &chunks(&snapshot));
    assert_eq!(lab.restored, [Arc::new(snapshot)]);
}

#[test]
fn announcements_beyond_all_bounds_are_ignored() {
    let snapshot = snapshot(at(2, 50), 3, b"x");
    let body = |total, offset| {
        let (mark, digest) = (snapshot.position, snapshot.digest());
        MessageBody::Snapshot { mark, digest, total, offset, bytes: "x".into(), sent: Moment::ZERO }
    };
    let mut lab = Lab::new(&[]);
    assert!(lab.hear(A, 2, body(u64::MAX, 0)).is_empty());
    assert_eq!(received(&lab.hear(A, 2, body(10, u64::MAX))), [0]);
    assert_eq!(received(&lab.hear(A, 2, body(10, 10))), [0]);
    assert_eq!(lab.node.ignored(), 1);
}

#[test]
fn a_snapshot_of_what_is_committed_is_not_taken_but_acknowledged() {
    let mut lab = Lab::new(&[2, 2, 2, 2]);
    lab.append_after(at(2, 5), Vec::new(), 5);
    for mark in [at(2, 4), at(2, 5)] {
        let answers = lab.hear_all(A, 2, &chunks(&snapshot(mark, 3, b"old")));
        // The word of it may have been lost: the leader learns that it needn't send more.
        assert_eq!(matched(&answers), [5], "{mark:?}");
    }
    assert!(lab.restored.is_empty());
    assert_eq!((lab.node.base(), lab.node.last()), (at(0, 0), LogIndex(5)));
}

#[test]
fn of_a_log_that_holds_the_mark_the_tail_is_kept() {
    let mut lab = Lab::new(&[2, 2, 2, 2, 2]);
    lab.hear_all(A, 2, &chunks(&snapshot(at(2, 4), 2, b"state")));
    assert_eq!((lab.node.base(), lab.node.last(), lab.node.commit()), (at(2, 4), LogIndex(6), LogIndex(4)));
    let write = lab.writes.last().expect("it was stored");
    assert_eq!((write.truncate_from, write.compact, write.commit), (None, Some(at(2, 4)), Some(LogIndex(4))));
}

#[test]
fn what_stands_behind_another_entry_than_the_mark_goes_too() {
    assert!(install::of_a_log_that_does_not_hold_the_mark_everything_uncommitted_goes(None));
}

#[test]
fn of_a_log_that_does_not_hold_the_mark_everything_uncommitted_goes() {
    let mut lab = Lab::new(&[2, 2, 2, 2, 2]);
    lab.hear(A, 3, MessageBody::Heartbeat { commit: at(1, 1), round: 0, patience_ms: 400, sent: Moment::ZERO });
    lab.hear_all(A, 3, &chunks(&snapshot(at(3, 4), 2, b"state")));
    assert_eq!((lab.node.base(), lab.node.last(), lab.node.commit()), (at(3, 4), LogIndex(4), LogIndex(4)));
    let write = lab.writes.last().expect("it was stored");
    assert_eq!((write.truncate_from, write.compact), (Some(LogIndex(2)), Some(at(3, 4))));
}

#[test]
fn a_snapshot_is_acknowledged_once_it_is_durable() {
    let mut lab = Lab::new(&[]);
    lab.held = Some(Vec::new());
    let answers = lab.hear_all(A, 2, &chunks(&snapshot(at(2, 50), 3, b"state")));
    assert!(received(&answers).len() == 1 && !matched(&answers).contains(&50));
    let id = lab.held.take().and_then(|held| held.last().copied()).expect("it is being written");
    lab.sent.clear();
    lab.input(Input::Persisted(id));
    assert_eq!(matched(&lab.sent.iter().map(|(_, message)| message.body.clone()).collect::<Vec<_>>()), [50]);
}

#[test]
fn a_vote_with_the_log_of_a_snapshot_waits_until_that_is_durable() {
    let mut lab = Lab::new(&[]);
    lab.held = Some(Vec::new());
    lab.hear_all(A, 2, &chunks(&snapshot(at(2, 50), 3, b"state")));
    let last = lab.node.last();
    assert_eq!(last, LogIndex(50));
    lab.hear(A, 2, MessageBody::TimeoutNow { last: at(2, 50) });
    let asks = |lab: &Lab| lab.sent.iter().any(|(_, message)| matches!(message.body, MessageBody::Vote { .. }));
    assert!(!asks(&lab));
    while let Some(id) = lab.held.as_mut().and_then(Vec::pop) {
        lab.input(Input::Persisted(id));
    }
    assert!(asks(&lab));
}

#[test]
fn whose_commands_were_carried_out_is_inside() {
    let mut lab = Lab::new(&[]);
    lab.hear_all(A, 2, &chunks(&snapshot(at(2, 50), 3, b"state")));
    let entries = [3, 4, 1, 6, 5].into_iter().zip(51..).map(|(serial, index)| command(2, index, serial));
    lab.append_after(at(2, 50), entries.collect(), 55);
    assert_eq!(lab.applied, [Serial(4), Serial(5)]);
}

#[test]
fn own_commands_that_a_snapshot_has_the_effects_of_wait_no_longer() {
    // As if this node were the author of the commands inside.
    let inside = snapshot(at(2, 50), 3, b"state");
    let config = Config { makes_snapshots: true, ..Config::default() };
    let outbox = (1..=5).map(|serial| (Serial(serial), Bytes::new())).collect();
    let durable = Durable {
        ballot: Ballot { term: Term(2), vote: None },
        log: vec![first()],
        commit: LogIndex(1),
        outbox,
        last_serial: Serial(5),
        session: Some(LogIndex(1)),
        ..Durable::default()
    };
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
    let mut lab = Lab::new(&[]);
    lab.hear_all(A, 2, &chunks(&snapshot(at(2, 50), 3, b"state")));
    let entries: Vec<Entry> = (45..=53).map(|index| entry(2, index)).collect();
    assert_eq!(matched(&lab.append_after(at(2, 44), entries.clone(), 52)), [53]);
    assert_eq!((lab.node.last(), lab.node.commit()), (LogIndex(53), LogIndex(52)));
    // One that ends before it proves what is committed anyway.
    assert_eq!(matched(&lab.append_after(at(2, 10), entries[..1].to_vec(), 0)), Vec::<u64>::new());
    assert_eq!(matched(&lab.append_after(at(2, 44), entries[..3].to_vec(), 52)), [53]);
}

/// A leader whose log begins after entry 50, and which has a snapshot of so many bytes.
fn leader_of_a_cut_log(bytes: usize) -> Lab {
    let snapshot = snapshot(at(2, 50), 3, &vec![7; bytes]);
    let durable = Durable {
        ballot: Ballot { term: Term(2), vote: None },
        base: snapshot.position,
        log: vec![entry(2, 51)],
        commit: LogIndex(51),
        snapshot: Some(Arc::new(snapshot)),
        ..Durable::default()
    };
    let lab = Lab::with(durable).elected();
    assert_eq!((lab.restored.len(), lab.node.last()), (1, LogIndex(52)));
    lab
}

/// A follower with nothing of its own answers.
fn mismatch(lab: &mut Lab, from: NodeId) {
    let sent = lab.now;
    lab.hear(from, 3, MessageBody::Mismatch { hint: at(1, 1), sent });
}

fn acknowledge(lab: &mut Lab, from: NodeId, received: u64, missing: Vec<std::ops::Range<u64>>) -> Vec<u64> {
    let (mark, sent) = (LogIndex(50), lab.now);
    lab.hear(from, 3, MessageBody::SnapshotReceived { mark, received, missing, sent });
    lab.chunk_offsets(from)
}

#[test]
fn who_needs_what_is_cut_off_is_sent_the_snapshot() {
    let mut lab = leader_of_a_cut_log(4_500);
    mismatch(&mut lab, B);
    // One chunk at first, for much may be there already.
    assert_eq!(lab.chunk_offsets(B), [0]);
    assert_eq!(acknowledge(&mut lab, B, 3_000, Vec::new()), [3_000, 4_000]);
    let total = lab.node.snapshot().map_or(0, |it| 4 + it.room().len() + it.state.len()) as u64;
    assert_eq!(acknowledge(&mut lab, B, total, Vec::new()), [0; 0]);
    // An acknowledgement that reaches the log ends it, and the log follows.
    let bodies = lab.hear(B, 3, MessageBody::Appended { matched: LogIndex(50) });
    let appended = bodies.iter().any(
        |body| matches!(body, MessageBody::Append { previous, entries, .. } if *previous == at(2, 50) && entries.len() == 2),
    );
    assert!(appended, "{bodies:?}");
}

#[test]
fn any_acknowledgement_that_reaches_the_log_ends_a_transfer() {
    let mut lab = leader_of_a_cut_log(4_500);
    mismatch(&mut lab, B);
    // Another leader may have brought it up to date.
    lab.hear(B, 3, MessageBody::Appended { matched: LogIndex(51) });
    assert_eq!(acknowledge(&mut lab, B, 1_000, Vec::new()), [0; 0]);
}

#[test]
fn what_got_no_answer_is_sent_again() {
    let mut lab = leader_of_a_cut_log(9_500);
    mismatch(&mut lab, B);
    let wait = |lab: &mut Lab| {
        lab.now = lab.now + Duration::from_millis(300);
        lab.sent.clear();
        let reply = MessageBody::HeartbeatReply { priority: 100, round: 0, sent: lab.now, marked: Marked::default() };
        lab.input(Input::Receive { from: B, message: Message { term: Term(3), body: reply } });
        lab.input(Input::Wake);
        lab.chunk_offsets(B)
    };
    // Not even the first was answered.
    assert_eq!(wait(&mut lab), [0]);
    acknowledge(&mut lab, B, 1_000, Vec::new());
    // What is named as missing goes again, and nothing else.
    lab.now = lab.now + Duration::from_millis(1);
    acknowledge(&mut lab, B, 2_000, vec![2_000..3_000, 5_000..7_000]);
    assert_eq!(wait(&mut lab), [2_000, 5_000, 6_000]);
    // Then what is there has to be found out anew.
    assert_eq!(wait(&mut lab), [2_000]);
}

#[test]
fn a_receiver_that_lost_what_it_had_begins_anew() {
    let mut lab = leader_of_a_cut_log(4_500);
    mismatch(&mut lab, B);
    acknowledge(&mut lab, B, 3_000, Vec::new());
    lab.now = lab.now + Duration::from_millis(1);
    assert_eq!(acknowledge(&mut lab, B, 0, Vec::new())[..2], [0, 1_000]);
}

#[test]
fn no_more_is_on_its_way_than_the_window_holds() {
    let mut lab = leader_of_a_cut_log(2_000_000);
    mismatch(&mut lab, B);
    let window = Config::default().window_bytes / CHUNK;
    let sent = acknowledge(&mut lab, B, 1_000, Vec::new()).len();
    assert!((200..=window + 1).contains(&sent), "{sent}");
    // Each answer makes room for as much.
    assert_eq!(acknowledge(&mut lab, B, 3_000, Vec::new()).len(), 2);
}

#[test]
fn nonsense_about_a_transfer_is_ignored() {
    let mut lab = leader_of_a_cut_log(4_500);
    mismatch(&mut lab, B);
    let many = (0..100).map(|place| place * 10..place * 10 + 5).collect();
    assert!(acknowledge(&mut lab, B, 0, many).is_empty());
    assert_eq!(lab.node.ignored(), 1);
    assert!(acknowledge(&mut lab, B, u64::MAX, Vec::new()).is_empty());
    let body =
        MessageBody::SnapshotReceived { mark: LogIndex(49), received: 0, missing: Vec::new(), sent: Moment::NEVER };
    lab.hear(B, 3, body);
    assert!(lab.chunk_offsets(B).is_empty());
}
