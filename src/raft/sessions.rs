//! Who has had which command carried out: the table that makes each command count once.

use super::{NodeId, Serial};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The last command of each author, in the order of the log.
///
/// A command counts when its serial is its author's last plus one. At or below, it is a duplicate;
/// above it, an earlier one is missing and it will be sent again. Both leave no trace, so each command
/// counts once and in its author's order (§6.3). Sessions will expire by log time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Sessions {
    last: BTreeMap<NodeId, Serial>,
}

impl Sessions {
    /// The last command of `author` that counted; zero if none did.
    pub fn last(&self, author: NodeId) -> Serial {
        self.last.get(&author).copied().unwrap_or_default()
    }

    /// Whether this command counts; if so, it is remembered.
    pub(super) fn accept(&mut self, author: NodeId, serial: Serial) -> bool {
        let last = self.last.entry(author).or_default();
        let fresh = serial.0.checked_sub(1) == Some(last.0);
        if fresh {
            *last = serial;
        }
        fresh
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_next_serial_counts() {
        let mut sessions = Sessions::default();
        let author = NodeId(7);
        let verdicts = [2, 1, 1, 3, 2, 3].map(|serial| sessions.accept(author, Serial(serial)));
        assert_eq!(verdicts, [false, true, false, false, true, true]);
        assert_eq!(sessions.last(author), Serial(3));
    }

    #[test]
    fn authors_count_apart() {
        let mut sessions = Sessions::default();
        assert!(sessions.accept(NodeId(1), Serial(1)) && sessions.accept(NodeId(2), Serial(1)));
    }
}
