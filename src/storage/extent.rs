//! How far a store reaches, and which writes may follow.

use super::Identity;
use crate::{
    raft::{Durable, LogIndex, LogPosition, SNAPSHOT_BYTES_MAX, Serial, Write, WriteId},
    wire::{ClusterId, Invitation},
};

/// The ends of a store's log and outbox, with every submitted write counted in.
#[derive(Debug)]
pub(super) struct Extent {
    cluster: ClusterId,
    base: LogIndex,
    snapshot: LogIndex,
    last: LogIndex,
    commit: LogIndex,
    session: Option<LogIndex>,
    last_serial: Serial,
    submitted: Option<WriteId>,
}

impl Extent {
    /// The extent of a store that was just opened.
    pub fn of(identity: &Identity, durable: &Durable) -> Self {
        let cluster = identity.invitation.cluster;
        let base = durable.base.index;
        Self {
            cluster,
            base,
            snapshot: durable.snapshot.as_ref().map_or(LogIndex(0), |snapshot| snapshot.position.index),
            last: LogIndex(base.0 + durable.log.len() as u64),
            commit: durable.commit,
            session: durable.session,
            last_serial: durable.last_serial,
            submitted: None,
        }
    }

    /// The write that turns an empty store into `founding`.
    ///
    /// # Panics
    /// If `founding` is inconsistent.
    pub fn found(identity: &Identity, founding: &Durable) -> Write {
        let write = Write {
            ballot: Some(founding.ballot),
            snapshot: founding.snapshot.clone(),
            compact: Some(founding.base).filter(|base| *base > LogPosition::default()),
            entries: founding.log.iter().cloned().collect(),
            commit: Some(founding.commit),
            session: founding.session,
            outbox_put: founding.outbox.clone().into_iter().collect(),
            ..Write::default()
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
        if let Some(snapshot) = &write.snapshot {
            let index = snapshot.position.index;
            assert!(index > self.snapshot, "a snapshot of {index} comes after one of {}", self.snapshot);
            assert!(snapshot.state.len() <= SNAPSHOT_BYTES_MAX, "a state of {} bytes", snapshot.state.len());
            self.snapshot = index;
        }
        if let Some(base) = write.compact.map(|base| base.index) {
            assert!(base > self.base, "the log is cut at {base}, but begins after {}", self.base);
            self.base = base;
            self.last = self.last.max(base);
        }
        for entry in write.entries.iter() {
            assert_eq!(entry.index, self.last.next(), "the log has no gaps");
            self.last = entry.index;
        }
        if let Some(commit) = write.commit {
            assert!(commit <= self.last, "entry {commit} is committed, but the log ends at {}", self.last);
            self.commit = commit;
        }
        let kept = self.base <= self.snapshot && self.snapshot <= self.commit;
        assert!(kept, "the log begins after {}, the snapshot is of {}", self.base, self.snapshot);
        if let Some(session) = write.session {
            assert!(self.session < Some(session), "session {session} comes after {:?}", self.session);
            self.session = Some(session);
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
