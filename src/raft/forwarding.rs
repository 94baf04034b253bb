//! How a command gets from its author's outbox into the leader's log.

use super::{
    COMMAND_BYTES_MAX, MessageBody, Moment, Node, NodeId, Payload, Serial,
    entry::ENTRY_BYTES,
    inflight::{Inflight, RoundTrip},
    role::Role,
};
use bytes::Bytes;

/// Own commands on their way to the leader.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub(super) struct Forwarding {
    /// The leader has everything up to here in its log.
    acknowledged: Serial,
    /// Everything up to here was sent.
    sent: Serial,
    inflight: Inflight,
    round_trip: RoundTrip,
    retries: u32,
    /// Answers to what was sent before this are about an attempt that was given up.
    restarted: Moment,
}

impl Forwarding {
    /// Begins anew with the first command that is not settled: there may be another leader, who knows
    /// nothing of what the last one had.
    pub fn restart(&mut self, settled: Serial) {
        self.acknowledged = settled;
        self.retries = 0;
        self.send_again();
    }

    /// When what is on its way must be taken for lost.
    pub fn retry_at(&self) -> Moment {
        self.inflight.oldest().map_or(Moment::NEVER, |oldest| oldest + self.round_trip.patience(self.retries))
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
        let Some(leader) = self.addressee() else { return };
        if leader == self.id || !self.membership().members.contains_key(&self.id) {
            return;
        }
        while self.forwarding.inflight.has_room(self.config.forward_window_bytes) {
            let (commands, bytes) = self.next_commands();
            let Some((last, _)) = commands.last() else { return };
            self.forwarding.sent = *last;
            self.forwarding.inflight.sent(last.0, bytes, self.now);
            self.send(leader, MessageBody::Forward { commands, sent: self.now });
        }
    }

    fn next_commands(&self) -> (Vec<(Serial, Bytes)>, usize) {
        let mut bytes = 0;
        let fits = |(_, body): &(Serial, &Bytes)| {
            bytes += ENTRY_BYTES + body.len();
            bytes <= self.config.append_bytes_max
        };
        let ready = self.outbox.ready(self.forwarding.sent.next());
        let commands: Vec<_> = ready.take_while(fits).map(|(serial, body)| (serial, body.clone())).collect();
        let bytes = commands.iter().map(|(_, body)| ENTRY_BYTES + body.len()).sum();
        (commands, bytes)
    }

    /// What got no answer is sent again.
    pub(super) fn forward_again(&mut self) {
        if self.now >= self.forwarding.retry_at() {
            self.forwarding.retries += 1;
            self.forwarding.restarted = self.now;
            self.forwarding.send_again();
        }
    }

    /// The leader says what its log holds of this author.
    pub(super) fn count_forward(&mut self, from: NodeId, appended: Serial, gap: bool, sent: Moment) {
        if self.addressee() != Some(from) || from == self.id || appended > self.outbox.last() {
            return self.ignore();
        }
        let forwarding = &mut self.forwarding;
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

    /// A member's commands: those that are next in its order are appended, the others have no effect.
    pub(super) fn take_forward(&mut self, from: NodeId, commands: Vec<(Serial, Bytes)>, sent: Moment) {
        let is_member = self.membership().members.contains_key(&from);
        if !is_member || commands.iter().any(|(_, body)| body.len() > COMMAND_BYTES_MAX) {
            return self.ignore();
        }
        let mut gap = false;
        for (serial, body) in commands {
            let Some(appended) = self.appended(from) else { return };
            if serial > appended.next() {
                gap = true;
                break;
            }
            if serial == appended.next() && !self.append_command(from, serial, body) {
                break;
            }
        }
        if let Some(appended) = self.appended(from) {
            self.send(from, MessageBody::Forwarded { appended, gap, sent });
        }
    }

    /// The leader's own commands need no forwarding, but they too are durable before they are told.
    pub(super) fn append_own_commands(&mut self) {
        while let Some(appended) = self.appended(self.id) {
            let next = self.outbox.ready(appended.next()).next();
            let Some((serial, body)) = next.map(|(serial, body)| (serial, body.clone())) else { return };
            let is_next = serial == appended.next() && self.membership().members.contains_key(&self.id);
            if !is_next || !self.append_command(self.id, serial, body) {
                return;
            }
        }
    }

    /// The last command of `author` in this leader's log; none if this node doesn't lead.
    fn appended(&self, author: NodeId) -> Option<Serial> {
        self.role.leadership().map(|leadership| leadership.appended.last(author))
    }

    /// Appends one command; false if it has to wait. What waits stays with its author, durably.
    fn append_command(&mut self, author: NodeId, serial: Serial, body: Bytes) -> bool {
        if self.is_log_full() {
            return false;
        }
        let limit = self.config.uncommitted_bytes_max;
        let Role::Leader(leadership) = &mut self.role else { return false };
        if leadership.transfer.is_some() || leadership.uncommitted_bytes >= limit {
            return false;
        }
        assert!(leadership.appended.accept(author, serial), "commands are appended in their author's order");
        self.append(Payload::Command(super::Command { author, serial, body }));
        true
    }
}
