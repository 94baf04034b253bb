//! Writes to the tables of a store.

use super::{
    STORE_VERSION,
    record::{
        BALLOT, BASE, COMMIT, GROUPS, INVITATION, KEY, LAST_SERIAL, LOG, META, OUTBOX, PIECE_BYTES, ROOM, SESSION,
        STATE, STATE_BYTES, VERSION, seal,
    },
};
use crate::{
    raft::{LogIndex, LogPosition, Serial, Snapshot, Write},
    storage::Identity,
    wire::{DECODE_BYTES_MAX, Invitation, encode},
};
use redb::{Error, Table, WriteTransaction};
use serde::Serialize;

/// The open tables of one transaction.
pub(super) struct Tables<'a> {
    meta: Table<'a, &'static str, &'static [u8]>,
    log: Table<'a, u64, &'static [u8]>,
    state: Table<'a, u64, &'static [u8]>,
    outbox: Table<'a, u64, &'static [u8]>,
}

impl<'a> Tables<'a> {
    /// Opens them, and makes those that are not there.
    pub fn open(transaction: &'a WriteTransaction) -> Result<Self, Error> {
        Ok(Self {
            meta: transaction.open_table(META)?,
            log: transaction.open_table(LOG)?,
            state: transaction.open_table(STATE)?,
            outbox: transaction.open_table(OUTBOX)?,
        })
    }

    /// Writes what a new store begins with, besides the founding state itself.
    pub fn found(&mut self, identity: &Identity) -> Result<(), Error> {
        self.put(VERSION, &STORE_VERSION)?;
        self.put(KEY, identity.key.as_bytes())?;
        self.put(BASE, &LogPosition::default())?;
        self.put(ROOM, &None::<&[u8]>)?;
        self.put(STATE_BYTES, &0_u64)?;
        self.put(SESSION, &None::<LogIndex>)?;
        self.invitation(&identity.invitation)
    }

    /// Replaces the invitation.
    pub fn invitation(&mut self, invitation: &Invitation) -> Result<(), Error> {
        self.put(INVITATION, invitation)
    }

    /// Replaces the commit index.
    pub fn commit(&mut self, commit: LogIndex) -> Result<(), Error> {
        self.put(COMMIT, &commit)
    }

    /// Replaces the last serial.
    pub fn last_serial(&mut self, serial: Serial) -> Result<(), Error> {
        self.put(LAST_SERIAL, &serial)
    }

    /// Replaces the count of groups.
    pub fn groups(&mut self, groups: u64) -> Result<(), Error> {
        self.put(GROUPS, &groups)
    }

    /// Carries out one write.
    pub fn apply(&mut self, write: &Write) -> Result<(), Error> {
        if let Some(ballot) = &write.ballot {
            self.put(BALLOT, ballot)?;
        }
        if let Some(LogIndex(from)) = write.truncate_from {
            self.log.retain_in(from.., |_, _| false)?;
        }
        if let Some(snapshot) = &write.snapshot {
            self.snapshot(snapshot)?;
        }
        if let Some(base) = &write.compact {
            self.log.retain_in(..=base.index.0, |_, _| false)?;
            self.put(BASE, base)?;
        }
        for entry in write.entries.iter() {
            let bytes = encoded(entry);
            self.log.insert(entry.index.0, &seal(&LOG, &entry.index.0.to_le_bytes(), &bytes)[..])?;
        }
        if let Some(commit) = write.commit {
            self.commit(commit)?;
        }
        if write.session.is_some() {
            self.put(SESSION, &write.session)?;
        }
        if let Some(Serial(settled)) = write.outbox_settled {
            self.outbox.retain_in(..=settled, |_, _| false)?;
        }
        for (serial, body) in &write.outbox_put {
            self.outbox.insert(serial.0, &seal(&OUTBOX, &serial.0.to_le_bytes(), body)[..])?;
        }
        write.outbox_put.last().map_or(Ok(()), |(serial, _)| self.last_serial(*serial))
    }

    /// Replaces the snapshot, all of it.
    fn snapshot(&mut self, snapshot: &Snapshot) -> Result<(), Error> {
        self.put(ROOM, &Some(&snapshot.room()[..]))?;
        self.put(STATE_BYTES, &(snapshot.state.len() as u64))?;
        self.state.retain(|_, _| false)?;
        for (number, piece) in (0_u64..).zip(snapshot.state.chunks(PIECE_BYTES)) {
            self.state.insert(number, &seal(&STATE, &number.to_le_bytes(), piece)[..])?;
        }
        Ok(())
    }

    fn put<T: Serialize>(&mut self, what: &'static str, value: &T) -> Result<(), Error> {
        self.meta.insert(what, &seal(&META, what.as_bytes(), &encoded(value))[..])?;
        Ok(())
    }
}

/// The bytes of a value that can be read back.
fn encoded<T: Serialize>(value: &T) -> Vec<u8> {
    let bytes = encode(value).expect("the core's types always have an encoding");
    assert!(bytes.len() <= DECODE_BYTES_MAX, "a value of {} bytes could not be read back", bytes.len());
    bytes
}
