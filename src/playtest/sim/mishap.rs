//! What goes wrong, and how it ends.

use super::{Simulation, plan};
use crate::{
    playtest::Cluster,
    raft::{Input, Moment, NodeId, PRIORITY_DEFAULT, Permission},
};
use std::time::Duration;

/// How long who ended is still taken to be there: a leader at half pace counts for three seconds of its own on who answered,
/// and may change the configuration meanwhile.
const FORGOTTEN: Duration = Duration::from_secs(7);

macro_rules! mishaps {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Something that goes wrong, or a change of the people that comes at a bad time.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Mishap {
            $($(#[$doc])* $name,)*
        }

        impl Mishap {
            pub const ALL: &[Self] = &[$(Self::$name),*];
        }
    };
}

mishaps! {
    /// Another weather everywhere.
    Weather,
    /// Another weather in one direction.
    WeatherOneWay,
    /// A node hears nobody and nobody hears it.
    Isolate,
    /// The leader, just so.
    IsolateLeader,
    /// The leader, while everybody asks it for things and wants the room changed.
    Strand,
    /// Two nodes don't reach one another.
    CutPair,
    /// What one sends to another is lost.
    CutOneWay,
    /// A node sends into the void, but hears all.
    Mute,
    /// A node hears nothing, but is heard.
    Deafen,
    /// Two halves don't reach one another.
    Split,
    /// Two halves reach one another only through one node.
    Bridge,
    /// What one sends to another is held back.
    Clog,
    /// Two lose their connection.
    Disconnect,
    /// A node loses all its connections.
    DisconnectAll,
    /// A process ends without a word.
    Kill,
    /// The leader's process, just so.
    KillLeader,
    /// All at once.
    PowerCut,
    /// A process stands still, for 1 ms to 10 min.
    Pause,
    /// The leader's process, just so.
    PauseLeader,
    /// A clock goes at half to double pace.
    Pace,
    /// A tab is hidden: its driver runs once a second.
    Hide,
    /// A disk becomes slow.
    SlowDisk,
    /// Syncs fail, and the process ends after a while.
    FailSync,
    /// The disk is full for a while.
    FillDisk,
    /// A game makes no snapshots.
    Doze,
    /// No game makes any.
    DozeAll,
    /// Somebody wishes that another leads.
    Transfer,
    /// A node had rather lead, or rather not.
    Prefer,
    /// Bits flip on a disk: the store can't be opened again.
    FlipBits,
    /// A store is wiped: whoever comes back is somebody else.
    Wipe,
    /// Somebody joins.
    Join,
    /// Somebody who may only watch joins.
    JoinAsViewer,
    /// Somebody joins who only votes and stores.
    JoinAsWitness,
    /// Somebody leaves in good order, and comes back.
    Leave,
    /// The leader leaves, just so.
    LeaveLeader,
    /// A member is removed.
    Remove,
    /// The leader removes itself.
    RemoveLeader,
}

/// How a mishap ends.
#[derive(Clone, Debug)]
pub(super) enum Relief {
    Weather,
    WeatherBetween(u64, u64),
    Cuts(Vec<(u64, u64)>),
    Connect(u64, u64),
    Restart(u64),
    Pace(u64),
    Show(u64),
    Disk(u64),
    Rouse(u64),
    Prefer(u64),
    /// The process ends first, and comes back later.
    Kill(u64, Duration),
    /// The store of a stopped process is found to be lost.
    LoseStore(u64),
    Replace,
}

impl Simulation {
    /// Lets one of the planned mishaps happen, if it can.
    pub(super) fn mishap(&mut self) {
        let mishap = *self.pick(&self.plan.mishaps.clone()).expect("a plan has mishaps");
        let now = self.cluster.now;
        self.cluster.told.happened(now, || format!("-- {mishap:?}"));
        self.coverage.faults += 1;
        self.happen(mishap);
    }

    fn happen(&mut self, mishap: Mishap) {
        let lasts = plan::spread(&mut self.dice, 50, 30_000);
        let node = self.somebody();
        let (other, leader) = (self.somebody(), self.cluster.leader());
        match mishap {
            Mishap::Weather => {
                let conditions = plan::weather(&mut self.dice);
                self.cluster.set_conditions(conditions);
                self.relieve(lasts * 2, Relief::Weather);
            }
            Mishap::WeatherOneWay if node != other => {
                let conditions = plan::weather(&mut self.dice);
                self.cluster.set_conditions_between(node, other, conditions);
                self.relieve(lasts * 2, Relief::WeatherBetween(node, other));
            }
            Mishap::Isolate => self.cut(lasts, move |a, b| a == node || b == node),
            Mishap::IsolateLeader => {
                if let Some(leader) = leader {
                    self.cut(lasts, move |a, b| a == leader || b == leader);
                }
            }
            Mishap::Strand => {
                if let Some(leader) = leader {
                    self.cut(lasts / 2, move |a, b| a == leader || b == leader);
                    let many = self.dice.roll() % 40;
                    self.crowd(leader, many);
                    self.remove(node);
                }
            }
            Mishap::CutPair => self.cut(lasts, move |a, b| (a, b) == (node, other) || (b, a) == (node, other)),
            Mishap::CutOneWay => self.cut(lasts, move |a, b| (a, b) == (node, other)),
            Mishap::Mute => self.cut(lasts, move |a, _| a == node),
            Mishap::Deafen => self.cut(lasts, move |_, b| b == node),
            Mishap::Split => {
                let sides = self.dice.roll();
                self.cut(lasts, move |a, b| side(sides, a) != side(sides, b));
            }
            Mishap::Bridge => {
                let sides = self.dice.roll();
                self.cut(lasts, move |a, b| a != node && b != node && side(sides, a) != side(sides, b));
            }
            Mishap::Clog if node != other => self.cluster.clog(node, other, lasts / 4),
            Mishap::Disconnect => self.disconnect(node, other, lasts),
            Mishap::DisconnectAll => {
                for other in self.cluster.numbers() {
                    self.disconnect(node, other, lasts);
                }
            }
            Mishap::Kill => self.kill(node, lasts),
            Mishap::KillLeader => self.kill(leader.unwrap_or(node), lasts),
            Mishap::PowerCut => {
                for node in self.cluster.numbers() {
                    let lasts = plan::spread(&mut self.dice, 50, 10_000);
                    self.kill(node, lasts);
                }
            }
            Mishap::Pause => self.pause(node),
            Mishap::PauseLeader => self.pause(leader.unwrap_or(node)),
            Mishap::Pace => {
                let permille = 500 + self.dice.roll() % 1_501;
                self.cluster.set_pace(node, permille);
                self.relieve(lasts * 4, Relief::Pace(node));
            }
            Mishap::Hide => {
                self.cluster.set_tick(node, Some(Duration::from_secs(1)));
                self.relieve(lasts * 4, Relief::Show(node));
            }
            Mishap::SlowDisk => {
                let (latency, jitter) = (plan::spread(&mut self.dice, 10, 2_000), plan::spread(&mut self.dice, 1, 500));
                self.cluster.set_disk_latency(node, latency, jitter);
                self.relieve(lasts, Relief::Disk(node));
            }
            Mishap::FailSync => {
                self.cluster.set_disk_fails(node, true);
                self.relieve(lasts, Relief::Kill(node, lasts / 2));
            }
            Mishap::FillDisk => {
                self.cluster.set_disk_fails(node, true);
                self.relieve(lasts / 3, Relief::Kill(node, lasts / 10));
                self.relieve(lasts, Relief::Kill(node, lasts / 10));
                self.relieve(lasts, Relief::Disk(node));
            }
            Mishap::Doze => self.doze(node, lasts),
            Mishap::DozeAll => {
                for node in self.cluster.numbers() {
                    self.doze(node, lasts);
                }
            }
            Mishap::Transfer => {
                let to = self.dice.roll().is_multiple_of(2).then_some(NodeId(other));
                self.cluster.tell(leader.unwrap_or(node), Input::Transfer { to });
            }
            Mishap::Prefer => {
                let priority = [0, 0, 50, 150][(self.dice.roll() % 4) as usize];
                self.cluster.tell(node, Input::Priority(priority));
                self.relieve(lasts * 4, Relief::Prefer(node));
            }
            Mishap::FlipBits | Mishap::Wipe => {
                if self.cluster.is_running(node) {
                    self.cluster.kill(node);
                }
                self.relieve(FORGOTTEN.max(lasts / 4), Relief::LoseStore(node));
            }
            Mishap::Join => self.join(Permission::Editor),
            Mishap::JoinAsViewer => self.join(Permission::Viewer),
            Mishap::JoinAsWitness => self.admit(Cluster::witness),
            Mishap::Leave => self.leave(node, lasts),
            Mishap::LeaveLeader => self.leave(leader.unwrap_or(node), lasts),
            Mishap::Remove => self.remove(node),
            Mishap::RemoveLeader => self.remove(leader.unwrap_or(node)),
            Mishap::WeatherOneWay | Mishap::Clog => {}
        }
    }

    pub(super) fn end(&mut self, relief: Relief) {
        match relief {
            Relief::Weather => self.cluster.set_conditions(self.plan.conditions.clone()),
            Relief::WeatherBetween(from, to) => {
                self.cluster.network.between.remove(&(from, to));
            }
            Relief::Cuts(cuts) => cuts.iter().for_each(|(from, to)| self.cluster.mend(*from, *to)),
            Relief::Connect(a, b) => self.cluster.reconnect(a, b),
            Relief::Restart(node) => self.restart(node),
            Relief::Pace(node) => self.cluster.set_pace(node, 1_000),
            Relief::Show(node) => self.cluster.set_tick(node, None),
            Relief::Disk(node) => {
                self.cluster.set_disk_latency(node, self.plan.disk_latency, self.plan.disk_jitter);
                self.cluster.set_disk_fails(node, false);
            }
            Relief::Rouse(node) => self.cluster.rouse(node),
            Relief::Prefer(node) => self.cluster.tell(node, Input::Priority(PRIORITY_DEFAULT)),
            Relief::Kill(node, lasts) => {
                self.kill(node, lasts);
                self.relieve(lasts, Relief::Disk(node));
            }
            Relief::LoseStore(node) => self.lose_store(node),
            Relief::Replace => self.join(Permission::Editor),
        }
    }

    /// Ends everything that goes on: from now on nothing is wrong but what is lost for good.
    pub(super) fn end_all(&mut self) {
        for (_, relief) in std::mem::take(&mut self.reliefs) {
            if !matches!(relief, Relief::Kill(..) | Relief::LoseStore(_) | Relief::Replace) {
                self.end(relief);
            }
        }
        self.cluster.heal();
        self.cluster.set_conditions(crate::playtest::Conditions::default());
        self.cluster.network.between.clear();
        self.cluster.network.clogs.clear();
        for node in self.cluster.numbers() {
            self.cluster.set_pace(node, 1_000);
            self.cluster.set_tick(node, None);
            self.cluster.wake_up(node);
            self.end(Relief::Disk(node));
            self.end(Relief::Rouse(node));
            self.end(Relief::Prefer(node));
            // Who began to leave, or whose store is stuck, starts anew.
            if self.cluster.is_running(node) && (self.cluster.is_stuck(node) || self.leaving.contains(&node)) {
                self.cluster.kill(node);
            }
            self.restart(node);
        }
    }

    pub(super) fn relieve(&mut self, after: Duration, relief: Relief) {
        self.reliefs.push((self.cluster.now + after, relief));
    }

    fn cut(&mut self, lasts: Duration, is_cut: impl Fn(u64, u64) -> bool) {
        let nodes: Vec<u64> = self.cluster.numbers().collect();
        let pairs = nodes.iter().flat_map(|from| nodes.iter().map(|to| (*from, *to)));
        let cuts: Vec<(u64, u64)> = pairs.filter(|(from, to)| from != to && is_cut(*from, *to)).collect();
        cuts.iter().for_each(|(from, to)| self.cluster.cut_one_way(*from, *to));
        self.relieve(lasts, Relief::Cuts(cuts));
    }

    fn disconnect(&mut self, node: u64, other: u64, lasts: Duration) {
        if node != other {
            self.cluster.disconnect(node, other);
            self.relieve(lasts, Relief::Connect(node, other));
        }
    }

    /// Connections don't outlive the process, and neither does what is under way on them.
    pub(super) fn kill(&mut self, node: u64, lasts: Duration) {
        if self.cluster.is_running(node) {
            self.cluster.kill(node);
            self.relieve(lasts, Relief::Restart(node));
        }
    }

    pub(super) fn restart(&mut self, node: u64) {
        if self.cluster.is_running(node) || self.cluster.is_ruined(node) {
            return;
        }
        self.leaving.remove(&node);
        let shows = Moment(self.dice.roll() % 3_600_000_000_000);
        self.cluster.reset_clock(node, shows);
        self.cluster.restart(node);
    }

    fn doze(&mut self, node: u64, lasts: Duration) {
        self.cluster.doze(node);
        self.relieve(lasts * 2, Relief::Rouse(node));
    }

    fn pause(&mut self, node: u64) {
        let lasts = plan::spread(&mut self.dice, 1, 600_000);
        self.cluster.stall(node, lasts);
        // A connection doesn't bear silence for ever.
        if lasts > Duration::from_secs(20) {
            for other in self.cluster.numbers() {
                self.disconnect(node, other, lasts + Duration::from_secs(1));
            }
        }
    }

    /// The store of a process that ended is lost, if every configuration that may be in force has a majority without it.
    fn lose_store(&mut self, node: u64) {
        if self.cluster.is_running(node) || self.cluster.is_ruined(node) {
            return;
        }
        if !self.cluster.bears_loss_of(node) {
            return self.restart(node);
        }
        self.cluster.ruin(node);
        if !self.cluster.is_ruined(node) {
            // By mistake.
            return self.restart(node);
        }
        let later = plan::spread(&mut self.dice, 50, 30_000);
        self.relieve(later, Relief::Replace);
    }

    fn join(&mut self, permission: Permission) {
        self.admit(|cluster| cluster.join(permission));
    }

    fn admit(&mut self, come: impl FnOnce(&mut Cluster) -> u64) {
        let people = self.cluster.numbers().filter(|node| !self.cluster.is_ruined(*node)).count() as u64;
        if people < self.plan.people {
            let node = come(&mut self.cluster);
            self.cluster.set_disk_latency(node, self.plan.disk_latency, self.plan.disk_jitter);
        }
    }

    fn leave(&mut self, node: u64, lasts: Duration) {
        if self.cluster.is_running(node) {
            self.leaving.insert(node);
            self.cluster.leave(node);
            let goes = plan::spread(&mut self.dice, 100, 3_000);
            self.relieve(goes, Relief::Kill(node, lasts));
        }
    }

    /// A leader takes somebody out of the room, if the others have a majority of stores without it; who is still linked
    /// comes back as a newcomer.
    fn remove(&mut self, node: u64) {
        let leader = self.cluster.leader().filter(|leader| self.cluster.is_awake(*leader));
        if let Some(leader) = leader.filter(|_| self.cluster.bears_removal_of(node)) {
            // It may be refused.
            let _ = self.cluster.remove(leader, node);
        }
    }
}

fn side(sides: u64, node: u64) -> bool {
    (sides >> (node % 64)) & 1 == 0
}
