//! The rules of the paper that only a message at the wrong moment can show.

use super::{
    among,
    lab::{A, B, ME, append, at, entry, membership},
    of_three,
};
use bevy_quorum::raft::{ChangeRefused, Entry, LogIndex, MessageBody, Mutant, NodeId, Payload, RoleKind, Term};
use std::time::Duration;

/// §3.5: of an append that ends before its own log does, a follower commits no more than it proves.
pub fn a_follower_commits_only_what_the_append_verifies(mutant: Option<Mutant>) -> bool {
    let mut lab = of_three(mutant, &[2, 2], 2);
    lab.hear(A, 3, append(at(1, 1), Vec::new(), 3));
    lab.node.commit() == LogIndex(1)
}

/// §3.5: what stands behind the end of an append may not be what the leader has.
pub fn an_acknowledgement_covers_no_more_than_the_append_proved(mutant: Option<Mutant>) -> bool {
    let mut lab = of_three(mutant, &[1, 1, 1], 1);
    let answers = lab.hear(A, 2, append(at(1, 1), vec![entry(1, 2)], 1));
    answers.iter().any(|(_, answer)| answer.body == MessageBody::Appended { matched: LogIndex(2) })
}

/// §3.4: of five voters one's own vote and another's are no majority, however often that one says it.
pub fn a_vote_that_comes_twice_counts_once(mutant: Option<Mutant>) -> bool {
    let five = [ME, A, B, NodeId(4), NodeId(5)];
    let mut lab = among(membership(&five, &[]), mutant, [], 1);
    lab.campaign(&[A, B]);
    (0..2).for_each(|_| drop(lab.hear(A, 2, MessageBody::VoteReply { granted: true })));
    lab.node.role_kind() == RoleKind::Candidate
}

/// §3.4: who voted for it in an earlier term may have voted for another in this one.
pub fn a_vote_of_an_earlier_term_does_not_count(mutant: Option<Mutant>) -> bool {
    let mut lab = of_three(mutant, &[], 1);
    lab.campaign(&[A]);
    lab.campaign(&[A]);
    assert_eq!(lab.node.term(), Term(3), "nobody answered the first time");
    lab.hear(A, 2, MessageBody::VoteReply { granted: true });
    lab.node.role_kind() == RoleKind::Candidate
}

/// §9.6: who has a newer log and an older term than all others learns their term from the answer, or nobody is ever elected.
pub fn a_late_pre_vote_is_answered_with_the_term(mutant: Option<Mutant>) -> bool {
    let mut lab = of_three(mutant, &[], 5);
    let answers = lab.hear(A, 3, MessageBody::PreVote { last: at(2, 9) });
    answers.iter().any(|(_, answer)| answer.term == Term(5))
}

/// §9.6: saying that one would vote promises nothing, and whoever can't win must not hold up all others by asking.
pub fn granting_a_pre_vote_renews_no_patience(mutant: Option<Mutant>) -> bool {
    let mut lab = of_three(mutant, &[], 2);
    let before = lab.node.deadline();
    lab.now = lab.now + Duration::from_millis(100);
    lab.hear(A, 3, MessageBody::PreVote { last: at(1, 1) });
    lab.node.deadline() == before
}

/// A leader whose configuration at an entry has three voters and itself not among them is half of no majority.
pub fn a_leader_without_a_vote_is_no_half_of_a_majority(mutant: Option<Mutant>) -> bool {
    let mut lab = among(membership(&[ME, B, NodeId(4)], &[A]), mutant, [], 2);
    lab.hear(A, 2, append(at(1, 1), vec![entry(2, 2)], 1));
    lab.hear(A, 2, MessageBody::News { commit: at(1, 1), durable: LogIndex(2) });
    lab.node.commit() == LogIndex(1)
}

/// Two of four voters are no majority.
pub fn two_are_no_majority_of_four(mutant: Option<Mutant>) -> bool {
    let mut lab = among(membership(&[ME, A, B, NodeId(4)], &[]), mutant, [], 2);
    lab.hear(A, 2, append(at(1, 1), vec![entry(2, 2)], 1));
    lab.hear(A, 2, MessageBody::News { commit: at(1, 1), durable: LogIndex(2) });
    lab.node.commit() == LogIndex(1)
}

/// §4.1: the candidate knows who votes in its configuration, which may be ahead.
pub fn a_learner_that_does_not_know_of_its_vote_gives_it(mutant: Option<Mutant>) -> bool {
    let mut lab = among(membership(&[A, B], &[ME]), mutant, [], 2);
    let answers = lab.hear(A, 3, MessageBody::Vote { last: at(2, 2), transfer: false });
    answers.iter().any(|(_, answer)| answer.body == MessageBody::VoteReply { granted: true })
}

/// §4.2.2: it may be the only one that can commit the change that leaves it out.
pub fn who_is_left_out_by_an_uncommitted_change_campaigns(mutant: Option<Mutant>) -> bool {
    let without = Entry { payload: Payload::Membership(membership(&[A, B], &[])), ..entry(2, 2) };
    let mut lab = among(membership(&[ME, A, B], &[]), mutant, [without], 2);
    lab.ticks(5);
    lab.node.role_kind() == RoleKind::Candidate
}

/// §3.6.2: until something of its own term is committed a leader can't know what is.
pub fn an_office_begins_with_an_entry_of_its_own(mutant: Option<Mutant>) -> bool {
    let lab = of_three(mutant, &[2], 2).elected();
    lab.node.last() == LogIndex(3)
}

/// §6.2: who reaches no majority makes room for who does.
pub fn a_leader_that_nobody_answers_steps_down(mutant: Option<Mutant>) -> bool {
    let mut lab = of_three(mutant, &[], 2).elected();
    lab.ticks(20);
    lab.node.role_kind() != RoleKind::Leader
}

/// §4.1: majorities two changes apart need not overlap.
pub fn a_change_waits_for_the_last_one(mutant: Option<Mutant>) -> bool {
    let mut lab = of_three(mutant, &[], 1).settled();
    let one = lab.node.change(membership(&[ME, A, B], &[NodeId(4)])).expect("the last one is long committed");
    let other = lab.node.change(membership(&[ME, A, B], &[NodeId(4), NodeId(5)]));
    other == Err(ChangeRefused::InFlight { index: one })
}
