//! Who is linked to whom, and who is missing here.
//!
//! Linked nodes tell each other whom they are linked to. So a node knows who could be reached through a neighbour and isn't
//! linked itself: because a link was lost, or because whoever came in was met by some only. Such links are made by
//! signals that a neighbour passes on, without any server.

use super::Plane;
use crate::{
    raft::{Moment, NodeId},
    wire::NEIGHBOURS_MAX,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// How often it is looked after who is missing; what changed in between is told together.
pub const REVIEW_INTERVAL: Duration = Duration::from_millis(500);
/// How often neighbours are told whom we are linked to though nothing changed: they may have missed it.
pub const RETELL_INTERVAL: Duration = Duration::from_secs(30);
/// How long a node must be missing before it is called through others: who just left is in their lists for a moment.
pub const MISSING_PATIENCE: Duration = Duration::from_secs(2);
/// How often the link is asked again to look for a node that is still missing.
pub const SEEK_INTERVAL: Duration = Duration::from_secs(5);
/// The most nodes that are looked for at a time.
pub const MISSING_MAX: usize = 64;
/// How long signals go through one neighbour until another one's turn comes.
const TURN: Duration = Duration::from_secs(15);
/// The most signals that are taken from one neighbour at once, to be heard or passed on.
pub const SIGNALS_MAX: u32 = 256;
/// How many more of them are, every second.
pub const SIGNALS_PER_SECOND: u32 = 32;

/// What the link is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Errand {
    /// Look for a node.
    Seek(Plane, NodeId),
    /// Look for it no more.
    Rest(Plane, NodeId),
}

/// What neighbours say of their links.
#[derive(Default)]
pub(super) struct Neighbourhood {
    lists: BTreeMap<NodeId, BTreeSet<NodeId>>,
    missing: BTreeMap<(Plane, NodeId), Missing>,
    allowances: BTreeMap<NodeId, Allowance>,
    told: BTreeSet<NodeId>,
    tell_at: Moment,
    review_at: Moment,
}

struct Missing {
    seek_at: Moment,
    sought: bool,
}

/// How many signals of a neighbour may be taken.
struct Allowance {
    left: u32,
    counted_at: Moment,
}

impl Neighbourhood {
    /// Whether it is time to look after who is missing.
    pub(super) fn is_due(&mut self, now: Moment) -> bool {
        let due = now >= self.review_at;
        if due {
            self.review_at = now + REVIEW_INTERVAL;
        }
        due
    }

    /// Whether neighbours have to be told that these are linked.
    pub(super) fn is_news(&mut self, now: Moment, linked: &BTreeSet<NodeId>) -> bool {
        self.lists.retain(|neighbour, _| linked.contains(neighbour));
        self.allowances.retain(|neighbour, _| linked.contains(neighbour));
        let news = now >= self.tell_at || self.told != *linked;
        if news {
            self.told.clone_from(linked);
            self.tell_at = now + RETELL_INTERVAL;
        }
        news
    }

    /// A neighbour says whom it is linked to.
    pub(super) fn hear(&mut self, neighbour: NodeId, linked: Vec<NodeId>) {
        self.lists.insert(neighbour, linked.into_iter().take(NEIGHBOURS_MAX).collect());
    }

    /// A neighbour passed something on from another node, so it is linked to it.
    pub(super) fn passed_on(&mut self, neighbour: NodeId, from: NodeId) {
        let list = self.lists.entry(neighbour).or_default();
        if list.len() < NEIGHBOURS_MAX {
            list.insert(from);
        }
    }

    /// Through whom a node can be reached. Several take turns, so that one that fails doesn't stand in the way for ever.
    pub(super) fn through(&self, now: Moment, node: NodeId) -> Option<NodeId> {
        let ways: Vec<NodeId> =
            self.lists.iter().filter(|(_, list)| list.contains(&node)).map(|(neighbour, _)| *neighbour).collect();
        let turn = Duration::from_nanos(now.0).as_secs() / TURN.as_secs();
        ways.get(turn as usize % ways.len().max(1)).copied()
    }

    /// Whether one more signal of a neighbour may be taken.
    pub(super) fn allow(&mut self, now: Moment, neighbour: NodeId) -> bool {
        let full = Allowance { left: SIGNALS_MAX, counted_at: now };
        let allowance = self.allowances.entry(neighbour).or_insert(full);
        let seconds = u32::try_from((now - allowance.counted_at).as_secs()).unwrap_or(u32::MAX);
        if seconds > 0 {
            allowance.left = allowance.left.saturating_add(seconds.saturating_mul(SIGNALS_PER_SECOND)).min(SIGNALS_MAX);
            allowance.counted_at = now;
        }
        let allowed = allowance.left > 0;
        allowance.left = allowance.left.saturating_sub(1);
        allowed
    }

    /// Who of those that `own` has to call is missing: on the plane of consensus who is linked to a neighbour and not to us, on
    /// that for bulk who is linked and not `whole`. Of two nodes, the greater calls.
    pub(super) fn review(
        &mut self,
        now: Moment,
        own: NodeId,
        linked: &BTreeSet<NodeId>,
        whole: impl Fn(NodeId) -> bool,
    ) -> Vec<Errand> {
        let known = self.lists.values().flatten().filter(|node| !linked.contains(node));
        let halves = linked.iter().filter(|node| !whole(**node)).map(|node| (Plane::Bulk, *node));
        let absent = known.map(|node| (Plane::Consensus, *node)).chain(halves);
        let wanted: BTreeSet<(Plane, NodeId)> = absent.filter(|(_, node)| *node < own).take(MISSING_MAX).collect();

        let mut errands = Vec::new();
        self.missing.retain(|(plane, node), missing| {
            let still = wanted.contains(&(*plane, *node));
            if !still && missing.sought {
                errands.push(Errand::Rest(*plane, *node));
            }
            still
        });
        for (plane, node) in wanted {
            let first = Missing { seek_at: now + MISSING_PATIENCE, sought: false };
            let missing = self.missing.entry((plane, node)).or_insert(first);
            if now >= missing.seek_at {
                *missing = Missing { seek_at: now + SEEK_INTERVAL, sought: true };
                errands.push(Errand::Seek(plane, node));
            }
        }
        errands
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: NodeId = NodeId(5);

    fn nodes(ids: &[u64]) -> BTreeSet<NodeId> {
        ids.iter().copied().map(NodeId).collect()
    }

    fn at(seconds: u64) -> Moment {
        Moment::ZERO + Duration::from_secs(seconds)
    }

    /// Linked to 1, which is linked to 2 and 9 besides.
    fn neighbourhood() -> Neighbourhood {
        let mut neighbourhood = Neighbourhood::default();
        neighbourhood.hear(NodeId(1), vec![NodeId(2), OWN, NodeId(9)]);
        neighbourhood
    }

    fn review(neighbourhood: &mut Neighbourhood, seconds: u64, linked: &[u64]) -> Vec<Errand> {
        neighbourhood.review(at(seconds), OWN, &nodes(linked), |_| true)
    }

    #[test]
    fn the_greater_node_looks_for_the_other_after_a_while_and_again() {
        let mut neighbourhood = neighbourhood();
        let seek = [Errand::Seek(Plane::Consensus, NodeId(2))];
        assert_eq!(review(&mut neighbourhood, 0, &[1]), []);
        assert_eq!(review(&mut neighbourhood, 2, &[1]), seek);
        assert_eq!(review(&mut neighbourhood, 3, &[1]), []);
        assert_eq!(review(&mut neighbourhood, 7, &[1]), seek);
        assert_eq!(review(&mut neighbourhood, 8, &[1, 2]), [Errand::Rest(Plane::Consensus, NodeId(2))]);
        assert_eq!(review(&mut neighbourhood, 20, &[1, 2]), []);
    }

    #[test]
    fn who_just_left_is_not_looked_for() {
        let mut neighbourhood = neighbourhood();
        assert_eq!(review(&mut neighbourhood, 0, &[1]), []);
        neighbourhood.hear(NodeId(1), vec![OWN]);
        assert_eq!(review(&mut neighbourhood, 2, &[1]), []);
    }

    #[test]
    fn half_a_link_is_looked_after() {
        let mut neighbourhood = neighbourhood();
        let half = |seconds, neighbourhood: &mut Neighbourhood| {
            neighbourhood.review(at(seconds), OWN, &nodes(&[1, 2]), |node| node != NodeId(2))
        };
        assert_eq!(half(0, &mut neighbourhood), []);
        assert_eq!(half(2, &mut neighbourhood), [Errand::Seek(Plane::Bulk, NodeId(2))]);
    }

    #[test]
    fn those_who_can_pass_signals_on_take_turns() {
        let mut neighbourhood = neighbourhood();
        neighbourhood.passed_on(NodeId(7), NodeId(2));
        let through = |seconds| neighbourhood.through(at(seconds), NodeId(2));
        assert_eq!([through(0), through(15), through(30)], [Some(NodeId(1)), Some(NodeId(7)), Some(NodeId(1))]);
        assert_eq!(neighbourhood.through(at(0), NodeId(3)), None);
    }

    #[test]
    fn neighbours_are_told_what_changed_and_now_and_then_the_same_again() {
        let mut neighbourhood = Neighbourhood::default();
        let told = [(0, &[1_u64][..]), (1, &[1]), (2, &[1, 2]), (31, &[1, 2]), (32, &[1, 2])];
        let told = told.map(|(seconds, linked)| neighbourhood.is_news(at(seconds), &nodes(linked)));
        assert_eq!(told, [true, false, true, false, true]);
    }

    #[test]
    fn so_many_signals_are_taken_and_no_more() {
        let mut neighbourhood = Neighbourhood::default();
        let mut passed = |seconds| (0..1_000).filter(|_| neighbourhood.allow(at(seconds), NodeId(1))).count();
        assert_eq!([passed(0), passed(1), passed(100)], [256, 32, 256]);
    }
}
