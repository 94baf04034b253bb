//! How a command gets from its author's outbox into the leader's log.

use super::{
    COMMAND_BYTES_MAX, Holdup, LogIndex, MessageBody, Moment, Mutant, Node, NodeId, Serial,
    entry::ENTRY_BYTES,
    inflight::{Inflight, RoundTrip},
    role::Role,
};
use bytes::Bytes;

/// Serials beyond this are nonsense: nobody proposes as often.
pub(super) const SERIAL_MAX: Serial = Serial(1 << 62);

/// After how many attempts in vain the leader counts as silent, or as held up for longer.
const RETRIES: u32 = 2;

/// Own commands on their way to the leader.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub(super) struct Forwarding {
    /// The leader has everything up to here in its log.
    acknowledged: Serial,
    /// Everything up to here was sent.
    sent: Serial,
    inflight: Inflight,
    round_trip: RoundTrip,
    /// Attempts since the leader last appended something.
    retries: u32,
    /// Attempts since it last answered.
    unanswered: u32,
    /// Answers to what was sent before this are about an attempt that was given up.
    restarted: Moment,
    /// The leader knows nothing of our session.
    forgotten: bool,
    /// Why the leader appends or commits nothing, as it last said.
    holdup: Option<Holdup>,
}

impl Forwarding {
    /// Begins anew with the first command that is not settled: there may be another leader, who knows
    /// nothing of what the last one had.
    pub fn restart(&mut self, settled: Serial) {
        self.acknowledged = settled;
        self.retries = 0;
        self.unanswered = 0;
        self.forgotten = false;
        self.holdup = None;
        self.send_again();
    }

    /// When what is on its way must be taken for lost.
    pub fn retry_at(&self) -> Moment {
        self.inflight.oldest().map_or(Moment::NEVER, |oldest| oldest + self.round_trip.patience(self.retries))
    }

    /// What the leader, or its silence, says about what waits here.
    pub fn obstacle(&self) -> Option<Holdup> {
        match () {
            () if self.forgotten => Some(Holdup::Forgotten),
            () if self.unanswered >= RETRIES => Some(Holdup::NoAnswer),
            () => self.holdup,
        }
    }

    /// Whether it only asks, with one command now and then, if the leader takes any again.
    fn is_patient(&self) -> bool {
        self.holdup.is_some() && self.retries >= RETRIES
    }

    /// Whether another message may leave.
    fn has_room(&self, window_bytes: usize) -> bool {
        if self.is_patient() { self.inflight.is_empty() } else { self.inflight.has_room(window_bytes) }
    }

    fn send_again(&mut self) {
        self.sent = self.acknowledged;
        self.inflight.clear();
    }
}

impl Node {
    /// Sends the leader what it has not got, in order, as much as the window holds. Only what is durable:
    /// a number told to others must never be given to another command after a crash.
    pub(super) fn forward(&mut self) {
        if self.outbox.waiting() == 0 {
            return;
        }
        let Some(leader) = self.addressee().filter(|leader| *leader != self.id) else { return };
        let Some(session) = self.own_session().filter(|_| !self.forwarding.forgotten) else { return };
        while self.forwarding.has_room(self.config.forward_window_bytes) {
            let (commands, bytes) = self.next_commands();
            let Some((last, _)) = commands.last() else { return };
            self.forwarding.sent = *last;
            self.forwarding.inflight.sent(last.0, bytes, self.now);
            let after = self.outbox.settled();
            self.send(leader, MessageBody::Forward { session, after, commands, sent: self.now });
        }
    }

    fn next_commands(&self) -> (Vec<(Serial, Bytes)>, usize) {
        let mut bytes = 0;
        let fits = |(_, body): &(Serial, &Bytes)| {
            bytes += ENTRY_BYTES + body.len();
            bytes <= self.config.append_bytes_max
        };
        let ready = self.outbox.ready(self.forwarding.sent.next());
        let count = if self.forwarding.is_patient() { 1 } else { usize::MAX };
        let commands: Vec<_> =
            ready.take(count).take_while(fits).map(|(serial, body)| (serial, body.clone())).collect();
        let bytes = commands.iter().map(|(_, body)| ENTRY_BYTES + body.len()).sum();
        (commands, bytes)
    }

    /// What got no answer is sent again.
    pub(super) fn forward_again(&mut self) {
        if self.now >= self.forwarding.retry_at() {
            self.forwarding.retries += 1;
            self.forwarding.unanswered += 1;
            self.forwarding.restarted = self.now;
            match self.config.errs(Mutant::ForwardOnce) {
                true => self.forwarding.inflight.clear(),
                false => self.forwarding.send_again(),
            }
        }
    }

    /// The leader says what its log holds of this author.
    pub(super) fn count_forward(
        &mut self,
        from: NodeId,
        appended: Serial,
        gap: bool,
        holdup: Option<Holdup>,
        sent: Moment,
    ) {
        if self.addressee() != Some(from) || from == self.id || appended > self.outbox.last() {
            return self.ignore();
        }
        let gap = gap && !self.config.errs(Mutant::ForwardOnce);
        let forwarding = &mut self.forwarding;
        forwarding.holdup = holdup;
        forwarding.unanswered = 0;
        if sent <= self.now {
            forwarding.round_trip.observe(self.now - sent);
        }
        if appended > forwarding.acknowledged {
            forwarding.acknowledged = appended;
            forwarding.sent = forwarding.sent.max(appended);
            forwarding.retries = 0;
            forwarding.inflight.answered(appended.0);
        }
        if gap && (forwarding.restarted..=self.now).contains(&sent) {
            forwarding.restarted = self.now;
            forwarding.send_again();
        }
    }

    /// The leader's configuration has no such session. That may not be committed yet, and may never be; until this
    /// node knows, or another leads, the leader is spared its commands.
    pub(super) fn be_forgotten(&mut self, from: NodeId, session: LogIndex) {
        if self.leader() != Some(from) || from == self.id {
            return self.ignore();
        }
        if self.own_session() == Some(session) {
            self.forwarding.send_again();
            self.forwarding.forgotten = true;
        }
    }

    /// A member's commands: those that are next in its order are appended, the others have no effect.
    pub(super) fn take_forward(
        &mut self,
        from: NodeId,
        session: LogIndex,
        after: Serial,
        mut commands: Vec<(Serial, Bytes)>,
        sent: Moment,
    ) {
        let is_bounded = |(serial, body): &(Serial, Bytes)| *serial <= SERIAL_MAX && body.len() <= COMMAND_BYTES_MAX;
        if after > SERIAL_MAX || !commands.iter().all(is_bounded) {
            return self.ignore();
        }
        let Role::Leader(leadership) = &self.role else { return };
        if !leadership.appended.holds(from, session) && !self.config.errs(Mutant::AcceptForgotten) {
            return self.send(from, MessageBody::Forgotten { session });
        }
        let after = match commands.first() {
            Some((first, _)) if self.config.errs(Mutant::FirstComesFirst) => Serial(first.0.saturating_sub(1)),
            _ => after,
        };
        let next = self.appended(from, session, after).next();
        let next = match commands.first() {
            Some((first, _)) if self.config.errs(Mutant::CarryOutTwice) => next.min(*first),
            _ => next,
        };
        commands.drain(..commands.iter().take_while(|(serial, _)| *serial < next).count());
        let in_order = commands.iter().zip(next.0..).take_while(|((serial, _), next)| serial.0 == *next).count();
        let gap = commands.get(in_order).is_some_and(|(serial, _)| serial.0 > next.0 + in_order as u64);
        commands.truncate(in_order);
        let mut first = next;
        while let Some(count) = self.how_many_fit(commands.iter().map(|(_, body)| body)) {
            let Self { role: Role::Leader(leadership), log, ballot, now, .. } = self else { return };
            let bodies = commands.drain(..count).map(|(_, body)| body);
            first = leadership.append_commands(log, ballot.term, *now, from, first, bodies);
            self.stage_appended();
        }
        let appended = self.appended(from, session, after);
        self.send(from, MessageBody::Forwarded { appended, gap, holdup: self.closed(), sent });
    }

    /// The leader's own commands need no forwarding, but they too are durable before they are told. If the store is free
    /// they become so together with their entries, in one write.
    pub(super) fn append_own_commands(&mut self) {
        if self.outbox.waiting() == 0 {
            return;
        }
        let Some(session) = self.own_session() else { return };
        let mut first = self.appended(self.id, session, self.outbox.settled()).next();
        if first <= self.outbox.settled() {
            return;
        }
        let last = if self.durability.is_writing() { self.outbox.durable() } else { self.outbox.last() };
        if last > self.outbox.durable() {
            self.durability.withhold(self.last(), last);
        }
        while let Some(count) = self.how_many_fit(self.outbox.between(first, last).map(|(_, body)| body)) {
            let Self { role: Role::Leader(leadership), outbox, log, ballot, now, id, .. } = self else { return };
            let bodies = outbox.between(first, last).take(count).map(|(_, body)| body.clone());
            first = leadership.append_commands(log, ballot.term, *now, *id, first, bodies);
            self.stage_appended();
        }
    }

    /// How many of these commands can be appended together: as many as one message holds, and up to the one that
    /// fills the room there is. What has to wait stays with its author, durably.
    fn how_many_fit<'a>(&self, bodies: impl Iterator<Item = &'a Bytes>) -> Option<usize> {
        let (room, mut bytes) = (self.room(), 0);
        let fits = |body: &&Bytes| {
            let before = bytes;
            bytes += ENTRY_BYTES + body.len();
            before < room && (before == 0 || bytes <= self.config.append_bytes_max)
        };
        Some(bodies.take_while(fits).count()).filter(|count| *count > 0)
    }

    /// This node's session, once it is durable that its commands belong to it: who starts again must know in which
    /// session they may have been told.
    pub(super) fn own_session(&self) -> Option<LogIndex> {
        let session = self.membership().members.get(&self.id)?.session;
        let bound = self.durability.session() == Some(session) || self.config.errs(Mutant::ForwardUnbound);
        bound.then_some(session)
    }

    /// The last command of `author` in this leader's log, or else the one that its session begins after.
    fn appended(&self, author: NodeId, session: LogIndex, after: Serial) -> Serial {
        let last = self.role.leadership().and_then(|leadership| leadership.appended.last(author, session));
        last.unwrap_or(after)
    }
}
