//! Which of the latest commands their handlers refused: part of the state, because an author whose command lies inside
//! a snapshot has nobody else to ask.

use super::{Outcome, Reject};
use crate::raft::{LogIndex, MEMBERS_MAX, NodeId, RECENT_MAX, Serial};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// Of how many authors rejections are remembered: as many as can be members at once.
const AUTHORS_MAX: usize = MEMBERS_MAX;

/// The rejections among the last [`RECENT_MAX`] commands of each author, which is as far as consensus remembers what it
/// decided.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Rejections {
    recent: BTreeMap<NodeId, VecDeque<Rejection>>,
    /// Of commands up to here, rejections are forgotten.
    forgotten: LogIndex,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Rejection {
    serial: Serial,
    index: LogIndex,
    reason: Reject,
}

impl Rejections {
    /// Remembers how the author's next command ended.
    pub fn record(&mut self, author: NodeId, serial: Serial, index: LogIndex, verdict: &Result<(), Reject>) {
        if let Some(recent) = self.recent.get_mut(&author) {
            while recent.front().is_some_and(|oldest| oldest.serial.0 + RECENT_MAX as u64 <= serial.0) {
                recent.pop_front();
            }
            if recent.is_empty() {
                self.recent.remove(&author);
            }
        }
        if let Err(reason) = verdict {
            let rejection = Rejection { serial, index, reason: reason.clone() };
            self.recent.entry(author).or_default().push_back(rejection);
            self.forget_if_too_many();
        }
    }

    /// How the author's command at `index` ended.
    pub fn outcome(&self, author: NodeId, serial: Serial, index: LogIndex) -> Outcome {
        let rejection = self.recent.get(&author).and_then(|recent| recent.iter().find(|it| it.serial == serial));
        match rejection {
            Some(rejection) => Outcome::Rejected { index, reason: rejection.reason.clone() },
            None if index <= self.forgotten => Outcome::Unknown,
            None => Outcome::Committed(index),
        }
    }

    /// Whether this could be what [`record`](Self::record) made.
    pub fn is_sound(&self) -> bool {
        let sound = |recent: &VecDeque<Rejection>| {
            (1..=RECENT_MAX).contains(&recent.len())
                && recent.iter().is_sorted_by(|a, b| a.serial < b.serial && a.index < b.index)
        };
        self.recent.len() <= AUTHORS_MAX && self.recent.values().all(sound)
    }

    /// Of too many authors, the one whose last rejection is the oldest is forgotten.
    fn forget_if_too_many(&mut self) {
        if self.recent.len() <= AUTHORS_MAX {
            return;
        }
        let last = |recent: &VecDeque<Rejection>| recent.back().map_or(LogIndex(0), |rejection| rejection.index);
        if let Some((index, author)) = self.recent.iter().map(|(author, recent)| (last(recent), *author)).min() {
            self.recent.remove(&author);
            self.forgotten = self.forgotten.max(index);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADA: NodeId = NodeId(1);
    const BOB: NodeId = NodeId(2);

    fn full() -> Result<(), Reject> {
        Err(Reject::because("the board is full"))
    }

    #[test]
    fn a_rejection_is_known_until_its_author_has_gone_on() {
        let mut rejections = Rejections::default();
        rejections.record(ADA, Serial(7), LogIndex(70), &full());
        let rejected = Outcome::Rejected { index: LogIndex(70), reason: Reject::because("the board is full") };
        for serial in 8..7 + RECENT_MAX as u64 {
            rejections.record(ADA, Serial(serial), LogIndex(serial * 10), &Ok(()));
            assert_eq!(rejections.outcome(ADA, Serial(7), LogIndex(70)), rejected);
        }
        assert_eq!(rejections.outcome(ADA, Serial(8), LogIndex(80)), Outcome::Committed(LogIndex(80)));
        assert_eq!(rejections.outcome(BOB, Serial(7), LogIndex(81)), Outcome::Committed(LogIndex(81)));
        rejections.record(ADA, Serial(7 + RECENT_MAX as u64), LogIndex(1_000), &Ok(()));
        assert_eq!(rejections, Rejections::default());
    }

    #[test]
    fn what_is_forgotten_of_too_many_authors_is_not_taken_for_carried_out() {
        let mut rejections = Rejections::default();
        for author in 0..=AUTHORS_MAX as u64 {
            rejections.record(NodeId(author), Serial(1), LogIndex(author + 1), &full());
        }
        assert!(rejections.is_sound());
        assert_eq!(rejections.outcome(NodeId(0), Serial(1), LogIndex(1)), Outcome::Unknown);
        assert!(matches!(rejections.outcome(NodeId(1), Serial(1), LogIndex(2)), Outcome::Rejected { .. }));
    }
}
