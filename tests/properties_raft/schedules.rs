//! A cluster under any schedule: what is sent is lost, doubled, late or overtaken, and machines crash at any moment.

use arbtest::arbitrary::{Result, Unstructured};
use bevy_quorum::{
    playtest::{Cluster, Conditions},
    raft::{Config, Permission},
};
use bytes::Bytes;
use std::{collections::BTreeSet, time::Duration};

/// The most things that happen to one cluster.
const STEPS_MAX: usize = 120;
/// The most nodes that come.
const NODES_MAX: u64 = 6;
/// How long a healed cluster may take to come together.
const RECOVERY: Duration = Duration::from_secs(120);

/// The referee of playtests sees nothing wrong after any event; once the trouble ends, all nodes come to the same.
pub fn keeps_its_promises(bytes: &[u8]) {
    let mut u = Unstructured::new(bytes);
    let Ok(mut schedule) = Schedule::new(&mut u) else { return };
    // It ends when the bytes do.
    let _ = schedule.run(&mut u);
    schedule.recover();
}

struct Schedule {
    cluster: Cluster,
    /// Who is about to leave: it proposes and reads nothing.
    leaving: BTreeSet<u64>,
}

impl Schedule {
    fn new(u: &mut Unstructured) -> Result<Self> {
        let config = Config {
            makes_snapshots: true,
            mark_entries: u.int_in_range(3..=40)?,
            tail_bytes: u.int_in_range(0..=1_000)?,
            log_bytes_max: 20_000,
            append_bytes_max: *u.choose(&[300, 14 * 1024])?,
            ..Config::default()
        };
        let cluster = if u.ratio(1, 4)? { Cluster::open() } else { Cluster::of(u.int_in_range(1..=5)?) };
        let latency = Duration::from_millis(u.int_in_range(0..=20)?);
        let cluster = cluster.seed(u.arbitrary()?).config(config).disk_latency(latency);
        Ok(Self { cluster, leaving: BTreeSet::new() })
    }

    fn run(&mut self, u: &mut Unstructured) -> Result<()> {
        for _ in 0..STEPS_MAX {
            if u.is_empty() {
                return Ok(());
            }
            self.step(u)?;
        }
        Ok(())
    }

    fn step(&mut self, u: &mut Unstructured) -> Result<()> {
        let (one, other) = (self.node(u)?, self.node(u)?);
        let runs = self.cluster.is_running(one);
        let takes_requests = runs && !self.leaving.contains(&one);
        let cluster = &mut self.cluster;
        match u.int_in_range(0..=23)? {
            0..=4 => cluster.run_for(Duration::from_millis(u.int_in_range(1..=50)?)),
            5..=7 => cluster.run_for(Duration::from_millis(u.int_in_range(50..=2_000)?)),
            8..=10 if takes_requests => {
                for _ in 0..u.int_in_range(1..=10)? {
                    let body = Bytes::from(vec![b'x'; u.int_in_range(0..=200)?]);
                    // One that nobody commits for long may be full.
                    let _ = cluster.propose_at(one, body);
                }
            }
            11 if takes_requests => drop(cluster.read_at(one)),
            12..=13 if runs => self.kill(one),
            12..=13 => cluster.restart(one),
            14 => cluster.cut(one),
            15 if one != other => cluster.cut_one_way(one, other),
            16 => cluster.heal(),
            17 if one != other => cluster.disconnect(one, other),
            18 if one != other => cluster.reconnect(one, other),
            19 => cluster.clog(one, other, Duration::from_millis(u.int_in_range(0..=1_000)?)),
            20 => cluster.stall(one, Duration::from_millis(u.int_in_range(0..=10_000)?)),
            21 => cluster.set_conditions(conditions(u)?),
            22 => self.trouble_machine(u, one)?,
            _ => self.come_or_go(u, one)?,
        }
        Ok(())
    }

    fn node(&self, u: &mut Unstructured) -> Result<u64> {
        let numbers: Vec<u64> = self.cluster.numbers().collect();
        u.choose(&numbers).copied()
    }

    fn kill(&mut self, node: u64) {
        self.cluster.kill(node);
        self.leaving.remove(&node);
    }

    fn trouble_machine(&mut self, u: &mut Unstructured, node: u64) -> Result<()> {
        match u.int_in_range(0..=4)? {
            0 => self.cluster.doze(node),
            1 => self.cluster.rouse(node),
            2 => self.cluster.set_disk_fails(node, true),
            3 => self.cluster.set_tick(node, Some(Duration::from_secs(1))),
            _ => self.cluster.set_pace(node, u.int_in_range(500..=2_000)?),
        }
        Ok(())
    }

    fn come_or_go(&mut self, u: &mut Unstructured, node: u64) -> Result<()> {
        if self.cluster.numbers().count() < NODES_MAX as usize && u.arbitrary()? {
            self.cluster.join(Permission::Editor);
        } else if self.cluster.is_running(node) {
            self.cluster.leave(node);
            self.leaving.insert(node);
        }
        Ok(())
    }

    /// The trouble ends. Everybody starts again, as who is about to leave, or whose store failed, has to.
    fn recover(&mut self) {
        self.cluster.heal();
        self.cluster.set_conditions(Conditions::default());
        let nodes: Vec<u64> = self.cluster.numbers().collect();
        for node in &nodes {
            if self.cluster.is_running(*node) {
                self.kill(*node);
            }
            self.cluster.set_disk_fails(*node, false);
            self.cluster.set_tick(*node, None);
            self.cluster.set_pace(*node, 1_000);
            self.cluster.rouse(*node);
            nodes.iter().filter(|other| *other != node).for_each(|other| self.cluster.reconnect(*node, *other));
        }
        nodes.iter().for_each(|node| self.cluster.restart(*node));
        self.cluster.run_until(RECOVERY, Cluster::is_settled);
    }
}

/// Any weather.
fn conditions(u: &mut Unstructured) -> Result<Conditions> {
    Ok(Conditions {
        delay: Duration::from_millis(u.int_in_range(0..=100)?),
        jitter: Duration::from_millis(u.int_in_range(0..=200)?),
        loss_permille: u.int_in_range(0..=300)?,
        doubled_permille: u.int_in_range(0..=300)?,
    })
}
