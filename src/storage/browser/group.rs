//! A group of changes as one record, which lies in the database until all of its changes are made.
//!
//! Browsers promise that a transaction is carried out as a whole or not at all, and that it begins to commit when
//! nothing more is asked of it. When Firefox closes a page it ends the script wherever that is, and may commit what the
//! script had asked for by then. So the first request of a transaction is the whole group, and the last one takes it out
//! again: where it is found, it is carried out once more. That ends in the same as if it had been carried out once.

use super::{
    super::{
        record::Table,
        write::{Tables, Writer},
    },
    database::OBJECT_STORES,
};
use indexed_db_futures::{
    BuildPrimitive, KeyRange, error::Error, future::BasicRequest, prelude::QuerySource, transaction::Transaction,
};
use js_sys::{Array, Uint8Array};
use std::{convert::Infallible, ops::RangeInclusive};
use wasm_bindgen::{JsCast, JsValue};

/// Where a group lies that is not complete.
pub(super) const UNFINISHED: &str = "unfinished";
/// Its key there.
const THE_GROUP: &str = "group";
/// Numbers of records are kept as floating-point numbers, which are exact up to here.
const NUMBER_MAX: u64 = 1 << 53;

/// What a group changes, in order: arrays of a table's name, a key, and the sealed value that is put there; or of a
/// table's name and the first and the last number of the records that go.
pub(super) struct Group(Array);

impl Group {
    /// What `write` writes.
    pub fn of(write: impl FnOnce(&mut Writer<Self>) -> Result<(), Infallible>) -> Self {
        let mut writer = Writer(Self(Array::new()));
        let Ok(()) = write(&mut writer);
        writer.0
    }

    /// What lay in the database, if it is a group.
    pub fn found(value: &JsValue) -> Option<Self> {
        let changes: &Array = value.dyn_ref()?;
        changes.iter().all(|change| is_change(&change)).then(|| Self(changes.clone()))
    }

    /// Asks `transaction` for the group that is not complete.
    pub fn unfinished(transaction: &Transaction<'_>) -> Result<BasicRequest<Option<JsValue>>, Error> {
        transaction.object_store(UNFINISHED)?.get(THE_GROUP).primitive()
    }

    /// Asks `transaction` for all of it. Requests are carried out in the order in which they are made; one that fails
    /// ends the transaction, which says so.
    pub fn carry_out(&self, transaction: &Transaction<'_>) -> Result<(), Error> {
        let unfinished = transaction.object_store(UNFINISHED)?;
        drop(unfinished.put(&self.0).with_key(THE_GROUP).without_key_type().primitive()?);
        for change in self.0.iter() {
            let [table, key, what] = parts(&change);
            let table = transaction.object_store(&table.as_string().unwrap_or_default())?;
            if what.is_instance_of::<Uint8Array>() {
                drop(table.put(what).with_key(key).without_key_type().primitive()?);
            } else {
                drop(table.delete::<JsValue, _>(KeyRange::Bound(key, false, what, false)).primitive()?);
            }
        }
        unfinished.delete::<&str, _>(THE_GROUP).primitive().map(drop)
    }

    fn put(&self, table: Table, key: JsValue, sealed: &[u8]) {
        self.0.push(&Array::of3(&table.name().into(), &key, &Uint8Array::from(sealed)));
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
        self.0.push(&Array::of3(&table.name().into(), &(first as f64).into(), &(last as f64).into()));
        Ok(())
    }
}

fn parts(change: &JsValue) -> [JsValue; 3] {
    let change: &Array = change.unchecked_ref();
    [0, 1, 2].map(|part| change.get(part))
}

fn is_change(value: &JsValue) -> bool {
    let known = |table: &JsValue| table.as_string().is_some_and(|name| OBJECT_STORES.contains(&&*name));
    value.is_instance_of::<Array>() && {
        let [table, key, what] = parts(value);
        let puts = what.is_instance_of::<Uint8Array>() && (key.is_string() || key.as_f64().is_some());
        let removes = what.as_f64().is_some() && key.as_f64().is_some();
        known(&table) && (puts || removes)
    }
}
