//! Who may use a store: one page at a time, or two pages would speak as one node.
//!
//! Where the browser has Web Locks, a page holds a lock for as long as it lives. Pages on plain http have none: there a
//! lease lies in the database, which its holder renews, and every write is made only while the lease is its own.

use super::{super::StorageError, database::Database, path};
use futures_timer::Delay;
use indexed_db_futures::{
    BuildPrimitive,
    error::Error,
    object_store::ObjectStore,
    prelude::QuerySource,
    typed_array::{Float64Array, Float64ArraySlice},
};
use js_sys::{Date, Function, Object, Promise, Reflect};
use std::{
    rc::{Rc, Weak},
    time::Duration,
};
use wasm_bindgen::{JsCast, JsValue, prelude::Closure};
use wasm_bindgen_futures::{JsFuture, spawn_local};

/// How long a lease lasts from its last renewal: a page that was closed is out of the way of its reload.
const LEASE: Duration = Duration::from_millis(1_800);
/// How often it is renewed. A page in the background may do so only once a second.
const RENEWAL_INTERVAL: Duration = Duration::from_millis(500);
/// How often somebody who waits looks again.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);
/// Where it lies among what there is once.
const LEASE_NAME: &str = "lease";

/// The right to use a store; given back when it is dropped, or its page is gone.
pub(super) enum Claim {
    Lock(#[expect(dead_code, reason = "it is held until it is dropped")] Lock),
    Lease(Lease),
}

impl Claim {
    /// Waits for it, no longer than `patience`, and asks at least once.
    pub async fn acquire(name: &str, database: &Database, patience: Duration) -> Result<Self, StorageError> {
        let (locks, end) = (locks(), Date::now() + millis(patience));
        loop {
            let claim = match &locks {
                Some(locks) => Lock::take(locks, name).await.map(Self::Lock),
                None => Lease::begin(database).await?.map(Self::Lease),
            };
            match claim {
                Some(claim) => return Ok(claim),
                None if Date::now() >= end => return Err(StorageError::InUse { path: path(name) }),
                None => Delay::new(LOOK_INTERVAL).await,
            }
        }
    }

    /// What has to be still ours when something is written.
    pub fn lease(&self) -> Option<&Lease> {
        match self {
            Self::Lock(_) => None,
            Self::Lease(lease) => Some(lease),
        }
    }

    /// Gives it back.
    pub async fn release(self, database: &Database) {
        if let Self::Lease(lease) = self {
            // If it fails, it runs out.
            let _ = lease.end(database).await;
        }
    }
}

/// A Web Lock; the browser takes it back when the page is gone.
pub(super) struct Lock(Function);

impl Lock {
    /// Takes it, if it is free.
    async fn take(locks: &JsValue, name: &str) -> Option<Self> {
        let (held, release) = promise();
        let (answer, tell) = promise();
        // The lock is ours until the promise that this gives back is kept.
        let hold = Closure::once_into_js(move |lock: JsValue| {
            let granted = !lock.is_null();
            let _ = tell.call1(&JsValue::NULL, &granted.into());
            if granted { held.into() } else { JsValue::UNDEFINED }
        });
        let options = Object::new();
        Reflect::set(&options, &"ifAvailable".into(), &JsValue::TRUE).ok()?;
        let request: Function = Reflect::get(locks, &"request".into()).ok()?.dyn_into().ok()?;
        request.call3(locks, &format!("bevy_quorum/{name}").into(), &options, &hold).ok()?;
        JsFuture::from(answer).await.ok()?.is_truthy().then_some(Self(release))
    }
}

/// A promise, and the function that keeps it.
fn promise() -> (Promise, Function) {
    let mut keep = None;
    let promise = Promise::new(&mut |resolve, _| keep = Some(resolve));
    (promise, keep.expect("a promise calls its maker at once"))
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = self.0.call0(&JsValue::NULL);
    }
}

fn locks() -> Option<JsValue> {
    let navigator = Reflect::get(&js_sys::global(), &"navigator".into()).ok()?;
    Reflect::get(&navigator, &"locks".into()).ok().filter(|locks| !locks.is_undefined())
}

/// A lease in the database: who has it, and until when.
pub(super) struct Lease {
    /// A number that no other page has drawn.
    holder: f64,
    /// It is renewed as long as this lives.
    _alive: Rc<()>,
}

impl Lease {
    /// Takes it, if it is free or has run out.
    async fn begin(database: &Database) -> Result<Option<Self>, StorageError> {
        let holder = js_sys::Math::random();
        let begun = database.change_meta(async |meta| {
            let free = stored(meta).await?.is_none_or(|(_, until)| until <= Date::now());
            if free {
                store(meta, holder, Date::now() + millis(LEASE))?;
            }
            Ok(free)
        });
        match begun.await {
            Ok(true) => {}
            Ok(false) => return Ok(None),
            Err(error) => return Err(database.failed(error).await),
        }
        let alive = Rc::new(());
        spawn_local(keep(holder, database.clone(), Rc::downgrade(&alive)));
        Ok(Some(Self { holder, _alive: alive }))
    }

    /// Makes it last longer, unless somebody else has it by now; whether it is ours.
    pub async fn renew(&self, meta: &ObjectStore<'_>) -> Result<bool, Error> {
        renew(self.holder, meta).await
    }

    async fn end(self, database: &Database) -> Result<bool, Error> {
        database
            .change_meta(async |meta| {
                let ours = stored(meta).await?.is_some_and(|(holder, _)| holder == self.holder);
                if ours {
                    store(meta, self.holder, 0.0)?;
                }
                Ok(ours)
            })
            .await
    }
}

/// Renews a lease until it is dropped or lost. Whoever lost it learns that with the next write.
async fn keep(holder: f64, database: Database, alive: Weak<()>) {
    loop {
        Delay::new(RENEWAL_INTERVAL).await;
        if alive.upgrade().is_none() {
            return;
        }
        if let Ok(false) = database.change_meta(async |meta| renew(holder, meta).await).await {
            return;
        }
    }
}

async fn renew(holder: f64, meta: &ObjectStore<'_>) -> Result<bool, Error> {
    let ours = stored(meta).await?.is_some_and(|(stored, _)| stored == holder);
    if ours {
        store(meta, holder, Date::now() + millis(LEASE))?;
    }
    Ok(ours)
}

async fn stored(meta: &ObjectStore<'_>) -> Result<Option<(f64, f64)>, Error> {
    let lease: Option<Float64Array> = meta.get(LEASE_NAME).primitive()?.await?;
    Ok(lease.and_then(|lease| Some((*lease.first()?, *lease.get(1)?))))
}

fn store(meta: &ObjectStore<'_>, holder: f64, until: f64) -> Result<(), Error> {
    meta.put(Float64ArraySlice::new(&[holder, until])).with_key(LEASE_NAME).without_key_type().primitive().map(drop)
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
