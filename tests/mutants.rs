//! Every known mistake is seen: by a check of the simulator in one of a few worlds, or because a small story ends otherwise.
//!
//! `cargo test --all-features --test mutants -- --nocapture` prints what sees each of them here; `DESIGN.md` has what 300 worlds see.
//! `cargo run --release --example simulate --features playtest -- --mutants --seeds 300` hunts all of them in worlds.
#![cfg(feature = "playtest")]

#[path = "../examples/simulate/hunt.rs"]
mod hunt;
#[path = "../examples/simulate/linearizability.rs"]
mod linearizability;
#[path = "mutants/stories/mod.rs"]
mod stories;
#[path = "mutants/table.rs"]
mod table;
#[path = "../examples/simulate/trial.rs"]
mod trial;

use bevy_quorum::raft::Mutant;
use std::{
    panic::{set_hook, take_hook},
    thread,
};
use table::{Killer, Story, killer};

/// The most worlds in which a mistake has to be seen; most are in the first or second.
const WORLDS_MAX: u64 = 40;

/// What fails on purpose, all in threads without a name, is not told.
fn fail_silently() {
    let tell = take_hook();
    set_hook(Box::new(move |panic| {
        if thread::current().name().is_some() {
            tell(panic);
        }
    }));
}

/// Whether a story ends as it should.
fn ends_well(story: Story, mutant: Option<Mutant>) -> bool {
    thread::spawn(move || story(mutant)).join().expect("a story says how it ends")
}

/// What sees a mistake, if anything does, and in which world.
fn seen_by(mutant: Mutant) -> Option<String> {
    match killer(mutant) {
        Killer::Worlds => hunt::hunt(mutant, 0, WORLDS_MAX).map(|kill| format!("{kill} | {}", kill.seeds)),
        Killer::Story(name, story) => (!ends_well(story, Some(mutant))).then(|| format!("`{name}` | story")),
    }
}

#[test]
fn every_mistake_is_seen() {
    fail_silently();
    let mut alive = Vec::new();
    for mutant in Mutant::ALL {
        match seen_by(*mutant) {
            Some(check) => println!("| `{}` | {} | {check} |", mutant.name(), mutant.mistake()),
            None => alive.push(mutant.name()),
        }
    }
    assert_eq!(alive, [""; 0], "nothing sees them");
}

#[test]
fn every_story_ends_well_without_a_mistake() {
    fail_silently();
    for mutant in Mutant::ALL {
        if let Killer::Story(name, story) = killer(*mutant) {
            assert!(ends_well(story, None), "{name}");
        }
    }
}
