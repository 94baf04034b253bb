//! Links that are missing are made through neighbours, without any server.
#![cfg(feature = "playtest")]
#![allow(clippy::unwrap_used)]

mod meeting;

use bevy_quorum::{
    link::{MISSING_PATIENCE, Plane, SEEK_INTERVAL, SessionEvent, SessionStats, UNANSWERED_BYTES_MAX},
    wire::{Payload, WHISPER_BYTES_MAX, Whisper},
};
use bytes::Bytes;
use meeting::Meeting;
use std::time::Duration;

/// Long enough for somebody to be missed, sought and found.
const MENDED: Duration = Duration::from_secs(4);

/// How often a member was linked to another.
fn times_linked(meeting: &Meeting, member: usize, other: usize) -> usize {
    let other = meeting.members[other].node;
    let linked = |event: &&SessionEvent| matches!(event, SessionEvent::Linked { node, .. } if *node == other);
    meeting.members[member].events.iter().filter(linked).count()
}

fn sever(meeting: &Meeting, a: usize, b: usize) {
    meeting.network.sever(meeting.members[a].address, meeting.members[b].address);
}

fn is_mesh(meeting: &Meeting) -> bool {
    let count = meeting.members.len();
    let whole = |a: usize, b: usize| meeting.members[a].sessions.tag(meeting.members[b].node, Plane::Bulk).is_some();
    (0..count).all(|a| meeting.linked(a).len() == count - 1 && (0..count).all(|b| a == b || whole(a, b)))
}

#[test]
fn a_lost_link_is_mended_through_a_third_member_on_both_planes() {
    let mut meeting = Meeting::of(&[1, 2, 3]);
    sever(&meeting, 0, 1);
    meeting.pass(Duration::from_secs(1));
    assert_eq!(meeting.linked(0), [meeting.members[2].node]);
    meeting.pass(MISSING_PATIENCE + MENDED);
    assert!(is_mesh(&meeting));
    assert_eq!((times_linked(&meeting, 0, 1), times_linked(&meeting, 0, 2)), (2, 1));
    meeting.whisper(0, 1, "hi");
    meeting.pass(Duration::from_millis(20));
    assert_eq!(meeting.heard(1), ["hi"]);
}

#[test]
fn who_came_in_by_one_member_alone_is_linked_to_all() {
    let mut meeting = Meeting::of(&[1, 2, 3, 4]);
    for (a, b) in [(0, 2), (0, 3), (1, 3)] {
        sever(&meeting, a, b);
    }
    meeting.pass(MISSING_PATIENCE + MENDED + SEEK_INTERVAL + MENDED);
    assert!(is_mesh(&meeting), "a line of four");
}

#[test]
fn who_left_is_not_called_back() {
    let mut meeting = Meeting::of(&[1, 2, 3]);
    let left = meeting.members.remove(1);
    let mut sessions = left.sessions;
    sessions.leave();
    meeting.pass(Duration::from_secs(20));
    assert!((0..2).all(|member| !meeting.linked(member).contains(&left.node)));
    while let Some(event) = sessions.poll(meeting.now) {
        assert!(!matches!(event, SessionEvent::Linked { .. }), "{event:?}");
    }
}

#[test]
fn without_anybody_between_them_two_stay_apart() {
    let mut meeting = Meeting::of(&[1, 2]);
    sever(&meeting, 0, 1);
    meeting.pass(Duration::from_secs(20));
    assert!(meeting.linked(0).is_empty());
}

fn stats(meeting: &Meeting) -> SessionStats {
    meeting.members[0].sessions.stats(meeting.members[1].node).unwrap()
}

/// Whispers as much as fits from the first member to the second, which may be refused.
fn whisper_much(meeting: &mut Meeting) -> bool {
    let to = meeting.members[1].node;
    let whisper = Whisper { kind: 1, sequence: 0, body: Bytes::from(vec![0; WHISPER_BYTES_MAX]) };
    meeting.members[0].sessions.send(to, Payload::Whisper(whisper)).is_ok()
}

#[test]
fn a_peer_that_does_not_answer_is_sent_only_so_much() {
    let mut meeting = Meeting::of(&[1, 2]);
    let [sender, frozen] = [0, 1].map(|member| meeting.members[member].address);
    // It looks connected, and hoards what it is sent.
    meeting.network.cut(frozen, sender);
    let before = stats(&meeting).bytes_out;
    let mut taken = 0_u64;
    while whisper_much(&mut meeting) {
        taken += 1;
        if taken.is_multiple_of(100) {
            meeting.pass(Duration::from_millis(1));
        }
        assert!(taken < 100_000, "there is no limit");
    }
    let sent = stats(&meeting).bytes_out - before;
    let most = UNANSWERED_BYTES_MAX as u64;
    assert!((most / 2..most + 2_000).contains(&sent), "{sent} bytes");
    meeting.pass(Duration::from_secs(10));
    assert!(meeting.linked(0).is_empty(), "it fell silent");
    meeting.network.heal();
    meeting.pass(Duration::from_secs(5));
    assert!(whisper_much(&mut meeting), "it is back");
}

#[test]
fn a_peer_that_answers_is_sent_as_much_as_it_can_take() {
    let mut meeting = Meeting::of(&[1, 2]);
    for _ in 0..100 {
        let taken = (0..500).filter(|_| whisper_much(&mut meeting)).count();
        assert_eq!(taken, 500);
        meeting.pass(Duration::from_millis(2));
    }
}
