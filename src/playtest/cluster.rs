//! The cluster, and the words in which stories about it are told.

use super::{
    machine::{Answer, Machine, Outcome, Question},
    network::{Conditions, Network},
    referee::Referee,
    run::Event,
    told::{Detail, Told},
};
use crate::raft::{
    Applied, Ballot, ChangeRefused, Config, Decision, Dice, Durable, Entry, Input, LogIndex, LogTime, Member,
    Membership, Moment, Node, NodeId, Payload, Permission, ReadId, Rejected, RoleKind, Serial, Snapshot, Standing,
    Term,
};
use bytes::Bytes;
use std::{collections::BTreeMap, time::Duration};

/// Nodes, numbered from 1, on a simulated network and simulated disks, in virtual time.
pub struct Cluster {
    pub(super) seed: u64,
    pub(super) dice: Dice,
    pub(super) now: Moment,
    pub(super) config: Config,
    pub(super) machines: BTreeMap<u64, Machine>,
    pub(super) network: Network,
    pub(super) queue: BTreeMap<(Moment, u64), Event>,
    pub(super) scheduled: u64,
    pub(super) sent: u64,
    pub(super) ballast: usize,
    pub(super) game_latency: Duration,
    pub(super) snapshots: u64,
    pub(super) restores: u64,
    pub(super) installs: u64,
    /// Commands of which nobody could tell any more what became of them.
    pub(super) forgotten: u64,
    reads: u64,
    pub(super) referee: Referee,
    pub(super) told: Told,
    /// What authors were told of their commands.
    pub(super) outcomes: Vec<Outcome>,
}

impl Cluster {
    /// A cluster of `voters` owners that have all just started.
    pub fn of(voters: u64) -> Self {
        let member =
            Member { standing: Standing::Voter, permission: Permission::Owner, key: [0; 32], session: LogIndex(1) };
        let membership = Membership { members: (1..=voters).map(|id| (NodeId(id), member)).collect() };
        let entry =
            Entry { term: Term(1), index: LogIndex(1), time: LogTime(0), payload: Payload::Membership(membership) };
        let disk = Durable {
            ballot: Ballot { term: Term(1), vote: Some(NodeId(1)) },
            log: vec![entry],
            commit: LogIndex(1),
            ..Durable::default()
        };
        Self::with_disks((1..=voters).map(|id| (id, disk.clone())))
    }

    /// A room that node 1 has just opened, alone.
    pub fn open() -> Self {
        Self::with_disks([(1, Durable::founding(NodeId(1), [0; 32]))])
    }

    fn with_disks(disks: impl IntoIterator<Item = (u64, Durable)>) -> Self {
        let machines = disks.into_iter().map(|(id, disk)| (id, Machine::new(id, Permission::Owner, disk)));
        let cluster = Self {
            seed: 0,
            dice: Dice::new(0),
            now: Moment::ZERO,
            config: Config { makes_snapshots: true, ..Config::default() },
            machines: machines.collect(),
            network: Network::default(),
            queue: BTreeMap::new(),
            scheduled: 0,
            sent: 0,
            ballast: 0,
            game_latency: Duration::ZERO,
            snapshots: 0,
            restores: 0,
            installs: 0,
            forgotten: 0,
            reads: 0,
            referee: Referee::default(),
            told: Told::default(),
            outcomes: Vec::new(),
        };
        cluster.restart_all()
    }

    /// Lets everything follow from this seed. Before time passes.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self.restart_all()
    }

    /// Gives all nodes these settings. Before time passes.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self.restart_all()
    }

    /// Makes all links like this.
    #[must_use]
    pub fn conditions(mut self, conditions: Conditions) -> Self {
        self.network.everywhere = conditions;
        self
    }

    /// Lets every write take this long.
    #[must_use]
    pub fn disk_latency(mut self, latency: Duration) -> Self {
        self.machines.values_mut().for_each(|machine| machine.disk.latency = latency);
        self
    }

    /// Makes every state this much larger, in bytes.
    #[must_use]
    pub fn ballast(mut self, bytes: usize) -> Self {
        self.ballast = bytes;
        self
    }

    /// Lets every game take this long to make a snapshot.
    #[must_use]
    pub fn game_latency(mut self, latency: Duration) -> Self {
        self.game_latency = latency;
        self
    }

    fn restart_all(mut self) -> Self {
        assert_eq!(self.now, Moment::ZERO, "settings come before time passes");
        self.dice = Dice::new(self.seed);
        self.queue.clear();
        for machine in self.machines.values_mut() {
            machine.life = 0;
            machine.start(&self.config, self.seed, self.now);
        }
        self.link_all();
        self
    }

    /// All running nodes learn that they are linked.
    fn link_all(&mut self) {
        let ids: Vec<u64> = self.numbers().filter(|node| self.is_running(*node)).collect();
        for (place, a) in ids.iter().enumerate() {
            for b in &ids[place + 1..] {
                self.link(*a, *b);
            }
        }
    }

    /// Changes the weather everywhere, from now on.
    pub fn set_conditions(&mut self, conditions: Conditions) {
        self.network.everywhere = conditions;
    }

    /// Changes the weather in one direction.
    pub fn set_conditions_between(&mut self, from: u64, to: u64, conditions: Conditions) {
        self.network.between.insert((from, to), conditions);
    }

    /// Cuts a node off from all others.
    pub fn cut(&mut self, node: u64) {
        for other in self.numbers() {
            self.cut_between(node, other);
        }
    }

    /// Cuts the link between two nodes.
    pub fn cut_between(&mut self, a: u64, b: u64) {
        self.cut_one_way(a, b);
        self.cut_one_way(b, a);
    }

    /// Loses everything that `from` sends to `to`.
    pub fn cut_one_way(&mut self, from: u64, to: u64) {
        self.network.cuts.insert((from, to));
    }

    /// Mends every cut.
    pub fn heal(&mut self) {
        for (from, to) in std::mem::take(&mut self.network.cuts) {
            if from < to {
                self.link(from, to);
            }
        }
    }

    /// Stops a node without a word; what was not synced is mostly lost.
    pub fn kill(&mut self, node: u64) {
        let machine = self.machines.get_mut(&node).expect("nodes are numbered from 1");
        machine.crash(&mut self.dice);
    }

    /// Starts a stopped node again, on its disk.
    pub fn restart(&mut self, node: u64) {
        let (config, seed, now) = (self.config.clone(), self.seed, self.now);
        let machine = self.machine_mut(node);
        assert!(machine.node.is_none(), "{node} runs already");
        assert!(machine.start(&config, seed, now), "the store of {node} is lost");
        self.referee.restarted(&self.machines[&node]);
        self.settle(node);
        for other in self.numbers() {
            if other != node && self.is_running(other) && self.network.connects(node, other) {
                self.link(node, other);
            }
        }
    }

    /// A node's driver does nothing for a while.
    pub fn stall(&mut self, node: u64, duration: Duration) {
        let now = self.now;
        let machine = self.machine_mut(node);
        machine.asleep_until = now + duration;
        machine.plan_wake(now);
    }

    /// A new node comes, linked to all, and waits to be let in.
    pub fn join(&mut self, permission: Permission) -> u64 {
        let id = self.numbers().last().map_or(1, |last| last + 1);
        self.admit(Machine::new(id, permission, Durable::default()))
    }

    /// A node comes that is to vote and to store, and carries nothing out.
    pub fn witness(&mut self) -> u64 {
        let id = self.numbers().last().map_or(1, |last| last + 1);
        let mut machine = Machine::new(id, Permission::Viewer, Durable::default());
        machine.witness = true;
        self.admit(machine)
    }

    fn admit(&mut self, mut machine: Machine) -> u64 {
        let id = machine.id;
        machine.disk.latency = self.machines.values().next().map_or(Duration::ZERO, |other| other.disk.latency);
        machine.start(&self.config, self.seed, self.now);
        self.machines.insert(id, machine);
        for other in self.numbers() {
            if other != id && self.is_running(other) {
                self.link(id, other);
            }
        }
        id
    }

    /// A node begins to leave.
    pub fn leave(&mut self, node: u64) {
        self.tell(node, Input::Leave);
    }

    /// Proposes a command at the leader, or at the first running node if there is none.
    pub fn write(&mut self, text: &str) -> Serial {
        let node = self.leader().or_else(|| self.numbers().find(|node| self.is_running(*node)));
        self.write_at(node.expect("somebody runs"), text)
    }

    /// Proposes a command at a node.
    pub fn write_at(&mut self, node: u64, text: &str) -> Serial {
        self.propose_at(node, text.to_owned().into()).expect("the outbox has room")
    }

    /// Proposes any command at a node, which may not take it.
    pub fn propose_at(&mut self, node: u64, body: Bytes) -> Result<Serial, Rejected> {
        let machine = self.machines.get_mut(&node).expect("nodes are numbered from 1");
        let now = machine.clock.read(self.now);
        let serial = machine.node.as_mut().expect("who proposes runs").propose(now, body);
        self.settle(node);
        serial
    }

    /// What became of own commands that a node did not apply itself since it started.
    pub fn settled(&self, node: u64) -> &BTreeMap<Serial, Option<Decision>> {
        &self.machines[&node].settled
    }

    /// Asks for a read at a node.
    pub fn read_at(&mut self, node: u64) -> ReadId {
        self.read_register_at(node, 0).expect("not too many reads wait")
    }

    /// Asks for a read of one register at a node, which may not take it.
    pub(super) fn read_register_at(&mut self, node: u64, key: u8) -> Result<ReadId, Rejected> {
        self.reads += 1;
        let (id, now, before) = (ReadId(self.reads), self.now, self.history().len());
        let machine = self.machine_mut(node);
        let now = machine.clock.read(now);
        let asked = machine.node.as_mut().expect("who reads runs").read(now, id);
        if asked.is_ok() {
            machine.reading.insert(id, Question { before, key });
        }
        self.settle(node);
        asked.map(|()| id)
    }

    /// How a read at a node ended, if it did.
    pub fn answer(&self, node: u64, id: ReadId) -> Option<&Answer> {
        self.machines[&node].read.get(&id)
    }

    /// Changes the configuration at a node, as its leader would.
    pub fn change(&mut self, node: u64, change: impl FnOnce(&mut Membership)) -> bool {
        let leader = self.machine_mut(node).node.as_mut().expect("who changes something runs");
        let mut membership = leader.membership().clone();
        change(&mut membership);
        let changed = leader.change(membership).is_ok();
        self.settle(node);
        changed
    }

    /// Removes a member, as somebody at a node wishes.
    ///
    /// # Errors
    /// If that can't be done there, or not now.
    pub fn remove(&mut self, node: u64, member: u64) -> Result<LogIndex, ChangeRefused> {
        let now = self.now;
        let machine = self.machine_mut(node);
        let now = machine.clock.read(now);
        let removed = machine.node.as_mut().expect("who removes somebody runs").remove(now, NodeId(member));
        self.settle(node);
        removed
    }

    /// Lets time pass until there is a leader.
    pub fn wait_for_leader(&mut self) -> u64 {
        self.run_until(Duration::from_secs(30), |cluster| cluster.leader().is_some());
        self.leader().expect("it was just there")
    }

    /// The running leader of the latest term.
    pub fn leader(&self) -> Option<u64> {
        let nodes = self.machines.values().filter_map(|machine| machine.node.as_ref());
        let leader = nodes.filter(|node| node.role_kind() == RoleKind::Leader).max_by_key(|node| node.term());
        leader.map(|node| node.id().0)
    }

    /// A running node.
    pub fn node(&self, node: u64) -> &Node {
        self.machines[&node].node.as_ref().expect("who is asked runs")
    }

    /// What survives a crash of a node.
    pub fn disk(&self, node: u64) -> &Durable {
        &self.machines[&node].disk.image
    }

    /// Whether a node runs.
    pub fn is_running(&self, node: u64) -> bool {
        self.machines[&node].node.is_some()
    }

    /// Whether a node only votes and stores.
    pub fn is_witness(&self, node: u64) -> bool {
        self.machines[&node].witness
    }

    /// The numbers of all nodes, running or not.
    pub fn numbers(&self) -> impl Iterator<Item = u64> + use<> {
        self.machines.keys().copied().collect::<Vec<_>>().into_iter()
    }

    /// The newest snapshot on a node's disk.
    pub fn snapshot(&self, node: u64) -> Option<&Snapshot> {
        self.disk(node).snapshot.as_deref()
    }

    /// The first index that the log on a node's disk still has, or would have.
    pub fn log_start(&self, node: u64) -> LogIndex {
        self.disk(node).base.index.next()
    }

    /// How many snapshots games were asked for.
    pub fn snapshots(&self) -> u64 {
        self.snapshots
    }

    /// How many times a state was replaced by a snapshot's.
    pub fn restores(&self) -> u64 {
        self.restores
    }

    /// What a node's state consists of.
    pub fn applied(&self, node: u64) -> &[Applied] {
        &self.machines[&node].applied
    }

    /// The same as text.
    pub fn texts(&self, node: u64) -> Vec<String> {
        let text = |applied: &Applied| String::from_utf8_lossy(&applied.command.body).into_owned();
        self.applied(node).iter().map(text).collect()
    }

    /// Every command that any node ever applied, in order.
    pub fn history(&self) -> &[Applied] {
        self.referee.applied()
    }

    /// Every entry that any node ever knew committed.
    pub fn committed(&self) -> &[Entry] {
        self.referee.committed()
    }

    /// Whether there is a leader, and every running node has applied the same and has nothing waiting.
    pub fn is_settled(&self) -> bool {
        let all = self.history().len();
        let done = |node: &Node, machine: &Machine| {
            (machine.witness || machine.applied.len() == all) && node.waiting() == 0 && node.commit() == node.last()
        };
        let mut running =
            self.machines.values().filter_map(|machine| machine.node.as_ref().map(|node| (node, machine)));
        self.leader().is_some() && running.all(|(node, machine)| done(node, machine))
    }

    /// How many terms had a leader so far.
    pub fn elections(&self) -> usize {
        self.referee.elections()
    }

    /// How many messages were sent so far.
    pub fn messages(&self) -> u64 {
        self.sent
    }

    /// The time that has passed.
    pub fn elapsed(&self) -> Duration {
        self.now - Moment::ZERO
    }

    /// A number from 0 up to, but not including, `sides`, from the cluster's seed.
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.dice.roll() % sides.max(1)
    }

    pub(super) fn machine_mut(&mut self, node: u64) -> &mut Machine {
        self.machines.get_mut(&node).expect("nodes are numbered from 1")
    }
}

impl Drop for Cluster {
    /// A failure shows how it came about.
    fn drop(&mut self) {
        if !std::thread::panicking() || self.told.detail == Detail::Nothing {
            return;
        }
        self.told.print(&self.machines);
        eprintln!("seed {}", self.seed);
    }
}
