//! How far a store reaches, and which writes may follow.

use super::Identity;
use crate::{
    raft::{Durable, LogIndex, Serial, Write, WriteId},
    wire::{ClusterId, Invitation},
};

/// The ends of a store's log and outbox, with every submitted write counted in.
#[derive(Debug)]
pub(super) struct Extent {
    cluster: ClusterId,
    last: LogIndex,
    commit: LogIndex,
    last_serial: Serial,
    submitted: Option<WriteId>,
}

impl Extent {
    /// The extent of a store that was just opened.
    pub fn of(identity: &Identity, durable: &Durable) -> Self {
        let cluster = identity.invitation.cluster;
        let last = LogIndex(durable.log.len() as u64);
        Self { cluster, last, commit: durable.commit, last_serial: durable.last_serial, submitted: None }
    }

    /// The write that turns an empty store into `founding`.
    ///
    /// # Panics
    /// If `founding` is inconsistent.
    pub fn found(identity: &Identity, founding: &Durable) -> Write {
        let write = Write {
            ballot: Some(founding.ballot),
            truncate_from: None,
            entries: founding.log.clone(),
            commit: Some(founding.commit),
            session: founding.session,
            outbox_put: founding.outbox.clone().into_iter().collect(),
            outbox_settled: None,
        };
        let mut extent = Self::of(identity, &Durable::default());
        extent.admit(WriteId(0), &write);
        assert!(extent.last_serial <= founding.last_serial, "serial {} was never given out", extent.last_serial);
        write
    }

    /// Counts a write in.
    ///
    /// # Panics
    /// If it doesn't follow from those before it.
    pub fn admit(&mut self, id: WriteId, write: &Write) {
        assert!(self.submitted < Some(id), "write {id} comes after write {:?}", self.submitted);
        self.submitted = Some(id);
        if let Some(from) = write.truncate_from {
            assert!(from > self.commit, "entry {from} is dropped, but {} is committed", self.commit);
            self.last = self.last.min(LogIndex(from.0 - 1));
        }
        for entry in &write.entries {
            assert_eq!(entry.index, self.last.next(), "the log has no gaps");
            self.last = entry.index;
        }
        if let Some(commit) = write.commit {
            assert!(commit <= self.last, "entry {commit} is committed, but the log ends at {}", self.last);
            self.commit = commit;
        }
        for (serial, _) in &write.outbox_put {
            assert!(*serial > self.last_serial, "serial {serial} was given out already");
            self.last_serial = *serial;
        }
    }

    /// Lets an invitation in that is to replace the one in the store.
    ///
    /// # Panics
    /// If it is to another room.
    pub fn admit_invitation(&self, invitation: &Invitation) {
        assert_eq!(invitation.cluster, self.cluster, "a store never moves to another room");
    }
}
