//! What no honest peer says: it is ignored, and costs neither the node nor its memory anything.

mod lab;

use bevy_quorum::raft::{
    Config, Digest, Durable, Input, LogIndex, Marked, MessageBody, Moment, NodeId, RoleKind, Snapshot, Term,
};
use bytes::Bytes;
use lab::{A, B, Lab, append, at, command, entry, heartbeat, room, snapshot, three};
use std::{ops::Range, time::Duration};

/// One of three voters, whose log begins after entry 40, and has two more that are not committed.
fn of_a_cut_log(state: &[u8]) -> Lab {
    let durable = Durable {
        base: at(3, 40),
        log: vec![entry(3, 41), entry(3, 42)],
        commit: LogIndex(40),
        snapshot: Some(snapshot(at(3, 40), 1, state).into()),
        ..three(&[], 3)
    };
    Lab::on(Config { append_bytes_max: 1_000, ..Config::default() }, durable, Moment::ZERO)
}

#[test]
fn entries_from_before_the_log_must_be_the_ones_that_are_committed() {
    let mut lab = of_a_cut_log(b"state");
    // What a leader with another entry 40 has behind it can't be joined to ours.
    let entries = vec![entry(1, 40), entry(1, 41), entry(1, 42)];
    lab.hear(A, 3, append(at(1, 39), entries, 40));
    assert_eq!((lab.node.ignored(), lab.node.position_at(LogIndex(41))), (1, Some(at(3, 41))));
    // One with ours may begin before.
    let entries = vec![entry(1, 39), entry(3, 40), entry(3, 41), entry(3, 42), entry(3, 43)];
    lab.hear(A, 3, append(at(1, 38), entries, 40));
    assert_eq!((lab.node.ignored(), lab.node.last()), (1, LogIndex(43)));
}

#[test]
fn a_snapshot_of_more_than_any_room_has_seen_is_refused() {
    for (index, ignored) in [(u64::MAX, 1), ((1 << 62) + 1, 1), (1 << 62, 0)] {
        let mut lab = Lab::of_three(&[], 2);
        let (mark, digest) = (at(2, index), Digest([0; 32]));
        let bytes = Bytes::from_static(b"x");
        lab.hear(A, 2, MessageBody::Snapshot { mark, digest, total: 9, offset: 0, bytes, sent: Moment::ZERO });
        assert_eq!(lab.node.ignored(), ignored, "{index}");
    }
}

#[test]
fn no_command_has_a_serial_after_which_there_is_none() {
    let mut lab = Lab::of_three(&[], 2);
    lab.hear(A, 2, append(at(1, 1), vec![command(2, 2, u64::MAX)], 2));
    assert_eq!((lab.node.ignored(), lab.node.last()), (1, LogIndex(1)));
    lab.hear(A, 2, append(at(1, 1), vec![command(2, 2, 7)], 2));
    assert_eq!(lab.serials(), [7]);
}

#[test]
fn a_snapshot_whose_serials_have_no_end_is_none() {
    assert!(Snapshot::from_parts(&room(at(3, 50), 7), Bytes::new()).is_some());
    assert_eq!(Snapshot::from_parts(&room(at(3, 50), u64::MAX), Bytes::new()), None);
}

#[test]
fn the_votes_of_strangers_are_not_even_kept() {
    let mut lab = Lab::of_three(&[], 2);
    lab.now = lab.node.deadline();
    lab.input(Input::Wake);
    for stranger in 100..200 {
        let body = MessageBody::PreVoteReply { asked: Term(3), granted: true, ahead: None };
        lab.hear(NodeId(stranger), 3, body);
    }
    assert_eq!((lab.node.ignored(), lab.node.term()), (100, Term(2)));
    lab.hear(A, 3, MessageBody::PreVoteReply { asked: Term(3), granted: true, ahead: None });
    for stranger in 100..200 {
        lab.hear(NodeId(stranger), 3, MessageBody::VoteReply { granted: true });
    }
    assert_eq!((lab.node.ignored(), lab.node.role_kind()), (200, RoleKind::Candidate));
    lab.hear(B, 3, MessageBody::VoteReply { granted: true });
    assert_eq!(lab.node.role_kind(), RoleKind::Leader);
}

#[test]
fn a_leader_of_the_past_knows_nothing_of_what_came_after_it() {
    let mut lab = Lab::of_three(&[2], 2).elected();
    assert_eq!(lab.node.last(), LogIndex(3));
    lab.hear(A, 2, heartbeat(at(3, 3)));
    assert_eq!(lab.node.commit(), LogIndex(1));
    lab.hear(A, 2, heartbeat(at(2, 2)));
    assert_eq!(lab.node.commit(), LogIndex(2));
}

#[test]
fn what_is_said_to_be_missing_again_and_again_is_sent_once() {
    let mut lab = of_a_cut_log(&[7; 9_500]).elected();
    let say = |lab: &mut Lab, body: fn(Moment) -> MessageBody| {
        lab.now = lab.now + Duration::from_millis(1);
        lab.hear(B, 4, body(lab.now));
    };
    say(&mut lab, |sent| MessageBody::Mismatch { hint: at(1, 1), sent });
    say(&mut lab, |sent| received(1_000, Vec::new(), sent));
    say(&mut lab, |sent| received(2_000, [vec![2_000..5_000; 8], vec![3_000..6_000; 8]].concat(), sent));
    lab.now = lab.now + Duration::from_millis(300);
    let marked = Marked::default();
    lab.tell(B, 4, MessageBody::HeartbeatReply { priority: 100, round: 0, sent: lab.now, marked });
    lab.sent.clear();
    lab.input(Input::Wake);
    assert_eq!(lab.chunk_offsets(B), [2_000, 3_000, 4_000]);
}

fn received(received: u64, missing: Vec<Range<u64>>, sent: Moment) -> MessageBody {
    MessageBody::SnapshotReceived { mark: LogIndex(40), received, missing, sent }
}
