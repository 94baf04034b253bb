//! One change at a time, and majorities that overlap from one configuration to the next (§4.1).

use super::Check;
use crate::{
    playtest::machine::Machine,
    raft::{LogIndex, Membership, Node, Payload, RoleKind, Write},
};

#[derive(Default)]
pub(super) struct Configurations;

impl Configurations {
    /// One change at a time; more only in pairs of which one voter belongs to every majority. What is committed is settled,
    /// also if this leader doesn't know it again.
    pub fn inspect(&self, node: &Node, committed: LogIndex) {
        if node.role_kind() != RoleKind::Leader {
            return;
        }
        let open = node.memberships_after(committed.max(node.commit()));
        let is_in_all = |voter| open.clone().all(|it| it.is_voter(voter) && it.voters().count() <= 2);
        let allowed = open.clone().count() <= 1 || node.membership().voters().any(is_in_all);
        Check::OneChange.holds(allowed, || format!("{} changes two things at once", node.id()));
    }

    /// Who starts again is in the configuration that its log ends with, committed or not (§4.1).
    pub fn restarted(&self, machine: &Machine) {
        let node = machine.node.as_ref().expect("it was just started");
        let stored = machine.stored_membership().is_none_or(|stored| stored == node.membership());
        Check::InForce.holds(stored, || format!("{} starts with {:?}", node.id(), node.membership()));
    }

    /// Each configuration shares a member of every majority with the one before it.
    pub fn inspect_write(&self, node: &Node, write: &Write) {
        for entry in &write.entries {
            let Payload::Membership(after) = &entry.payload else { continue };
            let before = node.membership_at(LogIndex(entry.index.0 - 1));
            let own = entry.term == node.term() && node.role_kind() == RoleKind::Leader;
            let settled = node.position_at(node.commit()).is_some_and(|commit| commit.term == entry.term);
            // The correction of 2015: until then, changes of former leaders may lie in other logs.
            Check::OwnTerm.holds(!own || settled, || format!("{} changes something too early", node.id()));
            let overlap = before.members.is_empty() || do_overlap(before, after);
            Check::Overlap.holds(overlap, || format!("{before:?} is followed by {after:?} at {}", entry.index));
        }
    }
}

/// Whether every majority of one has a member in every majority of the other.
fn do_overlap(one: &Membership, other: &Membership) -> bool {
    let both = one.voters().filter(|voter| other.is_voter(*voter)).count();
    let (ones, others) = (one.voters().count(), other.voters().count());
    // Two majorities miss one another if they can be chosen without a common voter.
    let needed = ones / 2 + 1 + others / 2 + 1;
    let apart = (ones - both) + (others - both) + both;
    needed > apart
}
