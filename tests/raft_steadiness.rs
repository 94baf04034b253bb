//! The settings as shipped: no election without cause.
#![cfg(feature = "playtest")]

use bevy_quorum::playtest::{Cluster, Conditions};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn internet() -> Conditions {
    Conditions { loss_permille: 10, ..Conditions::round_trip(Duration::from_millis(150)) }
}

#[test]
fn an_hour_on_a_lossy_internet_sees_one_election() {
    let mut cluster = Cluster::of(3).seed(1).conditions(internet());
    cluster.wait_for_leader();
    for minute in 0..60 {
        cluster.write_at(1 + minute % 3, &format!("minute {minute}"));
        cluster.run_for(SECOND * 60);
    }
    assert_eq!(cluster.elections(), 1);
    assert_eq!(cluster.history().len(), 60);
}

#[test]
fn an_hour_with_jitter_that_reorders_sees_one_election() {
    let jitter = Duration::from_millis(60);
    let mut cluster = Cluster::of(5).seed(2).conditions(Conditions { jitter, ..internet() });
    cluster.wait_for_leader();
    cluster.run_for(SECOND * 3600);
    assert_eq!(cluster.elections(), 1);
}
