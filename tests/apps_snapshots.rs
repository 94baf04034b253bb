//! Snapshots of whole apps: who gets one, what it holds, and who is told, in virtual time.
#![cfg(feature = "playtest")]
#![allow(clippy::unwrap_used, missing_docs)]

use bevy_app::App;
use bevy_ecs::prelude::*;
use bevy_quorum::{
    link::in_process::Conditions,
    playtest::{Guest, Party},
    prelude::*,
    raft::{Config, Trouble},
    room::StateError,
};
use serde::{Deserialize, Serialize};
use std::{collections::HashSet, time::Duration};

/// Writes a line on the board; an empty one is refused.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Write(String);

impl Portable for Write {
    const NAME: &'static str = "write";
}

/// What everybody wrote.
#[derive(Resource, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
struct Board(Vec<String>);

impl Portable for Board {
    const NAME: &'static str = "board";
}

/// What this app was told.
#[derive(Resource, Default)]
struct Heard {
    effects: Vec<(String, bool)>,
    restored: Vec<(LogIndex, usize, Vec<String>)>,
    settled: Vec<(Proposal, Outcome)>,
    reads: usize,
}

fn write(write: In<Committed<Write>>, mut board: ResMut<Board>) -> Result<(), Reject> {
    if write.value.0.is_empty() {
        return Err(Reject::because("there is nothing to write"));
    }
    board.0.push(write.value.0.clone());
    Ok(())
}

fn listen(app: &mut App) {
    app.init_resource::<Heard>()
        .add_observer(|write: On<Committed<Write>>, mut heard: ResMut<Heard>| {
            heard.effects.push((write.value.0.clone(), write.replayed));
        })
        .add_observer(|restored: On<StateRestored>, board: Res<Board>, mut heard: ResMut<Heard>| {
            heard.restored.push((restored.index, board.0.len(), restored.differed.clone()));
        })
        .add_observer(|done: On<ReadDone>, mut heard: ResMut<Heard>| heard.reads += usize::from(done.outcome.is_ok()))
        .add_observer(|settled: On<Settled>, mut heard: ResMut<Heard>| {
            heard.settled.push((settled.proposal, settled.outcome.clone()));
        });
}

fn game(app: &mut App) {
    app.init_resource::<Board>().replicate_resource::<Board>().add_command(write);
    listen(app);
}

/// A mark every 20 entries, and next to nothing of the log kept before it.
fn often() -> Config {
    Config { mark_entries: 20, tail_bytes: 256, ..Config::default() }
}

fn voters<const N: usize>(party: &mut Party) -> [Guest; N] {
    let guests: [Guest; N] = std::array::from_fn(|place| if place == 0 { party.open() } else { party.join() });
    let all = |party: &mut Party| guests.iter().all(|guest| party.room(*guest).status().voters.len() == N);
    assert!(party.run_until(Duration::from_secs(10), all), "{N} voters");
    guests
}

fn write_lines(party: &mut Party, who: Guest, name: &str, count: usize) {
    for line in 0..count {
        party.room(who).propose(&Write(format!("{name} {line}"))).unwrap();
        party.run_for(Duration::from_millis(20));
    }
}

fn board(party: &mut Party, who: Guest) -> Board {
    party.app(who).world().resource::<Board>().clone()
}

fn heard(party: &mut Party, who: Guest) -> &Heard {
    party.app(who).world().resource::<Heard>()
}

fn state(party: &mut Party, who: Guest) -> RoomState {
    let world = party.app(who).world_mut();
    world.query::<&RoomState>().single(world).unwrap().clone()
}

#[test]
fn the_log_is_cut_and_a_newcomer_gets_the_state_instead_of_the_commands() {
    let mut party = Party::new(1, game).config(often());
    let guests = voters::<3>(&mut party);
    write_lines(&mut party, guests[1], "line", 100);
    party.run_for(Duration::from_secs(1));
    let status = party.room(guests[0]).status().clone();
    assert!(status.snapshot >= LogIndex(80) && status.trouble.is_none(), "{status:?}");
    let newcomer = party.join();
    let same = |party: &mut Party| board(party, newcomer).0.len() == 100;
    assert!(party.run_until(Duration::from_secs(5), same));
    let expected = board(&mut party, guests[0]);
    assert_eq!(board(&mut party, newcomer), expected);
    let heard = heard(&mut party, newcomer);
    let [(index, lines, differed)] = &heard.restored[..] else { panic!("restored once: {:?}", heard.restored) };
    assert!(*index >= status.snapshot && differed.is_empty());
    assert_eq!(heard.effects.len() + lines, 100, "what a snapshot holds has no effects, what follows has");
    assert!(heard.effects.iter().all(|(_, replayed)| *replayed));
    write_lines(&mut party, newcomer, "mine", 1);
    party.run_for(Duration::from_secs(1));
    let expected = board(&mut party, guests[0]);
    assert_eq!((expected.0.len(), board(&mut party, newcomer)), (101, expected));
}

#[test]
fn a_restart_begins_with_the_snapshot_and_repeats_only_what_follows() {
    let mut party = Party::new(2, game).config(often());
    let [host] = voters::<1>(&mut party);
    write_lines(&mut party, host, "line", 50);
    party.run_for(Duration::from_secs(1));
    let before = board(&mut party, host);
    party.kill(host);
    party.restart(host);
    party.run_for(Duration::from_secs(1));
    assert_eq!(board(&mut party, host), before);
    let heard = heard(&mut party, host);
    assert_eq!(heard.restored.len(), 1);
    assert!(heard.effects.len() < 25, "{}", heard.effects.len());
}

#[test]
fn killings_around_marks_lose_and_double_nothing() {
    let mut party = Party::new(3, game).config(often());
    let guests = voters::<3>(&mut party);
    let mut written = 0;
    for round in 0..24 {
        let victim = guests[round % 3];
        write_lines(&mut party, guests[(round + 1) % 3], &format!("round {round}"), 5);
        written += 5;
        party.kill(victim);
        party.run_for(Duration::from_millis(30 * (round as u64 % 5)));
        party.restart(victim);
        party.run_for(Duration::from_secs(3));
    }
    let done = |party: &mut Party| guests.iter().all(|guest| board(party, *guest).0.len() >= written);
    assert!(party.run_until(Duration::from_secs(20), done));
    let expected = board(&mut party, guests[0]);
    assert_eq!(expected.0.len(), written);
    assert!(guests.iter().all(|guest| board(&mut party, *guest) == expected));
    assert!(party.room(guests[0]).status().snapshot >= LogIndex(80));
}

#[test]
fn who_was_away_for_long_gets_a_snapshot() {
    let mut party = Party::new(4, game).config(often());
    let guests = voters::<3>(&mut party);
    let address = party.address(guests[2]);
    party.network().partition(&[address]);
    write_lines(&mut party, guests[0], "line", 100);
    party.network().heal();
    let same = |party: &mut Party| board(party, guests[2]).0.len() == 100;
    assert!(party.run_until(Duration::from_secs(10), same));
    assert_eq!(board(&mut party, guests[2]), board(&mut party, guests[0]));
    assert!(!heard(&mut party, guests[2]).restored.is_empty());
}

#[test]
fn a_game_that_replicates_nothing_keeps_its_log_whole() {
    fn simple(app: &mut App) {
        app.init_resource::<Board>().add_command(write);
        listen(app);
    }
    let mut party = Party::new(5, simple).config(often());
    let [host] = voters::<1>(&mut party);
    write_lines(&mut party, host, "line", 60);
    assert_eq!(party.room(host).status().snapshot, LogIndex(0));
    let guest = party.join();
    let same = |party: &mut Party| heard(party, guest).effects.len() == 60;
    assert!(party.run_until(Duration::from_secs(5), same), "every command is repeated");
}

#[test]
fn a_build_that_lacks_a_state_says_so_and_loses_nothing() {
    /// Which build each app is of.
    #[derive(Resource, Serialize, Deserialize, Default)]
    struct Lamp(bool);
    impl Portable for Lamp {
        const NAME: &'static str = "lamp";
    }
    let newer = std::cell::Cell::new(true);
    let newer = std::rc::Rc::new(newer);
    let build = newer.clone();
    let mut party = Party::new(6, move |app| {
        game(app);
        if build.get() {
            app.init_resource::<Lamp>().replicate_resource::<Lamp>();
        }
    })
    .config(often());
    let [host] = voters::<1>(&mut party);
    write_lines(&mut party, host, "line", 50);
    party.run_for(Duration::from_secs(1));
    party.kill(host);
    newer.set(false);
    party.restart(host);
    party.run_for(Duration::from_secs(1));
    let RoomState::Failed(reason) = state(&mut party, host) else { panic!("{:?}", state(&mut party, host)) };
    assert!(reason.to_string().contains("\"lamp\""), "{reason}");
    assert_eq!(board(&mut party, host).0.len(), 0, "nothing is carried out upon a state that isn't there");
    party.kill(host);
    newer.set(true);
    party.restart(host);
    party.run_for(Duration::from_secs(1));
    assert_eq!(board(&mut party, host).0.len(), 50);
}

#[test]
fn a_state_with_several_encodings_makes_no_snapshot_and_says_why() {
    #[derive(Resource, Serialize, Deserialize, Default)]
    struct Words(HashSet<String>);
    impl Portable for Words {
        const NAME: &'static str = "words";
    }
    fn remember(write: In<Committed<Write>>, mut words: ResMut<Words>) -> Result<(), Reject> {
        words.0.insert(write.value.0.clone());
        Ok(())
    }
    let mut party = Party::new(7, |app| {
        app.init_resource::<Words>().replicate_resource::<Words>().add_command(remember);
    })
    .config(often());
    let [host] = voters::<1>(&mut party);
    write_lines(&mut party, host, "line", 50);
    let status = party.room(host).status();
    assert_eq!(status.state_error, Some(StateError::NotCanonical { name: "words" }));
    assert_eq!((status.snapshot, status.pending), (LogIndex(0), 0), "the room goes on");
}

#[test]
fn an_app_whose_handler_does_something_else_learns_what_and_is_healed() {
    #[derive(Resource, Default)]
    struct Odd(bool);
    fn odd_write(write: In<Committed<Write>>, mut board: ResMut<Board>, odd: Res<Odd>) -> Result<(), Reject> {
        board.0.push(if odd.0 { "something else".to_owned() } else { write.value.0.clone() });
        Ok(())
    }
    let mut party = Party::new(8, |app| {
        app.init_resource::<Board>().replicate_resource::<Board>().init_resource::<Odd>().add_command(odd_write);
        listen(app);
    })
    .config(often())
    .over(Conditions { delay: Duration::from_millis(20), ..Conditions::default() });
    let guests = voters::<3>(&mut party);
    party.app(guests[0]).world_mut().resource_mut::<Odd>().0 = true;
    write_lines(&mut party, guests[1], "line", 5);
    party.run_for(Duration::from_secs(1));
    party.app(guests[0]).world_mut().resource_mut::<Odd>().0 = false;
    assert_ne!(board(&mut party, guests[0]), board(&mut party, guests[1]));
    for line in 0..20 {
        party.room(guests[1]).propose(&Write(format!("more {line}"))).unwrap();
    }
    let noticed = |party: &mut Party| party.room(guests[0]).status().trouble == Some(Trouble::Diverged);
    assert!(party.run_until(Duration::from_secs(10), noticed));
    let healed = |party: &mut Party| !heard(party, guests[0]).restored.is_empty();
    assert!(party.run_until(Duration::from_secs(10), healed));
    party.run_for(Duration::from_secs(2));
    assert_eq!(party.room(guests[0]).status().trouble, None);
    assert_eq!(heard(&mut party, guests[0]).restored[0].2, ["board"]);
    assert_eq!(board(&mut party, guests[0]), board(&mut party, guests[1]));
    assert_eq!(heard(&mut party, guests[0]).effects.iter().filter(|(_, replayed)| !replayed).count(), 25);
}

#[test]
fn writing_and_reading_a_state_take_turns_with_frames() {
    let mut party = Party::new(9, |app| {
        game(app);
        app.insert_resource(ApplyBudget(Duration::ZERO));
    })
    .config(often());
    let [host] = voters::<1>(&mut party);
    write_lines(&mut party, host, "line", 50);
    party.run_for(Duration::from_secs(3));
    assert!(party.room(host).status().snapshot > LogIndex(0));
    assert_eq!(board(&mut party, host).0.len(), 50);
}

#[test]
fn an_author_learns_what_became_of_commands_that_only_a_snapshot_holds() {
    let mut party = Party::new(10, game)
        .config(often())
        .over(Conditions { delay: Duration::from_millis(20), ..Conditions::default() });
    let guests = voters::<3>(&mut party);
    let leads = |guest: &&Guest| party.room(**guest).status().role == Role::Leader;
    let leader = *guests.iter().find(leads).unwrap();
    let author = *guests.iter().find(|guest| **guest != leader).unwrap();
    let good = party.room(author).propose(&Write("mine".to_owned())).unwrap();
    let bad = party.room(author).propose(&Write(String::new())).unwrap();
    party.run_for(Duration::from_millis(35));
    let address = party.address(author);
    party.network().partition(&[address]);
    assert_eq!(party.room(author).status().pending, 2, "the leader has them, the author doesn't know");
    write_lines(&mut party, leader, "line", 100);
    party.run_for(Duration::from_secs(1));
    assert_eq!(board(&mut party, leader).0.len(), 101);
    party.network().heal();
    let settled = |party: &mut Party| heard(party, author).settled.len() == 2;
    assert!(party.run_until(Duration::from_secs(10), settled));
    assert!(heard(&mut party, author).effects.iter().all(|(line, _)| line != "mine"), "it is in the snapshot");
    let outcomes = heard(&mut party, author).settled.clone();
    assert!(matches!(outcomes[0], (it, Outcome::Committed(_)) if it == good), "{outcomes:?}");
    let (it, Outcome::Rejected { reason, .. }) = &outcomes[1] else { panic!("{outcomes:?}") };
    assert_eq!((*it, reason.to_string().as_str()), (bad, "there is nothing to write"));
    assert_eq!(party.room(author).status().pending, 0);
}

#[test]
fn what_waits_for_an_app_that_stalls_for_long_is_replaced_by_a_snapshot() {
    let mut party = Party::new(11, game).config(Config { log_bytes_max: 16 * 1024, ..often() });
    let guests = voters::<3>(&mut party);
    let stalled = guests[2];
    party.freeze(stalled, Duration::from_secs(20));
    let proposals: Vec<_> =
        (0..40).map(|line| party.room(stalled).propose(&Write(format!("mine {line}"))).unwrap()).collect();
    party.room(stalled).read().unwrap();
    write_lines(&mut party, guests[0], "line", 400);
    assert_eq!(heard(&mut party, stalled).effects.len(), 0);
    party.run_for(Duration::from_secs(15));
    let expected = board(&mut party, guests[0]);
    assert_eq!((board(&mut party, stalled), expected.0.len()), (expected, 440));
    let heard = heard(&mut party, stalled);
    assert_eq!(heard.restored.len(), 1);
    assert!(heard.effects.len() < 200, "{} were still carried out one by one", heard.effects.len());
    let settled: Vec<_> = heard.settled.iter().map(|(proposal, _)| *proposal).collect();
    assert_eq!(settled, proposals, "each once, in order");
    let unknown = heard.settled.iter().filter(|(_, outcome)| *outcome == Outcome::Unknown).count();
    assert_eq!(unknown, 8, "32 are remembered");
    assert_eq!(heard.reads, 1);
}
