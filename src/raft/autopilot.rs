//! Who is let in, who votes, who is let go: the leader decides from what it hears itself.

use super::{
    Joiner, LogIndex, MEMBERS_MAX, Member, Membership, Moment, Mutant, Node, NodeId, Permission, Standing,
    progress::Progress, quorum::majority, role::Role,
};
use std::collections::BTreeMap;

/// The most linked nodes that are remembered.
const LINKS_MAX: usize = 4 * MEMBERS_MAX;

/// Who is linked to this node, with a proven invitation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Links {
    joiners: BTreeMap<NodeId, Joiner>,
}

impl Links {
    pub fn remove(&mut self, node: NodeId) {
        self.joiners.remove(&node);
    }

    fn contains(&self, node: NodeId) -> bool {
        self.joiners.contains_key(&node)
    }
}

impl Node {
    /// A node is linked: as a member it hears from us at once, otherwise it will be let in.
    pub(super) fn linked(&mut self, joiner: Joiner) {
        if joiner.node == self.id {
            return;
        }
        if self.links.joiners.len() < LINKS_MAX {
            self.links.joiners.insert(joiner.node, joiner);
        }
        let now = self.now;
        if let Some(leadership) = self.role.leadership_mut()
            && let Some(progress) = leadership.peers.get_mut(&joiner.node)
        {
            progress.retiring = None;
            leadership.heartbeat_at = now;
        }
        self.reconsider();
    }

    /// Something happened that the configuration may have to follow. Nothing else makes a leader look at it, but for
    /// its heartbeats.
    pub(super) fn reconsider(&mut self) {
        if let Some(leadership) = self.role.leadership_mut() {
            leadership.unsettled = true;
        }
    }

    /// Takes the first step towards a better configuration, if one can be taken now: a vote given up, a dead
    /// voter, a newcomer, a learner fit to vote, one that is fitter than a voter. Who is dead goes before another
    /// comes (§4.4); who lives goes after.
    pub(super) fn steer(&mut self) {
        let unsettled = self.role.leadership_mut().is_some_and(|leadership| std::mem::take(&mut leadership.unsettled));
        if !unsettled || !self.may_change() {
            return;
        }
        if let Some(voter) = self.voter_to_demote() {
            self.set_standing(voter, Standing::Learner);
        } else if let Some(joiner) = self.newcomer() {
            self.let_in(joiner);
        } else if let Some(learner) = self.learner_to_promote().or_else(|| self.learner_to_prefer()) {
            self.set_standing(learner, Standing::Voter);
        } else if let Some(voter) = self.voter_to_replace() {
            self.set_standing(voter, Standing::Learner);
        } else if let Some(learner) = self.learner_to_let_go() {
            self.set_member(learner, None);
        }
    }

    /// A voter that gives up its vote, or else one that is silent for too long, if the others are heard and
    /// enough to go on.
    fn voter_to_demote(&self) -> Option<NodeId> {
        let leadership = self.role.leadership()?;
        let mut voters = self.membership().voters().filter(|voter| *voter != self.id);
        let unfit = |voter: &NodeId| {
            let progress = leadership.peers.get(voter);
            progress
                .is_some_and(|progress| self.is_retiring(*voter) || !progress.is_heard(self.now, self.config.silence))
        };
        voters.find(|voter| unfit(voter) && self.is_majority_without(*voter))
    }

    fn is_majority_without(&self, voter: NodeId) -> bool {
        let others = || self.membership().voters().filter(|other| *other != voter);
        let there = others().filter(|other| self.is_proven(*other)).count();
        there >= majority(others().count())
    }

    /// Whether a member is there for sure, this node itself included. A new leader takes nobody for silent at first, but
    /// must not count on a voter that was gone before it came; and a configuration that needs a voter whose store was lost
    /// meanwhile can never be left again.
    fn is_proven(&self, node: NodeId) -> bool {
        node == self.id || {
            let progress = self.role.leadership().and_then(|leadership| leadership.peers.get(&node));
            progress.is_some_and(|progress| progress.is_proven(self.now, self.patience, &self.config))
        }
    }

    /// Whether a member answers, this node itself included.
    pub(super) fn hears(&self, node: NodeId) -> bool {
        node == self.id || {
            let progress = self.role.leadership().and_then(|leadership| leadership.peers.get(&node));
            progress.is_some_and(|progress| progress.is_heard(self.now, self.attention()))
        }
    }

    fn is_retiring(&self, node: NodeId) -> bool {
        let progress = self.role.leadership().and_then(|leadership| leadership.peers.get(&node));
        let retiring = progress.and_then(|progress| progress.retiring);
        // It repeats itself while it closes; who fell silent may have come back.
        retiring.is_some_and(|since| self.now - since < self.attention() * 2)
    }

    fn newcomer(&self) -> Option<Joiner> {
        let members = &self.membership().members;
        self.links.joiners.values().find(|joiner| !members.contains_key(&joiner.node)).copied()
    }

    /// Lets a newcomer in; if the room is full, first lets go the learner that is silent for longest.
    fn let_in(&mut self, joiner: Joiner) {
        if self.membership().members.len() < MEMBERS_MAX {
            let Joiner { permission, key, .. } = joiner;
            let member = Member { standing: Standing::Learner, permission, key, session: LogIndex(0) };
            self.set_member(joiner.node, Some(member));
        } else if let Some(learner) = self.longest_silent_learner() {
            self.set_member(learner, None);
        }
    }

    fn longest_silent_learner(&self) -> Option<NodeId> {
        let leadership = self.role.leadership()?;
        let heard = |learner: &NodeId| leadership.peers.get(learner).map_or(Moment::ZERO, |peer| peer.heard());
        let absent = self
            .membership()
            .learners()
            .filter(|learner| *learner != self.id && !self.links.contains(*learner) && !self.hears(*learner));
        absent.min_by_key(heard)
    }

    /// A learner that is away and has not used its session for long (§6.3). Only log time counts, which one leader
    /// takes over from another; it passes while the room has a leader. An owner keeps its place.
    fn learner_to_let_go(&self) -> Option<NodeId> {
        let leadership = self.role.leadership()?;
        let time = leadership.time(self.now, self.log.time());
        let is_idle = |learner: &NodeId| {
            let used = self.sessions.of(*learner).map_or(time, |session| session.used);
            u128::from(time.0.saturating_sub(used.0)) > self.config.session_idle.as_millis()
        };
        let is_away = |learner: &NodeId| {
            let heard = leadership.peers.get(learner).is_some_and(|it| it.is_heard(self.now, self.config.silence));
            !heard && *learner != self.id && !self.links.contains(*learner)
        };
        let members = &self.membership().members;
        let mut learners = self.membership().learners().filter(|learner| is_idle(learner) && is_away(learner));
        learners.find(|learner| members[learner].permission < Permission::Owner)
    }

    /// A learner that has the whole log and was heard without a break, if there is room for another voter
    /// and every voter is there for sure.
    fn learner_to_promote(&self) -> Option<NodeId> {
        let voters = self.membership().voters().count();
        if voters >= self.config.voters_max || !self.membership().voters().all(|voter| self.is_proven(voter)) {
            return None;
        }
        let fit = |learner: &NodeId| self.is_fit(*learner, self.config.settling);
        self.membership().learners().find(|learner| fit(learner) || self.config.errs(Mutant::PromoteAtOnce))
    }

    /// Whether a member would make a good voter now: present for `settling`, and with the whole log.
    pub(super) fn is_fit(&self, node: NodeId, settling: std::time::Duration) -> bool {
        let progress = self.role.leadership().and_then(|leadership| leadership.peers.get(&node));
        progress.is_some_and(|progress| {
            let present = progress.presence(self.now).is_some_and(|presence| presence >= settling);
            let fresh = progress.is_proven(self.now, self.patience, &self.config);
            present && fresh && progress.is_caught_up(self.last(), self.now) && !self.is_retiring(node)
        })
    }

    /// A learner in the place of a voter that should rather stand back: for as long as both have been so, and every voter is
    /// heard. For a moment there is one voter more.
    fn learner_to_prefer(&self) -> Option<NodeId> {
        let is_full = self.membership().voters().count() == self.config.voters_max;
        if !is_full || !self.membership().voters().all(|voter| self.hears(voter)) {
            return None;
        }
        let least = self.least_preferred_voter()?;
        let fit = self.membership().learners().filter(|learner| self.is_fit(*learner, self.config.settling));
        fit.max_by_key(|learner| self.priority_of(*learner)).filter(|learner| self.is_clearly_ahead(*learner, least))
    }

    /// The voter whose place another has taken.
    fn voter_to_replace(&self) -> Option<NodeId> {
        let is_crowded = self.membership().voters().count() > self.config.voters_max;
        let least = self.least_preferred_voter().filter(|_| is_crowded)?;
        let others = || self.membership().voters().filter(|voter| *voter != least);
        let replaced = others().any(|voter| self.is_clearly_ahead(voter, least));
        (replaced && self.is_majority_without(least)).then_some(least)
    }

    /// The leader hands over before it is replaced itself.
    fn least_preferred_voter(&self) -> Option<NodeId> {
        let others = self.membership().voters().filter(|voter| *voter != self.id);
        others.filter(|voter| self.priority_of(*voter).is_some()).min_by_key(|voter| self.priority_of(*voter))
    }

    /// Who was removed hears from this leader until it knows, or answers no more.
    pub(super) fn dismiss(&mut self) {
        let (now, attention, removed) = (self.now, self.attention(), self.log.membership_index());
        let members = &self.log.membership().members;
        let Role::Leader(leadership) = &mut self.role else { return };
        let knows = |progress: &Progress| progress.matched >= removed && progress.commit_told >= removed;
        leadership.peers.retain(|peer, progress| {
            members.contains_key(peer) || (progress.is_heard(now, attention) && !knows(progress))
        });
    }

    /// Who is left out from the configuration in force on is let in again only when it is linked anew.
    pub(super) fn forget_removed(&mut self, before: &Membership) {
        let Self { log, links, .. } = self;
        let (before, after) = (&before.members, &log.membership().members);
        links.joiners.retain(|node, _| !before.contains_key(node) || after.contains_key(node));
    }

    /// A voter is about to close: its vote goes, its membership stays.
    pub(super) fn let_retire(&mut self, from: NodeId) {
        let now = self.now;
        let progress = self.role.leadership_mut().and_then(|leadership| leadership.peers.get_mut(&from));
        match progress {
            Some(progress) => {
                progress.retiring = Some(now);
                self.reconsider();
            }
            None => self.ignore(),
        }
    }
}
