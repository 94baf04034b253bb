//! What a command costs beside time: allocations, bytes on the wire, memory.

use crate::{
    allocations,
    cases::Case,
    contender::{Contender, Load, Stuck, Wire},
    open_raft::OpenRaft,
    ours::Ours,
    raft_rs::RaftRs,
    stepped::Stepped,
};

/// So many that a vector which doubles has little room left over, for whoever keeps its log in one.
const COMMANDS: u64 = 64_000;

pub fn compare() {
    println!("\nAt {}, for each command", Case::TYPICAL);
    println!("{:<44} {:>12} {:>12} {:>12}", "", "core", "raft-rs", "openraft");
    let costs = [of::<Stepped<Ours>>(), of::<Stepped<RaftRs>>(), of::<OpenRaft>()];
    let costs = costs.map(|costs| costs.expect("three nodes carry this out"));
    row("allocations of the leader", costs.map(|costs| costs.leader_allocations));
    row("allocations of the whole cluster", costs.map(|costs| Some(costs.allocations)));
    row("bytes on the wire for each follower", costs.map(|costs| Some(costs.wire_bytes)));
    row("bytes of memory of each node", costs.map(|costs| Some(costs.memory_bytes)));
}

fn row(what: &str, figures: [Option<f64>; 3]) {
    let [core, raft_rs, openraft] = figures.map(|figure| figure.map_or("-".into(), |figure| format!("{figure:.2}")));
    println!("{what:<44} {core:>12} {raft_rs:>12} {openraft:>12}");
}

#[derive(Clone, Copy)]
struct Costs {
    leader_allocations: Option<f64>,
    allocations: f64,
    wire_bytes: f64,
    memory_bytes: f64,
}

fn of<C: Contender>() -> Result<Costs, Stuck> {
    let Case { nodes, window, bytes } = Case::TYPICAL;
    let settings = C::SETTINGS[C::SETTINGS.len() - 1];
    let load = Load { commands: COMMANDS, window, bytes };
    let each = |count: u64| count as f64 / COMMANDS as f64;

    let mut cluster = C::start(nodes, settings, Wire::Moved);
    cluster.carry_out(load)?;
    cluster.agree(COMMANDS)?;
    let before = (allocations::taken(), cluster.leader_allocations());
    cluster.carry_out(load)?;
    cluster.agree(2 * COMMANDS)?;
    // The command itself is made by who proposes it.
    let allocations = allocations::taken() - before.0 - COMMANDS;
    let of_leader = cluster.leader_allocations().zip(before.1).map(|(after, before)| after - before);
    drop(cluster);

    let mut cluster = C::start(nodes, settings, Wire::Encoded);
    let before = (allocations::live_bytes(), cluster.wire_bytes());
    cluster.carry_out(load)?;
    cluster.agree(COMMANDS)?;
    let memory = allocations::live_bytes() - before.0;
    let wire = cluster.wire_bytes() - before.1;
    Ok(Costs {
        leader_allocations: of_leader.map(each),
        allocations: each(allocations),
        wire_bytes: each(wire) / (nodes - 1) as f64,
        memory_bytes: each(memory) / nodes as f64,
    })
}
