//! Judges histories: is there an order of all operations, each between its question and its answer, in which every
//! register could have given these answers?
//!
//! The search is that of Wing, Gong and Lowe, in `todc-utils`. It remembers what it has tried, but is exponential at
//! worst, so it is spared what makes no difference, and gets a limited time; running out of it is a failure.

use bevy_quorum::{
    playtest::{Action, Check, History, Operation, Reply},
    raft::Moment,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::mpsc,
    thread,
    time::Duration,
};
use todc_utils::{Action as Step, History as Steps, Specification, WGLChecker};

/// How long the search may take for all registers of one history.
const PATIENCE: Duration = Duration::from_secs(30);

/// A register as everybody would like it to be.
struct Register;

/// What was asked, what came back, and whether some swap is known to have found the value that this one puts in.
type Asked = (Action, Reply, bool);

impl Specification for Register {
    /// The value, and whether some swap is known to have found it: then it waits for that one.
    type State = (Option<u64>, bool);
    type Operation = Asked;

    fn init() -> Self::State {
        (None, false)
    }

    fn apply((action, reply, is_swapped): &Self::Operation, state: &Self::State) -> (bool, Self::State) {
        let (value, waits) = *state;
        let found = *reply == Reply::Found(value);
        match action {
            Action::Swap(new) => (found || (*reply == Reply::Done && !waits), (Some(*new), *is_swapped)),
            Action::Read => (found, *state),
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
fn steps(operations: &[Operation]) -> Vec<(usize, Step<Asked>)> {
    let (found, spare) = (first_found(operations), spare_reads(operations));
    let swaps = operations.iter().filter(|operation| matches!(operation.action, Action::Swap(_)));
    let swapped: BTreeSet<u64> = swaps.filter_map(value_found).collect();
    let mut happenings = BTreeMap::new();
    for (client, operation) in operations.iter().enumerate() {
        let answered = operation.answered.or_else(|| match operation.action {
            Action::Swap(value) => found.get(&value).map(|at| (*at, Reply::Done)),
            Action::Read => None,
        });
        let Some((at, reply)) = answered.filter(|_| !operation.refused && !spare.contains(&client)) else { continue };
        let is_swapped = matches!(operation.action, Action::Swap(value) if swapped.contains(&value));
        let asked = (operation.action, reply, is_swapped);
        happenings.insert((operation.invoked, false, client), Step::Call(asked));
        happenings.insert((at, true, client), Step::Response(asked));
    }
    happenings.into_iter().map(|((_, _, client), step)| (client, step)).collect()
}

/// The reads that tell nothing more: of all that found one value, the one that was answered first says when it was there
/// at the latest, and the one that was asked last until when it was there at least. No value is put in twice, so the
/// others fit in between.
fn spare_reads(operations: &[Operation]) -> BTreeSet<usize> {
    let mut reads: BTreeMap<Option<u64>, Vec<usize>> = BTreeMap::new();
    for (place, operation) in operations.iter().enumerate() {
        if let (Action::Read, Some((_, Reply::Found(value)))) = (operation.action, operation.answered) {
            reads.entry(value).or_default().push(place);
        }
    }
    let is_telling = |places: &[usize], place: usize| {
        let first = places.iter().min_by_key(|place| operations[**place].answered.map(|(at, _)| at));
        let last = places.iter().max_by_key(|place| operations[**place].invoked);
        [first, last].contains(&Some(&place))
    };
    let spare = reads.values().flat_map(|places| places.iter().filter(|place| !is_telling(places, **place)));
    spare.copied().collect()
}

/// When somebody was first told of each value.
fn first_found(operations: &[Operation]) -> BTreeMap<u64, Moment> {
    let mut found = BTreeMap::new();
    for operation in operations {
        if let Some((value, (at, _))) = value_found(operation).zip(operation.answered) {
            let first = found.entry(value).or_insert(at);
            *first = at.min(*first);
        }
    }
    found
}

/// The value that an operation is known to have found.
fn value_found(operation: &Operation) -> Option<u64> {
    match operation.answered? {
        (_, Reply::Found(value)) => value,
        (_, Reply::Done) => None,
    }
}
