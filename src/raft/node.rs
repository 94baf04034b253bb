//! One participant: what it holds, and the way in and out.

use super::{
    Ballot, Config, Durable, Effect, Entry, Follower, Input, LogIndex, LogPosition, Membership, Moment, Mutant, NodeId,
    Rejected, RoleKind, Serial, Status, Term,
    autopilot::Links,
    dice::Dice,
    durability::Durability,
    forwarding::Forwarding,
    leave::Leaving,
    log::Log,
    mark::Marks,
    outbox::Outbox,
    priority::{PRIORITY_DEFAULT, Restraint},
    reads::Reads,
    role::{Following, Role},
    sessions::Sessions,
    shipment::Incoming,
    snapshot::Image,
    stalling::Strikes,
    trace::Trace,
};
use bytes::Bytes;
use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

/// One Raft participant, as a pure state machine.
///
/// Feed it with [`handle`](Self::handle) and [`propose`](Self::propose), then take every effect out with
/// [`poll`](Self::poll), then wait until something happens or the [`deadline`](Self::deadline) comes.
/// Whoever drives it hands in all messages that have arrived before it says [`Input::Wake`].
///
/// ```
/// use bevy_quorum::raft::{Config, Durable, Effect, Input, Moment, Node, NodeId};
///
/// let id = NodeId(1);
/// let mut node = Node::new(id, Config::default(), 7, Durable::founding(id, [0; 32]), Moment::ZERO);
/// node.handle(Moment::ZERO, Input::Wake);
/// node.propose(Moment::ZERO, "hello".into()).expect("the outbox has room");
/// let mut applied = Vec::new();
/// while let Some(effect) = node.poll() {
///     match effect {
///         Effect::Persist { id, .. } => node.handle(Moment::ZERO, Input::Persisted(id)),
///         Effect::Apply(batch) => applied.extend(batch.commands().map(|command| command.body.clone())),
///         _ => unreachable!("it is alone, reads nothing, and makes no snapshots"),
///     }
/// }
/// assert_eq!(applied, ["hello"]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Node {
    pub(super) id: NodeId,
    pub(super) config: Config,
    pub(super) dice: Dice,
    pub(super) now: Moment,
    pub(super) ballot: Ballot,
    pub(super) log: Log,
    pub(super) commit: LogIndex,
    pub(super) applied: LogIndex,
    pub(super) role: Role,
    /// How long a leader is waited for, as it last said.
    pub(super) patience: Duration,
    /// How often its own timers were late recently.
    pub(super) strikes: Strikes,
    /// Its silence was excused by a gap in our own time, and it was not heard since.
    pub(super) excused: bool,
    /// When a leader is missed.
    pub(super) election_at: Moment,
    pub(super) durability: Durability,
    /// When the commit index is written though nothing else is.
    pub(super) commit_at: Moment,
    pub(super) sessions: Sessions,
    pub(super) outbox: Outbox,
    pub(super) forwarding: Forwarding,
    pub(super) reads: Reads,
    pub(super) priority: u8,
    pub(super) restraint: Restraint,
    pub(super) links: Links,
    pub(super) leaving: Option<Leaving>,
    pub(super) marks: Marks,
    /// The snapshot that the leader is sending.
    pub(super) incoming: Option<Incoming>,
    pub(super) ignored: u64,
    /// Something happened since the last flush.
    pub(super) stirred: bool,
    pub(super) effects: VecDeque<Effect>,
    pub(super) trace: Trace,
}

impl Node {
    /// A node that starts, or starts again, with what its store holds.
    ///
    /// With an empty log it waits to be let in and never campaigns. `seed` decides its random timeouts.
    pub fn new(id: NodeId, config: Config, seed: u64, durable: Durable, now: Moment) -> Self {
        let Durable { ballot, snapshot, base, log, commit, session, outbox, last_serial } = durable;
        let mut log = Log::new(base, snapshot.as_deref(), log);
        if config.errs(Mutant::RestartWithCommittedConfiguration) {
            log.forget_configurations_after(commit);
        }
        let last = log.last().index;
        let outbox = Outbox::new(outbox, last_serial, session);
        let marks = Marks::new(snapshot.clone().map(Image::new));
        let start = marks.stored_index();
        let mut dice = Dice::new(seed ^ id.0);
        let reads = Reads::new(dice.roll());
        assert!(start <= commit && commit <= last, "the store knows more committed than it holds");
        assert!(base.index <= start, "the log begins after the snapshot");
        let witness = config.witness;
        let priority = if witness { 0 } else { PRIORITY_DEFAULT };
        let config = Config { makes_snapshots: config.makes_snapshots && !witness, ..config };
        // Nothing is measured yet.
        let patience = (config.election_timeout_min * 2).min(config.election_timeout_max);
        let mut node = Self {
            id,
            dice,
            config,
            now,
            ballot,
            commit,
            applied: start,
            role: Role::Follower(Following { verified: commit, ..Following::default() }),
            election_at: Moment::NEVER,
            patience,
            strikes: Strikes::default(),
            excused: false,
            durability: Durability::new(ballot, session, last, commit, outbox.last()),
            commit_at: Moment::NEVER,
            sessions: snapshot.as_ref().map_or_else(Sessions::default, |snapshot| snapshot.sessions.clone()),
            outbox,
            forwarding: Forwarding::default(),
            reads,
            priority,
            restraint: Restraint::default(),
            links: Links::default(),
            leaving: None,
            marks,
            incoming: None,
            ignored: 0,
            stirred: true,
            log,
            effects: snapshot.filter(|_| !witness).map(Effect::Restore).into_iter().collect(),
            trace: Trace::default(),
        };
        node.settle_restored();
        node.await_leader();
        // Alone, there is nobody to wait for and nobody to disturb.
        if node.is_sole_voter() {
            node.election_at = now;
        }
        node
    }

    /// Feeds one input at `now`. Never blocks; what a peer should not have said is ignored and counted.
    pub fn handle(&mut self, now: Moment, input: Input) {
        self.pass_time(now);
        self.stirred = true;
        match input {
            Input::Wake => self.wake(),
            Input::Receive { from, message } => self.receive(from, message),
            Input::Persisted(id) => self.persisted(id),
            Input::Linked(joiner) => self.linked(joiner),
            Input::Unlinked(node) => self.links.remove(node),
            Input::Snapshotted { index, state } => self.snapshotted(index, state),
            Input::Priority(priority) => self.set_priority(priority),
            Input::Transfer { to } => self.transfer(to),
            Input::Leave => self.leave(),
        }
    }

    /// Proposes a command of this node, and gives its number.
    ///
    /// The command is kept until it is applied, across restarts and changes of leader.
    ///
    /// # Errors
    /// If it is too large, too many wait already, or this node is leaving or a witness.
    pub fn propose(&mut self, now: Moment, body: Bytes) -> Result<Serial, Rejected> {
        self.pass_time(now);
        self.check_takes_requests()?;
        if self.is_log_full() {
            return Err(Rejected::LogFull { bytes: usize::try_from(self.log_bytes()).unwrap_or(usize::MAX) });
        }
        let serial = self.outbox.add(body, &self.config).map_err(|rejected| match rejected {
            Rejected::OutboxFull { waiting, .. } => Rejected::OutboxFull { waiting, holdup: self.holdup() },
            rejected => rejected,
        })?;
        self.durability.stage_command(serial);
        self.stirred = true;
        Ok(serial)
    }

    /// Whether this node proposes and reads at all.
    pub(super) fn check_takes_requests(&self) -> Result<(), Rejected> {
        match () {
            () if self.config.witness => Err(Rejected::Witness),
            () if self.leaving.is_some() => Err(Rejected::Leaving),
            () => Ok(()),
        }
    }

    /// Takes the oldest effect that waits to be carried out.
    pub fn poll(&mut self) -> Option<Effect> {
        self.effects.pop_front().or_else(|| self.next_effect())
    }

    /// Works on until there is an effect, or nothing more to do. Apart, so that taking what waits stays short.
    #[inline(never)]
    fn next_effect(&mut self) -> Option<Effect> {
        loop {
            if let Some(effect) = self.effects.pop_front() {
                return Some(effect);
            }
            if std::mem::take(&mut self.stirred) {
                self.flush();
                continue;
            }
            if let Some(effect) = self.next_decided() {
                return Some(effect);
            }
            if self.effects.is_empty() && !self.stirred {
                return None;
            }
        }
    }

    /// When [`Input::Wake`] is due, as of the last [`poll`](Self::poll) that gave nothing.
    pub fn deadline(&self) -> Moment {
        let office = match &self.role {
            Role::Follower(_) => self.election_at,
            Role::Candidate(candidacy) => self.election_at.min(candidacy.ask_at),
            Role::Leader(leadership) => self.retry_at(leadership).min(leadership.heartbeat_at),
        };
        let leave = self.leaving.as_ref().map_or(Moment::NEVER, |leaving| leaving.again_at);
        office.min(self.commit_at).min(self.forwarding.retry_at()).min(self.reads.deadline()).min(leave)
    }

    /// What it is doing, for those who watch.
    pub fn status(&self) -> Status {
        let follower = |(node, progress): (&NodeId, &super::progress::Progress)| {
            let heard = progress.is_heard(self.now, self.attention());
            (*node, Follower { matched: progress.matched, heard })
        };
        Status {
            role: self.role_kind(),
            leader: self.leader(),
            term: self.term(),
            commit: self.commit,
            last: self.last(),
            waiting: self.outbox.waiting(),
            holdup: self.holdup(),
            followers: self.role.leadership().map_or_else(BTreeMap::new, |l| l.peers.iter().map(follower).collect()),
            standing: self.membership().members.get(&self.id).map(|member| member.standing),
            snapshot: self.marks.stored_index(),
            log_bytes: usize::try_from(self.log_bytes()).unwrap_or(usize::MAX),
            trouble: self.trouble(),
        }
    }

    /// Who it is.
    pub fn id(&self) -> NodeId {
        self.id
    }

    /// What it is at the moment.
    pub fn role_kind(&self) -> RoleKind {
        let kind = self.role.kind();
        let outside = kind == RoleKind::Follower && !self.membership().members.contains_key(&self.id);
        if outside { RoleKind::Waiting } else { kind }
    }

    /// The leader it follows, itself if it leads, if there is one that it knows.
    pub fn leader(&self) -> Option<NodeId> {
        match &self.role {
            Role::Follower(following) => following.leader,
            Role::Candidate(_) => None,
            Role::Leader(_) => Some(self.id),
        }
    }

    /// Its term.
    pub fn term(&self) -> Term {
        self.ballot.term
    }

    /// For how long a leader is waited for, as the last one wished.
    pub fn patience(&self) -> Duration {
        self.patience
    }

    /// Its term and its vote in it, durable or on the way there.
    pub fn ballot(&self) -> Ballot {
        self.ballot
    }

    /// The last index it knows committed.
    pub fn commit(&self) -> LogIndex {
        self.commit
    }

    /// The end of its log.
    pub fn last(&self) -> LogIndex {
        self.log.last().index
    }

    /// The end of the part of its log that survives a crash.
    pub fn durable(&self) -> LogIndex {
        self.durability.log()
    }

    /// How much of its log others may be told: what comes after is no promise of this node's outbox yet.
    pub(super) fn tellable(&self) -> LogIndex {
        self.durability.tellable(self.last()).max(self.commit)
    }

    /// Where its log begins: the entry before the first that it still has.
    pub fn base(&self) -> LogPosition {
        self.log.base()
    }

    /// The entry at `index`; none if it is cut off, or not there yet.
    pub fn entry(&self, index: LogIndex) -> Option<&Entry> {
        self.log.get(index)
    }

    /// The configuration in force.
    pub fn membership(&self) -> &Membership {
        self.log.membership()
    }

    /// The configuration that was in force at `index`.
    pub fn membership_at(&self, index: LogIndex) -> &Membership {
        self.log.membership_at(index)
    }

    /// Up to where the state machine has been carried.
    pub fn applied(&self) -> LogIndex {
        self.applied
    }

    /// The configurations in the log after `index`.
    pub fn memberships_after(&self, index: LogIndex) -> impl Iterator<Item = &Membership> + Clone {
        self.log.memberships_since(index).skip(1)
    }

    /// Forgets how often things happened, which nothing it does depends on, so that a model checker knows a state
    /// again however it came about.
    #[cfg(feature = "playtest")]
    pub fn forget_counts(&mut self) {
        self.ignored = 0;
        self.durability.renumber();
    }

    /// How many messages it ignored because no honest peer sends them.
    pub fn ignored(&self) -> u64 {
        self.ignored
    }

    /// Its own commands that are not settled.
    pub fn waiting(&self) -> usize {
        self.outbox.waiting()
    }
}
