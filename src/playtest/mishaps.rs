//! What can happen to machines and connections, beside what stories tell most often.

use super::Cluster;
use crate::raft::{Input, Moment, NodeId};
use std::time::Duration;

impl Cluster {
    /// Breaks the connection between two nodes: what is under way is lost, and both learn of it.
    pub fn disconnect(&mut self, a: u64, b: u64) {
        if self.network.disconnect(a, b) {
            self.told.happened(self.now, || format!("{a} and {b} lose their connection"));
            self.input(a, Input::Unlinked(NodeId(b)));
            self.input(b, Input::Unlinked(NodeId(a)));
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
        machine.plan_wake();
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
        self.told.happened(self.now, || format!("the driver of {node} runs every {tick:?}"));
        let machine = self.machine_mut(node);
        machine.tick = tick;
        machine.plan_wake();
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

    /// Loses the store of a stopped node for good: wiped, or with bits flipped, so that it can't be opened.
    pub fn ruin(&mut self, node: u64) {
        assert!(!self.is_running(node), "the store of a running node is open");
        self.told.happened(self.now, || format!("the store of {node} is lost"));
        self.machine_mut(node).disk.ruined = true;
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
