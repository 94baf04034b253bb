//! The database below: its tables, how they are read, and transactions on them.

use super::{
    super::{
        Damage, STORE_VERSION, StorageError,
        read::{Contents, Each, Records, Refusal, read},
        record::{self, Table},
    },
    claim::Lease,
    grant,
    group::{Group, UNFINISHED},
    path,
};
use indexed_db_futures::{
    Build, BuildPrimitive,
    error::{DomException, Error, OpenDbError},
    object_store::ObjectStore,
    prelude::QuerySource,
    transaction::{Transaction, TransactionDurability, TransactionMode, TransactionOptions},
    typed_array::Uint8Array,
};
use std::{collections::BTreeMap, io, sync::Arc};
use wasm_bindgen::{JsCast, JsValue};

/// The layout of object stores; what is in them has [`STORE_VERSION`].
const LAYOUT_VERSION: u8 = 2;

const NUMBERED: [Table; 3] = [Table::Log, Table::State, Table::Outbox];
pub(super) const OBJECT_STORES: [&str; 5] =
    [Table::Meta.name(), Table::Log.name(), Table::State.name(), Table::Outbox.name(), UNFINISHED];

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
            let there: Vec<String> = database.object_store_names().collect();
            for name in OBJECT_STORES.iter().filter(|name| there.iter().all(|there| there != **name)) {
                database.create_object_store(name).build()?;
            }
            Ok(())
        });
        match request.await {
            Ok(inner) => Ok(Self { name: name.to_owned(), inner }),
            Err(OpenDbError::Base(error)) if lacks_space(&error) => Err(full(name, &error).await),
            Err(error) => Err(denied(&error)),
        }
    }

    /// Everything in it, as it was written. All is asked for at once: every answer may wait for a frame of the page.
    pub async fn load(&self) -> Result<Loaded, StorageError> {
        match self.try_load().await {
            Ok(loaded) => Ok(loaded),
            Err(error) => Err(self.failed(error).await),
        }
    }

    async fn try_load(&self) -> Result<Loaded, Error> {
        let transaction = self.inner.transaction(OBJECT_STORES).build()?;
        let unfinished = Group::unfinished(&transaction)?;
        let meta = transaction.object_store(Table::Meta.name())?;
        let (names, values) = (meta.get_all_keys::<String>().primitive()?, meta.get_all::<JsValue>().primitive()?);
        let mut asked = Vec::new();
        for table in NUMBERED {
            let store = transaction.object_store(table.name())?;
            asked.push((store.get_all_keys::<f64>().primitive()?, store.get_all::<Uint8Array>().primitive()?));
        }
        let mut loaded = Loaded { unfinished: unfinished.await?, ..Loaded::default() };
        for (name, value) in names.await?.zip(values.await?) {
            // A lease is no record.
            if let Ok(sealed) = value?.dyn_into::<js_sys::Uint8Array>() {
                loaded.meta.insert(name?, sealed.to_vec());
            }
        }
        for (records, (numbers, sealed)) in loaded.numbered.iter_mut().zip(asked) {
            for (number, sealed) in numbers.await?.zip(sealed.await?) {
                // They were written as whole numbers below `NUMBER_MAX`; anything else fails its checksum.
                records.push((number? as u64, sealed?.into()));
            }
        }
        Ok(loaded)
    }

    /// Makes a group durable, unless the lease was lost.
    pub async fn carry_out(&self, lease: Option<&Lease>, group: &Group) -> Result<(), StorageError> {
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
        self.inner.transaction(OBJECT_STORES).with_mode(TransactionMode::Readwrite).with_options(strict).build()
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
    if transaction.on_done()?.await.is_ok() {
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

/// What a database holds, as it was written.
#[derive(Default)]
pub(super) struct Loaded {
    meta: BTreeMap<String, Vec<u8>>,
    numbered: [Vec<(u64, Vec<u8>)>; 3],
    unfinished: Option<JsValue>,
}

impl Loaded {
    /// The group that has to be carried out before this means anything. `name` is the database's.
    pub fn unfinished(&self, name: &str) -> Result<Option<Group>, StorageError> {
        let Some(found) = &self.unfinished else { return Ok(None) };
        let damage = Damage::Value { what: "last group of changes" };
        let group = Group::found(found).ok_or(StorageError::Damaged { path: path(name), damage })?;
        Ok(Some(group))
    }

    /// Whether anything was ever written.
    pub fn holds_a_room(&self) -> bool {
        self.meta.contains_key(record::VERSION)
    }

    /// What it means, checked. `name` is the database's.
    pub fn read(&self, name: &str) -> Result<Contents, StorageError> {
        read(self).map_err(|refusal| match refusal {
            Refusal::Version(found) => StorageError::OtherVersion { path: path(name), found, expected: STORE_VERSION },
            Refusal::Damage(damage) => StorageError::Damaged { path: path(name), damage },
            Refusal::Database(never) => match never {},
        })
    }
}

impl Records for Loaded {
    type Error = std::convert::Infallible;

    fn get(&self, name: &'static str) -> Result<Option<Vec<u8>>, Self::Error> {
        Ok(self.meta.get(name).cloned())
    }

    fn each(&self, table: Table, each: Each<Self::Error>) -> Result<(), Refusal<Self::Error>> {
        let place = NUMBERED.iter().position(|numbered| *numbered == table);
        let records = place.map(|place| &self.numbered[place]).ok_or(Damage::Structure)?;
        records.iter().try_for_each(|(number, sealed)| each(*number, sealed))
    }
}
