//! Changes of the configuration: one member at a time, in force as soon as they are appended (§4.1).

use super::{
    Deed, LogIndex, MEMBERS_MAX, Member, Membership, Moment, Mutant, Node, NodeId, Payload, Standing,
    progress::Progress, quorum::majority,
};

/// Why a configuration can't be changed now, or not like this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum ChangeRefused {
    /// Only a leader changes the configuration.
    #[error("this node does not lead")]
    NotLeader {
        /// Who does, if this node knows.
        leader: Option<NodeId>,
    },
    /// This leader hands over.
    #[error("this leader is handing over")]
    HandingOver,
    /// No entry of the leader's own term is committed yet.
    #[error("this leader has not committed anything yet")]
    TooEarly,
    /// The last change isn't committed yet.
    #[error("the last change, at index {index}, is not committed yet")]
    InFlight {
        /// Where it is.
        index: LogIndex,
    },
    /// Who should change is no member.
    #[error("{node} is no member of this room")]
    Unknown {
        /// Who.
        node: NodeId,
    },
    /// Nothing would change.
    #[error("nothing would change")]
    Unchanged,
    /// More than one member would change.
    #[error("a change concerns one member, not {members}")]
    TooMany {
        /// How many would.
        members: usize,
    },
    /// The room has as many members as it can have.
    #[error("the room has {MEMBERS_MAX} members, and can't have more")]
    Full,
    /// Nobody would vote.
    #[error("nobody would be left to vote")]
    NoVoter,
    /// The room would have no majority of voters that answer.
    #[error("{heard} voters would be heard, and {needed} would be needed")]
    NoMajority {
        /// How many voters would be heard.
        heard: usize,
        /// How many would be needed.
        needed: usize,
    },
}

impl Node {
    /// Appends a configuration that differs in one member from the one in force. Whoever it lets in has a new
    /// session by it.
    ///
    /// # Errors
    /// If this node doesn't lead, can't change anything now, or the room would not be safe or not work.
    pub fn change(&mut self, mut membership: Membership) -> Result<LogIndex, ChangeRefused> {
        self.check_time_to_change()?;
        let (members, session) = (&self.membership().members, self.last().next());
        for (node, member) in &mut membership.members {
            member.session = members.get(node).map_or(session, |member| member.session);
        }
        check_step(self.membership(), &membership)?;
        let heard = membership.voters().filter(|voter| self.hears(*voter)).count();
        let needed = majority(membership.voters().count());
        if heard < needed {
            return Err(ChangeRefused::NoMajority { heard, needed });
        }
        Ok(self.append_membership(membership))
    }

    /// Lets a member go for good, as somebody wishes; also this leader itself, which then hands over. It may come back as
    /// a newcomer, once it is linked anew.
    ///
    /// # Errors
    /// As for [`change`](Self::change), or if it is no member.
    pub fn remove(&mut self, now: Moment, node: NodeId) -> Result<LogIndex, ChangeRefused> {
        self.pass_time(now);
        self.stirred = true;
        let mut membership = self.membership().clone();
        if membership.members.remove(&node).is_none() {
            return Err(ChangeRefused::Unknown { node });
        }
        self.change(membership)
    }

    /// §4.1 and its correction of 2015: not before an entry of this leader's own term is committed, for
    /// until then changes of former leaders may lie in other logs; and not before the last change is.
    fn check_time_to_change(&self) -> Result<(), ChangeRefused> {
        let errs = |mutant| self.config.errs(mutant);
        let Some(leadership) = self.role.leadership() else {
            return Err(ChangeRefused::NotLeader { leader: self.leader() });
        };
        let index = self.log.membership_index();
        match () {
            () if leadership.transfer.is_some() => Err(ChangeRefused::HandingOver),
            () if leadership.first > self.commit && !errs(Mutant::ChangeBeforeOwnTerm) => Err(ChangeRefused::TooEarly),
            () if index > self.commit && !errs(Mutant::ChangeWhilePending) => Err(ChangeRefused::InFlight { index }),
            () => Ok(()),
        }
    }

    pub(super) fn may_change(&self) -> bool {
        self.check_time_to_change().is_ok()
    }

    /// Lets one member in, or changes its standing, or lets it go. False if that can't be now.
    pub(super) fn set_member(&mut self, node: NodeId, member: Option<Member>) -> bool {
        let mut membership = self.membership().clone();
        match member {
            Some(member) => membership.members.insert(node, member),
            None => membership.members.remove(&node),
        };
        self.change(membership).is_ok()
    }

    pub(super) fn set_standing(&mut self, node: NodeId, standing: Standing) -> bool {
        match self.membership().members.get(&node).copied() {
            Some(member) => self.set_member(node, Some(Member { standing, ..member })),
            None => false,
        }
    }

    /// Two to one: takes the vote of a partner that no longer answers, and goes on alone.
    ///
    /// Safe while this leader belongs to every majority of every configuration from the last committed one
    /// on: then nobody else can commit or be elected without it, and its own log, once durable, decides.
    /// That holds in a pair, also when its partner's vote is itself not committed yet.
    pub(super) fn drop_partner(&mut self) -> bool {
        let own_term = self.role.leadership().is_some_and(|leadership| leadership.first <= self.commit)
            || self.config.errs(Mutant::DropPartnerBeforeOwnTerm);
        let pair = if self.config.errs(Mutant::DropPartnerOfThree) { 3 } else { 2 };
        let indispensable =
            |membership: &Membership| membership.is_voter(self.id) && membership.voters().count() <= pair;
        if !own_term || !self.log.memberships_since(self.commit).all(indispensable) {
            return false;
        }
        let Some(partner) = self.membership().voters().find(|voter| *voter != self.id) else { return false };
        let mut membership = self.membership().clone();
        if let Some(member) = membership.members.get_mut(&partner) {
            member.standing = Standing::Learner;
        }
        self.append_membership(membership);
        true
    }

    fn append_membership(&mut self, membership: Membership) -> LogIndex {
        let index = self.append(Payload::Membership(membership.clone()));
        self.note(Deed::Configure(index));
        let before = self.log.membership_at(LogIndex(index.0 - 1)).clone();
        self.forget_removed(&before);
        let (id, now) = (self.id, self.now);
        let matched = if self.config.errs(Mutant::AssumeMatched) { self.commit } else { LogIndex(0) };
        if let Some(leadership) = self.role.leadership_mut() {
            leadership.appended.configure(&membership);
            for peer in membership.members.keys().filter(|peer| **peer != id) {
                let progress = leadership.peers.entry(*peer).or_insert_with(|| Progress::new(index, now));
                progress.matched = progress.matched.max(matched);
            }
        }
        self.stirred = true;
        index
    }
}

/// Makes sure that every majority of one configuration overlaps every majority of the other, by the simplest rule: they
/// differ in one member.
fn check_step(from: &Membership, to: &Membership) -> Result<(), ChangeRefused> {
    let gone = from.members.iter().filter(|(node, member)| to.members.get(node) != Some(member));
    let new = to.members.keys().filter(|node| !from.members.contains_key(node));
    match gone.count() + new.count() {
        0 => Err(ChangeRefused::Unchanged),
        1 if to.members.len() > MEMBERS_MAX => Err(ChangeRefused::Full),
        1 if to.voters().next().is_none() => Err(ChangeRefused::NoVoter),
        1 => Ok(()),
        members => Err(ChangeRefused::TooMany { members }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raft::Permission;

    fn membership(voters: &[u64], learners: &[u64]) -> Membership {
        let member = |standing| Member { standing, permission: Permission::Editor, key: [0; 32], session: LogIndex(1) };
        let voters = voters.iter().map(|node| (NodeId(*node), member(Standing::Voter)));
        let learners = learners.iter().map(|node| (NodeId(*node), member(Standing::Learner)));
        Membership { members: voters.chain(learners).collect() }
    }

    #[test]
    fn one_member_at_a_time() {
        let before = membership(&[1, 2], &[3]);
        for after in [membership(&[1, 2, 3], &[]), membership(&[1], &[2, 3]), membership(&[1, 2], &[])] {
            assert_eq!(check_step(&before, &after), Ok(()));
        }
        assert_eq!(check_step(&before, &membership(&[1, 2], &[3, 4])), Ok(()));
        for after in [membership(&[1, 3], &[2]), membership(&[1, 2, 3, 4], &[])] {
            assert_eq!(check_step(&before, &after), Err(ChangeRefused::TooMany { members: 2 }));
        }
        assert_eq!(check_step(&before, &before), Err(ChangeRefused::Unchanged));
    }

    #[test]
    fn somebody_always_votes() {
        assert_eq!(check_step(&membership(&[1], &[]), &membership(&[], &[1])), Err(ChangeRefused::NoVoter));
    }

    #[test]
    fn a_full_room_takes_nobody_in() {
        let learners: Vec<u64> = (2..=MEMBERS_MAX as u64).collect();
        let full = membership(&[1], &learners);
        let mut fuller = full.clone();
        fuller.members.insert(NodeId(0), full.members[&NodeId(2)]);
        assert_eq!(check_step(&full, &fuller), Err(ChangeRefused::Full));
    }
}
