//! What a store is given to do.

use crate::{
    raft::{LogIndex, Write, WriteId},
    wire::Invitation,
};

/// The most jobs that become durable together.
#[cfg(feature = "disk")]
pub(super) const GROUP_JOBS_MAX: usize = 1_024;
/// How long a commit index waits for another write to go with, before it is written alone.
#[cfg(feature = "disk")]
pub(super) const HINT_DELAY: std::time::Duration = std::time::Duration::from_millis(500);

/// Something to write.
#[derive(Debug)]
pub(super) enum Job {
    Write(WriteId, Write),
    Invitation(Invitation),
}

#[cfg(feature = "disk")]
impl Job {
    pub fn id(&self) -> Option<WriteId> {
        match self {
            Self::Write(id, _) => Some(*id),
            Self::Invitation(_) => None,
        }
    }

    /// About how much there is to write, in bytes.
    #[cfg(target_arch = "wasm32")]
    pub fn bytes(&self) -> usize {
        let Self::Write(_, write) = self else { return 0 };
        let snapshot = write.snapshot.as_ref().map_or(0, |snapshot| snapshot.state.len());
        let entries: usize = write.entries.iter().map(crate::raft::Entry::bytes).sum();
        let outbox: usize = write.outbox_put.iter().map(|(_, body)| body.len()).sum();
        snapshot + entries + outbox
    }

    /// The commit index, of a write that holds nothing else.
    pub fn hint(&self) -> Option<LogIndex> {
        let Self::Write(_, write) = self else { return None };
        let Write {
            ballot: None,
            truncate_from: None,
            snapshot: None,
            compact: None,
            entries,
            commit,
            session: None,
            outbox_put,
            outbox_settled: None,
        } = write
        else {
            return None;
        };
        commit.filter(|_| entries.is_empty() && outbox_put.is_empty())
    }
}

/// The last commit index of a group that holds nothing else.
#[cfg(feature = "disk")]
pub(super) fn hints_only(group: &[Job]) -> Option<LogIndex> {
    let last = group.last()?.hint();
    last.filter(|_| group.iter().all(|job| job.hint().is_some()))
}
