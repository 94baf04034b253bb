//! Mistakes that were published about Raft, told again with real nodes, message by message.

use super::table::{Table, voter};
use bevy_quorum::raft::{
    ChangeRefused, Config, Input, LogIndex, Membership, Message, MessageBody, Mutant, Node, NodeId, Term,
};
use std::time::Duration;

/// Whether a room holds together in which one leader adds a voter and the next one removes one.
pub fn an_addition_and_a_removal_by_two_leaders_do_not_split_the_room(mutant: Option<Mutant>) -> bool {
    two_changes_meet(mutant, |members| add(members, 5), |members| remove(members, 4), &[2, 3], &[4, 5])
}

/// Whether a room holds together in which two leaders add a voter each.
pub fn two_additions_by_two_leaders_do_not_split_the_room(mutant: Option<Mutant>) -> bool {
    two_changes_meet(mutant, |members| add(members, 5), |members| add(members, 6), &[2, 3, 6], &[4, 5])
}

/// Whether a room holds together in which two leaders remove a voter each.
pub fn two_removals_by_two_leaders_do_not_split_the_room(mutant: Option<Mutant>) -> bool {
    two_changes_meet(mutant, |members| remove(members, 2), |members| remove(members, 1), &[2, 3], &[4])
}

fn add(membership: &mut Membership, node: u64) {
    membership.members.insert(NodeId(node), voter());
}

fn remove(membership: &mut Membership, node: u64) {
    membership.members.remove(&NodeId(node));
}

/// Nobody changes anything but the story.
fn by_hand(mutant: Option<Mutant>) -> Config {
    Config { voters_max: 0, silence: Duration::from_secs(1_000_000), mutant, ..Config::default() }
}

/// What the single-server change got wrong until 2015 (raft-dev, "bug in single-server membership changes"): the first
/// leader of four leaves a change behind that nobody else has. The second changes something too, and commits it with
/// `committers`. Then the first campaigns again, in its own configuration, among `supporters`. Whether the room holds together.
fn two_changes_meet(
    mutant: Option<Mutant>,
    first: fn(&mut Membership),
    second: fn(&mut Membership),
    committers: &[u64],
    supporters: &[u64],
) -> bool {
    let mut table = Table::of(4, 2, &by_hand(mutant));
    assert!(table.campaign(1, &[2, 3, 4]));
    (0..5).for_each(|_| table.meet(1, &[1, 2, 3, 4]));
    table.change(1, first).expect("the first leader has committed something");
    assert!(table.campaign(2, &[3, 4]), "three of four are a majority");
    if table.change(2, second) == Err(ChangeRefused::TooEarly) {
        // By the rule of 2015 it commits an entry of its own term first, which the old majority then holds.
        (0..5).for_each(|_| table.meet(2, &[2, 3, 4]));
        table.change(2, second).expect("it has committed something by now");
    }
    (0..5).for_each(|_| table.meet(2, committers));
    assert_eq!(table.node(2).commit(), table.node(2).last(), "the second change is committed");
    table.campaign(1, supporters);
    let group: Vec<u64> = supporters.iter().copied().chain([1]).collect();
    (0..5).for_each(|_| table.meet(1, &group));
    !table.is_split()
}

/// Figure 8 of the paper (3.7 of the dissertation): an entry of term 2 that a majority holds, because the leader of term 4
/// sent it on, may still be overwritten by one of term 3.
pub fn an_entry_of_an_earlier_term_is_not_committed_by_counting(mutant: Option<Mutant>) -> bool {
    // So that every entry travels alone.
    let mut table = Table::of(5, 0, &Config { append_bytes_max: 1, ..by_hand(mutant) });
    assert!(table.campaign(1, &[2, 3, 4, 5]));
    (0..5).for_each(|_| table.meet(1, &[1, 2, 3, 4, 5]));
    table.write(1, "of term 2");
    table.hand(|from, to, _| (from, to) == (1, 2));
    assert!(table.campaign(5, &[3, 4]), "it has not got the entry, nor have its voters");
    table.write(5, "of term 3");
    assert!(table.campaign(1, &[2, 3]));
    // All of that gets to one node, and to a third one only the entry of term 2, once it has said that it lacks it.
    let is_append = |message: &Message| matches!(message.body, MessageBody::Append { .. });
    while table.mail.iter().all(|(from, ..)| *from != 3) {
        table.input(1, Input::Wake);
        table.hand(|from, to, message| (from, to) == (1, 3) && is_append(message));
        table.now = table.now + Duration::from_millis(200);
    }
    let is_old = |message: &Message| match &message.body {
        MessageBody::Append { entries, .. } => entries.iter().all(|entry| entry.term < message.term),
        _ => false,
    };
    for _ in 0..5 {
        while table.hand(|from, to, message| match (from, to) {
            (1, 2) | (2, 1) | (3, 1) => true,
            (1, 3) => is_old(message),
            _ => false,
        }) {}
        table.mail.clear();
        table.now = table.now + Duration::from_millis(200);
        table.input(1, Input::Wake);
    }
    let is_of_term_2 = |node: &Node| node.entry(LogIndex(3)).is_some_and(|entry| entry.term == Term(2));
    assert_eq!(table.nodes.values().filter(|node| is_of_term_2(node)).count(), 3);
    assert!(table.campaign(5, &[3, 4]));
    (0..5).for_each(|_| table.meet(5, &[3, 4, 5]));
    assert!(table.nodes[&5].commit() > LogIndex(3));
    !table.is_split()
}
