//! The database below: its tables, how they are read, and transactions on them.

use super::{
    super::{
        STORE_VERSION, StorageError,
        read::{Contents, Each, Records, Refusal, read},
        record::{self, Table},
    },
    claim::Lease,
    grant,
    group::{Change, Group, UNFINISHED},
    path,
};
use indexed_db_futures::{
    Build, BuildPrimitive,
    error::{DomException, Error, OpenDbError},
    object_store::ObjectStore,
    prelude::QuerySource,
    transaction::{Transaction, TransactionDurability, TransactionFinishKind, TransactionMode, TransactionOptions},
    typed_array::Uint8Array,
};
use std::{collections::BTreeMap, convert::Infallible, io, sync::Arc};
use wasm_bindgen::{JsCast, JsValue};

/// The layout of object stores; what is in them has [`STORE_VERSION`].
const LAYOUT_VERSION: u8 = 1;

pub(super) const TABLES: [Table; 4] = [Table::Meta, Table::Log, Table::State, Table::Outbox];
const NUMBERED: [Table; 3] = [Table::Log, Table::State, Table::Outbox];

/// An open database.
#[derive(Clone)]
pub(super) struct Database {
    name: String,
    inner: indexed_db_futures::database::Database,
}

impl Database {
    /// Opens it, and makes it if there is none.
    pub async fn open(name: &str) -> Result<Self, StorageError> {
        let request = indexed_db_futures::database::Database::open(name).with_version(LAYOUT_VERSION);
        let request = request.with_on_upgrade_needed(|_, database| {
            for table in TABLES {
                database.create_object_store(table.name()).build()?;
            }
            Ok(())
        });
        match request.await {
            Ok(inner) => Ok(Self { name: name.to_owned(), inner }),
            Err(OpenDbError::Base(error)) if lacks_space(&error) => Err(full(name, &error).await),
            Err(error) => Err(denied(&error)),
        }
    }

    /// Everything in it, as it was written; an unfinished group counts as carried out. All is asked for at once: every
    /// answer may wait for a frame of the page.
    pub async fn load(&self) -> Result<Loaded, StorageError> {
        match self.try_load().await {
            Ok(loaded) => Ok(loaded),
            Err(error) => Err(self.failed(error).await),
        }
    }

    async fn try_load(&self) -> Result<Loaded, Error> {
        let transaction = self.inner.transaction(TABLES.map(Table::name)).build()?;
        let meta = transaction.object_store(Table::Meta.name())?;
        let (names, values) = (meta.get_all_keys::<String>().primitive()?, meta.get_all::<JsValue>().primitive()?);
        let mut asked = Vec::new();
        for table in NUMBERED {
            let store = transaction.object_store(table.name())?;
            asked.push((store.get_all_keys::<f64>().primitive()?, store.get_all::<Uint8Array>().primitive()?));
        }
        let mut loaded = Loaded::default();
        for (name, value) in names.await?.zip(values.await?) {
            let (name, value) = (name?, value?);
            match value.dyn_ref::<js_sys::Uint8Array>() {
                Some(sealed) => drop(loaded.meta.insert(name, sealed.to_vec())),
                None if name == UNFINISHED => loaded.unfinished = Some(value),
                // A lease is no record.
                None => {}
            }
        }
        for (records, (numbers, sealed)) in loaded.numbered.iter_mut().zip(asked) {
            for (number, sealed) in numbers.await?.zip(sealed.await?) {
                records.insert(whole(number?), sealed?.into());
            }
        }
        if let Ok(Some(group)) = loaded.unfinished() {
            group.changes().for_each(|change| loaded.make(change));
        }
        Ok(loaded)
    }

    /// Makes a group durable, unless the lease was lost.
    pub async fn carry_out(&self, lease: Option<&Lease>, group: Group) -> Result<(), StorageError> {
        let done = async {
            let transaction = self.begin()?;
            if let Some(lease) = lease {
                let meta = transaction.object_store(Table::Meta.name())?;
                if !lease.renew(&meta).await? {
                    return Ok(false);
                }
            }
            group.carry_out(&transaction)?;
            finish(transaction).await?;
            Ok(true)
        };
        match done.await {
            Ok(true) => Ok(()),
            Ok(false) => Err(StorageError::InUse { path: path(&self.name) }),
            Err(error) => Err(self.failed(error).await),
        }
    }

    /// Begins a transaction that writes, and is complete only once it is on the disk.
    fn begin(&self) -> Result<Transaction<'_>, Error> {
        let strict = TransactionOptions::new().with_durability(TransactionDurability::Strict);
        self.inner
            .transaction(TABLES.map(Table::name))
            .with_mode(TransactionMode::Readwrite)
            .with_options(strict)
            .build()
    }

    /// Changes what there is once, with strict durability.
    pub async fn change_meta(
        &self,
        change: impl AsyncFnOnce(&ObjectStore<'_>) -> Result<bool, Error>,
    ) -> Result<bool, Error> {
        let transaction = self.begin()?;
        let changed = change(&transaction.object_store(Table::Meta.name())?).await?;
        finish(transaction).await?;
        Ok(changed)
    }

    /// What the browser's error means to people.
    pub async fn failed(&self, error: Error) -> StorageError {
        if lacks_space(&error) {
            return full(&self.name, &error).await;
        }
        StorageError::Io { path: path(&self.name), source: Arc::new(io::Error::other(error.to_string())) }
    }
}

/// Waits until a transaction is complete. It commits by itself, once nothing more is asked of it; when it is asked to,
/// it doesn't say why it failed, as for want of space.
async fn finish(transaction: Transaction<'_>) -> Result<(), Error> {
    let mut end = transaction.on_done()?.await;
    if end == TransactionFinishKind::Err {
        // A request failed, which ends the transaction; why, it says once it has ended.
        end = transaction.on_done()?.await;
    }
    if end.is_ok() {
        return Ok(());
    }
    let unexplained = || js_sys::Error::new("the browser gave the transaction up").into();
    Err(transaction.error().unwrap_or_else(unexplained))
}

fn lacks_space(error: &Error) -> bool {
    matches!(error, Error::DomException(DomException::Other(exception)) if exception.name() == "QuotaExceededError")
}

/// How little space is left, if the browser says it.
async fn full(name: &str, error: &Error) -> StorageError {
    let reason = grant::space().await.unwrap_or_else(|| error.to_string());
    StorageError::Full { path: path(name), source: Arc::new(io::Error::other(reason)) }
}

/// Why the browser lets nothing be kept.
fn denied(error: &OpenDbError) -> StorageError {
    StorageError::Denied { reason: error.to_string().into() }
}

/// The number of a record. They were written as whole numbers that a floating-point number holds exactly; anything else
/// fails its checksum.
fn whole(number: f64) -> u64 {
    number as u64
}

/// What a database holds, as it was written.
#[derive(Default)]
pub(super) struct Loaded {
    meta: BTreeMap<String, Vec<u8>>,
    numbered: [BTreeMap<u64, Vec<u8>>; 3],
    unfinished: Option<JsValue>,
}

impl Loaded {
    /// Whether anything was ever written.
    pub fn holds_a_room(&self) -> bool {
        self.meta.contains_key(record::VERSION)
    }

    /// What it means, checked, and the group that is still to be carried out there. `name` is the database's.
    pub fn read(&self, name: &str) -> Result<(Contents, Option<Group>), StorageError> {
        let both = read(self).and_then(|contents| Ok((contents, self.unfinished()?)));
        both.map_err(|refusal| match refusal {
            Refusal::Version(found) => StorageError::OtherVersion { path: path(name), found, expected: STORE_VERSION },
            Refusal::Damage(damage) => StorageError::Damaged { path: path(name), damage },
            Refusal::Database(never) => match never {},
        })
    }

    fn unfinished(&self) -> Result<Option<Group>, Refusal<Infallible>> {
        self.unfinished.as_ref().map(Group::found).transpose()
    }

    fn make(&mut self, change: Change) {
        match change {
            Change::Put { table: Table::Meta, key, sealed } => {
                self.meta.insert(key.as_string().unwrap_or_default(), sealed.to_vec());
            }
            Change::Put { table, key, sealed } => {
                let number = whole(key.as_f64().unwrap_or_default());
                self.numbered[place(table)].insert(number, sealed.to_vec());
            }
            Change::Remove { table, first, last } => {
                let goes = |number: u64| (first..=last).contains(&(number as f64));
                self.numbered[place(table)].retain(|number, _| !goes(*number));
            }
        }
    }
}

/// Where a numbered table is among its like.
fn place(table: Table) -> usize {
    NUMBERED.iter().position(|numbered| *numbered == table).expect("what there is once has names, and no numbers")
}

impl Records for Loaded {
    type Error = Infallible;

    fn get(&self, name: &'static str) -> Result<Option<Vec<u8>>, Self::Error> {
        Ok(self.meta.get(name).cloned())
    }

    fn each(&self, table: Table, each: Each<Self::Error>) -> Result<(), Refusal<Self::Error>> {
        self.numbered[place(table)].iter().try_for_each(|(number, sealed)| each(*number, sealed))
    }
}
