//! Whole worlds from one seed: a cluster, its work and everything that can go wrong, for ten minutes of virtual time.
//!
//! The seed decides how many people there are, how patient they are, and what goes wrong how often. All the time
//! clients swap and read registers, people come and go, and after every event the referee looks. Then the trouble
//! ends: the room has to come together, serve everybody, and hold all that anybody was told.
//!
//! # What is modelled
//!
//! *Network*, for each direction: loss, duplication, delay, reordering, cuts, clogs; for each pair: connections that
//! break with all that is under way on them. *Disk*: see `playtest/disk.rs`; lost stores always leave a majority of every
//! configuration that may be in force, but for the worlds that end in a disaster: there the survivors must refuse to
//! go on. *Process*: ends without a word, comes back with another clock; pauses of 1 ms to 10 min; clocks at half to
//! double pace; hidden tabs that run once a second. *People*: joins, leaves, removals, watchers, witnesses.

mod convergence;
mod coverage;
mod history;
mod mishap;
mod plan;
mod workload;

use super::{Cluster, told::Detail};
use crate::raft::{Dice, Moment, Mutant};
pub use coverage::Coverage;
pub use history::{Action, History, Operation, Reply};
use mishap::Relief;
use plan::Plan;
use std::{collections::BTreeSet, time::Duration};
use workload::Workload;

/// A world that follows from a seed.
///
/// ```
/// use bevy_quorum::playtest::Simulation;
///
/// let outcome = Simulation::of(7).run();
/// assert!(outcome.coverage.commits > 0);
/// ```
pub struct Simulation {
    plan: Plan,
    dice: Dice,
    cluster: Cluster,
    workload: Workload,
    history: History,
    coverage: Coverage,
    /// What goes on, and when it ends.
    reliefs: Vec<(Moment, Relief)>,
    /// Who has begun to leave.
    leaving: BTreeSet<u64>,
}

/// What a world came to.
#[derive(Debug)]
pub struct Outcome {
    /// What clients asked and were told.
    pub history: History,
    /// What happened, and how often.
    pub coverage: Coverage,
    /// The virtual time that passed.
    pub elapsed: Duration,
}

impl Simulation {
    /// The world of a seed.
    pub fn of(seed: u64) -> Self {
        Self::with(seed, None)
    }

    /// The world of a seed, in which all nodes make a mistake.
    pub fn with(seed: u64, mutant: Option<Mutant>) -> Self {
        let mut dice = Dice::new(seed.wrapping_mul(0x2545_f491_4f6c_dd1d));
        let plan = Plan::new(&mut dice);
        let mut config = plan.config.clone();
        config.mutant = mutant;
        let cluster = if plan.formed { Cluster::of(plan.people) } else { Cluster::open() };
        let mut cluster = cluster.seed(seed).config(config).conditions(plan.conditions.clone());
        (cluster.game_latency, cluster.ballast) = (plan.game_latency, plan.ballast);
        cluster.told.detail = Detail::Nothing;
        let mut simulation = Self {
            plan,
            dice,
            cluster,
            workload: Workload::default(),
            history: History::default(),
            coverage: Coverage::default(),
            reliefs: Vec::new(),
            leaving: BTreeSet::new(),
        };
        simulation.move_in();
        simulation
    }

    /// Keeps what happens in detail, to be printed if something fails. It takes longer.
    #[must_use]
    pub fn told(mut self) -> Self {
        self.cluster.told.detail = Detail::Decided;
        self
    }

    /// Lets it all happen.
    ///
    /// # Panics
    /// If something doesn't hold that always has to; the message begins with its name.
    pub fn run(mut self) -> Outcome {
        self.trouble();
        if self.plan.disaster && self.lose_majority() {
            self.refuse();
        } else {
            self.recover();
        }
        self.count();
        Outcome { history: self.history, coverage: self.coverage, elapsed: self.cluster.elapsed() }
    }

    fn move_in(&mut self) {
        for node in self.cluster.numbers() {
            self.cluster.set_disk_latency(node, self.plan.disk_latency, self.plan.disk_jitter);
        }
        while (self.cluster.numbers().count() as u64) < self.plan.people {
            let node = self.cluster.join(crate::raft::Permission::Editor);
            self.cluster.set_disk_latency(node, self.plan.disk_latency, self.plan.disk_jitter);
        }
    }

    /// Work and mishaps, each at random times, and the ends of mishaps.
    fn trouble(&mut self) {
        let end = self.cluster.now + self.plan.trouble;
        let (mut mishap_at, mut work_at) = (self.after(self.plan.pause), self.after(self.plan.work));
        loop {
            let relief = (0..self.reliefs.len()).min_by_key(|place| self.reliefs[*place].0);
            let relief_at = relief.map_or(Moment::NEVER, |place| self.reliefs[place].0);
            let next = relief_at.min(mishap_at).min(work_at);
            if next > end {
                return self.cluster.run_to(end);
            }
            self.cluster.run_to(next);
            self.hear();
            if let Some(place) = relief.filter(|_| relief_at == next) {
                let (_, relief) = self.reliefs.swap_remove(place);
                self.end(relief);
            } else if next == mishap_at {
                mishap_at = self.after(self.plan.pause);
                if self.reliefs.len() < self.plan.at_once {
                    self.mishap();
                }
            } else {
                work_at = self.after(self.plan.work);
                self.operate();
            }
        }
    }

    /// A time from now on, after a pause that is usually about as long as `usual`.
    fn after(&mut self, usual: Duration) -> Moment {
        self.cluster.now + self.dice.between(usual / 4, usual * 7 / 4)
    }

    /// One of several.
    fn pick<'a, T>(&mut self, among: &'a [T]) -> Option<&'a T> {
        let place = self.dice.roll() % (among.len() as u64).max(1);
        among.get(usize::try_from(place).expect("nothing has that many"))
    }

    /// A node, running or not, whose store isn't lost.
    fn somebody(&mut self) -> u64 {
        let nodes: Vec<u64> = self.cluster.numbers().filter(|node| !self.cluster.is_ruined(*node)).collect();
        *self.pick(&nodes).expect("somebody is left")
    }

    fn count(&mut self) {
        self.hear();
        let answered = |operation: &&Operation| operation.answered.is_some();
        let swaps = |operation: &&Operation| matches!(operation.action, Action::Swap(_));
        let operations = self.history.operations.iter();
        let coverage = &mut self.coverage;
        coverage.swaps = operations.clone().filter(swaps).filter(answered).count() as u64;
        coverage.reads = operations.clone().filter(|it| !swaps(it)).filter(answered).count() as u64;
        coverage.open_operations = operations.filter(|it| it.answered.is_none() && !it.refused).count() as u64;
        self.cluster.count(coverage);
    }
}
