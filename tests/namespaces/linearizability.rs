//! Whether there is an order of all operations, each between its question and its answer, in which every register could
//! have given these answers.
//!
//! The search is that of Wing, Gong and Lowe, in `todc-utils`. It remembers what it has tried, but is exponential at
//! worst, so it gets a limited time; running out of it is a failure.

use crate::{
    clients::Event,
    peer::Fate,
    register::{Act, Operation, Register},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::mpsc,
    thread,
    time::Duration,
};
use todc_utils::{Action, History, Specification, WGLChecker};

/// How long one register may take to check. Who can't say in time has not said yes.
const PATIENCE: Duration = Duration::from_secs(20);

/// A register as everybody would like it to be.
struct Wished;

/// What was done, and what the register was said to hold before, if anybody was told.
type Step = (Act, Option<u64>);

impl Specification for Wished {
    type State = u64;
    type Operation = Step;

    fn init() -> u64 {
        0
    }

    fn apply((act, told): &Step, state: &u64) -> (bool, u64) {
        let mut register = Register(*state);
        let held = register.answer(*act);
        (told.is_none_or(|told| told == held), register.0)
    }
}

/// Checks what was seen of every register, and that it holds in the end what it does.
pub fn check(history: &[Event], registers: &BTreeMap<u64, u64>) {
    let keys: BTreeSet<u64> = history.iter().filter_map(Event::asked).map(|operation| operation.key).collect();
    for key in keys {
        let steps = steps(key, history, registers.get(&key).copied().unwrap_or_default());
        match is_linearizable(steps.clone()) {
            Some(true) => {}
            Some(false) => panic!("no order explains register {key}: {steps:#?}"),
            None => panic!("no verdict on register {key} in time: {steps:#?}"),
        }
    }
}

/// Nothing, if it isn't known in time.
fn is_linearizable(steps: Vec<(usize, Action<Step>)>) -> Option<bool> {
    let (say, verdict) = mpsc::channel();
    thread::spawn(move || say.send(WGLChecker::<Wished>::is_linearizable(History::from_actions(steps))));
    verdict.recv_timeout(PATIENCE).ok()
}

/// What was asked and told of one register, in order, and a look at it in the end.
///
/// Of what nobody was told, a look says nothing, and a write whose value nobody found need not have happened. If
/// somebody found its value, it had happened before they were told. What a swap expects was found by somebody.
fn steps(key: u64, history: &[Event], held: u64) -> Vec<(usize, Action<Step>)> {
    let look = Operation { number: 0, key, act: Act::Look };
    let last = [Event::Asked { client: 0, operation: look }, Event::Told { number: 0, fate: Fate::Answered(held) }];
    let (mut asked, mut told, mut found) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for (at, event) in history.iter().chain(&last).enumerate() {
        match event {
            Event::Asked { operation, .. } if operation.key == key => {
                asked.insert(operation.number, (at, operation.act));
            }
            Event::Told { number, fate: Fate::Answered(held) } if asked.contains_key(number) => {
                told.entry(*number).or_insert((at, Some(*held)));
                found.entry(*held).or_insert((at, None));
            }
            _ => {}
        }
    }
    let mut steps = BTreeMap::new();
    for (number, (asked_at, act)) in asked {
        if let Some((told_at, held)) = told.get(&number).or(found.get(&number)) {
            steps.insert((asked_at, false, number), Action::Call((act, *held)));
            steps.insert((*told_at, true, number), Action::Response((act, *held)));
        }
    }
    steps.into_iter().map(|((_, _, number), step)| (usize::try_from(number).unwrap(), step)).collect()
}

fn ask(number: u64, act: Act) -> Event {
    Event::Asked { client: 0, operation: Operation { number, key: 0, act } }
}

fn answer(number: u64, held: u64) -> Event {
    Event::Told { number, fate: Fate::Answered(held) }
}

fn explains(history: &[Event], held: u64) -> Option<bool> {
    is_linearizable(steps(0, history, held))
}

/// A look that comes after a write was answered has to find its value.
pub fn no_order_explains_a_late_look() {
    let write = [ask(1, Act::Write(1)), answer(1, 0)];
    assert_eq!(explains(&[&write[..], &[ask(2, Act::Look), answer(2, 1)]].concat(), 1), Some(true));
    assert_eq!(explains(&[&write[..], &[ask(2, Act::Look), answer(2, 0)]].concat(), 1), Some(false));
    let meanwhile = [ask(2, Act::Look), write[0], answer(2, 0), write[1]];
    assert_eq!(explains(&meanwhile, 1), Some(true));
}

/// What was answered has to be there in the end; what nobody was told may be.
pub fn no_order_explains_a_lost_answer() {
    let swap = Act::Swap { from: 0, to: 1 };
    assert_eq!(explains(&[ask(1, swap), answer(1, 0)], 0), Some(false));
    assert_eq!(explains(&[ask(1, swap)], 0), Some(true));
    assert_eq!(explains(&[ask(1, swap)], 1), Some(true));
    let other = Act::Swap { from: 0, to: 2 };
    assert_eq!(explains(&[ask(1, swap), ask(2, other), answer(2, 0)], 1), Some(false), "both can't have found 0");
}
