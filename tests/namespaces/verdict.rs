//! What has to be true of what was seen.

use crate::{
    clients::Event,
    linearizability,
    peer::{Fate, Shown},
    register::{Act, Operation, Register},
};
use std::collections::{BTreeMap, BTreeSet};

/// Checks what clients saw, and what every peer holds in the end.
pub fn check(history: &[Event], shown: &Shown) {
    let asked = history.iter().filter_map(Event::asked);
    let operations: BTreeMap<u64, Operation> = asked.map(|operation| (operation.number, operation)).collect();
    each_is_done_once(shown);
    each_is_answered_alike(history);
    all_that_was_answered_is_there(history, shown, &operations);
    registers_hold_what_was_done(shown, &operations);
    linearizability::check(history, &shown.registers);
}

fn each_is_done_once(shown: &Shown) {
    let mut done = BTreeSet::new();
    for number in &shown.journal {
        assert!(done.insert(number), "operation {number} was done twice");
    }
}

/// Who is killed before it stored that something is settled is told once more what came of it.
fn each_is_answered_alike(history: &[Event]) {
    let mut answers = BTreeMap::new();
    for event in history {
        if let Event::Told { number, fate: Fate::Answered(answer) } = event {
            let first = answers.entry(number).or_insert(answer);
            assert_eq!(*first, answer, "operation {number} was answered twice, and not alike");
        }
    }
}

fn all_that_was_answered_is_there(history: &[Event], shown: &Shown, operations: &BTreeMap<u64, Operation>) {
    let decided = |number: &u64| operations[number].act != Act::Look;
    let done: BTreeSet<u64> = shown.journal.iter().copied().collect();
    for event in history {
        match event {
            Event::Told { number, fate: Fate::Answered(answer) } if decided(number) => {
                assert!(done.contains(number), "operation {number} was answered with {answer} and is lost");
            }
            Event::Told { number, fate: Fate::NotTaken } => {
                assert!(!done.contains(number), "operation {number} was not taken and is done all the same");
            }
            _ => {}
        }
    }
}

fn registers_hold_what_was_done(shown: &Shown, operations: &BTreeMap<u64, Operation>) {
    let mut registers: BTreeMap<u64, Register> = BTreeMap::new();
    for number in &shown.journal {
        let operation = operations.get(number).unwrap_or_else(|| panic!("nobody asked for operation {number}"));
        registers.entry(operation.key).or_default().answer(operation.act);
    }
    let registers: BTreeMap<u64, u64> = registers.into_iter().map(|(key, register)| (key, register.0)).collect();
    assert_eq!(shown.registers, registers);
}
