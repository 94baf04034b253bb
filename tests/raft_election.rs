//! How a leader is found, and what does not disturb it.
#![cfg(feature = "playtest")]

use bevy_quorum::{
    playtest::{Cluster, Conditions},
    raft::{Entries, Input, LogIndex, LogPosition, Message, MessageBody, NodeId, Permission, RoleKind, Term},
};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn others(leader: u64) -> [u64; 2] {
    [1 + leader % 3, 1 + (leader + 1) % 3]
}

#[test]
fn one_leader_is_elected() {
    for seed in 0..50 {
        let mut cluster = Cluster::of(5).seed(seed);
        cluster.run_for(SECOND * 3);
        let leader = cluster.leader().map(NodeId);
        assert!(leader.is_some());
        assert!(cluster.numbers().all(|node| cluster.node(node).leader() == leader));
    }
}

#[test]
fn who_opens_a_room_leads_it_at_once() {
    let mut cluster = Cluster::open();
    cluster.run_for(Duration::from_millis(1));
    assert_eq!(cluster.leader(), Some(1));
}

#[test]
fn a_room_alone_leads_again_after_a_restart() {
    let mut cluster = Cluster::open();
    cluster.run_for(SECOND);
    cluster.write("kept");
    cluster.run_for(SECOND);
    cluster.kill(1);
    cluster.restart(1);
    cluster.run_for(Duration::from_millis(1));
    assert_eq!(cluster.leader(), Some(1));
    assert_eq!(cluster.texts(1), ["kept"]);
}

#[test]
fn a_minority_has_no_leader() {
    let mut cluster = Cluster::of(3).seed(2);
    let leader = cluster.wait_for_leader();
    cluster.cut(leader);
    cluster.run_for(SECOND * 4);
    assert_eq!(cluster.node(leader).leader(), None);
    assert!(cluster.leader().is_some_and(|new| new != leader));
}

#[test]
fn who_comes_back_from_a_cut_deposes_nobody() {
    let mut cluster = Cluster::of(3).seed(3);
    let leader = cluster.wait_for_leader();
    let [cut, _] = others(leader);
    cluster.cut(cut);
    cluster.run_for(SECOND * 30);
    let term = cluster.node(leader).term();
    cluster.heal();
    cluster.run_for(SECOND * 5);
    assert_eq!((cluster.leader(), cluster.node(leader).term()), (Some(leader), term));
    assert_eq!(cluster.node(cut).term(), term);
}

#[test]
fn a_follower_that_hears_nobody_but_is_heard_deposes_nobody() {
    let mut cluster = Cluster::of(3).seed(4);
    let leader = cluster.wait_for_leader();
    let [deaf, _] = others(leader);
    cluster.cut_one_way(leader, deaf);
    cluster.run_for(SECOND * 20);
    assert_eq!((cluster.leader(), cluster.elections()), (Some(leader), 1));
}

#[test]
fn a_leader_that_reaches_only_a_bridge_is_replaced_or_works() {
    // 1 - 2 - 3 - 4 - 5 in a line around 3: the leader at the end must not hold the others up for ever.
    for seed in 0..10 {
        let mut cluster = Cluster::of(5).seed(seed);
        let leader = cluster.wait_for_leader();
        let bridge = 1 + leader % 5;
        for other in cluster.numbers().filter(|other| *other != bridge && *other != leader) {
            cluster.cut_between(leader, other);
        }
        cluster.run_for(SECOND * 6);
        let new = cluster.leader().expect("a majority is connected");
        assert_ne!(new, leader);
    }
}

#[test]
fn a_stale_log_wins_no_votes() {
    let mut cluster = Cluster::of(3).seed(7);
    let leader = cluster.wait_for_leader();
    let [stale, other] = others(leader);
    cluster.cut(stale);
    cluster.write("x");
    cluster.run_for(SECOND);
    cluster.kill(leader);
    cluster.heal();
    cluster.run_for(SECOND * 5);
    assert_eq!(cluster.leader(), Some(other));
}

#[test]
fn after_a_gap_in_its_own_time_nobody_campaigns_at_once() {
    let mut cluster = Cluster::of(3).seed(8);
    let leader = cluster.wait_for_leader();
    cluster.run_for(SECOND);
    let term = cluster.node(leader).term();
    let [sleeper, _] = others(leader);
    cluster.stall(sleeper, SECOND * 10);
    cluster.run_for(SECOND * 15);
    assert_eq!((cluster.leader(), cluster.node(sleeper).term()), (Some(leader), term));
}

#[test]
fn a_leader_that_slept_finds_out_that_it_was_replaced() {
    let mut cluster = Cluster::of(3).seed(9);
    let leader = cluster.wait_for_leader();
    cluster.run_for(SECOND);
    cluster.stall(leader, SECOND * 5);
    cluster.run_for(SECOND * 8);
    let new = cluster.leader().expect("two are a majority");
    assert_ne!(new, leader);
    assert_eq!(cluster.node(leader).leader(), Some(NodeId(new)));
}

#[test]
fn a_sleep_of_the_whole_room_costs_no_election() {
    let mut cluster = Cluster::of(3).seed(10);
    let leader = cluster.wait_for_leader();
    cluster.run_for(SECOND);
    (1..=3).for_each(|node| cluster.stall(node, SECOND * 60));
    cluster.run_for(SECOND * 65);
    assert_eq!((cluster.leader(), cluster.elections()), (Some(leader), 1));
}

#[test]
fn a_late_pre_vote_is_answered_with_the_term() {
    let mut cluster = Cluster::of(3).seed(11);
    let leader = cluster.wait_for_leader();
    cluster.run_for(SECOND);
    let term = cluster.node(leader).term();
    let [node, asker] = others(leader);
    let body = MessageBody::PreVote { last: LogPosition::default() };
    let mut node = cluster.node(node).clone();
    while node.poll().is_some() {}
    node.handle(
        bevy_quorum::raft::Moment(cluster.elapsed().as_nanos() as u64),
        Input::Receive { from: NodeId(asker), message: Message { term: Term(1), body } },
    );
    let answer = node.poll();
    let expected = Message { term, body: MessageBody::PreVoteReply { asked: Term(1), granted: false, ahead: None } };
    assert_eq!(answer, Some(bevy_quorum::raft::Effect::Send { to: NodeId(asker), message: expected }));
}

#[test]
fn nonsense_from_peers_is_ignored_and_counted() {
    let mut cluster = Cluster::of(3).seed(12);
    let leader = cluster.wait_for_leader();
    cluster.run_for(SECOND);
    let far = LogPosition { term: Term(u64::MAX), index: LogIndex(u64::MAX) };
    let (sent, serial) = (bevy_quorum::raft::Moment::NEVER, bevy_quorum::raft::Serial(u64::MAX));
    let bodies = [
        MessageBody::PreVote { last: far },
        MessageBody::Append { previous: far, entries: Entries::default(), commit: far.index, sent },
        MessageBody::Heartbeat { commit: far, round: 0, patience_ms: 400, sent },
        MessageBody::Appended { matched: far.index },
        MessageBody::Mismatch { hint: far, sent },
        MessageBody::Forwarded { appended: serial, gap: true, holdup: None, sent },
        MessageBody::Forward { session: LogIndex(1), after: serial, commands: vec![(serial, Vec::new().into())], sent },
        MessageBody::Forgotten { session: LogIndex(1) },
        MessageBody::Forgotten { session: far.index },
        MessageBody::ReadIndex { question: u64::MAX },
        MessageBody::ReadIndexReply { question: u64::MAX, index: far.index },
        MessageBody::TimeoutNow { last: far },
        MessageBody::Retire,
        MessageBody::Outdated,
    ];
    for body in bodies {
        for term in [Term(0), cluster.node(leader).term(), Term(u64::MAX)] {
            for node in 1..=3 {
                for from in [others(node)[0], others(node)[1], 77] {
                    let message = Message { term, body: body.clone() };
                    cluster.tell(node, Input::Receive { from: NodeId(from), message });
                }
            }
        }
    }
    assert!(cluster.node(leader).ignored() > 0);
    cluster.write("still here");
    cluster.run_for(SECOND * 5);
    assert!((1..=3).all(|node| cluster.texts(node) == ["still here"]));
}

#[test]
fn votes_lost_on_the_way_are_asked_for_again() {
    let lossy = Conditions { loss_permille: 300, ..Conditions::default() };
    for seed in 0..20 {
        let mut cluster = Cluster::of(5).seed(seed).conditions(lossy.clone());
        cluster.run_for(SECOND * 10);
        assert!(cluster.leader().is_some());
    }
}

#[test]
fn a_joiner_without_a_room_never_campaigns() {
    let mut cluster = Cluster::of(1).seed(1);
    cluster.run_for(SECOND);
    cluster.kill(1);
    let joiner = cluster.join(Permission::Editor);
    cluster.run_for(SECOND * 20);
    assert_eq!((cluster.node(joiner).role_kind(), cluster.node(joiner).term()), (RoleKind::Waiting, Term(0)));
}

#[test]
fn a_disk_slower_than_every_timeout_still_opens_a_room() {
    let mut cluster = Cluster::open().disk_latency(SECOND * 2);
    cluster.wait_for_leader();
}
