//! The tables of a store as redb keeps them.

use crate::storage::{
    read::{Each, Records, Refusal},
    record::Table as Name,
    write::Tables,
};
use redb::{
    Error, ReadOnlyTable, ReadTransaction, ReadableDatabase, ReadableTable, Table, TableDefinition, WriteTransaction,
};
use std::ops::RangeInclusive;

const META: TableDefinition<&str, &[u8]> = TableDefinition::new(Name::Meta.name());
const LOG: TableDefinition<u64, &[u8]> = TableDefinition::new(Name::Log.name());
const STATE: TableDefinition<u64, &[u8]> = TableDefinition::new(Name::State.name());
const OUTBOX: TableDefinition<u64, &[u8]> = TableDefinition::new(Name::Outbox.name());

/// The open tables of one transaction that writes.
pub(super) struct OpenTables<'a> {
    meta: Table<'a, &'static str, &'static [u8]>,
    log: Table<'a, u64, &'static [u8]>,
    state: Table<'a, u64, &'static [u8]>,
    outbox: Table<'a, u64, &'static [u8]>,
}

impl<'a> OpenTables<'a> {
    /// Opens them, and makes those that are not there.
    pub fn open(transaction: &'a WriteTransaction) -> Result<Self, Error> {
        Ok(Self {
            meta: transaction.open_table(META)?,
            log: transaction.open_table(LOG)?,
            state: transaction.open_table(STATE)?,
            outbox: transaction.open_table(OUTBOX)?,
        })
    }

    fn numbered(&mut self, table: Name) -> &mut Table<'a, u64, &'static [u8]> {
        match table {
            Name::Log => &mut self.log,
            Name::State => &mut self.state,
            Name::Outbox => &mut self.outbox,
            Name::Meta => unreachable!("what there is once has names, and no numbers"),
        }
    }
}

impl Tables for OpenTables<'_> {
    type Error = Error;

    fn set(&mut self, name: &'static str, sealed: &[u8]) -> Result<(), Error> {
        self.meta.insert(name, sealed)?;
        Ok(())
    }

    fn insert(&mut self, table: Name, number: u64, sealed: &[u8]) -> Result<(), Error> {
        self.numbered(table).insert(number, sealed)?;
        Ok(())
    }

    fn remove(&mut self, table: Name, numbers: RangeInclusive<u64>) -> Result<(), Error> {
        Ok(self.numbered(table).retain_in(numbers, |_, _| false)?)
    }
}

/// The tables of one transaction that reads.
pub(super) struct ReadTables {
    transaction: ReadTransaction,
    meta: ReadOnlyTable<&'static str, &'static [u8]>,
}

impl ReadTables {
    pub fn open(database: &impl ReadableDatabase) -> Result<Self, Error> {
        let transaction = database.begin_read()?;
        let meta = transaction.open_table(META)?;
        Ok(Self { transaction, meta })
    }
}

impl Records for ReadTables {
    type Error = Error;

    fn get(&self, name: &'static str) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.meta.get(name)?.map(|sealed| sealed.value().to_vec()))
    }

    fn each(&self, table: Name, each: Each<Error>) -> Result<(), Refusal<Error>> {
        let definition: TableDefinition<u64, &[u8]> = TableDefinition::new(table.name());
        let database = |error: Error| Refusal::Database(error);
        let table = self.transaction.open_table(definition).map_err(|error| database(error.into()))?;
        for record in table.iter().map_err(|error| database(error.into()))? {
            let (number, sealed) = record.map_err(|error| database(error.into()))?;
            each(number.value(), sealed.value())?;
        }
        Ok(())
    }
}
