//! In a room of three a follower learns sooner what is committed: with its leader it is a majority.
//!
//! It knows an entry committed, without being told, once the entry is of its leader's term, its own copy is durable,
//! its leader has said that the leader's copy is durable too, and the configuration at the entry has exactly three
//! voters, both of them among these.
//!
//! Why that is enough: let N be the first leader of a later term that lacks the entry. Nothing that came behind the
//! entry is in N's log, whatever it says about members, for it was appended by leaders that had the entry. So N was
//! elected under the configuration at the entry or, if it lacks that too, under the one before: a change that leaves
//! three voters waits until the one before it, and an entry of its leader's own term, are committed (§4.1), and N
//! has both of these. The two configurations differ in one member at most, so N's majority had one of the two in it.
//! That one had the entry when it voted, for in the later term it would have taken it from nobody who lacked it, and
//! it votes for no log that is older than its own (§3.6.1). A log as new as that, of no later term, has the entry.
//!
//! The leader may know less than its followers for a while. Therefore a read waits for all that it has told them to
//! be durable: somebody may have acted on it.

use super::{LogIndex, Mutant, Node, role::Role};

impl Node {
    /// Commits what this follower and its leader both hold durably, if they are a majority.
    pub(super) fn commit_early(&mut self) {
        let Role::Follower(following) = &self.role else { return };
        let Some(leader) = following.leader else { return };
        let errs = |mutant| self.config.errs(mutant);
        let own = if errs(Mutant::EarlyUnsynced) { self.last() } else { self.durability.log() };
        let told = if errs(Mutant::EarlyUntold) { self.last() } else { following.told_durable };
        let index = own.min(told);
        if index <= self.commit {
            return;
        }
        let own_term = self.log.term_at(index) == Some(self.term()) || errs(Mutant::EarlyOlderTerm);
        let membership = self.log.membership_at(index);
        let three = membership.voters().count() == 3 || errs(Mutant::EarlyInAnyRoom);
        let votes = membership.is_voter(self.id) || errs(Mutant::EarlyWithoutVote);
        let leader_votes = membership.is_voter(leader) || errs(Mutant::EarlyWithoutLeadersVote);
        if own_term && three && votes && leader_votes {
            self.commit_to(index);
        }
    }

    /// The leader says how far its own log is durable.
    pub(super) fn hear_durable(&mut self, durable: LogIndex) {
        if let Role::Follower(following) = &mut self.role {
            following.told_durable = following.told_durable.max(durable);
        }
    }

    /// What this leader says of its own log. Nothing where nobody could use it, for reads have to wait for as much.
    pub(super) fn durable_to_tell(&mut self) -> Option<LogIndex> {
        let of_three = self.membership().voters().count() == 3;
        let durable = of_three.then_some(self.durability.log())?;
        if let Some(leadership) = self.role.leadership_mut() {
            leadership.told_durable = leadership.told_durable.max(durable);
        }
        Some(durable)
    }

    /// Whether a follower that votes in a room of three knows `index` committed as soon as it knows as much to be durable
    /// on both sides.
    pub(super) fn is_known_early(&self, index: LogIndex) -> bool {
        self.log.membership_index() <= index
            && self.log.term_at(index) == Some(self.term())
            && self.membership().is_voter(self.id)
    }

    /// How far a state machine has to be, so that a read doesn't miss what somebody may know to be committed.
    pub(super) fn read_index(&self) -> LogIndex {
        let told = self.role.leadership().map_or(LogIndex(0), |leadership| leadership.told_durable);
        if self.config.errs(Mutant::ReadAtCommit) { self.commit } else { told.max(self.commit) }
    }
}
