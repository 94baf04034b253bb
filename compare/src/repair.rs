//! How long it takes until a node that was cut off has caught up.

use crate::{
    cases::Scale,
    contender::{Contender, Load, Stuck, Wire},
    cpu,
    open_raft::OpenRaft,
    ours::Ours,
    raft_rs::RaftRs,
    report::{Ratio, Spread},
    stepped::Stepped,
};
use std::fmt;

const NODES: usize = 3;
const BYTES: usize = 32;
const WINDOW: u64 = 1_024;

/// The ways to fall behind.
#[derive(Clone, Copy)]
enum Case {
    /// A follower misses so many commands.
    Lag(u64),
    /// A leader goes on alone for so many, while the others carry out as many under another one.
    Tail(u64),
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lag(entries) => write!(f, "repair=lag entries={entries}"),
            Self::Tail(entries) => write!(f, "repair=tail entries={entries}"),
        }
    }
}

/// Every case whose name contains `only`, the contenders taking turns; prints a row for each.
pub fn compare(scale: &Scale, only: &str) -> Vec<Ratio> {
    println!("\nMilliseconds on one core until a node cut off has applied what it missed: median (least to most)");
    println!("{:<34} {:>24} {:>24} {:>24}", "", "core", "raft-rs", "openraft");
    let cases = [Case::Lag(scale.lag), Case::Tail(scale.tail)].into_iter();
    cases.filter(|case| case.to_string().contains(only)).flat_map(|case| compare_at(case, scale)).collect()
}

fn compare_at(case: Case, scale: &Scale) -> [Ratio; 2] {
    let of_raft_rs = best::<Stepped<RaftRs>>(case);
    let of_openraft = best::<OpenRaft>(case);
    let (mut core, mut raft_rs, mut openraft) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..scale.runs {
        core.push(repair::<Stepped<Ours>>(case, ()));
        raft_rs.push(repair::<Stepped<RaftRs>>(case, of_raft_rs));
        openraft.push(repair::<OpenRaft>(case, of_openraft));
    }
    let columns = [&core, &raft_rs, &openraft].map(|times| Spread::of(times).precisely());
    println!("{:<34} {:>24} {:>24} {:>24}", case.to_string(), columns[0], columns[1], columns[2]);
    println!("{:<34} {of_raft_rs:?}, {of_openraft:?}", "");
    [Ratio::of_times("raft-rs", &case, &core, &raft_rs), Ratio::of_times("openraft", &case, &core, &openraft)]
}

/// The settings with which a contender is fastest here.
fn best<C: Contender>(case: Case) -> C::Settings {
    let time = |settings: &C::Settings| repair::<C>(case, *settings);
    let mut timed: Vec<(f64, C::Settings)> = C::SETTINGS.iter().map(|settings| (time(settings), *settings)).collect();
    timed.sort_by(|one, other| one.0.total_cmp(&other.0));
    timed[0].1
}

/// Milliseconds on the core until the node that fell behind has applied what it missed.
fn repair<C: Contender>(case: Case, settings: C::Settings) -> f64 {
    try_repair::<C>(case, settings).expect("three nodes carry this out")
}

fn try_repair<C: Contender>(case: Case, settings: C::Settings) -> Result<f64, Stuck> {
    let mut cluster = C::start(NODES, settings, Wire::Moved);
    let load = |commands| Load { commands, window: WINDOW, bytes: BYTES };
    cluster.carry_out(load(WINDOW))?;
    cluster.agree(WINDOW)?;
    let (fallen, missed) = match case {
        Case::Lag(entries) => {
            let follower = (cluster.leader() + 1) % NODES;
            cluster.cut(follower);
            (follower, entries)
        }
        Case::Tail(entries) => {
            let leader = cluster.leader();
            cluster.cut(leader);
            cluster.append_in_vain(entries, BYTES);
            cluster.depose();
            (leader, entries)
        }
    };
    cluster.carry_out(load(missed))?;
    cluster.heal();
    let mut caught_up = Ok(());
    let time = cpu::time(|| caught_up = cluster.catch_up(fallen, WINDOW + missed));
    caught_up.and_then(|()| cluster.agree(WINDOW + missed))?;
    Ok(time.as_secs_f64() * 1e3)
}
