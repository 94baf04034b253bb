//! The settings as shipped: no election without cause, and a short gap when there is one.
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

/// From the crash of the leader until a command of a survivor is committed again.
fn gap(seed: u64, conditions: Conditions) -> Duration {
    let mut cluster = Cluster::of(3).seed(seed).conditions(conditions).disk_latency(Duration::from_millis(5));
    let leader = cluster.wait_for_leader();
    let pause = cluster.roll(1_000);
    cluster.run_for(SECOND * 3 + Duration::from_millis(pause));
    cluster.kill(leader);
    let survivor = 1 + leader % 3;
    cluster.write_at(survivor, "on we go");
    cluster.run_until(SECOND * 20, |cluster| !cluster.applied(survivor).is_empty())
}

fn median_gap(conditions: &Conditions) -> Duration {
    let mut gaps: Vec<Duration> = (0..101).map(|seed| gap(seed, conditions.clone())).collect();
    gaps.sort();
    println!("commits resume after {:?} (median), {:?} (p90), {:?} (worst)", gaps[50], gaps[90], gaps[100]);
    gaps[50]
}

#[test]
fn commits_resume_within_a_second_and_a_half_of_a_crash() {
    assert!(median_gap(&Conditions::default()) <= Duration::from_millis(1_500));
}

#[test]
fn commits_resume_within_a_second_and_a_half_of_a_crash_on_a_lossy_internet() {
    assert!(median_gap(&internet()) <= Duration::from_millis(1_500));
}
