//! Mistakes that were published about Raft, told again with real nodes, message by message. Each story is told twice: the
//! node that errs loses what was committed, so the story can see it; the node as it is does not.
#![cfg(feature = "playtest")]

#[path = "mutants/stories/mod.rs"]
mod stories;

use bevy_quorum::raft::Mutant;
use stories::published;

fn is_seen(mutant: Mutant, story: fn(Option<Mutant>) -> bool) {
    assert!(!story(Some(mutant)), "the story would not see it");
    assert!(story(None));
}

#[test]
fn an_addition_and_a_removal_by_two_leaders_do_not_split_the_room() {
    is_seen(Mutant::ChangeBeforeOwnTerm, published::an_addition_and_a_removal_by_two_leaders_do_not_split_the_room);
}

#[test]
fn two_additions_by_two_leaders_do_not_split_the_room() {
    is_seen(Mutant::ChangeBeforeOwnTerm, published::two_additions_by_two_leaders_do_not_split_the_room);
}

#[test]
fn two_removals_by_two_leaders_do_not_split_the_room() {
    is_seen(Mutant::ChangeBeforeOwnTerm, published::two_removals_by_two_leaders_do_not_split_the_room);
}

#[test]
fn an_entry_of_an_earlier_term_is_not_committed_by_counting() {
    is_seen(Mutant::CommitOlderTerms, published::an_entry_of_an_earlier_term_is_not_committed_by_counting);
}
