//! What has to be true of what was seen.

use crate::{
    clients::Event,
    peer::{Fate, Shown},
    register::{Act, Operation, Register},
};
use stateright::semantics::{ConsistencyTester, LinearizabilityTester, SequentialSpec};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::mpsc,
    thread,
    time::Duration,
};

/// How long one register may take to check. Who can't say in time has not said yes.
const CHECKED_WITHIN: Duration = Duration::from_secs(30);
/// For what is searched deeply.
const STACK_BYTES: usize = 256 * 1024 * 1024;

impl SequentialSpec for Register {
    type Op = Act;
    type Ret = u64;

    fn invoke(&mut self, act: &Act) -> u64 {
        self.answer(*act)
    }
}

/// Checks what clients saw, and what every peer holds in the end.
pub fn check(history: &[Event], shown: &Shown) {
    let operations: BTreeMap<u64, Operation> = history.iter().filter_map(asked).collect();
    each_is_done_once(shown);
    each_is_answered_alike(history);
    all_that_was_answered_is_there(history, shown, &operations);
    registers_hold_what_was_done(shown, &operations);
    let keys: BTreeSet<u64> = operations.values().map(|operation| operation.key).collect();
    for key in keys {
        is_linearizable(key, history);
    }
}

fn asked(event: &Event) -> Option<(u64, Operation)> {
    match event {
        Event::Asked { operation, .. } => Some((operation.number, *operation)),
        Event::Told { .. } => None,
    }
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

fn is_linearizable(key: u64, history: &[Event]) {
    let events = about(key, history);
    let tester = tester_of(&events);
    let (say, verdict) = mpsc::channel();
    let check = move || say.send(tester.is_consistent());
    thread::Builder::new().stack_size(STACK_BYTES).spawn(check).unwrap();
    match verdict.recv_timeout(CHECKED_WITHIN) {
        Ok(true) => {}
        Ok(false) => panic!("what was seen of register {key} is not linearizable: {events:#?}"),
        Err(_) => panic!("whether what was seen of register {key} is linearizable isn't known in time: {events:#?}"),
    }
}

/// What was seen of one register, without what never was.
fn about(key: u64, history: &[Event]) -> Vec<Event> {
    let not_taken = |event: &Event| match event {
        Event::Told { number, fate: Fate::NotTaken } => Some(*number),
        _ => None,
    };
    let not_taken: BTreeSet<u64> = history.iter().filter_map(not_taken).collect();
    let of_key = |event: &Event| asked(event).filter(|(_, operation)| operation.key == key).map(|(number, _)| number);
    let numbers: BTreeSet<u64> = history.iter().filter_map(of_key).filter(|it| !not_taken.contains(it)).collect();
    let concerns = |event: &&Event| match event {
        Event::Asked { operation, .. } => numbers.contains(&operation.number),
        Event::Told { number, .. } => numbers.contains(number),
    };
    history.iter().filter(concerns).copied().collect()
}

fn tester_of(events: &[Event]) -> LinearizabilityTester<usize, Register> {
    let mut tester = LinearizabilityTester::new(Register::default());
    let mut open = BTreeMap::new();
    for event in events {
        match event {
            Event::Asked { client, operation } => {
                open.insert(operation.number, *client);
                tester.on_invoke(*client, operation.act).expect("a client asks one thing at a time");
            }
            Event::Told { number, fate: Fate::Answered(answer) } => {
                // Only the first answer counts.
                if let Some(client) = open.remove(number) {
                    tester.on_return(client, *answer).expect("who is answered has asked");
                }
            }
            // It stays open: it may come to pass at any time, or never.
            Event::Told { .. } => {}
        }
    }
    tester
}
