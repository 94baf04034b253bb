//! What happens to a node as time passes, and once its inputs are in.

use super::{
    Applied, Ballot, Command, Decision, Deed, Durable, Effect, Entry, LogIndex, LogPosition, LogTime, Member,
    Membership, Message, MessageBody, Moment, Mutant, Node, NodeId, Payload, Permission, Refusal, Sessions, Snapshot,
    Standing, Term, WriteId, role::Role,
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
            self.acknowledge();
            self.forward();
            self.ask_reads();
        }
        self.begin_write();
    }

    fn begin_write(&mut self) {
        let due = self.now >= self.commit_at;
        if let Some((id, write)) = self.durability.begin(&self.log, self.commit, due) {
            self.effects.push_back(Effect::Persist { id, write });
        }
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

    /// Applies the next committed entry; none if the state machine need not know.
    fn apply_next(&mut self) -> Option<Effect> {
        self.applied = self.applied.next();
        let entry = self.log.get(self.applied).expect("what is committed is in the log");
        let (position, time) = (entry.position(), entry.time);
        match &entry.payload {
            Payload::Command(command) => {
                let command = command.clone();
                self.carry_out(position, time, command).map(Effect::Apply)
            }
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
            Payload::Empty => None,
        }
    }

    /// A command's turn has come; none if it was carried out before.
    fn carry_out(
        &mut self,
        LogPosition { term, index }: LogPosition,
        time: LogTime,
        command: Command,
    ) -> Option<Applied> {
        let author = self.log.membership_at(index).members.get(&command.author);
        let permitted = author.is_some_and(|member| member.permission > Permission::Viewer);
        let refusal = (!permitted).then_some(Refusal::NotPermitted);
        let counts = self.sessions.decide(command.author, command.serial, time, Decision { index, refusal });
        if !counts && !self.config.errs(Mutant::CarryOutTwice) {
            return None;
        }
        if command.author == self.id {
            self.settle_up_to(command.serial);
        }
        // A witness knows what is carried out, and has nothing to carry it out on.
        (!self.config.witness).then_some(Applied { index, term, time, command, refusal })
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
