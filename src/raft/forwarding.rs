//! How a command gets from its author's outbox into the leader's log.

use super::{
    COMMAND_BYTES_MAX, Command, Holdup, LogIndex, MessageBody, Moment, Mutant, Node, NodeId, Payload, Serial,
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
        commands: Vec<(Serial, Bytes)>,
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
        let mut gap = false;
        for (serial, body) in commands {
            let next = self.appended(from, session, after).next();
            if serial > next {
                gap = true;
                break;
            }
            let is_due = serial == next || self.config.errs(Mutant::CarryOutTwice);
            if is_due && !self.append_command(from, serial, body) {
                break;
            }
        }
        let appended = self.appended(from, session, after);
        self.send(from, MessageBody::Forwarded { appended, gap, holdup: self.closed(), sent });
    }

    /// The leader's own commands need no forwarding, but they too are durable before they are told.
    pub(super) fn append_own_commands(&mut self) {
        let Some(session) = self.own_session() else { return };
        loop {
            let next = self.appended(self.id, session, self.outbox.settled()).next();
            let first = self.outbox.ready(next).next().filter(|(serial, _)| *serial == next);
            let Some(body) = first.map(|(_, body)| body.clone()) else { return };
            if !self.append_command(self.id, next, body) {
                return;
            }
        }
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

    /// Appends one command; false if it has to wait. What waits stays with its author, durably.
    fn append_command(&mut self, author: NodeId, serial: Serial, body: Bytes) -> bool {
        if self.full().is_some() {
            return false;
        }
        let Role::Leader(leadership) = &mut self.role else { return false };
        leadership.appended.append(author, serial);
        self.append(Payload::Command(Command { author, serial, body }));
        true
    }
}
