//! Whole rooms, in which the referee of the playtest looks too.

use bevy_quorum::{
    playtest::Cluster,
    raft::{Config, Holdup, Mutant, NodeId, Payload, Permission, Standing},
};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

const SECOND: Duration = Duration::from_secs(1);

/// Whether a story ends without anybody's veto.
fn holds(story: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(story)).is_ok()
}

/// Nobody is promoted or demoted but by the story.
fn by_hand(mutant: Option<Mutant>) -> Config {
    Config { voters_max: 0, silence: Duration::from_secs(100_000), mutant, ..Config::default() }
}

fn voters(cluster: &Cluster, node: u64) -> Vec<u64> {
    cluster.node(node).membership().voters().map(|voter| voter.0).collect()
}

/// A leader that has committed nothing in its term may not drop its partner: a change of an earlier leader, which only a
/// third node kept, could still win with the partner's vote.
pub fn nobody_drops_a_partner_before_it_committed_in_its_own_term(mutant: Option<Mutant>) -> bool {
    let mut stories = (0..20).filter_map(|seed| promoted_by_one_and_led_by_another(seed, mutant)).peekable();
    assert!(stories.peek().is_some(), "no seed told this story");
    stories.all(|(mut cluster, leader)| {
        holds(|| {
            cluster.cut(leader);
            cluster.run_for(SECOND * 3);
            cluster.heal();
            cluster.cut(leader);
            cluster.run_for(SECOND * 5);
            cluster.heal();
            cluster.run_until(SECOND * 10, Cluster::is_settled);
        })
    })
}

/// A pair of which one promoted a learner, who alone has the entry, and the other leads now, and has committed nothing. None
/// if it came otherwise.
fn promoted_by_one_and_led_by_another(seed: u64, mutant: Option<Mutant>) -> Option<(Cluster, u64)> {
    let mut cluster = Cluster::of(2).config(by_hand(mutant)).seed(seed).disk_latency(Duration::from_millis(50));
    let first = cluster.wait_for_leader();
    let other = 3 - first;
    let learner = cluster.join(Permission::Editor);
    cluster.run_for(SECOND * 2);
    cluster.cut(other);
    let promoted = cluster.change(first, |membership| {
        membership.members.entry(NodeId(learner)).and_modify(|member| member.standing = Standing::Voter);
    });
    assert!(promoted);
    cluster.run_for(Duration::from_millis(30));
    cluster.kill(first);
    cluster.run_for(Duration::from_millis(100));
    assert_eq!(voters(&cluster, learner), [1, 2, learner]);
    cluster.heal();
    cluster.cut(learner);
    cluster.restart(first);
    // The learner has the only copy of the change, unless the first leader's disk was quick. The other is to be elected
    // by the first one's vote, and never to be heard.
    let voted = |cluster: &Cluster| {
        let ballot = cluster.node(first).ballot();
        ballot.vote.is_some() && ballot != cluster.disk(first).ballot
    };
    cluster.run_until(SECOND * 10, voted);
    if voters(&cluster, first).len() > 2 || cluster.node(first).ballot().vote != Some(NodeId(other)) {
        return None;
    }
    cluster.cut_one_way(other, first);
    assert_eq!(cluster.wait_for_leader(), other);
    Some((cluster, other))
}

/// What is marked is the room as it is there, though its configuration changes again right behind the mark (§5.1).
pub fn the_configuration_at_its_index_is_inside(mutant: Option<Mutant>) -> bool {
    let config = || Config { makes_snapshots: true, mark_entries: 20, tail_bytes: 300, mutant, ..Config::default() };
    (0..20).all(|seed| {
        let mut cluster = Cluster::of(3).seed(seed).config(config());
        let leader = cluster.wait_for_leader();
        cluster.run_for(SECOND);
        holds(|| change_all_the_time(&mut cluster, leader)) && is_configuration_inside(&cluster, leader)
    })
}

/// The configuration changes also right after a mark, before it is applied.
fn change_all_the_time(cluster: &mut Cluster, leader: u64) {
    for round in 0..60 {
        (0..=cluster.roll(3)).for_each(|_| _ = cluster.write(&round.to_string()));
        let voter = 1 + leader % 3;
        cluster.change(leader, |membership| {
            let member = membership.members.get_mut(&NodeId(voter)).expect("it is a member");
            member.standing = if round % 2 == 0 { Standing::Learner } else { Standing::Voter };
        });
        cluster.run_for(Duration::from_millis(17));
    }
    cluster.run_for(SECOND);
}

fn is_configuration_inside(cluster: &Cluster, node: u64) -> bool {
    let snapshot = cluster.snapshot(node).expect("there were marks");
    let before = &cluster.committed()[..snapshot.position.index.0 as usize];
    let configured = before.iter().rev().find_map(|entry| match &entry.payload {
        Payload::Membership(membership) => Some((entry.index, membership)),
        _ => None,
    });
    configured == Some((snapshot.membership_index, &snapshot.membership))
}

/// What a leader appends beyond what is committed has an end.
pub fn a_leader_alone_appends_no_more_than_its_limit(mutant: Option<Mutant>) -> bool {
    let config = Config { uncommitted_bytes_max: 2_000, mutant, ..Config::default() };
    let mut cluster = Cluster::of(3).seed(1).config(config);
    let leader = cluster.wait_for_leader();
    cluster.run_for(SECOND);
    cluster.cut(leader);
    (0..200).for_each(|_| _ = cluster.write_at(leader, "on and on"));
    cluster.node(leader).holdup() == Some(Holdup::Full)
}
