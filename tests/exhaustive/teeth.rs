//! That the model can bite: each known mistake that its scopes have room for breaks a promise.

use crate::{
    machine::Act,
    model::{Bounds, Known, Scope},
    rooms::{configuration, impatient, room},
    scopes::{CALM, FREE, divergence},
    story::Chapter,
};
use bevy_quorum::raft::{Config, Entry, LogIndex, Mutant, NodeId, Payload, Term};
use stateright::{Checker, HasDiscoveries, Model};

#[test]
#[ignore = "looks for the scope in which each mistake is seen; takes hours"]
fn matrix() {
    let which = std::env::var("M").unwrap_or_default();
    let tiny = Config { append_bytes_max: 1, ..impatient() };
    let four_history =
        vec![Chapter::Elect(0, &[1, 2]), Chapter::Do(0, Act::Turn(NodeId(3))), Chapter::Elect(1, &[2, 3])];
    let led = vec![Chapter::Elect(0, &[1, 2]), Chapter::Talk(&[0, 1, 2])];
    let mut kept = room(2, 1);
    for (place, (_, disk)) in kept.iter_mut().enumerate() {
        disk.ballot.term = Term(2);
        disk.log.push(Entry { term: Term(2), index: LogIndex(2), payload: Payload::Empty, ..disk.log[0].clone() });
        if place == 2 {
            disk.log.push(configuration(2, 3, 3, 0));
        }
    }
    let mut long = room(3, 0);
    for (_, disk) in &mut long {
        for index in 2..=8 {
            disk.log.push(Entry { index: LogIndex(index), payload: Payload::Empty, ..disk.log[0].clone() });
        }
        disk.commit = LogIndex(8);
    }
    let snap = Config { makes_snapshots: true, mark_entries: 1, tail_bytes: 0, ..impatient() };
    let lag = vec![
        Chapter::Elect(0, &[1]),
        Chapter::Talk(&[0, 1]),
        Chapter::Do(0, Act::Wake),
        Chapter::Talk(&[0, 1]),
        Chapter::Do(0, Act::Wake),
        Chapter::Talk(&[0, 1]),
    ];
    let marked = vec![Chapter::Elect(0, &[1]), Chapter::Talk(&[0, 1])];
    let two = Config { voters_max: 2, ..impatient() };
    let scopes: Vec<(&str, Scope)> = [
        ("pair", room(2, 0), impatient(), vec![], Bounds { silences: 1, ..FREE }),
        ("command", room(2, 0), impatient(), vec![], Bounds { commands: 1, ..FREE }),
        ("three", room(3, 0), impatient(), vec![], FREE),
        ("learner", room(2, 1), impatient(), vec![], Bounds { heartbeats: false, ..FREE }),
        ("lead", room(3, 1), Config { voters_max: 3, ..impatient() }, vec![], Bounds { ..FREE }),
        ("five", room(5, 0), impatient(), vec![Chapter::Elect(0, &[1, 2])], CALM),
        ("long", long, impatient(), vec![], Bounds { terms: 3, entries: 11, ..CALM }),
        ("repair", room(3, 0), impatient(), divergence(), Bounds { terms: 4, ..FREE }),
        ("fig8", room(3, 0), tiny.clone(), divergence(), Bounds { terms: 5, ..CALM }),
        ("change", room(3, 0), two.clone(), led.clone(), Bounds { terms: 3, changes: 2, ..CALM }),
        ("silent", room(3, 0), two.clone(), led.clone(), Bounds { terms: 3, silences: 1, heartbeats: true, ..CALM }),
        (
            "four",
            room(4, 0),
            Config { voters_max: 3, ..impatient() },
            four_history,
            Bounds { terms: 4, changes: 1, ..CALM },
        ),
        (
            "demote",
            room(4, 0),
            Config { voters_max: 3, ..impatient() },
            vec![Chapter::Elect(0, &[1, 2]), Chapter::Talk(&[0, 1, 2])],
            Bounds { terms: 3, changes: 1, ..CALM },
        ),
        ("kept", kept, impatient(), vec![], Bounds { terms: 4, silences: 1, heartbeats: true, ..CALM }),
        ("reads", room(3, 0), impatient(), led.clone(), Bounds { terms: 3, reads: 1, ..CALM }),
        ("reads2", room(3, 0), impatient(), led.clone(), Bounds { terms: 3, reads: 2, ..CALM }),
        ("early reads", room(3, 0), impatient(), led.clone(), Bounds { terms: 2, commands: 1, reads: 1, ..CALM }),
        ("loans", room(3, 0), impatient(), divergence(), Bounds { terms: 5, loans: true, ..CALM }),
        ("transfer", room(3, 0), impatient(), led.clone(), Bounds { terms: 3, transfers: 1, heartbeats: true, ..CALM }),
        ("lag", room(3, 0), snap.clone(), lag.clone(), Bounds { terms: 3, entries: 7, heartbeats: true, ..CALM }),
        ("marked", room(3, 0), snap.clone(), marked.clone(), Bounds { terms: 3, entries: 5, heartbeats: true, ..CALM }),
        (
            "commands",
            room(2, 0),
            snap.clone(),
            vec![Chapter::Elect(0, &[1]), Chapter::Talk(&[0, 1])],
            Bounds { terms: 3, entries: 6, commands: 1, crashes: true, heartbeats: true, ..CALM },
        ),
    ]
    .into_iter()
    .map(|(name, nodes, config, history, bounds)| {
        (name, Scope { nodes, config, history, bounds, known: Known::default() })
    })
    .collect();
    let cap: usize = std::env::var("CAP").map_or(2_000_000, |cap| cap.parse().expect("a number"));
    let none = [None];
    let all: Vec<Option<Mutant>> = Mutant::ALL
        .iter()
        .filter(|m| which.is_empty() || which.split(',').any(|w| w == m.name()))
        .map(|m| Some(*m))
        .collect();
    for mutant in if which == "none" { &none[..] } else { &all[..] } {
        for (name, scope) in
            scopes.iter().filter(|s| std::env::var("S").map_or(true, |w| w.split(',').any(|w| w == s.0)))
        {
            let mut scope = scope.clone();
            scope.known = Known::default();
            scope.config.mutant = *mutant;
            let start = std::time::Instant::now();
            let Ok(checker) = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                scope
                    .checker()
                    .threads(2)
                    .finish_when(HasDiscoveries::AnyFailures)
                    .target_state_count(cap)
                    .spawn_bfs()
                    .join()
            })) else {
                println!("{mutant:?} {name}: init panics");
                continue;
            };
            let found = checker
                .discoveries()
                .into_iter()
                .find(|(name, _)| checker.model().property(name).expectation.discovery_is_failure());
            if let Some((property, path)) = found {
                println!(
                    "{mutant:?} dies in {name}: {property}, {} steps, {} states {:.1}s",
                    path.clone().into_actions().len(),
                    checker.unique_state_count(),
                    start.elapsed().as_secs_f64()
                );
                if std::env::var("V").is_ok() {
                    println!("{:#?}", path.into_actions());
                }
                if std::env::var("ALL").is_err() {
                    break;
                }
                continue;
            }
            println!(
                "{mutant:?} lives in {name} {} states {} steps {:.1}s  {:?}",
                checker.unique_state_count(),
                checker.state_count(),
                start.elapsed().as_secs_f64(),
                if which == "none" { checker.discoveries().keys().copied().collect::<Vec<_>>() } else { vec![] },
            );
        }
    }
}
