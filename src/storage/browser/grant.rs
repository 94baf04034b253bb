//! What the browser grants a site: how much space, and whether it keeps what lies there when space runs short.
//!
//! Pages on plain http can't ask; they have no `navigator.storage`, and are told nothing.

use js_sys::Promise;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{StorageEstimate, StorageManager};

/// How much space there is, as a part of a sentence.
pub(super) async fn space() -> Option<String> {
    let told: StorageEstimate = ask(StorageManager::estimate).await?.unchecked_into();
    let (used, granted) = (told.get_usage()?, told.get_quota()?);
    let megabytes = |bytes: f64| bytes / 1e6;
    Some(format!("this site uses {:.1} MB of the {:.1} MB that it may", megabytes(used), megabytes(granted)))
}

/// Asks the browser to keep what this site stores until somebody deletes it. Some decide by themselves, others ask
/// whoever sits there; without it, a browser that runs short of space may forget sites that weren't visited for long.
pub(crate) fn ask_to_keep() {
    spawn_local(async {
        if is_kept(StorageManager::persisted).await || is_kept(StorageManager::persist).await {
            return;
        }
        tracing::info!("this browser may forget rooms when it runs short of space");
    });
}

async fn is_kept(question: fn(&StorageManager) -> Result<Promise, JsValue>) -> bool {
    ask(question).await.is_some_and(|answer| answer.is_truthy())
}

async fn ask(question: fn(&StorageManager) -> Result<Promise, JsValue>) -> Option<JsValue> {
    let manager = web_sys::window()?.navigator().storage();
    JsFuture::from(question(&manager).ok()?).await.ok()
}
