//! What has a place in an order keeps it, and what has a limit keeps it.

use super::Check;
use crate::{playtest::machine::Machine, raft::Node};

pub(super) fn inspect(machine: &Machine, node: &Node) {
    let order = [node.applied(), node.commit(), node.last()];
    let stored = machine.disk.image.commit <= node.commit();
    Check::InOrder.holds(order.is_sorted() && stored, || format!("{} is at {order:?}", node.id()));
    for load in node.load() {
        Check::Limits.holds(load.held <= load.limit, || format!("{} carries {load:?}", node.id()));
    }
}
