//! What the whiteboard's command line promises to people and scripts.

#![cfg(unix)]
#![allow(missing_docs)]
#![allow(clippy::unwrap_used)]

mod support;

use bevy_quorum::{raft::Permission, wire::Invitation};
use std::{fs, net::TcpListener};
use support::{Place, StrokeFile, agreed, refused, strokes};

/// The address of a server that isn't there.
fn nowhere() -> String {
    format!("ws://{}", TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap())
}

#[test]
fn a_wrong_argument_is_refused_by_name() {
    let (code, text) = refused(&["--colour"]);
    assert_eq!(code, Some(2));
    assert!(text.contains("'--colour'") && text.contains("--help"), "{text}");
}

#[test]
fn an_unreachable_server_is_named() {
    let (place, url) = (Place::new(), nowhere());
    let data = place.path("new");
    let (_, text) = refused(&["--headless", "--data", data.to_str().unwrap(), "--signal", &url]);
    assert!(text.contains(&url), "{text}");
    let link = Invitation::new([url.clone()], Permission::Editor).unwrap().to_string();
    let (_, text) = refused(&["--headless", "--data", data.to_str().unwrap(), &link]);
    assert!(text.contains(&url), "{text}");
}

#[test]
fn a_link_that_cannot_be_read_is_refused() {
    let link = Invitation::new([nowhere()], Permission::Editor).unwrap().to_string();
    assert!(refused(&["--headless", "http://example.org/"]).1.contains("invitation"));
    assert!(refused(&["--headless", &link[..link.len() - 3]]).1.contains("copy the whole link"));
    let (_, text) = refused(&["--headless", &link.replace("#q3.", "#q999.")]);
    assert!(text.contains("999"), "{text}");
}

#[test]
fn a_link_of_another_room_than_the_folders_is_refused() {
    let place = Place::new();
    let (mine, other) = (place.open("mine"), place.open("other"));
    let link = other.invitation();
    mine.invitation();
    assert_eq!(mine.leave(), (Some(0), String::new()));
    let (_, text) = refused(&["--headless", "--data", place.path("mine").to_str().unwrap(), &link]);
    assert!(text.contains("another folder"), "{text}");
}

#[test]
fn a_folder_in_use_is_refused_and_its_board_goes_on() {
    let place = Place::new();
    let data = place.path("own");
    let data = data.to_str().unwrap();
    let own = place.whiteboard("own", &["--listen", "127.0.0.1:0"]);
    let link = own.invitation();
    assert!(refused(&["--headless", "--data", data]).1.contains("another program"));
    own.kill();
    assert_eq!(place.whiteboard("own", &[]).invitation(), link);
}

#[test]
fn a_damaged_board_is_refused_and_left_untouched() {
    let place = Place::new();
    let board = place.open("damaged");
    board.invitation();
    board.leave();
    let file = place.path("damaged").join("room.redb");
    let mut bytes = fs::read(&file).unwrap();
    bytes[..256].fill(0x55);
    fs::write(&file, &bytes).unwrap();
    let (_, text) = refused(&["--headless", "--data", place.path("damaged").to_str().unwrap()]);
    assert!(text.contains("damaged"), "{text}");
    assert_eq!(fs::read(&file).unwrap(), bytes);
}

#[test]
fn a_stroke_file_with_a_fault_is_refused_with_the_place() {
    let place = Place::new();
    let file = StrokeFile::write(place.path("strokes.json"), &[serde_json::json!({ "color": "red" })]);
    let data = place.path("new");
    let (_, text) = refused(&["--headless", "--data", data.to_str().unwrap(), "--draw", file.as_ref()]);
    assert!(text.contains("line 1") && text.contains("red"), "{text}");
    assert!(!data.exists(), "nothing was begun");
}

#[test]
fn a_board_with_its_own_server_keeps_its_link() {
    let place = Place::new();
    let first = place.whiteboard("host", &["--listen", "127.0.0.1:0"]);
    let link = first.invitation();
    assert!(link.starts_with("http://127.0.0.1:"), "{link}");
    let guest = place.whiteboard("guest", &[&link]);
    guest.wait("a vote", |status| status.voters.len() == 2);
    first.kill();
    let again = place.whiteboard("host", &[]);
    assert_eq!(again.invitation(), link);
    guest.wait("both", |status| status.voters.len() == 2 && status.leader.is_some());
}

#[test]
fn who_may_only_view_changes_nothing() {
    let place = Place::new();
    let host = place.open("host");
    let link: Invitation = host.invitation().parse().unwrap();
    let link = link.with_permission(Permission::Viewer).unwrap().to_string();
    let file = StrokeFile::write(place.path("strokes.json"), &strokes(0, 3));
    let viewer = place.whiteboard("viewer", &[&link, "--draw", file.as_ref()]);
    viewer.wait("its strokes refused", |status| status.voters.len() == 2 && status.pending == 0);
    assert_eq!(agreed(&[&host, &viewer]).strokes, 0);
}
