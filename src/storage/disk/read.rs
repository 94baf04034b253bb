//! Reads everything that a store holds, and checks it on the way.

use super::{
    STORE_VERSION,
    record::{BALLOT, COMMIT, GROUPS, INVITATION, KEY, LAST_SERIAL, LOG, META, OUTBOX, SESSION, VERSION, unseal},
};
use crate::{
    raft::{Durable, Entry, LogIndex, Serial},
    storage::{Damage, Identity},
    wire::{DECODE_BYTES_MAX, decode_canonical},
};
use bytes::Bytes;
use ed25519_dalek::SigningKey;
use redb::{Database, ReadOnlyTable, ReadTransaction, ReadableDatabase, ReadableTable};
use serde::{Serialize, de::DeserializeOwned};
use std::collections::BTreeMap;

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
    let durable = Durable {
        ballot: meta.value(BALLOT)?,
        log: read_log(&transaction)?,
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

fn read_log(transaction: &ReadTransaction) -> Result<Vec<Entry>, Refusal> {
    let mut log: Vec<Entry> = Vec::new();
    for record in transaction.open_table(LOG)?.iter()? {
        let (key, sealed) = record?;
        let index = LogIndex(log.len() as u64 + 1);
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
    if durable.commit.0 > durable.log.len() as u64 {
        return Err(Damage::Entry { index: LogIndex(durable.log.len() as u64 + 1) });
    }
    match durable.outbox.last_key_value() {
        Some((serial, _)) if *serial > durable.last_serial => Err(Damage::Value { what: LAST_SERIAL }),
        _ => Ok(()),
    }
}
