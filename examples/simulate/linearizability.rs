//! Judges histories: is there an order of all operations, each between its question and its answer, in which every
//! register could have given these answers?
//!
//! The search is that of Wing, Gong and Lowe, in `todc-utils`. It remembers what it has tried, but is exponential at
//! worst, so it gets a limited time; running out of it is a failure.

use bevy_quorum::{
    playtest::{Action, Check, History, Operation, Reply},
    raft::Moment,
};
use std::{collections::BTreeMap, sync::mpsc, thread, time::Duration};
use todc_utils::{Action as Step, History as Steps, Specification, WGLChecker};

/// How long the search may take for all registers of one history.
const PATIENCE: Duration = Duration::from_secs(30);

/// A register as everybody would like it to be.
struct Register;

impl Specification for Register {
    type State = Option<u64>;
    /// What was asked and what came back.
    type Operation = (Action, Reply);

    fn init() -> Self::State {
        None
    }

    fn apply((action, reply): &Self::Operation, state: &Self::State) -> (bool, Self::State) {
        let fits = *reply == Reply::Done || *reply == Reply::Found(*state);
        match action {
            Action::Swap(value) => (fits, Some(*value)),
            Action::Read => (fits, *state),
        }
    }
}

/// Judges a history, register by register.
///
/// # Errors
/// If a register's operations fit no order, or none was found in time.
pub fn judge(history: &History) -> Result<(), String> {
    let registers = history.by_key();
    let (verdict, result) = mpsc::channel();
    thread::spawn(move || {
        let bad = registers.into_iter().find(|(_, operations)| !is_linearizable(operations));
        verdict.send(bad)
    });
    let check = Check::Linearizability;
    match result.recv_timeout(PATIENCE) {
        Ok(None) => Ok(()),
        Ok(Some((key, operations))) => Err(format!("{check}: no order explains register {key}: {operations:#?}")),
        Err(_) => Err(format!("{check}: no verdict within {PATIENCE:?}")),
    }
}

/// Whether one register can have done what it is said to have done.
pub fn is_linearizable(operations: &[Operation]) -> bool {
    let steps = steps(operations);
    steps.is_empty() || WGLChecker::<Register>::is_linearizable(Steps::from_actions(steps))
}

/// What happened, as it happened; of two things at the same time the question comes first.
///
/// Of what was never answered, a read tells nothing, and a swap whose value nobody found need not have happened. If
/// somebody found its value, it had happened before they were told.
fn steps(operations: &[Operation]) -> Vec<(usize, Step<(Action, Reply)>)> {
    let found = first_found(operations);
    let mut happenings = BTreeMap::new();
    for (client, operation) in operations.iter().enumerate().filter(|(_, operation)| !operation.refused) {
        let answered = operation.answered.or_else(|| match operation.action {
            Action::Swap(value) => found.get(&value).map(|at| (*at, Reply::Done)),
            Action::Read => None,
        });
        let Some((at, reply)) = answered else { continue };
        happenings.insert((operation.invoked, false, client), Step::Call((operation.action, reply)));
        happenings.insert((at, true, client), Step::Response((operation.action, reply)));
    }
    happenings.into_iter().map(|((_, _, client), step)| (client, step)).collect()
}

/// When somebody was first told of each value.
fn first_found(operations: &[Operation]) -> BTreeMap<u64, Moment> {
    let mut found = BTreeMap::new();
    for operation in operations {
        if let Some((at, Reply::Found(Some(value)))) = operation.answered {
            let first = found.entry(value).or_insert(at);
            *first = at.min(*first);
        }
    }
    found
}
