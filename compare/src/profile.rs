//! One case over and over, for a profiler to look at.

use crate::{
    cases::Case,
    contender::{Contender, Load, Wire},
    cpu,
    open_raft::OpenRaft,
    ours::Ours,
    raft_rs::RaftRs,
    stepped::Stepped,
};

const COMMANDS: u64 = 100_000;

pub fn repeat(contender: &str, rounds: u64) {
    match contender {
        "core" => repeat_at::<Stepped<Ours>>(rounds),
        "raft-rs" => repeat_at::<Stepped<RaftRs>>(rounds),
        "openraft" => repeat_at::<OpenRaft>(rounds),
        other => panic!("{other} is nobody"),
    }
}

fn repeat_at<C: Contender>(rounds: u64) {
    let Case { nodes, window, bytes } = Case::TYPICAL;
    let settings = C::SETTINGS[C::SETTINGS.len() - 1];
    for _ in 0..rounds {
        let mut cluster = C::start(nodes, settings, Wire::Moved);
        let time = cpu::time(|| {
            let load = Load { commands: COMMANDS, window, bytes };
            cluster.carry_out(load).and_then(|()| cluster.agree(COMMANDS)).expect("three nodes carry this out");
        });
        println!("{:.0} ns for each command", time.as_nanos() as f64 / COMMANDS as f64);
    }
}
