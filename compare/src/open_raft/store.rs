//! The log and the state of a node of openraft, in memory.

use super::{Command, Types};
use crate::machine::Machine;
use futures_util::{Stream, TryStreamExt};
use openraft::{
    EntryPayload, LogState, OptionalSend, RaftLogReader, RaftSnapshotBuilder, StoredMembership,
    alias::{EntryOf, LogIdOf, SnapshotMetaOf, SnapshotOf, StoredMembershipOf, VoteOf},
    entry::RaftEntry,
    storage::{EntryResponder, IOFlushed, RaftLogStorage, RaftStateMachine},
};
use std::{
    fmt::Debug,
    io,
    ops::{Bound, RangeBounds},
    sync::{Arc, Mutex, MutexGuard},
};
use tokio::sync::Notify;

/// A vector behind a lock that nobody contends for.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Stored>>);

#[derive(Default)]
struct Stored {
    entries: Vec<EntryOf<Types>>,
    vote: Option<VoteOf<Types>>,
}

impl Log {
    fn stored(&self) -> MutexGuard<'_, Stored> {
        self.0.lock().expect("nobody panics with it")
    }
}

fn place(index: u64) -> usize {
    usize::try_from(index).expect("the log fits in memory")
}

impl RaftLogReader<Types> for Log {
    async fn try_get_log_entries<R: RangeBounds<u64> + Clone + Debug + OptionalSend>(
        &mut self,
        range: R,
    ) -> io::Result<Vec<EntryOf<Types>>> {
        let stored = self.stored();
        let start = match range.start_bound() {
            Bound::Included(index) => place(*index),
            Bound::Excluded(index) => place(*index) + 1,
            Bound::Unbounded => 0,
        };
        let end = match range.end_bound() {
            Bound::Included(index) => place(*index) + 1,
            Bound::Excluded(index) => place(*index),
            Bound::Unbounded => stored.entries.len(),
        };
        let end = end.min(stored.entries.len());
        Ok(stored.entries[start.min(end)..end].to_vec())
    }

    async fn read_vote(&mut self) -> io::Result<Option<VoteOf<Types>>> {
        Ok(self.stored().vote)
    }
}

impl RaftLogStorage<Types> for Log {
    type LogReader = Self;

    async fn get_log_state(&mut self) -> io::Result<LogState<Types>> {
        let last_log_id = self.stored().entries.last().map(RaftEntry::log_id);
        Ok(LogState { last_purged_log_id: None, last_log_id })
    }

    async fn get_log_reader(&mut self) -> Self {
        self.clone()
    }

    async fn save_vote(&mut self, vote: &VoteOf<Types>) -> io::Result<()> {
        self.stored().vote = Some(*vote);
        Ok(())
    }

    async fn append<I>(&mut self, entries: I, callback: IOFlushed<Types>) -> io::Result<()>
    where
        I: IntoIterator<Item = EntryOf<Types>> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        self.stored().entries.extend(entries);
        callback.io_completed(Ok(()));
        Ok(())
    }

    async fn truncate_after(&mut self, last: Option<LogIdOf<Types>>) -> io::Result<()> {
        self.stored().entries.truncate(last.map_or(0, |last| place(last.index()) + 1));
        Ok(())
    }

    async fn purge(&mut self, _: LogIdOf<Types>) -> io::Result<()> {
        unreachable!("there are no snapshots here")
    }
}

/// The state machine, and what openraft wants to know about it.
#[derive(Clone, Default)]
pub struct State(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<Applied>,
    news: Notify,
}

#[derive(Default)]
struct Applied {
    machine: Machine,
    last: Option<LogIdOf<Types>>,
    membership: StoredMembershipOf<Types>,
}

impl State {
    pub fn machine(&self) -> Machine {
        self.state().machine.clone()
    }

    /// Returns when something was applied.
    pub async fn applied(&self) {
        self.0.news.notified().await;
    }

    fn state(&self) -> MutexGuard<'_, Applied> {
        self.0.state.lock().expect("nobody panics with it")
    }
}

impl RaftStateMachine<Types> for State {
    type SnapshotData = ();
    type SnapshotBuilder = NoSnapshots;

    async fn applied_state(&mut self) -> io::Result<(Option<LogIdOf<Types>>, StoredMembershipOf<Types>)> {
        let state = self.state();
        Ok((state.last, state.membership.clone()))
    }

    async fn apply<S>(&mut self, mut entries: S) -> io::Result<()>
    where
        S: Stream<Item = io::Result<EntryResponder<Types>>> + Unpin + OptionalSend,
    {
        while let Some((entry, responder)) = entries.try_next().await? {
            let mut state = self.state();
            state.last = Some(entry.log_id);
            match entry.payload {
                EntryPayload::Blank => {}
                EntryPayload::Normal(Command(body)) => state.machine.apply(&body),
                EntryPayload::Membership(membership) => {
                    state.membership = StoredMembership::new(Some(entry.log_id), membership);
                }
            }
            drop(state);
            if let Some(responder) = responder {
                responder.send(());
            }
        }
        self.0.news.notify_one();
        Ok(())
    }

    async fn get_snapshot_builder(&mut self) -> NoSnapshots {
        NoSnapshots
    }

    async fn install_snapshot(&mut self, _: &SnapshotMetaOf<Types>, (): ()) -> io::Result<()> {
        unreachable!("there are no snapshots here")
    }

    async fn get_current_snapshot(&mut self) -> io::Result<Option<SnapshotOf<Types, ()>>> {
        Ok(None)
    }
}

/// Nothing is ever compacted here, by none of the three.
pub struct NoSnapshots;

impl RaftSnapshotBuilder<Types> for NoSnapshots {
    type SnapshotData = ();

    async fn build_snapshot(&mut self) -> io::Result<SnapshotOf<Types, ()>> {
        unreachable!("there are no snapshots here")
    }
}
