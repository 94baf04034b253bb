//! What stores do.

use super::{
    rooms::{Diary, identity},
    stories::show,
};
use bevy_quorum::{
    raft::{Ballot, Durable, LogIndex, LogPosition, NodeId, Serial, Term, WriteId},
    storage::{BrowserPlace, Storage, StorageError},
};
use bytes::Bytes;
use std::{future::poll_fn, sync::Arc, task::Poll, time::Duration};

/// The store that survives its page.
const KEPT: &str = "kept";
/// How many writes are kept under way, so that the end of the page finds some in every state. Their groups are large
/// enough for it to come, now and then, in the middle of one.
const UNDER_WAY: u64 = 40;

/// A name that no other run has used.
fn fresh() -> String {
    format!("store {}", js_sys::Math::random())
}

async fn place(name: &str) -> BrowserPlace {
    BrowserPlace::take(name, Duration::from_secs(5)).await.unwrap()
}

/// The last write that is durable, at least `id`.
async fn durable(storage: &mut dyn Storage, id: WriteId) -> Result<WriteId, StorageError> {
    poll_fn(|context| {
        storage.wake(context.waker().clone());
        match storage.poll() {
            Ok(Some(done)) if done >= id => Poll::Ready(Ok(done)),
            Ok(_) => Poll::Pending,
            Err(error) => Poll::Ready(Err(error)),
        }
    })
    .await
}

/// What every store does, here.
pub async fn conformance() {
    a_new_store_holds_its_founding_state().await;
    every_write_is_there_after_a_restart().await;
    writes_go_on_after_a_restart().await;
    a_room_is_found_only_where_one_was_made().await;
    a_store_serves_one_at_a_time().await;
}

async fn a_new_store_holds_its_founding_state() {
    let name = fresh();
    let founding = Durable {
        ballot: Ballot { term: Term(1), vote: Some(NodeId(7)) },
        snapshot: Some(Arc::new(super::rooms::snapshot(1, 8))),
        base: LogPosition { term: Term(1), index: LogIndex(6) },
        log: [7, 8, 9].map(|index| super::rooms::entry(1, index)).into(),
        commit: LogIndex(8),
        session: Some(LogIndex(7)),
        outbox: [(Serial(4), Bytes::from_static(b"draw"))].into(),
        last_serial: Serial(4),
    };
    let identity = identity();
    let created = place(&name).await.create(&identity, &founding).await.unwrap();
    assert_eq!((&created.identity, &created.durable), (&identity, &founding));
    drop(created);
    let opened = place(&name).await.open().unwrap();
    assert_eq!((&opened.identity, &opened.durable), (&identity, &founding));
}

async fn every_write_is_there_after_a_restart() {
    let name = fresh();
    let mut opened = place(&name).await.create(&identity(), &Durable::default()).await.unwrap();
    let mut diary = Diary::default();
    for _ in 0..300 {
        let (id, write) = diary.next();
        opened.storage.submit(id, write);
    }
    assert_eq!(durable(&mut *opened.storage, WriteId(300)).await.unwrap(), WriteId(300));
    drop(opened);
    assert_eq!(place(&name).await.open().unwrap().durable, Diary::after(300).0);
}

async fn writes_go_on_after_a_restart() {
    let name = fresh();
    drop(place(&name).await.create(&identity(), &Durable::default()).await.unwrap());
    for restart in 1..=5 {
        let (expected, mut diary) = Diary::after((restart - 1) * 20);
        let mut opened = place(&name).await.open().unwrap();
        assert_eq!(opened.durable, expected);
        while diary.written < restart * 20 {
            let (id, write) = diary.next();
            opened.storage.submit(id, write);
        }
    }
    assert_eq!(place(&name).await.open().unwrap().durable, Diary::after(100).0);
}

async fn a_room_is_found_only_where_one_was_made() {
    let name = fresh();
    assert!(!place(&name).await.holds_a_room());
    assert!(matches!(place(&name).await.open(), Err(StorageError::NotFound { .. })));
    drop(place(&name).await.create(&identity(), &Durable::default()).await.unwrap());
    let again = place(&name).await.create(&identity(), &Durable::default()).await;
    assert!(matches!(again, Err(StorageError::Occupied { .. })));
}

async fn a_store_serves_one_at_a_time() {
    let name = fresh();
    let opened = place(&name).await.create(&identity(), &Durable::default()).await.unwrap();
    let second = BrowserPlace::take(&name, Duration::ZERO).await;
    assert!(matches!(second, Err(StorageError::InUse { .. })));
    drop(opened);
    drop(place(&name).await);
}

/// Writes for ever, and shows which writes are durable.
pub async fn write_until_the_page_ends() {
    let place = place(KEPT).await;
    let mut opened = if place.holds_a_room() {
        place.open().unwrap()
    } else {
        place.create(&identity(), &Durable::default()).await.unwrap()
    };
    let (expected, mut diary) = Diary::after(opened.durable.ballot.term.0);
    assert_eq!(opened.durable, expected);
    let mut done = WriteId(diary.written);
    loop {
        let (id, write) = diary.next();
        opened.storage.submit(id, write);
        let due = WriteId(id.0.saturating_sub(UNDER_WAY));
        if due > done {
            done = durable(&mut *opened.storage, due).await.unwrap();
            show("reached", done);
        }
    }
}

/// Checks that what is there is what the first writes leave, and shows how many these were.
pub async fn check() {
    let found = place(KEPT).await.open().unwrap().durable;
    let Term(written) = found.ballot.term;
    assert_eq!(found, Diary::after(written).0);
    // It is free again once what was unfinished there is carried out.
    drop(place(KEPT).await);
    show("written", written);
}

/// Keeps the store to itself for as long as the page lives.
pub async fn hold() {
    let place = place(KEPT).await;
    show("held", "yes");
    std::future::pending::<()>().await;
    drop(place);
}

/// Shows why a store that another page has can't be taken.
pub async fn try_to_take() {
    match BrowserPlace::take(KEPT, Duration::ZERO).await {
        Ok(_) => panic!("two pages have one store"),
        Err(error) => show("failure", error),
    }
}

/// Writes until the browser has no space left, and shows what the store says then.
pub async fn fill() {
    let name = fresh();
    let mut opened = place(&name).await.create(&identity(), &Durable::default()).await.unwrap();
    let mut diary = Diary::default();
    let error = loop {
        let (id, write) = diary.next();
        opened.storage.submit(id, write);
        if let Err(error) = durable(&mut *opened.storage, id).await {
            break error;
        }
    };
    assert!(opened.storage.poll().is_err(), "a store that failed goes on failing");
    show("failure", error);
}
