//! Who belongs, who votes, and how that changes.
#![cfg(feature = "playtest")]

#[path = "mutants/stories/mod.rs"]
mod stories;

use bevy_quorum::{
    playtest::{Cluster, Conditions},
    raft::{
        ChangeRefused, Config, Input, LogIndex, Member, NodeId, PRIORITY_DEFAULT, Payload, Permission, RoleKind,
        Standing,
    },
};
use std::time::Duration;
use stories::rooms;

const SECOND: Duration = Duration::from_secs(1);

fn voters(cluster: &Cluster, node: u64) -> Vec<u64> {
    cluster.node(node).membership().voters().map(|voter| voter.0).collect()
}

fn learners(cluster: &Cluster, node: u64) -> Vec<u64> {
    cluster.node(node).membership().learners().map(|learner| learner.0).collect()
}

fn member(standing: Standing) -> Member {
    Member { standing, permission: Permission::Editor, key: [0; 32], session: LogIndex(0) }
}

/// Nobody is promoted or demoted but by the test.
fn by_hand() -> Config {
    Config { voters_max: 0, silence: Duration::from_secs(100_000), ..Config::default() }
}

#[test]
fn who_joins_becomes_a_voter_within_seconds() {
    let mut cluster = Cluster::open().seed(1);
    cluster.run_for(SECOND);
    cluster.write("before");
    let second = cluster.join(Permission::Editor);
    cluster.run_for(SECOND * 2);
    assert_eq!(voters(&cluster, second), [1, 2]);
    let third = cluster.join(Permission::Editor);
    cluster.run_for(SECOND * 2);
    assert_eq!(voters(&cluster, third), [1, 2, 3]);
    assert_eq!(cluster.texts(third), ["before"]);
}

#[test]
fn newcomers_are_let_in_right_after_one_another() {
    let mut cluster = Cluster::open().seed(2);
    cluster.run_for(SECOND);
    for _ in 0..4 {
        cluster.join(Permission::Editor);
    }
    cluster.run_until(SECOND * 5, |cluster| voters(cluster, 1).len() == 5);
    for _ in 0..8 {
        cluster.join(Permission::Editor);
    }
    let took = cluster.run_until(SECOND * 5, |cluster| learners(cluster, 1).len() == 8);
    assert!(took < Duration::from_millis(20) * 9, "{took:?}");
}

#[test]
fn there_are_at_most_five_voters() {
    let mut cluster = Cluster::open().seed(2);
    cluster.run_for(SECOND);
    for _ in 0..8 {
        cluster.join(Permission::Editor);
    }
    cluster.run_for(SECOND * 20);
    assert_eq!((voters(&cluster, 9).len(), learners(&cluster, 9).len()), (5, 4));
}

#[test]
fn a_silent_voter_loses_its_vote_and_gets_it_back() {
    let mut cluster = Cluster::of(3).seed(3);
    let leader = cluster.wait_for_leader();
    let silent = 1 + leader % 3;
    cluster.kill(silent);
    cluster.run_for(SECOND * 4);
    assert_eq!(voters(&cluster, leader).len(), 3);
    cluster.run_for(SECOND * 2);
    assert_eq!(learners(&cluster, leader), [silent]);
    cluster.restart(silent);
    cluster.run_for(SECOND * 3);
    assert_eq!(voters(&cluster, leader), [1, 2, 3]);
}

#[test]
fn a_dead_voter_makes_room_for_a_living_learner() {
    let config = Config { voters_max: 3, ..Config::default() };
    let mut cluster = Cluster::of(3).seed(4).config(config);
    let leader = cluster.wait_for_leader();
    let spare = cluster.join(Permission::Editor);
    cluster.run_for(SECOND * 2);
    assert_eq!(learners(&cluster, leader), [spare]);
    let dead = 1 + leader % 3;
    cluster.kill(dead);
    cluster.run_for(SECOND * 8);
    assert!(voters(&cluster, leader).contains(&spare) && learners(&cluster, leader) == [dead]);
}

#[test]
fn of_two_the_leader_goes_on_alone_and_takes_its_partner_back() {
    let mut cluster = Cluster::of(2).seed(5);
    let leader = cluster.wait_for_leader();
    let partner = 3 - leader;
    cluster.run_for(SECOND);
    cluster.kill(partner);
    cluster.write("alone");
    let took = cluster.run_until(SECOND * 5, |cluster| cluster.texts(leader) == ["alone"]);
    println!("alone after {took:?}");
    assert_eq!(voters(&cluster, leader), [leader]);
    assert_eq!(cluster.leader(), Some(leader));
    cluster.run_for(SECOND * 10);
    cluster.restart(partner);
    cluster.run_for(SECOND * 3);
    assert_eq!(voters(&cluster, partner), [1, 2]);
    assert_eq!(cluster.texts(partner), ["alone"]);
}

#[test]
fn of_two_the_follower_waits_and_loses_nothing() {
    let mut cluster = Cluster::of(2).seed(6);
    let leader = cluster.wait_for_leader();
    let survivor = 3 - leader;
    cluster.run_for(SECOND);
    cluster.kill(leader);
    cluster.write_at(survivor, "waiting");
    cluster.run_for(SECOND * 60);
    assert_eq!((cluster.leader(), cluster.node(survivor).waiting()), (None, 1));
    cluster.restart(leader);
    cluster.run_for(SECOND * 5);
    assert_eq!(cluster.texts(survivor), ["waiting"]);
    assert_eq!(cluster.texts(leader), ["waiting"]);
}

#[test]
fn of_two_that_lose_each_other_only_the_leader_goes_on() {
    for seed in 0..20 {
        let mut cluster = Cluster::of(2).seed(seed);
        let leader = cluster.wait_for_leader();
        let partner = 3 - leader;
        cluster.run_for(SECOND);
        cluster.cut(leader);
        cluster.write_at(leader, "leader");
        cluster.write_at(partner, "partner");
        cluster.run_for(SECOND * 20);
        assert_eq!(cluster.texts(leader), ["leader"]);
        assert!(cluster.texts(partner).is_empty());
        cluster.heal();
        cluster.run_for(SECOND * 5);
        assert_eq!(cluster.texts(partner), ["leader", "partner"]);
        assert_eq!(voters(&cluster, leader), [1, 2]);
    }
}

#[test]
fn a_partner_that_dies_while_it_gets_its_vote_holds_nobody_up() {
    for delay in 0..60 {
        let mut cluster = Cluster::open().seed(delay);
        cluster.run_for(SECOND);
        let partner = cluster.join(Permission::Editor);
        cluster.run_for(Duration::from_millis(400 + delay * 5));
        cluster.kill(partner);
        cluster.write_at(1, "alone");
        cluster.run_until(SECOND * 5, |cluster| cluster.texts(1) == ["alone"]);
    }
}

#[test]
fn a_large_room_shrinks_to_one_step_by_step() {
    let mut cluster = Cluster::of(5).seed(7);
    let leader = cluster.wait_for_leader();
    for node in (1..=5).filter(|node| *node != leader) {
        cluster.kill(node);
        cluster.run_for(SECOND * 7);
    }
    assert_eq!(voters(&cluster, leader), [leader]);
    cluster.write("last one");
    cluster.run_for(SECOND);
    assert_eq!(cluster.texts(leader), ["last one"]);
}

#[test]
fn a_leader_without_its_vote_hands_over() {
    let mut cluster = Cluster::of(3).seed(8).config(by_hand());
    let leader = cluster.wait_for_leader();
    cluster.run_for(SECOND);
    cluster.write("kept");
    assert!(cluster.change(leader, |membership| {
        membership.members.insert(NodeId(leader), member(Standing::Learner));
    }));
    cluster.run_for(SECOND);
    let new = cluster.leader().expect("the others are a majority");
    assert_ne!(new, leader);
    assert_eq!(learners(&cluster, new), [leader]);
    assert_eq!(cluster.texts(leader), ["kept"]);
}

#[test]
fn a_leader_removes_itself_without_counting_itself() {
    let mut cluster = Cluster::of(2).seed(9).config(by_hand());
    let leader = cluster.wait_for_leader();
    let other = 3 - leader;
    cluster.run_for(SECOND);
    cluster.cut(other);
    assert!(cluster.change(leader, |membership| {
        membership.members.remove(&NodeId(leader));
    }));
    cluster.run_for(Duration::from_millis(500));
    assert!(cluster.node(leader).commit() < cluster.node(leader).last(), "only the other one's word counts");
    cluster.heal();
    cluster.run_for(SECOND * 5);
    assert_eq!((cluster.leader(), voters(&cluster, other)), (Some(other), vec![other]));
}

#[test]
fn nothing_changes_before_the_leader_committed_in_its_own_term() {
    let mut cluster = Cluster::of(3).seed(10).config(by_hand());
    cluster.run_until(SECOND * 5, |cluster| cluster.leader().is_some());
    let leader = cluster.leader().expect("it was just there");
    let add = |membership: &mut bevy_quorum::raft::Membership| {
        membership.members.insert(NodeId(9), member(Standing::Learner));
    };
    assert!(!cluster.change(leader, add));
    cluster.run_for(SECOND);
    assert!(cluster.change(leader, add));
    assert!(!cluster.change(leader, |membership| {
        membership.members.insert(NodeId(8), member(Standing::Learner));
    }));
}

#[test]
fn a_learner_that_does_not_know_of_its_vote_gives_it() {
    // 1 and 2 vote, 3 is just promoted; it has not heard of it when 1 dies.
    let mut cluster = Cluster::of(3).seed(11).config(by_hand());
    let leader = cluster.wait_for_leader();
    cluster.run_for(SECOND);
    let [other, third] = [1 + leader % 3, 1 + (leader + 1) % 3];
    assert!(cluster.change(leader, |membership| {
        membership.members.insert(NodeId(third), member(Standing::Learner));
    }));
    cluster.run_for(SECOND);
    cluster.cut_one_way(leader, third);
    assert!(cluster.change(leader, |membership| {
        membership.members.insert(NodeId(third), member(Standing::Voter));
    }));
    cluster.run_for(Duration::from_millis(300));
    cluster.kill(leader);
    assert!(!cluster.node(third).membership().is_voter(NodeId(third)));
    cluster.run_for(SECOND * 5);
    assert_eq!(cluster.leader(), Some(other));
}

#[test]
fn a_link_that_comes_and_goes_changes_little() {
    let mut cluster = Cluster::of(3).seed(12);
    let leader = cluster.wait_for_leader();
    let shaky = 1 + leader % 3;
    let before = cluster.committed().len();
    for _ in 0..60 {
        cluster.cut(shaky);
        cluster.run_for(Duration::from_millis(900));
        cluster.heal();
        cluster.run_for(Duration::from_millis(300));
    }
    let changes = cluster.committed().len() - before;
    assert!(changes <= 4, "{changes}");
}

#[test]
fn nobody_drops_a_partner_before_it_committed_in_its_own_term() {
    assert!(rooms::nobody_drops_a_partner_before_it_committed_in_its_own_term(None));
}

#[test]
fn a_change_is_refused_with_its_reason() {
    let mut cluster = Cluster::of(3).seed(13).config(by_hand());
    cluster.run_until(SECOND * 5, |cluster| cluster.leader().is_some());
    let leader = cluster.leader().expect("it was just there");
    let [one, other] = [1 + leader % 3, 1 + (leader + 1) % 3];
    let [alone, both] = [vec![NodeId(one)], vec![NodeId(one), NodeId(other)]];
    let refused = |cluster: &Cluster, node: u64, without: &[NodeId]| {
        let mut asked = cluster.node(node).clone();
        let mut membership = asked.membership().clone();
        membership.members.retain(|member, _| !without.contains(member));
        asked.change(membership).expect_err("nothing changes")
    };
    assert_eq!(refused(&cluster, leader, &alone), ChangeRefused::TooEarly);
    cluster.run_for(SECOND);
    assert_eq!(refused(&cluster, one, &alone), ChangeRefused::NotLeader { leader: Some(NodeId(leader)) });
    assert_eq!(refused(&cluster, leader, &[]), ChangeRefused::Unchanged);
    assert_eq!(refused(&cluster, leader, &both), ChangeRefused::TooMany { members: 2 });
    assert_eq!(cluster.remove(leader, 77), Err(ChangeRefused::Unknown { node: NodeId(77) }));
    let index = cluster.remove(leader, one).expect("all are there");
    assert_eq!(cluster.remove(leader, other), Err(ChangeRefused::InFlight { index }));
    cluster.run_for(SECOND);
    cluster.tell(leader, Input::Transfer { to: None });
    assert_eq!(refused(&cluster, leader, &both), ChangeRefused::HandingOver);
}

#[test]
fn nobody_is_removed_whom_the_majority_needs() {
    let mut cluster = Cluster::of(3).seed(14).config(by_hand());
    let leader = cluster.wait_for_leader();
    let [dead, needed] = [1 + leader % 3, 1 + (leader + 1) % 3];
    cluster.run_for(SECOND);
    cluster.kill(dead);
    cluster.run_for(SECOND * 2);
    assert_eq!(cluster.remove(leader, needed), Err(ChangeRefused::NoMajority { heard: 1, needed: 2 }));
    assert!(cluster.remove(leader, dead).is_ok());
    cluster.run_for(SECOND);
    assert!(cluster.remove(leader, needed).is_ok());
    cluster.run_for(SECOND);
    assert_eq!(cluster.remove(leader, leader), Err(ChangeRefused::NoVoter));
}

#[test]
fn who_is_removed_learns_it_and_is_let_in_only_when_it_is_linked_anew() {
    for seed in 0..10 {
        let far = Conditions { loss_permille: 100, ..Conditions::round_trip(Duration::from_millis(200)) };
        let mut cluster = Cluster::of(3).seed(seed).conditions(far);
        let leader = cluster.wait_for_leader();
        let gone = 1 + leader % 3;
        cluster.run_for(SECOND * 2);
        cluster.remove(leader, gone).expect("all are there");
        cluster.run_for(SECOND * 60);
        assert_eq!(voters(&cluster, leader).len(), 2);
        assert_eq!((cluster.node(gone).role_kind(), cluster.node(gone).leader()), (RoleKind::Waiting, None));
        assert_eq!((cluster.leader(), cluster.elections()), (Some(leader), 1), "it disturbs nobody");
        // Nor does another leader remember it.
        cluster.tell(leader, Input::Transfer { to: None });
        cluster.run_for(SECOND * 10);
        assert_eq!(voters(&cluster, leader).len(), 2);
        cluster.kill(gone);
        cluster.restart(gone);
        cluster.run_for(SECOND * 5);
        assert_eq!(voters(&cluster, leader), [1, 2, 3]);
    }
}

#[test]
fn a_leader_that_removes_itself_hands_over_at_once() {
    for seed in 0..20 {
        let mut cluster = Cluster::of(3).seed(seed).config(by_hand());
        let leader = cluster.wait_for_leader();
        let author = 1 + leader % 3;
        cluster.run_for(SECOND);
        let index = cluster.remove(leader, leader).expect("all are there");
        cluster.write_at(author, "nothing is lost");
        let took = cluster.run_until(SECOND, |cluster| cluster.leader().is_some_and(|new| new != leader));
        // One round trip to commit it, and one and a half to hand over.
        assert!(took <= Duration::from_millis(60), "{took:?}");
        cluster.run_until(SECOND, |cluster| cluster.texts(author).len() == 1);
        cluster.run_for(SECOND);
        assert!(cluster.node(leader).commit() >= index, "it was told that it may go");
        assert_eq!(cluster.node(leader).role_kind(), RoleKind::Waiting);
        assert_eq!(voters(&cluster, author).len(), 2);
        cluster.run_for(SECOND * 30);
        assert_eq!(cluster.elections(), 2, "who is gone disturbs nobody");
    }
}

/// §4.2.2: its partner has a shorter log and can't win; it alone can commit its own removal.
#[test]
fn who_is_left_out_by_an_uncommitted_change_leads_once_more_to_commit_it() {
    for seed in 0..10 {
        let mut cluster = Cluster::of(2).seed(seed).config(by_hand());
        let leader = cluster.wait_for_leader();
        let partner = 3 - leader;
        cluster.run_for(SECOND);
        cluster.cut(leader);
        cluster.remove(leader, leader).expect("both are there");
        cluster.run_for(Duration::from_millis(100));
        cluster.kill(leader);
        cluster.heal();
        cluster.restart(leader);
        cluster.run_until(SECOND * 10, |cluster| cluster.node(partner).role_kind() == RoleKind::Leader);
        assert_eq!(voters(&cluster, partner), [partner]);
        cluster.write_at(partner, "on we go");
        cluster.run_until(SECOND, |cluster| cluster.texts(partner).len() == 1);
    }
}

#[test]
fn a_living_voter_that_should_stand_back_is_replaced_after_another_has_its_vote() {
    for seed in 0..10 {
        let mut cluster = Cluster::of(3).seed(seed).config(Config { voters_max: 3, ..Config::default() });
        let leader = cluster.wait_for_leader();
        let spare = cluster.join(Permission::Editor);
        cluster.run_for(SECOND * 10);
        assert_eq!(learners(&cluster, leader), [spare]);
        let hidden = 1 + leader % 3;
        cluster.tell(hidden, Input::Priority(10));
        let before = cluster.committed().len();
        cluster.run_for(SECOND * 4);
        assert_eq!(cluster.committed().len(), before, "it may be over soon");
        cluster.run_for(SECOND * 4);
        assert_eq!((learners(&cluster, leader), voters(&cluster, leader).len()), (vec![hidden], 3));
        let sizes = cluster.committed()[before..].iter().filter_map(|entry| match &entry.payload {
            Payload::Membership(membership) => Some(membership.voters().count()),
            _ => None,
        });
        assert_eq!(sizes.collect::<Vec<_>>(), [4, 3]);
        // Nobody moves back.
        cluster.tell(hidden, Input::Priority(PRIORITY_DEFAULT));
        cluster.run_for(SECOND * 30);
        assert_eq!((learners(&cluster, leader), cluster.leader()), (vec![hidden], Some(leader)));
    }
}

#[test]
fn a_leader_in_a_hidden_tab_loses_its_office_and_then_its_vote() {
    let mut cluster = Cluster::of(3).seed(15).config(Config { voters_max: 3, ..Config::default() });
    let leader = cluster.wait_for_leader();
    let spare = cluster.join(Permission::Editor);
    cluster.run_for(SECOND * 10);
    cluster.tell(leader, Input::Priority(0));
    cluster.run_for(SECOND);
    let new = cluster.leader().expect("it hands over");
    assert_ne!(new, leader);
    cluster.run_for(SECOND * 10);
    assert!(voters(&cluster, new).contains(&spare) && learners(&cluster, new) == [leader]);
    assert_eq!(cluster.elections(), 2);
}

#[test]
fn who_is_far_away_gets_a_vote_too() {
    for round_trip_ms in [300, 700, 1_500] {
        let far = Conditions::round_trip(Duration::from_millis(round_trip_ms));
        let mut cluster = Cluster::open().seed(round_trip_ms).conditions(far);
        cluster.wait_for_leader();
        cluster.join(Permission::Editor);
        cluster.run_until(SECOND * 30, |cluster| voters(cluster, 1) == [1, 2]);
        cluster.join(Permission::Editor);
        cluster.run_until(SECOND * 30, |cluster| voters(cluster, 1) == [1, 2, 3]);
    }
}
