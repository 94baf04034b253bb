//! Who leads hears a majority: a leader that can't know whether it is still one steps down (§6.2).

use super::Check;
use crate::{
    playtest::machine::Machine,
    raft::{Moment, Node, NodeId, RoleKind},
};
use std::{collections::BTreeMap, time::Duration};

/// How long a leader may go on without a majority, on its own clock: several times the longest patience.
const ALONE_MAX: Duration = Duration::from_secs(15);
/// A pause after which it can't blame the others for their silence.
const GAP: Duration = Duration::from_millis(200);

#[derive(Default)]
pub(super) struct Offices {
    /// When each node was last awake, and whom it has heard when, since it slept or began to lead.
    heard: BTreeMap<NodeId, (Moment, Moment, BTreeMap<NodeId, Moment>)>,
}

impl Offices {
    pub fn restarted(&mut self, node: NodeId) {
        self.heard.remove(&node);
    }

    /// A node hears another.
    pub fn heard(&mut self, at: &Machine, now: Moment, from: NodeId) {
        let now = at.clock.read(now);
        self.heard.entry(NodeId(at.id)).or_default().2.insert(from, now);
    }

    pub fn inspect(&mut self, at: &Machine, now: Moment, node: &Node) {
        let leads = node.role_kind() == RoleKind::Leader;
        let is_out = node.memberships_after(node.commit()).next().is_none() && !node.membership().is_voter(node.id());
        Check::Voting.holds(!leads || !is_out, || format!("{} leads, and it is committed that it has none", node.id()));
        let now = at.clock.read(now);
        let (awake, since, heard) = self.heard.entry(node.id()).or_default();
        if now - *awake > GAP || !leads {
            *since = now;
        }
        *awake = now;
        let answers = |voter: &NodeId| {
            let last = heard.get(voter).copied().unwrap_or_default().max(*since);
            *voter == node.id() || now - last < ALONE_MAX
        };
        let voters = || node.membership().voters();
        let is_alone = now - *since >= ALONE_MAX && voters().filter(answers).count() <= voters().count() / 2;
        Check::Attended.holds(!is_alone, || format!("{} leads, and no majority answers for {ALONE_MAX:?}", node.id()));
    }
}
