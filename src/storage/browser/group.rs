//! A group of changes as one record, which lies in the database until all of its changes are made.
//!
//! Browsers promise that a transaction is carried out as a whole or not at all, and that it commits when nothing more is
//! asked of it. When Firefox closes a page it ends the script wherever that is, and may commit what the script had asked
//! for by then. So a transaction puts down the whole group before it makes the first change, and takes it away again after
//! the last one: where one is found, its changes are made once more. That ends in the same as if they had been made once.

use super::{
    super::{
        Damage, STORE_VERSION,
        read::Refusal,
        record::Table,
        write::{Tables, Writer},
    },
    database::TABLES,
};
use indexed_db_futures::{BuildPrimitive, KeyRange, error::Error, transaction::Transaction};
use js_sys::{Array, Uint8Array};
use std::{convert::Infallible, ops::RangeInclusive};
use wasm_bindgen::{JsCast, JsValue};

/// The name among what there is once under which an unfinished group lies.
pub(super) const UNFINISHED: &str = "unfinished group";
/// Numbers of records are kept as floating-point numbers, which are exact up to here.
const NUMBER_MAX: u64 = 1 << 53;

/// What a group changes, in order.
pub(super) struct Group {
    /// [`STORE_VERSION`], and then each change, as an array: a table's name, a key, and the sealed value that is put there;
    /// or a table's name, and the first and the last number of the records that go.
    record: Array,
    /// Whether it lies in the database already.
    lies_there: bool,
}

/// One change.
pub(super) enum Change {
    Put { table: Table, key: JsValue, sealed: Uint8Array },
    Remove { table: Table, first: f64, last: f64 },
}

impl Group {
    /// What `write` writes.
    pub fn of(write: impl FnOnce(&mut Writer<Self>) -> Result<(), Infallible>) -> Self {
        let mut writer = Writer(Self { record: Array::of1(&STORE_VERSION.into()), lies_there: false });
        let Ok(()) = write(&mut writer);
        writer.0
    }

    /// A group that lies in the database.
    pub fn found(value: &JsValue) -> Result<Self, Refusal<Infallible>> {
        let damage = || Refusal::Damage(Damage::Value { what: UNFINISHED });
        let record: &Array = value.dyn_ref().ok_or_else(damage)?;
        match record.get(0).as_f64().ok_or_else(damage)? as u16 {
            STORE_VERSION => {}
            found => return Err(Refusal::Version(found)),
        }
        let whole = record.iter().skip(1).all(|change| Change::read(&change).is_some());
        whole.then(|| Self { record: record.clone(), lies_there: true }).ok_or_else(damage)
    }

    /// The changes, in order.
    pub fn changes(&self) -> impl Iterator<Item = Change> {
        self.record.iter().skip(1).map(|change| Change::read(&change).expect("it was written, or checked, as a change"))
    }

    /// Asks `transaction` for all of it. Requests are carried out in the order in which they are made; one that fails
    /// ends the transaction, which says so.
    pub fn carry_out(self, transaction: &Transaction<'_>) -> Result<(), Error> {
        let meta = transaction.object_store(Table::Meta.name())?;
        if !self.lies_there {
            drop(meta.put(&self.record).with_key(UNFINISHED).without_key_type().primitive()?);
        }
        for change in self.changes() {
            match change {
                Change::Put { table, key, sealed } => {
                    let store = transaction.object_store(table.name())?;
                    drop(store.put(JsValue::from(sealed)).with_key(key).without_key_type().primitive()?);
                }
                Change::Remove { table, first, last } => {
                    let range = KeyRange::Bound(first, false, last, false);
                    drop(transaction.object_store(table.name())?.delete::<f64, _>(range).primitive()?);
                }
            }
        }
        meta.delete::<&str, _>(UNFINISHED).primitive().map(drop)
    }

    fn put(&self, table: Table, key: JsValue, sealed: &[u8]) {
        self.record.push(&Array::of3(&table.name().into(), &key, &Uint8Array::from(sealed)));
    }
}

impl Tables for Group {
    type Error = Infallible;

    fn set(&mut self, name: &'static str, sealed: &[u8]) -> Result<(), Infallible> {
        self.put(Table::Meta, name.into(), sealed);
        Ok(())
    }

    fn insert(&mut self, table: Table, number: u64, sealed: &[u8]) -> Result<(), Infallible> {
        assert!(number <= NUMBER_MAX, "record {number} has no exact place in a browser");
        self.put(table, (number as f64).into(), sealed);
        Ok(())
    }

    fn remove(&mut self, table: Table, numbers: RangeInclusive<u64>) -> Result<(), Infallible> {
        let (first, last) = numbers.into_inner();
        self.record.push(&Array::of3(&table.name().into(), &(first as f64).into(), &(last as f64).into()));
        Ok(())
    }
}

impl Change {
    /// One change as it lies in the record, if it is one.
    fn read(value: &JsValue) -> Option<Self> {
        let parts: &Array = value.dyn_ref().filter(|parts: &&Array| parts.length() == 3)?;
        let [name, key, what] = [0, 1, 2].map(|part| parts.get(part));
        let table = TABLES.into_iter().find(|table| name.as_string().as_deref() == Some(table.name()))?;
        let named = table == Table::Meta;
        if let Some(sealed) = what.dyn_ref::<Uint8Array>() {
            let has_key = if named { key.is_string() } else { key.as_f64().is_some() };
            return has_key.then(|| Self::Put { table, key, sealed: sealed.clone() });
        }
        Some(Self::Remove { table, first: key.as_f64()?, last: what.as_f64()? }).filter(|_| !named)
    }
}
