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
/// How often somebody who waits for a lease looks again.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);
/// Where it lies among what there is once.
const LEASE_NAME: &str = "lease";

/// The right to use a store; given back when it is dropped, or its page is gone.
pub(super) enum Claim {
    Lock(#[expect(dead_code, reason = "it is held until it is dropped")] Lock),
    Lease(Lease),
}

impl Claim {
    /// Waits for it, no longer than `patience`.
    pub async fn acquire(name: &str, database: &Database, patience: Duration) -> Result<Self, StorageError> {
        let in_use = || StorageError::InUse { path: path(name) };
        match locks() {
            Some(locks) => Lock::acquire(&locks, name, patience).await.map(Self::Lock).ok_or_else(in_use),
            None => Lease::acquire(database, patience).await?.map(Self::Lease).ok_or_else(in_use),
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
    async fn acquire(locks: &JsValue, name: &str, patience: Duration) -> Option<Self> {
        let mut release = None;
        let held = Promise::new(&mut |resolve, _| release = Some(resolve));
        let release = release.expect("a promise calls its maker at once");
        let mut granted = None;
        let grant = Promise::new(&mut |resolve, _| granted = Some(resolve));
        let granted = granted.expect("a promise calls its maker at once");
        // The lock is ours until the promise that this gives back is kept.
        let told = granted.clone();
        let hold = Closure::once_into_js(move |_lock: JsValue| {
            let _ = told.call1(&JsValue::NULL, &JsValue::TRUE);
            held
        });
        let options = Object::new();
        Reflect::set(&options, &"signal".into(), &timeout(patience)?).ok()?;
        let request: Function = Reflect::get(locks, &"request".into()).ok()?.dyn_into().ok()?;
        let request = request.call3(locks, &format!("bevy_quorum/{name}").into(), &options, &hold).ok()?;
        // It is broken when patience has ended, and kept when the lock was given back.
        spawn_local(async move {
            let _ = JsFuture::from(Promise::from(request)).await;
            let _ = granted.call1(&JsValue::NULL, &JsValue::FALSE);
        });
        let granted = JsFuture::from(grant).await.ok()?.is_truthy();
        granted.then_some(Self(release))
    }
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

/// A signal that ends a request after `patience`.
fn timeout(patience: Duration) -> Option<JsValue> {
    let signal = Reflect::get(&js_sys::global(), &"AbortSignal".into()).ok()?;
    let timeout: Function = Reflect::get(&signal, &"timeout".into()).ok()?.dyn_into().ok()?;
    timeout.call1(&signal, &millis(patience).into()).ok()
}

/// A lease in the database: who has it, and until when.
pub(super) struct Lease {
    /// A number that no other page has drawn.
    holder: f64,
    /// It is renewed as long as this lives.
    _alive: Rc<()>,
}

impl Lease {
    async fn acquire(database: &Database, patience: Duration) -> Result<Option<Self>, StorageError> {
        let alive = Rc::new(());
        let lease = Self { holder: js_sys::Math::random(), _alive: alive.clone() };
        let end = Date::now() + millis(patience);
        loop {
            let begun = database.change_meta(async |meta| lease.begin(meta).await).await;
            if begun.map_err(|error| database.failed(error))? {
                spawn_local(keep(lease.holder, database.clone(), Rc::downgrade(&alive)));
                return Ok(Some(lease));
            }
            if Date::now() >= end {
                return Ok(None);
            }
            Delay::new(LOOK_INTERVAL).await;
        }
    }

    /// Makes it ours if nobody else has it; whether that is so.
    async fn begin(&self, meta: &ObjectStore<'_>) -> Result<bool, Error> {
        let free = stored(meta).await?.is_none_or(|(holder, until)| holder == self.holder || until <= Date::now());
        if free {
            store(meta, self.holder, Date::now() + millis(LEASE))?;
        }
        Ok(free)
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
