//! How many commands a second one core carries through a cluster.

use crate::{
    cases::{Case, Scale},
    contender::{Contender, Load, Stuck, Wire},
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

fn compare_at(case: &Case, scale: &Scale) -> Vec<Ratio> {
    let commands = scale.commands(case);
    let of_raft_rs = best::<Stepped<RaftRs>>(case, commands / SHARE);
    let of_openraft = best::<OpenRaft>(case, commands / SHARE);
    let (mut core, mut raft_rs, mut openraft) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..scale.runs {
        core.extend(rate::<Stepped<Ours>>(case, commands, ()));
        raft_rs.extend(of_raft_rs.and_then(|settings| rate::<Stepped<RaftRs>>(case, commands, settings).ok()));
        openraft.extend(of_openraft.and_then(|settings| rate::<OpenRaft>(case, commands, settings).ok()));
    }
    // Who stands still once has no figure: the others of that run would have no partner.
    [&mut raft_rs, &mut openraft].into_iter().filter(|rates| rates.len() < scale.runs).for_each(Vec::clear);
    let columns = [&core, &raft_rs, &openraft].map(|rates| match rates.as_slice() {
        [] => "stands still".to_owned(),
        rates => Spread::of(rates).thousands(),
    });
    println!("{:<34} {:>24} {:>24} {:>24}", case.to_string(), columns[0], columns[1], columns[2]);
    println!("{:<34} {of_raft_rs:?}, {of_openraft:?}", "");
    let theirs = [("raft-rs", raft_rs), ("openraft", openraft)].into_iter().filter(|(_, rates)| !rates.is_empty());
    theirs.map(|(than, rates)| Ratio::of_rates(than, case, &core, &rates)).collect()
}

/// The settings with which a contender is fastest here; none if it stands still with all of them.
fn best<C: Contender>(case: &Case, commands: u64) -> Option<C::Settings> {
    let tried = C::SETTINGS.iter().filter_map(|settings| {
        let rates: Result<Vec<f64>, Stuck> =
            (0..3).map(|_| rate::<C>(case, commands.max(case.window), *settings)).collect();
        Some((Spread::of(&rates.ok()?).median, *settings))
    });
    tried.max_by(|one, other| one.0.total_cmp(&other.0)).map(|(_, settings)| settings)
}

/// The commands a second of one fresh cluster, all of them applied by all of its nodes.
fn rate<C: Contender>(case: &Case, commands: u64, settings: C::Settings) -> Result<f64, Stuck> {
    let load = |commands| Load { commands, window: case.window, bytes: case.bytes };
    let mut cluster = C::start(case.nodes, settings, Wire::Moved);
    let warm_up = (commands / SHARE).max(1);
    cluster.carry_out(load(warm_up))?;
    cluster.agree(warm_up)?;
    let mut done = Ok(());
    let time = cpu::time(|| {
        done = cluster.carry_out(load(commands)).and_then(|()| cluster.agree(warm_up + commands));
    });
    done.map(|()| commands as f64 / time.as_secs_f64())
}
