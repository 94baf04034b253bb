//! What can happen to machines and connections, beside what stories tell most often.

use super::{Cluster, sim::Coverage};
use crate::raft::{Input, LogIndex, Membership, Moment, NodeId};
use std::time::Duration;

impl Cluster {
    /// Breaks the connection between two nodes: what is under way is lost, and both learn of it.
    pub fn disconnect(&mut self, a: u64, b: u64) {
        if self.network.disconnect(a, b) {
            self.told.happened(self.now, || format!("{a} and {b} lose their connection"));
            self.tell(a, Input::Unlinked(NodeId(b)));
            self.tell(b, Input::Unlinked(NodeId(a)));
        }
    }

    /// Connects two nodes again.
    pub fn reconnect(&mut self, a: u64, b: u64) {
        if self.network.connect(a, b) {
            self.told.happened(self.now, || format!("{a} and {b} are connected again"));
            if self.is_running(a) && self.is_running(b) {
                self.link(a, b);
            }
        }
    }

    /// Holds back all that `from` sends to `to` for a while; then it arrives at once.
    pub fn clog(&mut self, from: u64, to: u64, duration: Duration) {
        self.told.happened(self.now, || format!("what {from} sends to {to} is held back for {duration:?}"));
        self.network.clogs.insert((from, to), self.now + duration);
    }

    /// Lets a node's clock go at another pace, in thousandths.
    pub fn set_pace(&mut self, node: u64, permille: u64) {
        let now = self.now;
        self.told.happened(now, || format!("the clock of {node} goes at {permille} permille"));
        let machine = self.machine_mut(node);
        machine.clock.pace(now, permille);
        machine.plan_wake(now);
    }

    /// Lets a stopped node's clock begin elsewhere, as clocks without an origin do.
    pub fn reset_clock(&mut self, node: u64, shows: Moment) {
        let now = self.now;
        let machine = self.machine_mut(node);
        assert!(machine.node.is_none(), "the clock of who runs is steady");
        machine.clock.reset(now, shows);
    }

    /// Lets a node's driver run only once in a while, as in a hidden tab; `None` ends that.
    pub fn set_tick(&mut self, node: u64, tick: Option<Duration>) {
        let now = self.now;
        self.told.happened(now, || format!("the driver of {node} runs every {tick:?}"));
        let machine = self.machine_mut(node);
        machine.tick = tick;
        machine.plan_wake(now);
    }

    /// Lets every write of a node take so long, and at random so much longer.
    pub fn set_disk_latency(&mut self, node: u64, latency: Duration, jitter: Duration) {
        let disk = &mut self.machine_mut(node).disk;
        (disk.latency, disk.jitter) = (latency, jitter);
    }

    /// Lets every sync of a node fail, or none any more: a full disk, or a broken one. A store that failed completes
    /// nothing more until its node is started again.
    pub fn set_disk_fails(&mut self, node: u64, fails: bool) {
        self.told.happened(self.now, || format!("syncs of {node} {}", if fails { "fail" } else { "succeed again" }));
        self.machine_mut(node).disk.fails = fails;
    }

    /// Whether a node's store has failed and completes nothing more.
    pub(super) fn is_stuck(&self, node: u64) -> bool {
        self.machines[&node].disk.stuck
    }

    /// Adds how often things happened.
    pub(super) fn count(&self, coverage: &mut Coverage) {
        self.referee.count(coverage);
        coverage.snapshots_made = self.snapshots;
        coverage.snapshot_installs = self.installs;
        coverage.forgotten_commands = self.forgotten;
        coverage.lost_messages = self.network.lost;
        coverage.doubled_messages = self.network.doubled;
        for disk in self.machines.values().map(|machine| &machine.disk) {
            coverage.writes_lost += disk.fates.lost;
            coverage.writes_torn += disk.fates.torn;
            coverage.writes_reordered += disk.fates.reordered;
            coverage.failed_syncs += disk.failures;
            coverage.lost_stores += u64::from(disk.ruined);
        }
    }

    /// Whether a node runs, and its driver isn't stalled.
    pub(super) fn is_awake(&self, node: u64) -> bool {
        self.is_running(node) && self.machines[&node].asleep_until <= self.now
    }

    /// Ends a stall.
    pub(super) fn wake_up(&mut self, node: u64) {
        let now = self.now;
        let machine = self.machine_mut(node);
        machine.asleep_until = Moment::ZERO;
        machine.plan_wake(now);
    }

    /// Who isn't in the leader's room is linked to all again.
    pub(super) fn link_strangers(&mut self) {
        let Some(leader) = self.leader() else { return };
        let members = self.node(leader).membership().members.clone();
        let mut strangers: Vec<u64> = self.numbers().collect();
        strangers.retain(|node| self.is_running(*node) && !members.contains_key(&NodeId(*node)));
        for node in strangers {
            self.numbers().filter(|other| *other != node).for_each(|other| self.link(node, other));
        }
    }

    /// Mends a cut in one direction.
    pub(super) fn mend(&mut self, from: u64, to: u64) {
        self.network.cuts.remove(&(from, to));
    }

    /// Whether every configuration that may be in force has a majority of stores left without this one.
    pub fn bears_loss_of(&self, node: u64) -> bool {
        self.memberships_in_force().all(|membership| {
            let left = membership.voters().filter(|voter| voter.0 != node && !self.is_ruined(voter.0)).count();
            left > membership.voters().count() / 2
        })
    }

    /// Whether every configuration that may be in force has a majority of stores left once it is smaller by this one.
    pub(super) fn bears_removal_of(&self, node: u64) -> bool {
        self.memberships_in_force().all(|membership| {
            let others = || membership.voters().filter(|voter| voter.0 != node);
            others().filter(|voter| !self.is_ruined(voter.0)).count() > others().count() / 2
        })
    }

    /// The last configuration that is committed, and all after it, in memory or on a disk.
    fn memberships_in_force(&self) -> impl Iterator<Item = &Membership> {
        let last = self.referee.membership();
        let committed = last.map_or(LogIndex(0), |(index, _)| *index);
        let machines = self.machines.values().filter(|machine| !machine.disk.ruined);
        machines.flat_map(move |machine| machine.memberships_after(committed)).chain(last.map(|(_, it)| it))
    }

    /// Loses the store of a stopped node for good: wiped, or with bits flipped, so that it can't be opened.
    pub fn ruin(&mut self, node: u64) {
        assert!(!self.is_running(node), "the store of a running node is open");
        self.told.happened(self.now, || format!("the store of {node} is lost"));
        self.machine_mut(node).disk.ruin();
    }

    /// A node's game stops to make snapshots; consensus goes on.
    pub fn doze(&mut self, node: u64) {
        self.machine_mut(node).dozes = true;
    }

    /// A node's game goes on, and makes the snapshot that it was asked for last.
    pub fn rouse(&mut self, node: u64) {
        self.machine_mut(node).dozes = false;
        self.make_snapshot(node);
        self.settle(node);
    }

    /// A fault of a node's game: from now on its state is another one.
    pub fn corrupt(&mut self, node: u64) {
        self.machine_mut(node).state.corrupt();
    }

    /// Whether the store of a node is lost for good.
    pub fn is_ruined(&self, node: u64) -> bool {
        self.machines[&node].disk.ruined
    }
}
