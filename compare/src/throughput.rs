//! How many commands a second one core carries through a cluster.

use crate::{
    cases::{Case, Scale},
    contender::{Contender, Load, Wire},
    cpu,
    open_raft::OpenRaft,
    ours::Ours,
    raft_rs::RaftRs,
    report::{Ratio, Spread},
    stepped::Stepped,
};

/// The part of a turn that finds the best settings, or warms up.
const SHARE: u64 = 10;

/// Every case whose name contains `only`, the contenders taking turns; prints a row for each.
pub fn compare(scale: &Scale, only: &str) -> Vec<Ratio> {
    println!("\nThousands of commands a second on one core: median (least to most) of {} runs", scale.runs);
    println!("{:<34} {:>24} {:>24} {:>24}", "", "core", "raft-rs", "openraft");
    let cases = Case::all().filter(|case| case.to_string().contains(only));
    cases.flat_map(|case| compare_at(&case, scale)).collect()
}

fn compare_at(case: &Case, scale: &Scale) -> [Ratio; 2] {
    let commands = scale.commands(case);
    let of_raft_rs = best::<Stepped<RaftRs>>(case, commands / SHARE);
    let of_openraft = best::<OpenRaft>(case, commands / SHARE);
    let (mut core, mut raft_rs, mut openraft) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..scale.runs {
        core.push(rate::<Stepped<Ours>>(case, commands, ()));
        raft_rs.push(rate::<Stepped<RaftRs>>(case, commands, of_raft_rs));
        openraft.push(rate::<OpenRaft>(case, commands, of_openraft));
    }
    let columns = [&core, &raft_rs, &openraft].map(|rates| Spread::of(rates).thousands());
    println!("{:<34} {:>24} {:>24} {:>24}", case.to_string(), columns[0], columns[1], columns[2]);
    println!("{:<34} {of_raft_rs:?}, {of_openraft:?}", "");
    [Ratio::of_rates("raft-rs", case, &core, &raft_rs), Ratio::of_rates("openraft", case, &core, &openraft)]
}

/// The settings with which a contender is fastest here.
fn best<C: Contender>(case: &Case, commands: u64) -> C::Settings {
    let fastest = |settings: &C::Settings| {
        let rates: Vec<f64> = (0..3).map(|_| rate::<C>(case, commands.max(case.window), *settings)).collect();
        Spread::of(&rates).median
    };
    let mut best: Option<(f64, C::Settings)> = None;
    for settings in C::SETTINGS {
        let rate = if C::SETTINGS.len() == 1 { 0.0 } else { fastest(settings) };
        if best.is_none_or(|(best, _)| rate > best) {
            best = Some((rate, *settings));
        }
    }
    best.expect("everybody has settings").1
}

/// The commands a second of one fresh cluster, all of them applied by all of its nodes.
fn rate<C: Contender>(case: &Case, commands: u64, settings: C::Settings) -> f64 {
    let load = |commands| Load { commands, window: case.window, bytes: case.bytes };
    let mut cluster = C::start(case.nodes, settings, Wire::Moved);
    let warm_up = (commands / SHARE).max(1);
    cluster.carry_out(load(warm_up));
    cluster.agree(warm_up);
    let time = cpu::time(|| {
        cluster.carry_out(load(commands));
        cluster.agree(warm_up + commands);
    });
    commands as f64 / time.as_secs_f64()
}
