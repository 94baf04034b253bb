//! How own commands end: each is settled once, whatever becomes of its session.

use super::{Effect, Node, Serial};

impl Node {
    /// Own commands up to this one wait no longer.
    pub(super) fn settle_up_to(&mut self, serial: Serial) {
        if self.outbox.settle(serial) {
            self.durability.stage_settled(serial);
            self.plan_commit_write();
        }
    }

    /// The state is a snapshot's now. If it knows this node's session, it knows how far its commands were decided, and
    /// what became of the latest. If not, the session is over, and nobody knows what became of those that others
    /// may have been told of.
    pub(super) fn settle_restored(&mut self) {
        if let Some(bound) = self.outbox.session().filter(|bound| *bound <= self.applied) {
            let session = self.sessions.of(self.id).filter(|session| session.opened == bound);
            let last = session.map_or(Some(self.outbox.durable()), |session| session.last).unwrap_or_default();
            for serial in self.outbox.open(last) {
                let decision = session.and_then(|session| session.decision(serial));
                self.effects.push_back(Effect::Settled { serial, decision });
            }
            self.settle_up_to(last);
        }
        self.enter_session();
    }

    /// This node's membership is committed: its commands belong to the session that began with it.
    ///
    /// A later session than before means that this node was let go in between. What still waits was decided
    /// nowhere: a command of the former session lies before the entry that ended it, and everything up to there has
    /// been applied here. So it goes along.
    pub(super) fn enter_session(&mut self) {
        let Some(session) = self.sessions.of(self.id).map(|session| session.opened) else { return };
        // A log that is applied again after a restart begins with sessions that are long over.
        if self.outbox.session() >= Some(session) {
            return;
        }
        self.outbox.enter(session);
        self.durability.stage_session(session);
        self.forwarding.restart(self.outbox.settled());
        self.stirred = true;
    }
}
