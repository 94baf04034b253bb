//! Snapshots are the same everywhere, and hold the room as the committed log has it at their mark (§5).

use super::{Check, logs::Logs};
use crate::raft::{LogIndex, NodeId, Snapshot, Write};
use std::{collections::BTreeMap, sync::Arc};

#[derive(Default)]
pub(super) struct Snapshots {
    first: BTreeMap<LogIndex, Arc<Snapshot>>,
    /// Written, and not looked at: what they stand for may be committed in the same turn.
    fresh: Vec<(NodeId, Arc<Snapshot>)>,
}

impl Snapshots {
    pub fn inspect_write(&mut self, node: NodeId, write: &Write) {
        self.fresh.extend(write.snapshot.iter().map(|snapshot| (node, snapshot.clone())));
    }

    pub fn inspect(&mut self, logs: &Logs) {
        for (node, snapshot) in self.fresh.drain(..) {
            let position = snapshot.position;
            let first = self.first.entry(position.index).or_insert_with(|| snapshot.clone());
            let same = Arc::ptr_eq(first, &snapshot) || *first == snapshot;
            Check::SameState.holds(same, || format!("{node} stores another snapshot at {}", position.index));
            let entry = logs.committed().get(position.index.0 as usize - 1);
            let at_mark = entry.is_some_and(|entry| entry.position() == position && entry.time == snapshot.time);
            Check::SameState.holds(at_mark, || format!("{node} stores a snapshot at {position:?}, which is {entry:?}"));
            let meant = logs.membership_at(position.index);
            let held = (snapshot.membership_index, &snapshot.membership);
            Check::SameState.holds(meant == Some(held), || format!("{node} snapshots {held:?} instead of {meant:?}"));
        }
    }
}
