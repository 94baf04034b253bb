//! Reads everything that a store holds, and checks it on the way.

use super::{
    Damage, Identity,
    record::{
        BALLOT, BASE, COMMIT, GROUPS, INVITATION, KEY, LAST_SERIAL, ROOM, SESSION, STATE_BYTES, STORE_VERSION, Table,
        VERSION, unseal,
    },
};
use crate::{
    raft::{Durable, Entry, LogIndex, LogPosition, SNAPSHOT_BYTES_MAX, Serial, Snapshot},
    wire::{DECODE_BYTES_MAX, decode_canonical},
};
use bytes::Bytes;
use ed25519_dalek::SigningKey;
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
pub(super) enum Refusal<E> {
    Version(u16),
    Damage(Damage),
    Database(E),
}

impl<E> From<Damage> for Refusal<E> {
    fn from(damage: Damage) -> Self {
        Self::Damage(damage)
    }
}

/// What happens to each record of a numbered table.
pub(super) type Each<'a, E> = &'a mut dyn FnMut(u64, &[u8]) -> Result<(), Refusal<E>>;

/// The tables of a store, to be read.
pub(super) trait Records {
    /// Why the database refuses.
    type Error;

    /// What there is once under this name.
    fn get(&self, name: &'static str) -> Result<Option<Vec<u8>>, Self::Error>;

    /// Goes through a numbered table, by number.
    fn each(&self, table: Table, each: Each<Self::Error>) -> Result<(), Refusal<Self::Error>>;
}

/// Everything in the tables, or the first thing that is wrong with it.
pub(super) fn read<R: Records>(records: &R) -> Result<Contents, Refusal<R::Error>> {
    let meta = Meta(records);
    match meta.value(VERSION)? {
        STORE_VERSION => {}
        found => return Err(Refusal::Version(found)),
    }
    let identity = Identity { key: SigningKey::from_bytes(&meta.value(KEY)?), invitation: meta.value(INVITATION)? };
    let base: LogPosition = meta.value(BASE)?;
    let durable = Durable {
        ballot: meta.value(BALLOT)?,
        snapshot: read_snapshot(&meta)?.map(Arc::new),
        base,
        log: read_log(records, base.index)?,
        commit: meta.value(COMMIT)?,
        session: meta.value(SESSION)?,
        outbox: read_outbox(records)?,
        last_serial: meta.value(LAST_SERIAL)?,
    };
    check(&durable)?;
    Ok(Contents { identity, durable, groups: meta.value(GROUPS)? })
}

/// The table of what there is once.
struct Meta<'a, R>(&'a R);

impl<R: Records> Meta<'_, R> {
    fn value<T: Serialize + DeserializeOwned>(&self, what: &'static str) -> Result<T, Refusal<R::Error>> {
        let sealed = self.0.get(what).map_err(Refusal::Database)?.ok_or(Damage::Value { what })?;
        let bytes = unseal(Table::Meta, what.as_bytes(), &sealed).ok_or(Damage::Value { what })?;
        decode_canonical(bytes, DECODE_BYTES_MAX).map_err(|_| Damage::Value { what }.into())
    }
}

fn read_snapshot<R: Records>(meta: &Meta<R>) -> Result<Option<Snapshot>, Refusal<R::Error>> {
    let damage = || Refusal::from(Damage::Value { what: "snapshot" });
    let room: Option<Bytes> = meta.value(ROOM)?;
    let size = usize::try_from(meta.value::<u64>(STATE_BYTES)?).ok().filter(|size| *size <= SNAPSHOT_BYTES_MAX);
    let size = size.ok_or_else(damage)?;
    let (mut state, mut next) = (Vec::with_capacity(size), 0_u64);
    meta.0.each(Table::State, &mut |number, sealed| {
        let piece = unseal(Table::State, &next.to_le_bytes(), sealed).filter(|_| number == next);
        let piece = piece.filter(|piece| state.len() + piece.len() <= size).ok_or_else(damage)?;
        state.extend_from_slice(piece);
        next += 1;
        Ok(())
    })?;
    match room {
        _ if state.len() != size => Err(damage()),
        None if size == 0 => Ok(None),
        None => Err(damage()),
        Some(room) => Snapshot::from_parts(&room, state.into()).map(Some).ok_or_else(damage),
    }
}

fn read_log<R: Records>(records: &R, base: LogIndex) -> Result<Vec<Entry>, Refusal<R::Error>> {
    let mut log: Vec<Entry> = Vec::new();
    records.each(Table::Log, &mut |number, sealed| {
        let index = LogIndex(base.0.saturating_add(log.len() as u64 + 1));
        let bytes = unseal(Table::Log, &number.to_le_bytes(), sealed);
        let entry = bytes.and_then(|bytes| decode_canonical::<Entry>(bytes, DECODE_BYTES_MAX).ok());
        let entry = entry.filter(|entry| entry.index == index && number == index.0);
        log.push(entry.ok_or(Damage::Entry { index })?);
        Ok(())
    })?;
    Ok(log)
}

fn read_outbox<R: Records>(records: &R) -> Result<BTreeMap<Serial, Bytes>, Refusal<R::Error>> {
    let mut outbox = BTreeMap::new();
    records.each(Table::Outbox, &mut |number, sealed| {
        let body = unseal(Table::Outbox, &number.to_le_bytes(), sealed).ok_or(Damage::Value { what: "outbox" })?;
        outbox.insert(Serial(number), Bytes::copy_from_slice(body));
        Ok(())
    })?;
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
