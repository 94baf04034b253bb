//! Changes of the configuration: one member at a time, in force as soon as they are appended (§4.1).

use super::{
    Deed, LogIndex, MEMBERS_MAX, Member, Membership, Mutant, Node, NodeId, Payload, Standing, progress::Progress,
};

/// Why a configuration can't be changed now, or not like this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum ChangeRefused {
    /// Only a leader changes the configuration.
    #[error("this node does not lead")]
    NotLeader,
    /// No entry of the leader's own term is committed yet, or the last change isn't.
    #[error("the last change is not committed yet")]
    InProgress,
    /// More than one member would change, nobody would vote, or there would be too many members.
    #[error("a change concerns one member, and leaves at least one voter and at most {MEMBERS_MAX} members")]
    Unsound,
}

impl Node {
    /// Appends a configuration that differs in one member from the one in force. Whoever it lets in has a new
    /// session by it.
    ///
    /// # Errors
    /// If this node doesn't lead, a change is in progress, or the step is too large to be safe.
    pub fn change(&mut self, mut membership: Membership) -> Result<LogIndex, ChangeRefused> {
        if self.role.leadership().is_none() {
            return Err(ChangeRefused::NotLeader);
        }
        if !self.may_change() {
            return Err(ChangeRefused::InProgress);
        }
        let (members, session) = (&self.membership().members, self.last().next());
        for (node, member) in &mut membership.members {
            member.session = members.get(node).map_or(session, |member| member.session);
        }
        if !is_one_step(self.membership(), &membership) {
            return Err(ChangeRefused::Unsound);
        }
        Ok(self.append_membership(membership))
    }

    /// §4.1 and its correction of 2015: not before an entry of this leader's own term is committed, for
    /// until then changes of former leaders may lie in other logs; and not before the last change is.
    pub(super) fn may_change(&self) -> bool {
        let own_term = self.role.leadership().is_some_and(|leadership| leadership.first <= self.commit);
        let settled = self.log.membership_index() <= self.commit;
        (own_term || self.config.errs(Mutant::ChangeBeforeOwnTerm))
            && (settled || self.config.errs(Mutant::ChangeWhilePending))
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
        let (id, now) = (self.id, self.now);
        let matched = if self.config.errs(Mutant::AssumeMatched) { self.commit } else { LogIndex(0) };
        if let Some(leadership) = self.role.leadership_mut() {
            leadership.appended.configure(&membership);
            leadership.peers.retain(|peer, _| membership.members.contains_key(peer));
            for peer in membership.members.keys().filter(|peer| **peer != id) {
                let progress = leadership.peers.entry(*peer).or_insert_with(|| Progress::new(index, now));
                progress.matched = progress.matched.max(matched);
            }
        }
        self.stirred = true;
        index
    }
}

/// Whether every majority of one configuration overlaps every majority of the other, by the simplest rule:
/// they differ in one member.
fn is_one_step(from: &Membership, to: &Membership) -> bool {
    let gone = from.members.iter().filter(|(node, member)| to.members.get(node) != Some(member));
    let new = to.members.keys().filter(|node| !from.members.contains_key(node));
    gone.count() + new.count() == 1 && to.voters().next().is_some() && to.members.len() <= MEMBERS_MAX
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
        assert!(is_one_step(&before, &membership(&[1, 2, 3], &[])));
        assert!(is_one_step(&before, &membership(&[1], &[2, 3])));
        assert!(is_one_step(&before, &membership(&[1, 2], &[])));
        assert!(is_one_step(&before, &membership(&[1, 2], &[3, 4])));
        assert!(!is_one_step(&before, &membership(&[1, 3], &[2])));
        assert!(!is_one_step(&before, &membership(&[1, 2, 3, 4], &[])));
        assert!(!is_one_step(&before, &before));
    }

    #[test]
    fn somebody_always_votes() {
        assert!(!is_one_step(&membership(&[1], &[]), &membership(&[], &[1])));
    }
}
