//! 300 worlds, each with everything that can go wrong, and the judge of their histories.
//!
//! `cargo run --release --example simulate --features playtest -- --seeds 10000` looks at more of them.
#![cfg(feature = "playtest")]

#[path = "../examples/simulate/linearizability.rs"]
mod linearizability;
#[path = "../examples/simulate/seeds.rs"]
mod seeds;
#[path = "../examples/simulate/trial.rs"]
mod trial;

use arbtest::{arbitrary, arbtest};
use bevy_quorum::{
    playtest::{Action, Operation, Reply, Simulation},
    raft::Moment,
};
use linearizability::is_linearizable;

#[test]
fn three_hundred_worlds_keep_their_promises() {
    let total = seeds::run_all(0, 300, None);
    for (seed, failure) in &total.failures {
        eprintln!("seed {seed}: {failure}");
    }
    assert!(total.failures.is_empty(), "cargo run --release --example simulate --features playtest tells more");
    assert_eq!(total.tame(), [""; 0], "{}", total.coverage);
}

#[test]
fn a_seed_is_one_world() {
    let (one, other) = (Simulation::of(3).run(), Simulation::of(3).told().run());
    assert_eq!(one.history, other.history);
    assert_eq!(one.coverage, other.coverage);
}

fn operation(action: Action, invoked: u64, answered: Option<(u64, Option<u64>)>) -> Operation {
    let answered = answered.map(|(at, found)| (Moment(at), Reply::Found(found)));
    Operation { node: 1, key: 0, action, invoked: Moment(invoked), answered, refused: false }
}

#[test]
fn the_judge_sees_a_stale_read() {
    let swap = operation(Action::Swap(1), 0, Some((1, None)));
    assert!(is_linearizable(&[swap, operation(Action::Read, 2, Some((3, Some(1))))]));
    assert!(is_linearizable(&[swap, operation(Action::Read, 1, Some((3, None)))]));
    assert!(!is_linearizable(&[swap, operation(Action::Read, 2, Some((3, None)))]));
}

#[test]
fn the_judge_sees_a_lost_write() {
    let first = operation(Action::Swap(1), 0, Some((1, None)));
    assert!(is_linearizable(&[first, operation(Action::Swap(2), 2, Some((3, Some(1))))]));
    assert!(!is_linearizable(&[first, operation(Action::Swap(2), 2, Some((3, None)))]));
}

#[test]
fn what_was_never_answered_may_have_happened_or_not_but_only_after_it_was_asked() {
    let open = operation(Action::Swap(1), 5, None);
    assert!(is_linearizable(&[open, operation(Action::Read, 6, Some((7, None)))]));
    assert!(is_linearizable(&[open, operation(Action::Read, 6, Some((7, Some(1))))]));
    assert!(!is_linearizable(&[open, operation(Action::Read, 3, Some((4, Some(1))))]));
    let reads = [(6, Some(1)), (8, None)].map(|(at, found)| operation(Action::Read, at, Some((at + 1, found))));
    assert!(!is_linearizable(&[open, reads[0], reads[1]]));
}

#[test]
fn what_was_refused_never_happened() {
    let refused = Operation { refused: true, ..operation(Action::Swap(1), 0, None) };
    assert!(!is_linearizable(&[refused, operation(Action::Read, 2, Some((3, Some(1))))]));
}

/// Whether some order of the first operations explains all answers, by trying each.
fn has_order(operations: &[Operation], value: Option<u64>) -> bool {
    let must = operations.iter().filter(|operation| operation.answered.is_some()).count();
    let first_answer = operations.iter().filter_map(|operation| operation.answered).map(|(at, _)| at).min();
    must == 0
        || operations.iter().enumerate().any(|(place, operation)| {
            let in_time = first_answer.is_none_or(|at| operation.invoked <= at);
            let fits = operation.answered.is_none_or(|(_, reply)| [Reply::Done, Reply::Found(value)].contains(&reply));
            let next = match operation.action {
                Action::Swap(new) => Some(new),
                Action::Read => value,
            };
            let rest = [&operations[..place], &operations[place + 1..]].concat();
            in_time && fits && has_order(&rest, next)
        })
}

fn arbitrary_history(u: &mut arbitrary::Unstructured<'_>) -> arbitrary::Result<Vec<Operation>> {
    (0..u.int_in_range(1..=6)?)
        .map(|number| {
            let action = if u.ratio(3, 5)? { Action::Swap(number) } else { Action::Read };
            let invoked = u.int_in_range(0..=8)?;
            let found = u.int_in_range(0u64..=5)?.checked_sub(1).filter(|found| Action::Swap(*found) != action);
            let reply = if u.ratio(1, 4)? && action != Action::Read { Reply::Done } else { Reply::Found(found) };
            let answered = if u.ratio(1, 6)? { None } else { Some((Moment(u.int_in_range(invoked..=9)?), reply)) };
            Ok(Operation { answered, ..operation(action, invoked, None) })
        })
        .collect()
}

#[test]
fn the_judge_agrees_with_trying_every_order() {
    let mut verdicts = [0, 0];
    arbtest(|u| {
        let history = arbitrary_history(u)?;
        let verdict = has_order(&history, None);
        assert_eq!(is_linearizable(&history), verdict, "{history:#?}");
        verdicts[usize::from(verdict)] += 1;
        Ok(())
    })
    .budget_ms(2_000);
    assert!(verdicts.iter().all(|count| *count > 100), "{verdicts:?}");
}
