//! What writes mean for the tables of a store.

use super::{
    Identity,
    extent::Extent,
    job::Job,
    record::{
        BALLOT, BASE, COMMIT, GROUPS, INVITATION, KEY, LAST_SERIAL, PIECE_BYTES, ROOM, SESSION, STATE_BYTES,
        STORE_VERSION, Table, VERSION, seal,
    },
};
use crate::{
    raft::{Durable, LogIndex, LogPosition, Serial, Snapshot, Write},
    wire::{DECODE_BYTES_MAX, Invitation, encode},
};
use serde::Serialize;
use std::ops::RangeInclusive;

/// One transaction on the tables of a store.
pub(super) trait Tables {
    /// Why the database refuses.
    type Error;

    /// Sets what there is once under this name.
    fn set(&mut self, name: &'static str, sealed: &[u8]) -> Result<(), Self::Error>;

    /// Sets the record of a numbered table.
    fn insert(&mut self, table: Table, number: u64, sealed: &[u8]) -> Result<(), Self::Error>;

    /// Drops records of a numbered table.
    fn remove(&mut self, table: Table, numbers: RangeInclusive<u64>) -> Result<(), Self::Error>;
}

/// Carries out writes in one transaction.
pub(super) struct Writer<T>(pub T);

impl<T: Tables> Writer<T> {
    /// Fills the tables of a new store.
    ///
    /// # Panics
    /// If the founding state is inconsistent.
    pub fn create(&mut self, identity: &Identity, founding: &Durable) -> Result<(), T::Error> {
        self.found(identity)?;
        self.apply(&Extent::found(identity, founding))?;
        self.last_serial(founding.last_serial)?;
        self.groups(1)
    }

    /// Carries out a group of jobs, as the one that makes `groups` complete, and before them a commit index that waited.
    pub fn carry_out(&mut self, group: &[Job], hint: Option<LogIndex>, groups: u64) -> Result<(), T::Error> {
        if let Some(commit) = hint {
            self.commit(commit)?;
        }
        for job in group {
            match job {
                Job::Write(_, write) => self.apply(write)?,
                Job::Invitation(invitation) => self.invitation(invitation)?,
            }
        }
        self.groups(groups)
    }

    /// Writes what a new store begins with, besides the founding state itself.
    fn found(&mut self, identity: &Identity) -> Result<(), T::Error> {
        self.put(VERSION, &STORE_VERSION)?;
        self.put(KEY, identity.key.as_bytes())?;
        self.put(BASE, &LogPosition::default())?;
        self.put(ROOM, &None::<&[u8]>)?;
        self.put(STATE_BYTES, &0_u64)?;
        self.put(SESSION, &None::<LogIndex>)?;
        self.invitation(&identity.invitation)
    }

    /// Replaces the invitation.
    fn invitation(&mut self, invitation: &Invitation) -> Result<(), T::Error> {
        self.put(INVITATION, invitation)
    }

    /// Replaces the commit index.
    fn commit(&mut self, commit: LogIndex) -> Result<(), T::Error> {
        self.put(COMMIT, &commit)
    }

    /// Replaces the last serial.
    fn last_serial(&mut self, serial: Serial) -> Result<(), T::Error> {
        self.put(LAST_SERIAL, &serial)
    }

    /// Replaces the count of groups.
    fn groups(&mut self, groups: u64) -> Result<(), T::Error> {
        self.put(GROUPS, &groups)
    }

    /// Carries out one write.
    fn apply(&mut self, write: &Write) -> Result<(), T::Error> {
        if let Some(ballot) = &write.ballot {
            self.put(BALLOT, ballot)?;
        }
        if let Some(LogIndex(from)) = write.truncate_from {
            self.0.remove(Table::Log, from..=u64::MAX)?;
        }
        if let Some(snapshot) = &write.snapshot {
            self.snapshot(snapshot)?;
        }
        if let Some(base) = &write.compact {
            self.0.remove(Table::Log, 0..=base.index.0)?;
            self.put(BASE, base)?;
        }
        for entry in write.entries.iter() {
            self.insert(Table::Log, entry.index.0, &encoded(entry))?;
        }
        if let Some(commit) = write.commit {
            self.commit(commit)?;
        }
        if write.session.is_some() {
            self.put(SESSION, &write.session)?;
        }
        if let Some(Serial(settled)) = write.outbox_settled {
            self.0.remove(Table::Outbox, 0..=settled)?;
        }
        for (serial, body) in &write.outbox_put {
            self.insert(Table::Outbox, serial.0, body)?;
        }
        write.outbox_put.last().map_or(Ok(()), |(serial, _)| self.last_serial(*serial))
    }

    /// Replaces the snapshot, all of it.
    fn snapshot(&mut self, snapshot: &Snapshot) -> Result<(), T::Error> {
        self.put(ROOM, &Some(&snapshot.room()[..]))?;
        self.put(STATE_BYTES, &(snapshot.state.len() as u64))?;
        self.0.remove(Table::State, 0..=u64::MAX)?;
        for (number, piece) in (0_u64..).zip(snapshot.state.chunks(PIECE_BYTES)) {
            self.insert(Table::State, number, piece)?;
        }
        Ok(())
    }

    fn put<V: Serialize>(&mut self, name: &'static str, value: &V) -> Result<(), T::Error> {
        self.0.set(name, &seal(Table::Meta, name.as_bytes(), &encoded(value)))
    }

    fn insert(&mut self, table: Table, number: u64, value: &[u8]) -> Result<(), T::Error> {
        self.0.insert(table, number, &seal(table, &number.to_le_bytes(), value))
    }
}

/// The bytes of a value that can be read back.
fn encoded<T: Serialize>(value: &T) -> Vec<u8> {
    let bytes = encode(value).expect("the core's types always have an encoding");
    assert!(bytes.len() <= DECODE_BYTES_MAX, "a value of {} bytes could not be read back", bytes.len());
    bytes
}
