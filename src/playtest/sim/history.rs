//! What clients asked and were told, and when: all that a judge of linearizability needs to know.

use crate::raft::Moment;
use std::collections::BTreeMap;

/// One operation on one register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation {
    /// The node it was asked at.
    pub node: u64,
    /// The register.
    pub key: u8,
    /// What was asked.
    pub action: Action,
    /// When.
    pub invoked: Moment,
    /// When it was answered, and with what. An operation without an answer may have happened or not, or may happen
    /// yet: it stays open.
    pub answered: Option<(Moment, Reply)>,
    /// It was refused: it has no effect, ever.
    pub refused: bool,
}

/// What is done to a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Puts a value in, and takes out the one that was there. No value is put in twice.
    Swap(u64),
    /// Looks at the value.
    Read,
}

/// What an operation found in the register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reply {
    /// This value, or none yet.
    Found(Option<u64>),
    /// It is done, and what it found isn't known any more.
    Done,
}

/// All operations of a run, in the order in which they were asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    pub(super) operations: Vec<Operation>,
}

impl History {
    /// All operations.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// The operations on each register. A history is linearizable if it is for each of them.
    pub fn by_key(&self) -> BTreeMap<u8, Vec<Operation>> {
        let mut keys: BTreeMap<u8, Vec<Operation>> = BTreeMap::new();
        for operation in &self.operations {
            keys.entry(operation.key).or_default().push(*operation);
        }
        keys
    }
}
