//! What happens to a room that is kept, and to a program that can't start.

use super::program::{Host, Player};
use bevy_quorum::{raft::Permission, wire::Invitation};
use libtest_mimic::Trial;
use std::path::Path;

/// Runs all of them one after the other or side by side, as the command line says.
pub fn all() -> Vec<Trial> {
    let story = |name: &str, run: fn()| Trial::test(name, move || Ok(run()));
    vec![
        story("a_room_outlives_its_players_and_the_host_itself", a_room_outlives_its_players_and_the_host_itself),
        story("of_two_players_either_may_be_killed", of_two_players_either_may_be_killed),
        story("a_room_whose_store_is_in_use_is_refused", a_room_whose_store_is_in_use_is_refused),
        story("what_cannot_be_kept_is_refused_in_one_line", what_cannot_be_kept_is_refused_in_one_line),
        story("a_stopped_host_ends_well", a_stopped_host_ends_well),
    ]
}

fn keeper(data: &Path, link: &str) -> Host {
    Host::start(&["--keep", link, "--data", data.to_str().unwrap()])
}

fn is_alone(health: &serde_json::Value) -> bool {
    health["kept"][0]["voters"] == 1 && health["kept"][0]["leads"] == true
}

fn a_room_outlives_its_players_and_the_host_itself() {
    let place = tempfile::tempdir().unwrap();
    let folder = |name: &str| place.path().join(name);
    let rendezvous = Host::start(&[]);
    let mut ada = Player::start(&folder("ada"), &format!("ws://{}", rendezvous.address()));
    let link = ada.link();
    let bob = Player::start(&folder("bob"), &link);
    let keeper_data = folder("kept");
    let kept = keeper(&keeper_data, &link);
    ada.wait("three voters", |status| status["voters"] == 3);
    ada.draw(500);
    let drawn = bob.wait("all numbers", |status| status["count"] == 500);
    ada.wait("everything settled", |status| status["pending"] == 0);
    ada.leave();
    bob.leave();
    kept.wait_for_health("being alone", is_alone);
    kept.0.kill();
    let kept = keeper(&keeper_data, &link);
    kept.wait_for_health("being alone again", is_alone);

    // Both come back, and neither has kept anything.
    let mut ada = Player::start(&folder("new ada"), &link);
    let bob = Player::start(&folder("new bob"), &link);
    let back = ada.wait("all numbers", |status| status["count"] == 500);
    assert_eq!(back["digest"], drawn["digest"]);
    ada.wait("three voters", |status| status["voters"] == 3);
    ada.draw(100);
    bob.wait("more numbers", |status| status["count"] == 600);
    assert_eq!(kept.0.terminate().0, Some(0));
    ada.wait("two voters", |status| status["voters"] == 2);
}

fn of_two_players_either_may_be_killed() {
    let place = tempfile::tempdir().unwrap();
    let folder = |name: &str| place.path().join(name);
    let rendezvous = Host::start(&[]);
    let mut ada = Player::start(&folder("ada"), &format!("ws://{}", rendezvous.address()));
    let link = ada.link();
    let _kept = keeper(&folder("kept"), &link);
    let mut bob = Player::start(&folder("bob"), &link);
    for player in [&ada, &bob] {
        player.wait("three voters", |status| status["voters"] == 3);
    }
    ada.draw(50);
    bob.wait("all numbers", |status| status["count"] == 50);
    ada.kill();
    bob.draw(50);
    bob.wait("his own numbers", |status| status["count"] == 100 && status["pending"] == 0);
    let mut ada = Player::start(&folder("ada"), &link);
    ada.wait("three voters and all numbers", |status| status["voters"] == 3 && status["count"] == 100);
    bob.kill();
    ada.draw(50);
    ada.wait("her own numbers", |status| status["count"] == 150 && status["pending"] == 0);
}

fn a_room_whose_store_is_in_use_is_refused() {
    let data = tempfile::tempdir().unwrap();
    let link = Invitation::new(["ws://127.0.0.1:9"], Permission::Editor).unwrap().to_string();
    let first = keeper(data.path(), &link);
    first.address();
    first.wait_for_health("a waiting room", |health| health["kept"][0]["state"] == "joining");
    let (code, words) = keeper(data.path(), &link).0.end();
    assert_eq!(code, Some(1));
    assert!(words.contains("another program has the room"), "{words}");
    assert_eq!(first.0.terminate().0, Some(0));
}

fn what_cannot_be_kept_is_refused_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("host.toml");
    std::fs::write(&config, "\nkeeps = []\n").unwrap();
    let config = config.to_str().unwrap();
    for (flags, code, part) in [
        (["--keep", "no link"], 1, "can't keep a room"),
        (["--pages", "no/such/folder"], 1, "cargo xtask web"),
        (["--config", config], 2, "line 2"),
        (["--rooms", "0"], 2, "lets nobody in"),
        (["--turn", "turn:a"], 2, "turn-secret-file"),
    ] {
        let (ended, words) = Host::start(&flags).0.end();
        assert_eq!((ended, words.lines().count()), (Some(code), 1), "{words}");
        assert!(words.contains(part), "{words}");
    }
}

fn a_stopped_host_ends_well() {
    let host = Host::start(&[]);
    host.address();
    let (code, words) = host.0.terminate();
    assert_eq!(code, Some(0), "{words}");
}
