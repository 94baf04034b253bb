//! A witness keeps a room of a game that it doesn't have, for whole apps in virtual time.
#![cfg(feature = "playtest")]
#![allow(clippy::unwrap_used, missing_docs)]

use bevy_app::{App, AppExit};
use bevy_ecs::prelude::*;
use bevy_quorum::{
    playtest::{Guest, Party},
    prelude::*,
    raft::{Config, Rejected},
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// Draws a stroke.
#[derive(Serialize, Deserialize)]
struct Draw(u32);

impl Portable for Draw {
    const NAME: &'static str = "draw";
}

/// All strokes.
#[derive(Resource, Serialize, Deserialize, Default, Clone, Debug, PartialEq)]
struct Board(Vec<u32>);

impl Portable for Board {
    const NAME: &'static str = "board";
}

/// What became of this app's proposals.
#[derive(Resource, Default)]
struct Outcomes(Vec<Outcome>);

fn draw(draw: In<Committed<Draw>>, mut board: ResMut<Board>) -> Result<(), Reject> {
    board.0.push(draw.value.0);
    Ok(())
}

fn whiteboard(app: &mut App) {
    app.init_resource::<Board>().replicate_resource::<Board>().add_command(draw);
}

/// Two players and a witness, all of them voters; a snapshot is agreed on every 20 entries.
fn pair_with_witness(seed: u64) -> (Party, [Guest; 2], Guest) {
    let often = Config { mark_entries: 20, tail_bytes: 256, ..Config::default() };
    let mut party = Party::new(seed, whiteboard).config(often);
    let players = [party.open(), party.join()];
    party.run_for(SECOND * 3);
    let witness = party.join_as_witness();
    let all_vote = |party: &mut Party| party.room(witness).status().voters.len() == 3;
    assert!(party.run_until(SECOND * 10, all_vote));
    (party, players, witness)
}

fn strokes(party: &mut Party, guest: Guest) -> Vec<u32> {
    party.app(guest).world().resource::<Board>().0.clone()
}

fn draw_all(party: &mut Party, guest: Guest, numbers: std::ops::Range<u32>) {
    for number in numbers {
        party.room(guest).propose(&Draw(number)).unwrap();
        party.run_for(SECOND / 50);
    }
    let settled = |party: &mut Party| party.room(guest).status().pending == 0;
    assert!(party.run_until(SECOND * 10, settled), "{:?}", party.room(guest).status());
}

/// Closes an app in good order, and forgets it.
fn leave(party: &mut Party, guest: Guest) {
    party.app(guest).world_mut().write_message(AppExit::Success);
    party.run_for(SECOND);
    party.kill(guest);
}

#[test]
fn either_player_may_go_and_the_other_draws_on() {
    for gone in [0, 1] {
        let (mut party, players, witness) = pair_with_witness(gone as u64);
        let (gone, stays) = (players[gone], players[1 - gone]);
        draw_all(&mut party, gone, 0..10);
        party.kill(gone);
        draw_all(&mut party, stays, 10..20);
        party.restart(gone);
        let whole = |party: &mut Party| strokes(party, gone) == (0..20).collect::<Vec<_>>();
        assert!(party.run_until(SECOND * 10, whole));
        assert!(party.room(witness).is_witness());
    }
}

#[test]
fn a_room_is_found_again_after_both_players_left_with_stores_they_lost() {
    let (mut party, players, witness) = pair_with_witness(3);
    draw_all(&mut party, players[0], 0..100);
    for player in players {
        leave(&mut party, player);
    }
    let alone = |party: &mut Party| party.room(witness).status().voters == [party.room(witness).status().node.unwrap()];
    assert!(party.run_until(SECOND * 10, alone), "{:?}", party.room(witness).status());
    party.kill(witness);
    party.restart(witness);
    party.run_for(SECOND * 2);

    let newcomers = [party.join(), party.join()];
    for newcomer in newcomers {
        let whole = |party: &mut Party| strokes(party, newcomer) == (0..100).collect::<Vec<_>>();
        assert!(party.run_until(SECOND * 10, whole), "{:?}", party.room(newcomer).status());
    }
    draw_all(&mut party, newcomers[1], 100..120);
    let player_leads = |party: &mut Party| {
        let status = party.room(witness).status();
        status.leader.is_some() && status.leader != status.node
    };
    assert!(party.run_until(SECOND * 20, player_leads), "a witness leads only until a player can");
}

#[test]
fn a_room_is_found_again_after_both_players_were_killed() {
    let (mut party, players, _) = pair_with_witness(4);
    draw_all(&mut party, players[0], 0..30);
    players.into_iter().for_each(|player| party.kill(player));
    party.run_for(SECOND * 30);
    party.restart(players[1]);
    let whole = |party: &mut Party| strokes(party, players[1]) == (0..30).collect::<Vec<_>>();
    assert!(party.run_until(SECOND * 10, whole));
    draw_all(&mut party, players[1], 30..40);
}

#[test]
fn nothing_waits_in_the_app_of_a_witness_and_its_log_is_cut() {
    let (mut party, players, witness) = pair_with_witness(5);
    draw_all(&mut party, players[0], 0..200);
    party.run_for(SECOND * 3);
    let (kept, player) = (party.room(witness).status().clone(), party.room(players[0]).status().clone());
    assert_eq!((kept.commit, kept.applied, kept.snapshot), (player.commit, player.commit, player.snapshot));
    assert!(kept.snapshot > LogIndex(100) && kept.state_error.is_none());
}

#[test]
fn a_witness_proposes_nothing_and_is_not_continued() {
    let (mut party, _, witness) = pair_with_witness(6);
    party.app(witness).init_resource::<Outcomes>().add_observer(|settled: On<Settled>, mut all: ResMut<Outcomes>| {
        all.0.push(settled.outcome.clone());
    });
    party.room(witness).propose(&Draw(1)).unwrap();
    party.run_for(SECOND);
    let outcomes = &party.app(witness).world().resource::<Outcomes>().0;
    assert_eq!(*outcomes, [Outcome::NotTaken(Rejected::Witness)]);
    assert!(!party.room(witness).can_be_continued());
}

#[test]
fn a_witness_leaves_the_state_of_its_app_alone() {
    let mut app = App::new();
    app.add_plugins(QuorumPlugins).init_resource::<Board>().replicate_resource::<Board>();
    app.world_mut().spawn(Room::join("no invitation"));
    app.insert_resource(Board(vec![7]));
    app.world_mut().spawn(Room::join("no invitation").witness());
    assert_eq!(app.world().resource::<Board>().0, [7]);
    app.world_mut().spawn(Room::join("no invitation"));
    assert_eq!(app.world().resource::<Board>().0, [0; 0], "a room that is played in begins at the beginning");
}
