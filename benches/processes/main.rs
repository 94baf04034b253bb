//! What three real processes do on one machine: committed strokes per second, commit latency, and how long
//! commits pause when the leader is killed. Settings as shipped, over WebRTC, stores on the disk of `$TMPDIR`.
//!
//! Run: `cargo bench --all-features --bench processes`, or with `-- recovery` or `-- commits` for one half.

mod party;
mod peer;

use party::Party;
use std::{
    env,
    time::{Duration, Instant},
};

/// Kills whose median counts.
const KILLS: usize = 10;
/// Strokes of each peer in the burst.
const BURST: usize = 5_000;
/// How long latency is measured at leisure.
const LEISURE: Duration = Duration::from_secs(10);

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if arguments.first().is_some_and(|argument| argument == peer::MARK) {
        return peer::run(&arguments[1..]);
    }
    let wanted =
        |half: &str| !arguments.iter().any(|other| ["recovery", "commits"].contains(&other.as_str()) && other != half);
    let mut party = Party::gather();
    if wanted("commits") {
        at_leisure(&mut party);
        in_a_burst(&mut party);
    }
    if wanted("recovery") {
        recovery(&mut party);
    }
}

/// Commit latency while everybody commits 20 strokes a second.
fn at_leisure(party: &mut Party) {
    party.tell_all("trickle 20");
    let until = Instant::now() + LEISURE;
    let (mut leader, mut followers) = (Vec::new(), Vec::new());
    while Instant::now() < until {
        party.settled(Duration::from_millis(100), |from_leader, latency| {
            if from_leader { leader.push(latency) } else { followers.push(latency) }
        });
    }
    party.tell_all("stop");
    party.run_for(Duration::from_secs(1));
    println!("at leisure, 60 strokes a second together:");
    println!("  proposed at the leader    {}", quantiles(leader));
    println!("  proposed at a follower    {}", quantiles(followers));
}

/// Strokes per second while everybody commits as fast as it goes.
fn in_a_burst(party: &mut Party) {
    let started = Instant::now();
    party.tell_all(&format!("burst {BURST}"));
    let (mut latencies, count) = (Vec::new(), 3 * BURST);
    while latencies.len() < count {
        party.settled(Duration::from_millis(100), |_, latency| latencies.push(latency));
        assert!(started.elapsed() < Duration::from_secs(300), "{} of {count} are settled", latencies.len());
    }
    let seconds = started.elapsed().as_secs_f64();
    println!("in a burst of {BURST} strokes by each, {} on their way:", peer::ON_THE_WAY_MAX);
    println!("  {:.0} strokes a second      {}", count as f64 / seconds, quantiles(latencies));
}

/// How long commits pause when the leader is killed: until a stroke that was drawn after the kill is committed.
fn recovery(party: &mut Party) {
    let mut pauses: Vec<Duration> = (0..KILLS)
        .map(|_| {
            party.tell_all("trickle 100");
            party.run_for(Duration::from_secs(2));
            let (killed_at, leader) = party.kill_leader();
            let pause = party.first_commit_after(killed_at);
            party.tell_all("stop");
            party.bring_back(leader);
            pause
        })
        .collect();
    pauses.sort_unstable();
    let all: Vec<String> = pauses.iter().map(|pause| format!("{:.2}", pause.as_secs_f64())).collect();
    println!("the leader is killed {KILLS} times; commits resume after, in seconds:");
    println!("  median {}   all {}", all[KILLS / 2], all.join(" "));
}

fn quantiles(mut latencies: Vec<Duration>) -> String {
    latencies.sort_unstable();
    let at = |part: usize| {
        latencies.get(latencies.len() * part / 100).map_or(f64::NAN, |latency| latency.as_secs_f64() * 1e3)
    };
    format!("p50 {:.2} ms   p99 {:.2} ms   ({} strokes)", at(50), at(99), latencies.len())
}
