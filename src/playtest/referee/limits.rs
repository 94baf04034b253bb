//! What has a place in an order keeps it, and what has a limit keeps it.

use super::Check;
use crate::{
    playtest::machine::Machine,
    raft::{LogIndex, Node},
};

pub(super) fn inspect(machine: &Machine, node: &Node) {
    let snapshot = node.snapshot().map_or(LogIndex(0), |snapshot| snapshot.position.index);
    let order = [node.base().index, snapshot, node.applied(), node.commit(), node.last()];
    let stored = machine.disk.image.commit <= node.commit();
    Check::InOrder.holds(order.is_sorted() && stored, || format!("{} is at {order:?}", node.id()));
    for load in node.load() {
        Check::Limits.holds(load.held <= load.limit, || format!("{} carries {load:?}", node.id()));
    }
}
