//! What is stored as a snapshot was agreed on, is the same everywhere, and holds the room as the committed log has it
//! at its mark (§5.1).

use super::{Check, logs::Logs};
use crate::raft::{Entry, LogIndex, Node, NodeId, Payload, Snapshot, Write};
use std::{collections::BTreeMap, sync::Arc};

#[derive(Default)]
pub(super) struct Snapshots {
    stored: BTreeMap<LogIndex, Arc<Snapshot>>,
    /// Written, and not looked at: what they stand for may be committed in the same turn.
    fresh: Vec<(NodeId, Arc<Snapshot>)>,
}

impl Snapshots {
    pub fn inspect_write(&mut self, node: &Node, write: &Write, committed: &[Entry]) {
        let Some(snapshot) = &write.snapshot else { return };
        let mark = snapshot.position.index;
        let first = self.stored.entry(mark).or_insert_with(|| snapshot.clone());
        Check::SameState.holds(first == snapshot, || format!("{} stores another snapshot of {mark}", node.id()));
        // What is committed in this turn is not known to everybody yet.
        let own = (mark.0 + 1..=node.commit().0).filter_map(|index| node.entry(LogIndex(index)));
        let known = committed.iter().skip(usize::try_from(mark.0).expect("logs fit in memory"));
        let is_agreement = |entry: &Entry| match entry.payload {
            Payload::Agreed { mark: other, digest } => other == mark && digest == snapshot.digest(),
            _ => false,
        };
        let agreed = own.chain(known).any(is_agreement);
        Check::Agreed.holds(agreed, || format!("{} stores a snapshot of {mark}", node.id()));
        self.fresh.push((node.id(), snapshot.clone()));
    }

    /// Compares what was written with what is committed by now.
    pub fn inspect(&mut self, logs: &Logs) {
        for (node, snapshot) in self.fresh.drain(..) {
            let position = snapshot.position;
            let entry = logs.committed().get(position.index.0 as usize - 1);
            let at_mark = entry.is_some_and(|entry| entry.position() == position && entry.time == snapshot.time);
            Check::SameState.holds(at_mark, || format!("{node} stores a snapshot at {position:?}, which is {entry:?}"));
            let meant = logs.membership_at(position.index);
            let held = (snapshot.membership_index, &snapshot.membership);
            Check::SameState.holds(meant == Some(held), || format!("{node} snapshots {held:?} instead of {meant:?}"));
        }
    }
}
