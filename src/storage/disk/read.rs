//! Reads everything that a store holds, and checks it on the way.

use super::{
    STORE_VERSION,
    record::{
        BALLOT, BASE, COMMIT, GROUPS, INVITATION, KEY, LAST_SERIAL, LOG, META, OUTBOX, ROOM, SESSION, STATE,
        STATE_BYTES, VERSION, unseal,
    },
};
use crate::{
    raft::{Durable, Entry, LogIndex, LogPosition, SNAPSHOT_BYTES_MAX, Serial, Snapshot},
    storage::{Damage, Identity},
    wire::{DECODE_BYTES_MAX, decode_canonical},
};
use bytes::Bytes;
use ed25519_dalek::SigningKey;
use redb::{Database, ReadOnlyTable, ReadTransaction, ReadableDatabase, ReadableTable};
use serde::{Serialize, de::DeserializeOwned};
use std::{collections::BTreeMap, sync::Arc};

/// What a store holds.
#[derive(Debug)]
pub(super) struct Contents {
    pub identity: Identity,
    pub durable: Durable,
    /// How many groups of writes are complete.
    pub groups: u64,
}

/// Why a store can't be used.
#[derive(Debug)]
pub(super) enum Refusal {
    Version(u16),
    Damage(Damage),
    Database(Box<redb::Error>),
}

impl From<Damage> for Refusal {
    fn from(damage: Damage) -> Self {
        Self::Damage(damage)
    }
}

impl<E: Into<redb::Error>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self::Database(Box::new(error.into()))
    }
}

/// Everything in the database, or the first thing that is wrong with it.
pub(super) fn read(database: &Database) -> Result<Contents, Refusal> {
    let transaction = database.begin_read()?;
    let meta = Meta(transaction.open_table(META)?);
    match meta.value(VERSION)? {
        STORE_VERSION => {}
        found => return Err(Refusal::Version(found)),
    }
    let identity = Identity { key: SigningKey::from_bytes(&meta.value(KEY)?), invitation: meta.value(INVITATION)? };
    let base: LogPosition = meta.value(BASE)?;
    let durable = Durable {
        ballot: meta.value(BALLOT)?,
        snapshot: read_snapshot(&transaction, &meta)?.map(Arc::new),
        base,
        log: read_log(&transaction, base.index)?,
        commit: meta.value(COMMIT)?,
        session: meta.value(SESSION)?,
        outbox: read_outbox(&transaction)?,
        last_serial: meta.value(LAST_SERIAL)?,
    };
    check(&durable)?;
    Ok(Contents { identity, durable, groups: meta.value(GROUPS)? })
}

/// The table of what there is once.
struct Meta(ReadOnlyTable<&'static str, &'static [u8]>);

impl Meta {
    fn value<T: Serialize + DeserializeOwned>(&self, what: &'static str) -> Result<T, Refusal> {
        let sealed = self.0.get(what)?.ok_or(Damage::Value { what })?;
        let bytes = unseal(&META, what.as_bytes(), sealed.value()).ok_or(Damage::Value { what })?;
        decode_canonical(bytes, DECODE_BYTES_MAX).map_err(|_| Damage::Value { what }.into())
    }
}

fn read_snapshot(transaction: &ReadTransaction, meta: &Meta) -> Result<Option<Snapshot>, Refusal> {
    let damage = || Refusal::from(Damage::Value { what: "snapshot" });
    let room: Option<Bytes> = meta.value(ROOM)?;
    let size = usize::try_from(meta.value::<u64>(STATE_BYTES)?).ok().filter(|size| *size <= SNAPSHOT_BYTES_MAX);
    let size = size.ok_or_else(damage)?;
    let mut state = Vec::with_capacity(size);
    for (number, record) in (0_u64..).zip(transaction.open_table(STATE)?.iter()?) {
        let (key, sealed) = record?;
        let piece = unseal(&STATE, &number.to_le_bytes(), sealed.value()).filter(|_| key.value() == number);
        let piece = piece.filter(|piece| state.len() + piece.len() <= size).ok_or_else(damage)?;
        state.extend_from_slice(piece);
    }
    match room {
        _ if state.len() != size => Err(damage()),
        None if size == 0 => Ok(None),
        None => Err(damage()),
        Some(room) => Snapshot::from_parts(&room, state.into()).map(Some).ok_or_else(damage),
    }
}

fn read_log(transaction: &ReadTransaction, base: LogIndex) -> Result<Vec<Entry>, Refusal> {
    let mut log: Vec<Entry> = Vec::new();
    for record in transaction.open_table(LOG)?.iter()? {
        let (key, sealed) = record?;
        let index = LogIndex(base.0.saturating_add(log.len() as u64 + 1));
        let bytes = unseal(&LOG, &key.value().to_le_bytes(), sealed.value());
        let entry = bytes.and_then(|bytes| decode_canonical::<Entry>(bytes, DECODE_BYTES_MAX).ok());
        match entry {
            Some(entry) if entry.index == index && key.value() == index.0 => log.push(entry),
            _ => return Err(Damage::Entry { index }.into()),
        }
    }
    Ok(log)
}

fn read_outbox(transaction: &ReadTransaction) -> Result<BTreeMap<Serial, Bytes>, Refusal> {
    let mut outbox = BTreeMap::new();
    for record in transaction.open_table(OUTBOX)?.iter()? {
        let (key, sealed) = record?;
        let body = unseal(&OUTBOX, &key.value().to_le_bytes(), sealed.value());
        let body = body.ok_or(Damage::Value { what: "outbox" })?;
        outbox.insert(Serial(key.value()), Bytes::copy_from_slice(body));
    }
    Ok(outbox)
}

/// What has to hold between values.
fn check(durable: &Durable) -> Result<(), Damage> {
    let last = durable.log.last().map_or(durable.base.index, |entry| entry.index);
    let snapshot = durable.snapshot.as_ref().map_or(LogIndex(0), |snapshot| snapshot.position.index);
    if durable.commit > last {
        return Err(Damage::Entry { index: last.next() });
    }
    if durable.base.index > snapshot || snapshot > durable.commit {
        return Err(Damage::Value { what: "snapshot" });
    }
    match (durable.outbox.first_key_value(), durable.outbox.last_key_value()) {
        (_, Some((last, _))) if *last > durable.last_serial => Err(Damage::Value { what: LAST_SERIAL }),
        // Commands are numbered without gaps, and settled from the first on.
        (Some((first, _)), Some(_)) if durable.last_serial.0 - first.0 + 1 != durable.outbox.len() as u64 => {
            Err(Damage::Value { what: "outbox" })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holding(serials: &[u64], last: u64) -> Durable {
        let outbox = serials.iter().map(|serial| (Serial(*serial), Bytes::new())).collect();
        Durable { outbox, last_serial: Serial(last), ..Durable::default() }
    }

    #[test]
    fn an_outbox_that_lacks_a_command_is_damaged() {
        for (serials, last) in [(&[][..], 7), (&[1, 2, 3], 3), (&[3], 3)] {
            assert_eq!(check(&holding(serials, last)), Ok(()));
        }
        for (serials, last) in [(&[1, 3][..], 3), (&[1, 2], 3), (&[2, 3], 2)] {
            assert!(matches!(check(&holding(serials, last)), Err(Damage::Value { .. })), "{serials:?} of {last}");
        }
    }
}
