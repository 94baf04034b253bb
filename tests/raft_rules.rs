//! The rules of the paper that only a message at the wrong moment can show, told message by message. More of them are
//! told with and without the mistake, in `mutants/stories`.

mod lab;

use bevy_quorum::raft::{Config, Input, LogIndex, Message, MessageBody, Moment, NodeId, RoleKind, Term};
use lab::{A, B, Lab, append, at, command, entry, heartbeat};
use std::time::Duration;

/// Whom a message calls to take over.
fn called((to, message): (NodeId, Message)) -> Option<NodeId> {
    matches!(message.body, MessageBody::TimeoutNow { .. }).then_some(to)
}

#[test]
fn a_majority_alone_commits_no_entry_of_an_earlier_term() {
    // Figure 3.7 (Figure 8 of the short paper): the entry of term 2 may yet be overwritten by one of term 3.
    let mut lab = Lab::of_three(&[2], 3).elected();
    lab.hear(A, 4, MessageBody::Appended { matched: LogIndex(2) });
    assert_eq!(lab.node.commit(), LogIndex(1));
    lab.hear(A, 4, MessageBody::Appended { matched: LogIndex(3) });
    assert_eq!(lab.node.commit(), LogIndex(3));
}

#[test]
fn a_vote_goes_only_to_a_log_that_is_at_least_as_new() {
    for (last, granted) in [(at(1, 9), false), (at(2, 2), false), (at(2, 3), true), (at(3, 2), true)] {
        let mut lab = Lab::of_three(&[2, 2], 3);
        let answers = lab.hear(A, 4, MessageBody::Vote { last, transfer: false });
        assert_eq!(answers, [(A, Message { term: Term(4), body: MessageBody::VoteReply { granted } })], "{last:?}");
    }
}

#[test]
fn one_vote_a_term() {
    let mut lab = Lab::of_three(&[], 1);
    lab.hear(A, 2, MessageBody::Vote { last: at(1, 1), transfer: false });
    let to_b = lab.hear(B, 2, MessageBody::Vote { last: at(1, 1), transfer: false });
    assert_eq!(to_b[0].1.body, MessageBody::VoteReply { granted: false });
    let to_a = lab.hear(A, 2, MessageBody::Vote { last: at(1, 1), transfer: false });
    assert_eq!(to_a[0].1.body, MessageBody::VoteReply { granted: true });
}

#[test]
fn a_follower_commits_only_what_the_message_verifies() {
    let mut lab = Lab::of_three(&[2, 2], 2);
    lab.hear(A, 3, append(at(1, 1), Vec::new(), 3));
    assert_eq!(lab.node.commit(), LogIndex(1));
    lab.hear(A, 3, heartbeat(at(3, 3)));
    assert_eq!(lab.node.commit(), LogIndex(1));
    lab.hear(A, 3, heartbeat(at(2, 2)));
    assert_eq!(lab.node.commit(), LogIndex(2));
}

#[test]
fn an_append_that_was_overtaken_drops_nothing() {
    let mut lab = Lab::of_three(&[], 2);
    lab.hear(A, 2, append(at(1, 1), vec![entry(2, 2), entry(2, 3)], 1));
    lab.hear(A, 2, append(at(1, 1), vec![entry(2, 2)], 1));
    assert_eq!(lab.node.last(), LogIndex(3));
}

#[test]
fn a_committed_entry_is_never_overwritten_whatever_a_peer_says() {
    let mut lab = Lab::of_three(&[2], 2);
    lab.hear(A, 2, heartbeat(at(2, 2)));
    lab.hear(B, 3, append(at(1, 1), vec![entry(3, 2)], 2));
    assert_eq!(lab.node.entry(LogIndex(2)).map(|entry| entry.term), Some(Term(2)));
    assert_eq!(lab.node.ignored(), 1);
}

#[test]
fn a_gap_is_answered_with_where_the_logs_may_agree() {
    let mut lab = Lab::of_three(&[2, 2, 4], 4);
    let body = MessageBody::Append {
        previous: at(3, 9),
        entries: vec![entry(5, 10)].into(),
        commit: LogIndex(1),
        durable: LogIndex(0),
        sent: Moment(7),
    };
    let answers = lab.hear(A, 5, body);
    assert_eq!(answers[0].1.body, MessageBody::Mismatch { hint: at(2, 3), sent: Moment(7) });
}

#[test]
fn a_voter_that_hears_its_leader_helps_nobody_depose_it() {
    let mut lab = Lab::of_three(&[], 2);
    lab.hear(A, 2, heartbeat(at(1, 1)));
    assert!(lab.hear(B, 9, MessageBody::Vote { last: at(8, 8), transfer: false }).is_empty());
    assert_eq!(lab.node.term(), Term(2));
    let answers = lab.hear(B, 9, MessageBody::PreVote { last: at(8, 8) });
    assert_eq!(answers[0].1.body, MessageBody::PreVoteReply { asked: Term(9), granted: false, ahead: None });
    // Unless the leader wishes so.
    let answers = lab.hear(B, 3, MessageBody::Vote { last: at(1, 1), transfer: true });
    assert_eq!(answers[0].1.body, MessageBody::VoteReply { granted: true });
}

#[test]
fn granting_a_pre_vote_changes_nothing() {
    let mut lab = Lab::of_three(&[], 2);
    let before = (lab.node.deadline(), lab.node.ballot());
    let answers = lab.hear(A, 3, MessageBody::PreVote { last: at(1, 1) });
    assert_eq!(
        answers[0].1,
        Message { term: Term(3), body: MessageBody::PreVoteReply { asked: Term(3), granted: true, ahead: None } }
    );
    assert_eq!((lab.node.deadline(), lab.node.ballot()), before);
}

#[test]
fn a_leader_of_the_past_is_told_so() {
    let mut lab = Lab::of_three(&[], 5);
    let answers = lab.hear(A, 3, heartbeat(at(1, 1)));
    assert_eq!(answers, [(A, Message { term: Term(5), body: MessageBody::Outdated })]);
    let mut leader = Lab::of_three(&[], 2).elected();
    leader.hear(A, 5, MessageBody::Outdated);
    assert_eq!((leader.node.role_kind(), leader.node.term()), (RoleKind::Follower, Term(5)));
}

#[test]
fn strangers_end_no_office() {
    let mut leader = Lab::of_three(&[], 2).elected();
    leader.hear(NodeId(99), 50, MessageBody::Outdated);
    assert_eq!((leader.node.role_kind(), leader.node.ignored()), (RoleKind::Leader, 1));
}

#[test]
fn who_wakes_late_waits_for_a_leader_first() {
    let mut lab = Lab::of_three(&[], 2);
    let missed = lab.node.deadline();
    lab.now = missed + Duration::from_secs(10);
    lab.input(Input::Wake);
    assert!(lab.sent.is_empty());
    assert!(lab.node.deadline() >= lab.now + Config::default().election_timeout_min);
    lab.now = lab.node.deadline();
    lab.input(Input::Wake);
    assert!(matches!(lab.sent[0].1.body, MessageBody::PreVote { .. }));
}

#[test]
fn a_clock_that_ticks_once_a_second_asks_in_the_end() {
    let mut lab = Lab::of_three(&[], 2);
    let heartbeat = heartbeat(at(1, 1));
    (0..2).for_each(|_| drop(lab.hear(A, 2, heartbeat.clone())));
    let asks = |lab: &Lab| lab.sent.iter().any(|(_, message)| matches!(message.body, MessageBody::PreVote { .. }));
    lab.sent.clear();
    lab.ticks(1);
    assert!(!asks(&lab), "its own clock had a gap, so it waits once more");
    lab.ticks(1);
    assert!(asks(&lab));
    // Nobody answered in time for this tick, but the answers to the next question come between two ticks.
    lab.sent.clear();
    lab.ticks(1);
    assert!(asks(&lab));
    lab.hear(A, 3, MessageBody::PreVoteReply { asked: Term(3), granted: true, ahead: None });
    lab.hear(A, 3, MessageBody::VoteReply { granted: true });
    assert_eq!(lab.node.role_kind(), RoleKind::Leader);
}

#[test]
fn a_leader_whose_clock_ticks_once_a_second_steps_down_without_answers() {
    let mut lab = Lab::of_three(&[], 2).elected();
    lab.ticks(1);
    assert_eq!(lab.node.role_kind(), RoleKind::Leader, "its own clock had a gap, so it waits once more");
    lab.ticks(3);
    assert_ne!(lab.node.role_kind(), RoleKind::Leader);
}

#[test]
fn what_was_granted_before_a_gap_is_worth_nothing() {
    let mut lab = Lab::of_three(&[], 2);
    lab.now = lab.node.deadline();
    lab.input(Input::Wake);
    lab.now = lab.now + Duration::from_secs(600);
    lab.hear(A, 3, MessageBody::PreVoteReply { asked: Term(3), granted: true, ahead: None });
    assert_eq!((lab.node.term(), lab.node.role_kind()), (Term(2), RoleKind::Follower));
}

#[test]
fn a_patience_out_of_bounds_is_brought_within_them() {
    let config = Config::default();
    for (said, taken) in [(0, config.election_timeout_min), (u32::MAX, config.election_timeout_max)] {
        let mut lab = Lab::of_three(&[], 2);
        lab.hear(A, 2, MessageBody::Heartbeat { commit: at(1, 1), round: 0, patience_ms: said, sent: Moment::ZERO });
        assert_eq!(lab.node.patience(), taken);
    }
}

#[test]
fn a_successor_campaigns_only_once_it_holds_what_the_leader_had() {
    let mut lab = Lab::of_three(&[], 2);
    lab.hear(A, 2, heartbeat(at(1, 1)));
    assert!(lab.hear(A, 2, MessageBody::TimeoutNow { last: at(2, 2) }).is_empty());
    let sent = lab.hear(A, 2, append(at(1, 1), vec![entry(2, 2)], 1));
    let vote = Message { term: Term(3), body: MessageBody::Vote { last: at(2, 2), transfer: true } };
    assert!(sent.contains(&(B, vote)), "{sent:?}");
}

#[test]
fn a_call_to_take_over_is_forgotten_after_a_while_and_counts_from_the_leader_only() {
    for (caller, later) in [(A, Duration::from_secs(2)), (B, Duration::ZERO)] {
        let mut lab = Lab::of_three(&[], 2);
        lab.hear(A, 2, heartbeat(at(1, 1)));
        lab.hear(caller, 2, MessageBody::TimeoutNow { last: at(2, 2) });
        lab.now = lab.now + later;
        lab.hear(A, 2, append(at(1, 1), vec![entry(2, 2)], 1));
        assert_eq!(lab.node.term(), Term(2));
    }
}

#[test]
fn a_successor_is_called_again_and_again_then_the_next_one() {
    let mut lab = Lab::of_three(&[], 2).elected();
    let term = lab.node.term().0;
    let mut calls = Vec::new();
    for _ in 0..2 {
        lab.input(Input::Transfer { to: None });
        let end = lab.now + Duration::from_secs(1);
        while lab.now < end {
            calls.extend(lab.sent.drain(..).filter_map(called));
            for voter in [A, B] {
                let sent = lab.now;
                calls.extend(
                    lab.hear(
                        voter,
                        term,
                        MessageBody::HeartbeatReply { priority: 100, round: 0, sent, marked: Default::default() },
                    )
                    .into_iter()
                    .filter_map(called),
                );
            }
            lab.now = lab.node.deadline();
            lab.input(Input::Wake);
        }
    }
    assert_eq!(lab.node.role_kind(), RoleKind::Leader);
    assert!(calls.iter().filter(|to| **to == B).count() > 1 && calls.iter().filter(|to| **to == A).count() > 1);
    assert!(calls.is_sorted_by(|a, b| a >= b), "{calls:?}");
}

/// Whoever says from the future that something is missing would have it sent again for every word.
#[test]
fn a_mismatch_from_the_future_restarts_nothing() {
    let mut lab = Lab::of_three(&[], 1).elected();
    let term = lab.node.term().0;
    lab.now = lab.now + Duration::from_millis(1);
    let body = MessageBody::Mismatch { hint: at(1, 1), sent: Moment::NEVER };
    let answers: usize = (0..10).map(|_| lab.hear(A, term, body.clone()).len()).sum();
    assert!(answers <= 1, "{answers} answers to 10 words");
}

#[test]
fn a_command_that_is_in_the_log_twice_or_too_early_has_no_effect() {
    let mut lab = Lab::of_three(&[], 1);
    let entries = [1, 1, 3, 2, 1].into_iter().zip(2..).map(|(serial, index)| command(2, index, serial)).collect();
    lab.hear(A, 2, append(at(1, 1), entries, 6));
    assert_eq!(lab.serials(), [1, 2]);
}
