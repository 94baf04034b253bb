//! Whiteboards in processes of their own, over real WebRTC and real disks, through killings.

#![cfg(unix)]
#![allow(missing_docs)]
#![allow(clippy::unwrap_used)]

mod relay;
mod support;

use bevy_quorum::wire::Invitation;
use relay::{CREDENTIAL, Relay, USERNAME};
use support::{Place, StrokeFile, Whiteboard, agreed, strokes};

/// What each of them draws.
const STROKES: usize = 1_000;

/// A file of strokes for everybody in a place.
fn files<const N: usize>(place: &Place, count: usize) -> [StrokeFile; N] {
    std::array::from_fn(|hand| StrokeFile::write(place.path(&format!("{hand}.json")), &strokes(hand, count)))
}

/// Which of them leads, and the others.
fn leader_and_rest<const N: usize>(party: [Whiteboard; N]) -> (Whiteboard, Vec<Whiteboard>) {
    let leader = party[0].wait("a leader", |status| status.leader.is_some()).leader.unwrap();
    let (mut leaders, rest): (Vec<_>, Vec<_>) = party.into_iter().partition(|one| one.status().node == leader);
    (leaders.pop().unwrap(), rest)
}

#[test]
fn a_killed_leader_takes_nothing_with_it() {
    let place = Place::new();
    let party = place.party(["a", "b", "c"]);
    let [a, b, c] = files::<3>(&place, STROKES);
    let draw = |file: &StrokeFile| ["--draw".to_owned(), file.as_ref().to_owned()];
    let arguments = [draw(&a), draw(&b), draw(&c)];
    let arguments = arguments.each_ref().map(|pair| [pair[0].as_str(), pair[1].as_str()]);
    let party = place.restart(party, arguments.each_ref().map(|pair| pair.as_slice()));

    for one in &party {
        one.wait("half of all strokes", |status| status.strokes >= STROKES * 3 / 2);
    }
    let (leader, rest) = leader_and_rest(party);
    let killed = leader.kill();
    let last = killed.last.unwrap();

    let survivors: Vec<&Whiteboard> = rest.iter().collect();
    let without = agreed(&survivors).strokes;
    assert!(without >= 3 * STROKES - last.pending, "what was reported committed is there: {without}, {last:?}");

    let back = place.whiteboard(&killed.name, &[]);
    back.wait("a leader", |status| status.leader.is_some() && status.strokes >= without);
    let everybody: Vec<&Whiteboard> = rest.iter().chain([&back]).collect();
    let with = agreed(&everybody).strokes;
    assert!((without..=3 * STROKES).contains(&with), "each stroke is there once: {with}");
}

#[test]
fn a_board_survives_the_killing_of_everybody() {
    let place = Place::new();
    let party = place.party(["a", "b", "c"]);
    let [file] = files::<1>(&place, 300);
    let party = place.restart(party, [&["--draw", file.as_ref()], &[], &[]]);
    let [a, b, c] = &party;
    a.wait("its strokes", |status| status.strokes == 300);
    let before = agreed(&[a, b, c]);

    let party = place.restart(party, [&[], &[], &[]]);
    let [a, b, c] = &party;
    a.wait("its strokes", |status| status.strokes == 300);
    assert_eq!(agreed(&[a, b, c]).digest, before.digest);
}

#[test]
fn drawing_goes_on_when_signaling_is_killed() {
    let mut place = Place::new();
    let party = place.party(["a", "b", "c"]);
    let files = files::<3>(&place, STROKES);
    let arguments = files.each_ref().map(|file| ["--draw", file.as_ref()]);
    let party = place.restart(party, arguments.each_ref().map(|pair| pair.as_slice()));
    let [a, b, c] = &party;
    a.wait("a few strokes", |status| status.strokes > 0);
    place.rendezvous = None;
    for one in [a, b, c] {
        one.wait("everything drawn", |status| status.strokes == 3 * STROKES && status.pending == 0);
    }
    agreed(&[a, b, c]);
}

#[test]
fn a_newcomer_comes_in_by_the_second_address_when_the_first_is_dead() {
    let mut place = Place::new();
    let host = place.whiteboard("host", &["--signal", place.url(), "--listen", "127.0.0.1:0"]);
    let link = host.invitation();
    assert_eq!(link.parse::<Invitation>().unwrap().rendezvous().len(), 2);
    let guest = place.whiteboard("guest", &[&link]);
    guest.wait("a vote", |status| status.voters.len() == 2);
    place.rendezvous = None;
    let newcomer = place.whiteboard("newcomer", &[&link]);
    for one in [&host, &guest, &newcomer] {
        one.wait("three who vote and see each other", |status| status.voters.len() == 3 && status.peers.len() == 2);
    }
}

#[test]
fn those_who_hide_their_addresses_meet_through_a_relay_and_are_told_so() {
    let Some(relay) = Relay::start() else { return };
    let place = Place::new();
    let url = relay.url();
    let hidden = ["--relay-only", "--ice-server", &url, "--ice-username", USERNAME, "--ice-credential", CREDENTIAL];
    let host = place.whiteboard("host", &[&hidden[..], &["--signal", place.url()]].concat());
    let guest = place.whiteboard("guest", &[&hidden[..], &[&host.invitation()]].concat());
    for one in [&host, &guest] {
        let met =
            one.wait("a relayed peer that votes", |status| status.voters.len() == 2 && !status.relayed.is_empty());
        assert_eq!(met.relayed, met.peers);
    }
}

#[test]
fn of_two_the_leader_goes_on_alone_and_the_follower_catches_up() {
    let place = Place::new();
    let party = place.party(["a", "b"]);
    let files = files::<2>(&place, STROKES);
    let arguments = files.each_ref().map(|file| ["--draw", file.as_ref()]);
    let party = place.restart(party, arguments.each_ref().map(|pair| pair.as_slice()));
    for one in &party {
        // Only a leader that has committed something in its own term may go on alone.
        one.wait("a few strokes", |status| status.strokes > 0);
    }
    let (leader, mut rest) = leader_and_rest(party);
    let follower = rest.pop().unwrap().kill();

    let alone = leader.wait("being alone, with everything settled", |status| {
        status.voters == [status.node.clone()] && status.pending == 0
    });
    assert!(alone.strokes >= STROKES);

    let back = place.whiteboard(&follower.name, &[]);
    back.wait("being let in again", |status| status.voters.len() == 2);
    agreed(&[&leader, &back]);
}

#[test]
fn of_two_the_follower_keeps_drawing_and_waits_for_its_leader() {
    let place = Place::new();
    let party = place.party(["a", "b"]);
    let (leader, mut rest) = leader_and_rest(party);
    let (leader, follower) = (leader.kill(), rest.pop().unwrap().kill());
    let [file] = files::<1>(&place, STROKES);

    let follower = place.whiteboard(&follower.name, &["--draw", file.as_ref()]);
    let waiting = follower.wait("all drawn, none saved", |status| status.pending == STROKES);
    assert_eq!((waiting.strokes, waiting.leader, waiting.voters.len()), (0, None, 2));

    let leader = place.whiteboard(&leader.name, &[]);
    let saved = follower.wait("everything saved", |status| status.pending == 0);
    assert_eq!(saved.strokes, STROKES);
    agreed(&[&leader, &follower]);
}

#[test]
fn what_waits_in_an_outbox_survives_a_killing() {
    let place = Place::new();
    let (leader, mut rest) = leader_and_rest(place.party(["a", "b"]));
    let (leader, follower) = (leader.kill(), rest.pop().unwrap().kill());
    let [file] = files::<1>(&place, STROKES);

    let drawing = place.whiteboard(&follower.name, &["--draw", file.as_ref()]);
    drawing.wait("all drawn, none saved", |status| status.pending == STROKES);
    drawing.kill();
    let follower = place.whiteboard(&follower.name, &[]);
    let kept = follower.wait("what was drawn before", |status| status.pending > 0).pending;

    let leader = place.whiteboard(&leader.name, &[]);
    let saved = follower.wait("everything saved", |status| status.pending == 0);
    assert_eq!(saved.strokes, kept);
    agreed(&[&leader, &follower]);
}

#[test]
fn who_leaves_hands_over_first() {
    let place = Place::new();
    let (leader, rest) = leader_and_rest(place.party(["a", "b", "c"]));
    let gone = leader.status().node;
    assert_eq!(leader.leave(), (Some(0), String::new()));
    for one in &rest {
        let after = one.wait("another leader, and no vote of who left", |status| {
            status.leader.as_ref().is_some_and(|leader| *leader != gone) && !status.voters.contains(&gone)
        });
        assert!(after.learners.contains(&gone), "who leaves stays a member: {after:?}");
    }
}

#[test]
fn a_board_whose_others_are_gone_for_good_is_continued_as_a_new_one() {
    let place = Place::new();
    let [file] = files::<1>(&place, 300);
    let party = place.party(["a", "b", "c"]);
    let link = party[0].invitation();
    let [a, b, c] = place.restart(party, [&["--draw", file.as_ref()], &[], &[]]);
    a.wait("its strokes", |status| status.strokes == 300);
    let drawn = agreed(&[&a, &b, &c]);
    // Somebody comes, so that what is stored from now on says that all this is committed.
    let d = place.whiteboard("d", &[&link]);
    c.wait("a fourth voter", |status| status.voters.len() == 4);
    let _gone = [a, b, d].map(Whiteboard::kill);
    let left = c.kill();

    // Alone it can't go on with the old board.
    let stranded = place.whiteboard(&left.name, &[]);
    let before = stranded.wait("what is stored", |status| status.strokes == 300);
    assert_eq!((&before.leader, &before.digest), (&None, &drawn.digest));
    stranded.kill();
    let newer = place.path("newer");
    let newer = ["--continue-as-new", newer.to_str().unwrap()];
    let alone = place.whiteboard(&left.name, &newer);
    let after = alone.wait("a board of its own", |status| status.leads() && status.voters.len() == 1);
    assert_eq!((after.strokes, &after.digest), (before.strokes, &before.digest));
    assert_ne!(alone.invitation(), link, "who was invited to the old one is not invited to the new one");

    let friend = place.whiteboard("friend", &[&alone.invitation(), "--draw", file.as_ref()]);
    let all = before.strokes + 300;
    friend.wait("the old strokes and its own", |status| status.strokes == all && status.pending == 0);
    let both = agreed(&[&alone, &friend]);
    alone.kill();
    let back = place.whiteboard("newer", &[]);
    back.wait("the new board", |status| status.strokes == all);
    assert_eq!(agreed(&[&back, &friend]).digest, both.digest);
}
