//! How a leader sends a snapshot, told message by message.

mod lab;

use bevy_quorum::raft::{Config, Durable, Input, LogIndex, Marked, MessageBody, Moment, NodeId};
use lab::{B, Lab, at, entry, snapshot, three};
use std::{ops::Range, time::Duration};

const CHUNK: usize = 1_000;

/// A leader whose log begins after entry 50, and which has a snapshot of so many bytes.
fn leader_of_a_cut_log(bytes: usize) -> Lab {
    let snapshot = snapshot(at(2, 50), 3, &vec![7; bytes]);
    let durable = Durable {
        base: snapshot.position,
        log: vec![entry(2, 51)],
        commit: LogIndex(51),
        snapshot: Some(snapshot.into()),
        ..three(&[], 2)
    };
    let config = Config { makes_snapshots: true, append_bytes_max: CHUNK, tail_bytes: 0, ..Config::default() };
    let lab = Lab::on(config, durable, Moment::ZERO).elected();
    assert_eq!((lab.restored.len(), lab.node.last()), (1, LogIndex(52)));
    lab
}

/// A follower with nothing of its own answers.
fn mismatch(lab: &mut Lab, from: NodeId) {
    let sent = lab.now;
    lab.answers(from, 3, MessageBody::Mismatch { hint: at(1, 1), sent });
}

fn acknowledge(lab: &mut Lab, from: NodeId, received: u64, missing: Vec<Range<u64>>) -> Vec<u64> {
    let (mark, sent) = (LogIndex(50), lab.now);
    lab.answers(from, 3, MessageBody::SnapshotReceived { mark, received, missing, sent });
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
    let bodies = lab.answers(B, 3, MessageBody::Appended { matched: LogIndex(50) });
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
    lab.answers(B, 3, MessageBody::Appended { matched: LogIndex(51) });
    assert_eq!(acknowledge(&mut lab, B, 1_000, Vec::new()), [0; 0]);
}

/// What B is sent again after a while without an answer.
fn resent(lab: &mut Lab) -> Vec<u64> {
    lab.now = lab.now + Duration::from_millis(300);
    let reply = MessageBody::HeartbeatReply { priority: 100, round: 0, sent: lab.now, marked: Marked::default() };
    lab.tell(B, 3, reply);
    lab.sent.clear();
    lab.input(Input::Wake);
    lab.chunk_offsets(B)
}

#[test]
fn what_got_no_answer_is_sent_again() {
    let mut lab = leader_of_a_cut_log(9_500);
    mismatch(&mut lab, B);
    // Not even the first was answered.
    assert_eq!(resent(&mut lab), [0]);
    acknowledge(&mut lab, B, 1_000, Vec::new());
    // What is named as missing goes again, and nothing else.
    lab.now = lab.now + Duration::from_millis(1);
    acknowledge(&mut lab, B, 2_000, vec![2_000..3_000, 5_000..7_000]);
    assert_eq!(resent(&mut lab), [2_000, 5_000, 6_000]);
    // Then what is there has to be found out anew.
    assert_eq!(resent(&mut lab), [2_000]);
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
    let total = lab.node.snapshot().map_or(0, |snapshot| lab::image(snapshot).len()) as u64;
    let many = (0..100).map(|place| place * 10..place * 10 + 5).collect();
    assert!(acknowledge(&mut lab, B, 1_000, many).is_empty());
    assert_eq!(lab.node.ignored(), 1);
    for received in [total + 1, u64::MAX] {
        assert!(acknowledge(&mut lab, B, received, Vec::new()).is_empty());
    }
    for (mark, sent) in [(LogIndex(49), lab.now), (LogIndex(50), Moment::NEVER)] {
        lab.hear(B, 3, MessageBody::SnapshotReceived { mark, received: 1_000, missing: Vec::new(), sent });
        assert!(lab.chunk_offsets(B).is_empty());
    }
    // It still waits for the first answer.
    assert_eq!(resent(&mut lab), [0]);
}
