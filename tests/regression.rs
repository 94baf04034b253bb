//! Failures that the simulator found in the core, each as the shortest story that shows it, with its cause.
#![cfg(feature = "playtest")]

use bevy_quorum::{
    playtest::{Cluster, Conditions},
    raft::Permission,
};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// A new leader excuses all at first, for nobody can have answered yet. It let the old leader give up its vote at once,
/// counting on a voter that was long gone, and so left a pair that could neither commit that nor go back.
#[test]
fn a_new_leader_counts_on_no_voter_that_was_gone_before_it_came() {
    for seed in 0..20 {
        let mut cluster = Cluster::of(3).seed(seed);
        let leader = cluster.wait_for_leader();
        let (gone, heir) = (leader % 3 + 1, (leader + 1) % 3 + 1);
        cluster.write("before");
        cluster.run_for(SECOND);
        cluster.kill(gone);
        cluster.leave(leader);
        cluster.run_until(SECOND * 20, |cluster| cluster.node(leader).has_left());
        cluster.kill(leader);
        cluster.run_for(SECOND);
        cluster.write_at(heir, "after");
        cluster.run_for(SECOND * 2);
        assert_eq!(cluster.texts(heir), ["before", "after"]);
    }
}

/// A leader counted on a voter that had last answered long before it was asked, took the vote of another that was cut off,
/// and so left a pair of which one store was lost: the one that was only cut off came back in vain. It counts now on who
/// answered what was sent within the patience.
#[test]
fn a_leader_counts_on_no_voter_that_just_vanished() {
    for seed in 0..20 {
        let mut cluster = Cluster::of(3).seed(seed).conditions(Conditions::round_trip(Duration::from_millis(600)));
        let leader = cluster.wait_for_leader();
        let (cut_off, lost) = (leader % 3 + 1, (leader + 1) % 3 + 1);
        cluster.run_for(SECOND * 3);
        cluster.cut(cut_off);
        cluster.run_for(Duration::from_millis(3_500));
        cluster.kill(lost);
        cluster.run_for(SECOND * 7);
        cluster.heal();
        cluster.run_until(SECOND * 60, |cluster| cluster.leader().is_some());
        let works = cluster.wait_for_leader();
        cluster.write_at(works, "after");
        cluster.run_until(SECOND * 10, |cluster| cluster.texts(works) == ["after"]);
    }
}

/// A candidate asked anew whenever its own clock had a gap, and so never counted the answers that came in the gap: in a
/// room whose drivers all run once a second nobody was ever elected.
#[test]
fn a_room_in_hidden_tabs_elects_somebody() {
    for seed in 0..20 {
        let mut cluster = Cluster::of(3).seed(seed).conditions(Conditions::round_trip(Duration::from_millis(50)));
        cluster.wait_for_leader();
        (1..=3).for_each(|node| cluster.set_tick(node, Some(SECOND)));
        cluster.run_for(SECOND * 60);
        cluster.run_until(SECOND * 60, |cluster| cluster.leader().is_some());
    }
}

/// A leader that slept excused the silence of a learner, and gave it a vote at once: it had gone meanwhile, and with it the
/// majority.
#[test]
fn a_learner_that_went_while_its_leader_slept_gets_no_vote() {
    for seed in 0..20 {
        let mut cluster = Cluster::open().seed(seed);
        cluster.wait_for_leader();
        let gone = cluster.join(Permission::Editor);
        cluster.run_until(SECOND, |cluster| cluster.node(1).membership().learners().count() == 1);
        cluster.run_for(Duration::from_millis(300));
        cluster.kill(gone);
        cluster.stall(1, SECOND * 10);
        cluster.run_for(SECOND * 10 + Duration::from_millis(100));
        cluster.kill(1);
        cluster.restart(1);
        cluster.run_until(SECOND * 5, |cluster| cluster.leader() == Some(1));
        cluster.write("alone");
        cluster.run_until(SECOND, |cluster| cluster.texts(1) == ["alone"]);
    }
}
