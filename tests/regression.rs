//! Failures that the simulator found in the core, each as the shortest story that shows it, with its cause.
#![cfg(feature = "playtest")]

use bevy_quorum::playtest::Cluster;
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
