//! What is stored as a snapshot was agreed on, and is the same everywhere (§5.1).

use super::Check;
use crate::raft::{Entry, LogIndex, Node, Payload, Snapshot, Write};
use std::{collections::BTreeMap, sync::Arc};

#[derive(Default)]
pub(super) struct Snapshots {
    stored: BTreeMap<LogIndex, Arc<Snapshot>>,
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
    }
}
