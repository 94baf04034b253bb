//! What happens to a node as time passes, and once its inputs are in.

use super::{
    Ballot, Batch, Decision, Deed, Durable, Effect, Entry, LogIndex, LogPosition, LogTime, Member, Membership, Message,
    MessageBody, Moment, Mutant, Node, NodeId, Payload, Permission, Refusal, Sessions, Snapshot, Standing, Term,
    WriteId, role::Role,
};
use bytes::Bytes;
use std::{collections::BTreeMap, sync::Arc};

impl Durable {
    /// The first state of whoever opens a room: a log with one committed entry that makes it voter and owner.
    pub fn founding(node: NodeId, key: [u8; 32]) -> Self {
        let member = Member { standing: Standing::Voter, permission: Permission::Owner, key, session: LogIndex(1) };
        let membership = Membership { members: BTreeMap::from([(node, member)]) };
        let entry =
            Entry { term: Term(1), index: LogIndex(1), time: LogTime(0), payload: Payload::Membership(membership) };
        Self {
            ballot: Ballot { term: Term(1), vote: Some(node) },
            log: vec![entry],
            commit: LogIndex(1),
            session: Some(LogIndex(1)),
            ..Self::default()
        }
    }

    /// The first state of whoever continues a room as a new one: a snapshot of what was carried out up to `index`, in
    /// which it is the only member. Indexes and log time go on where they were, because states may hold some.
    pub fn continuing(node: NodeId, key: [u8; 32], index: LogIndex, time: LogTime, state: Bytes) -> Self {
        let member = Member { standing: Standing::Voter, permission: Permission::Owner, key, session: index };
        let membership = Membership { members: BTreeMap::from([(node, member)]) };
        let position = LogPosition { term: Term(1), index };
        let mut sessions = Sessions::default();
        sessions.configure(&membership, time);
        let snapshot = Snapshot { position, time, membership, membership_index: index, sessions, state };
        Self {
            ballot: Ballot { term: Term(1), vote: Some(node) },
            snapshot: Some(Arc::new(snapshot)),
            base: position,
            commit: index,
            session: Some(index),
            ..Self::default()
        }
    }
}

impl Node {
    /// Does what is due. Each part looks at its own clock.
    pub(super) fn wake(&mut self) {
        match self.role {
            Role::Leader(_) => self.lead_on(),
            Role::Candidate(_) => self.campaign_on(),
            Role::Follower(_) => self.miss_leader(),
        }
        self.forward_again();
        self.read_on();
        self.leave_on();
    }

    /// A write is durable: what waited for it goes out.
    pub(super) fn persisted(&mut self, id: WriteId) {
        if let Some(serial) = self.durability.finish(id) {
            self.outbox.persisted(serial);
        }
        while let Some((to, message)) = self.durability.release() {
            self.effects.push_back(Effect::Send { to, message });
        }
        self.note(Deed::Durable(self.durable()));
        self.count_own_vote();
    }

    /// Turns what the inputs changed into effects: one write, one batch for each peer, however many inputs.
    pub(super) fn flush(&mut self) {
        if matches!(self.role, Role::Leader(_)) {
            self.advance_commit();
            self.append_own_commands();
            self.steer();
            self.mark();
            self.agree();
            self.ask_reads();
            self.begin_round();
            self.replicate();
            self.ship();
            self.finish_rounds();
            self.hand_over();
        } else {
            self.take_over();
            self.commit_early();
            self.acknowledge();
            self.forward();
            self.ask_reads();
        }
        self.begin_write();
    }

    fn begin_write(&mut self) {
        let due = self.now >= self.commit_at;
        if let Some((id, write)) = self.durability.begin(&self.log, &self.outbox, self.commit, due) {
            self.effects.push_back(Effect::Persist { id, write });
        }
        self.plan_commit_write();
    }

    /// Sees to it that the store learns of what is committed or settled, though nothing else is to be written.
    pub(super) fn plan_commit_write(&mut self) {
        // While a write is under way its completion comes before any timer.
        let behind = self.durability.is_idle() && self.durability.is_behind(self.commit);
        self.commit_at = match (behind, self.commit_at) {
            (false, _) => Moment::NEVER,
            (true, Moment::NEVER) => self.now + self.config.commit_lag,
            (true, set) => set,
        };
    }

    /// Learns that everything up to `index` is committed.
    pub(super) fn commit_to(&mut self, index: LogIndex) {
        if index <= self.commit {
            return;
        }
        assert!(index <= self.last(), "what is committed is in the log");
        self.incoming.take_if(|incoming| (self.commit.next()..=index).contains(&incoming.mark.index));
        self.commit = index;
        self.note(Deed::Commit(index));
    }

    /// What comes next in the order of the log: something whose turn has come, or a read between two of them.
    pub(super) fn next_decided(&mut self) -> Option<Effect> {
        loop {
            if let Some(read) = self.next_read() {
                return Some(read);
            }
            if self.applied == self.commit {
                return None;
            }
            if let Some(effect) = self.apply_next() {
                return Some(effect);
            }
        }
    }

    /// Applies the next committed entry, or the next commands; none if the state machine need not know.
    fn apply_next(&mut self) -> Option<Effect> {
        let entry = self.log.get(self.applied.next()).expect("what is committed is in the log");
        let (position, time) = (entry.position(), entry.time);
        if let Payload::Command(_) = &entry.payload {
            return self.carry_out_next().map(Effect::Apply);
        }
        self.applied = position.index;
        match &entry.payload {
            Payload::Membership(membership) => {
                self.sessions.configure(membership, time);
                self.enter_session();
                None
            }
            Payload::Mark => self.pass_mark(position, time),
            Payload::Agreed { mark, digest } => {
                let (mark, digest) = (*mark, *digest);
                self.pass_agreement(mark, digest);
                None
            }
            Payload::Empty | Payload::Command(_) => None,
        }
    }

    /// The turn of a command has come, and with it that of those right behind it that count and share its fate; none
    /// if it was carried out before.
    fn carry_out_next(&mut self) -> Option<Batch> {
        let first = self.applied.next();
        let Self { log, sessions, config, .. } = self;
        // One configuration holds for all of them: another is no command.
        let members = &log.membership_at(first).members;
        let (mut author, mut session, mut refusal) = (None, None, None);
        let (mut last, mut own, mut fate) = (self.applied, None, None);
        for entry in log.entries_between(first, self.commit) {
            let Payload::Command(command) = &entry.payload else { break };
            if author != Some(command.author) {
                author = Some(command.author);
                session = sessions.of_mut(command.author);
                let permission = members.get(&command.author).map(|member| member.permission);
                refusal = (permission <= Some(Permission::Viewer)).then_some(Refusal::NotPermitted);
            }
            if fate.is_some_and(|fate| fate != refusal) {
                break;
            }
            let decision = Decision { index: entry.index, refusal };
            let counts = session.as_mut().is_some_and(|session| session.decide(command.serial, entry.time, decision));
            if !counts && !config.errs(Mutant::CarryOutTwice) {
                break;
            }
            (last, fate) = (entry.index, Some(refusal));
            own = own.max(Some(command.serial).filter(|_| command.author == self.id));
        }
        self.applied = last.max(first);
        if let Some(own) = own {
            self.settle_up_to(own);
        }
        // A witness knows what is carried out, and has nothing to carry it out on.
        let refusal = fate.filter(|_| !self.config.witness)?;
        Some(Batch { entries: self.log.share_between(first, last), refusal })
    }

    pub(super) fn send(&mut self, to: NodeId, body: MessageBody) {
        let message = Message { term: self.term(), body };
        self.effects.push_back(Effect::Send { to, message });
    }

    /// Sends once everything decided so far is durable (§3.8).
    pub(super) fn send_when_durable(&mut self, to: NodeId, body: MessageBody) {
        let message = Message { term: self.term(), body };
        if let Some((to, message)) = self.durability.hold(to, message) {
            self.effects.push_back(Effect::Send { to, message });
        }
    }

    /// Whether this node is the only voter of the configuration in force.
    pub(super) fn is_sole_voter(&self) -> bool {
        self.membership().voters().eq([self.id])
    }

    /// No honest peer says this.
    pub(super) fn ignore(&mut self) {
        self.ignored += 1;
        self.note(Deed::Ignore);
    }
}
