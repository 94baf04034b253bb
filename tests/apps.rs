//! Whole apps in one room: commands, also from outside an app's frames, whispers, peers, stalls and restarts, in virtual
//! time.
#![cfg(feature = "playtest")]
#![allow(clippy::unwrap_used, missing_docs)]

use bevy_app::App;
use bevy_ecs::prelude::*;
use bevy_quorum::{
    link::{Lane, Link, LinkEvent, Plane, in_process::Conditions},
    playtest::{Guest, Party},
    prelude::*,
    wire::PROTOCOL_VERSION,
};
use serde::{Deserialize, Serialize};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Wake, Waker},
    time::Duration,
};

/// Adds to the total; a total over 1,000 is refused.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Add(u32);

impl Portable for Add {
    const NAME: &'static str = "add";
}

/// Where somebody points.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq)]
struct Point(u16, u16);

impl Portable for Point {
    const NAME: &'static str = "point";
}

/// What a peer has seen.
#[derive(Resource, Default)]
struct Seen {
    adds: Vec<(u64, NodeId, u32)>,
    effects: usize,
    points: Vec<(NodeId, Point)>,
    settled: Vec<(Proposal, Outcome)>,
    restored: Vec<(Proposal, u32)>,
    leaders: Vec<Option<NodeId>>,
}

fn add(add: In<Committed<Add>>, mut seen: ResMut<Seen>) -> Result<(), Reject> {
    let total: u32 = seen.adds.iter().map(|(.., amount)| amount).sum();
    if total + add.0.0 > 1_000 {
        return Err(Reject::because("the total is full"));
    }
    seen.adds.push((add.index.0, add.author, add.0.0));
    Ok(())
}

fn game(app: &mut App) {
    app.init_resource::<Seen>()
        .add_command(add)
        .add_whisper::<Point>()
        .add_observer(|_: On<Committed<Add>>, mut seen: ResMut<Seen>| seen.effects += 1)
        .add_observer(|point: On<Whispered<Point>>, mut seen: ResMut<Seen>| seen.points.push((point.from, point.value)))
        .add_observer(|settled: On<Settled>, mut seen: ResMut<Seen>| {
            seen.settled.push((settled.proposal, settled.outcome.clone()));
        })
        .add_observer(|restored: On<Restored<Add>>, mut seen: ResMut<Seen>| {
            seen.restored.push((restored.proposal, restored.value.0));
        })
        .add_observer(|change: On<LeaderChanged>, mut seen: ResMut<Seen>| seen.leaders.push(change.leader));
}

/// A party of three voters.
fn three(seed: u64) -> (Party, [Guest; 3]) {
    let mut party = Party::new(seed, game).over(Conditions {
        delay: Duration::from_millis(10),
        jitter: Duration::from_millis(5),
        ..Conditions::default()
    });
    let guests = [party.open(), party.join(), party.join()];
    let all = |party: &mut Party| guests.iter().all(|guest| party.room(*guest).status().voters.len() == 3);
    assert!(party.run_until(Duration::from_secs(10), all), "three voters within ten seconds");
    (party, guests)
}

fn seen(party: &mut Party, guest: Guest) -> &Seen {
    party.app(guest).world().resource::<Seen>()
}

fn leader(party: &Party, guests: &[Guest]) -> Guest {
    let leads = |guest: &&Guest| party.room(**guest).status().role == Role::Leader;
    *guests.iter().find(leads).expect("somebody leads")
}

#[test]
fn commands_of_all_are_carried_out_in_one_order_everywhere() {
    let (mut party, guests) = three(1);
    for round in 0..10 {
        for guest in guests {
            party.room(guest).propose(&Add(round)).unwrap();
        }
    }
    let done = |party: &mut Party| guests.iter().all(|guest| seen(party, *guest).adds.len() == 30);
    assert!(party.run_until(Duration::from_secs(5), done));
    let expected = seen(&mut party, guests[0]).adds.clone();
    for guest in guests {
        assert_eq!(seen(&mut party, guest).adds, expected);
        assert_eq!(seen(&mut party, guest).effects, 30, "one effect for each");
        assert_eq!(seen(&mut party, guest).settled.len(), 10, "own proposals settle, others' don't");
        assert_eq!(party.room(guest).status().pending, 0);
    }
}

#[test]
fn a_handler_refuses_alike_on_every_peer_and_its_author_learns_why() {
    let (mut party, guests) = three(2);
    let proposal = party.room(guests[1]).propose(&Add(5_000)).unwrap();
    let done = |party: &mut Party| !seen(party, guests[1]).settled.is_empty();
    assert!(party.run_until(Duration::from_secs(5), done));
    let (settled, outcome) = seen(&mut party, guests[1]).settled[0].clone();
    assert_eq!(settled, proposal);
    let Outcome::Rejected { reason, .. } = outcome else { panic!("{outcome:?}") };
    assert_eq!(reason.to_string(), "the total is full");
    party.run_for(Duration::from_secs(1));
    for guest in guests {
        assert_eq!((seen(&mut party, guest).adds.len(), seen(&mut party, guest).effects), (0, 0));
    }
}

#[test]
fn a_command_that_is_too_large_is_refused_at_once() {
    #[derive(Serialize, Deserialize)]
    struct Book(Vec<u8>);
    impl Portable for Book {
        const NAME: &'static str = "book";
    }
    let (party, guests) = three(3);
    let refused = party.room(guests[0]).propose(&Book(vec![7; 5_000])).unwrap_err();
    assert!(refused.to_string().contains("larger than the limit of 4096"), "{refused}");
    assert_eq!(party.room(guests[0]).status().pending, 0);
}

#[test]
fn whispers_reach_the_others_and_only_newer_ones_count() {
    let (mut party, guests) = three(4);
    for x in 0..50 {
        party.room(guests[0]).whisper(&Point(x, 0)).unwrap();
        party.run_for(Duration::from_millis(1));
    }
    party.run_for(Duration::from_millis(100));
    let me = party.room(guests[0]).status().node.unwrap();
    assert!(seen(&mut party, guests[0]).points.is_empty(), "nobody hears themselves");
    for guest in [guests[1], guests[2]] {
        let points = &seen(&mut party, guest).points;
        assert!(points.iter().all(|(from, _)| *from == me));
        assert!(points.is_sorted_by(|(_, a), (_, b)| a.0 < b.0), "older than the newest never arrives: {points:?}");
        assert_eq!(points.last().unwrap().1, Point(49, 0));
    }
}

#[test]
fn peers_are_entities_that_show_who_votes_and_who_leads() {
    let (mut party, guests) = three(5);
    let leading = leader(&party, &guests);
    let leader_node = party.room(leading).status().node.unwrap();
    for guest in guests {
        let mine = party.room(guest).status().node.unwrap();
        let world = party.app(guest).world_mut();
        let mut peers = world.query::<(&Peer, Has<Voter>, Has<Leader>, Option<&LinkStats>)>();
        let peers: Vec<_> = peers.iter(world).collect();
        assert_eq!(peers.len(), 2);
        for (peer, votes, leads, link) in peers {
            assert_ne!(peer.node, mine);
            assert!(votes);
            assert_eq!(leads, peer.node == leader_node);
            assert!(link.unwrap().round_trip.unwrap() >= Duration::from_millis(20));
        }
    }
}

#[test]
fn a_leader_whose_frames_stall_stays_leader_and_others_go_on_committing() {
    let (mut party, guests) = three(6);
    let leading = leader(&party, &guests);
    let other = *guests.iter().find(|guest| **guest != leading).unwrap();
    let (term, node) = (party.room(leading).status().term, party.room(leading).status().node);
    party.freeze(leading, Duration::from_secs(3));
    let start = party.now();
    for committed in 1..=20 {
        party.room(other).propose(&Add(1)).unwrap();
        let done = |party: &mut Party| seen(party, other).settled.len() == committed;
        assert!(party.run_until(Duration::from_millis(150), done), "commit {committed} at its usual latency");
    }
    assert!(party.now() - start < Duration::from_secs(3), "all of it within the stall");
    assert_eq!(seen(&mut party, leading).adds.len(), 0, "its own frames stand still");
    party.run_for(Duration::from_secs(3));
    assert_eq!(seen(&mut party, leading).adds.len(), 20, "and catch up afterwards");
    assert_eq!((party.room(other).status().term, party.room(other).status().leader), (term, node));
}

#[test]
fn what_a_handle_proposes_is_decided_while_its_own_app_draws_no_frame() {
    let (mut party, [author, other, _]) = three(12);
    let handle = party.room(author).handle().unwrap();
    let before = handle.status().commit;
    party.freeze(author, Duration::from_secs(3));
    let proposal = handle.propose(&Add(7)).unwrap();
    party.run_for(Duration::from_secs(1));
    assert_eq!(seen(&mut party, other).adds.iter().map(|(.., amount)| *amount).collect::<Vec<_>>(), [7]);
    assert_eq!(seen(&mut party, author).adds.len(), 0, "its own frames stand still");
    assert!(handle.status().commit > before, "and yet it knows");
    assert_eq!(handle.status().pending, 1, "its app has not heard of it");
    party.run_for(Duration::from_secs(3));
    assert_eq!(seen(&mut party, author).adds.iter().map(|(.., amount)| *amount).collect::<Vec<_>>(), [7]);
    let settled = &seen(&mut party, author).settled;
    assert!(matches!(settled[..], [(known, Outcome::Committed(_))] if known == proposal), "{settled:?}");
    assert_eq!(handle.status().pending, 0);
}

#[test]
fn proposals_of_a_room_and_its_handles_have_names_of_their_own() {
    let (mut party, [author, ..]) = three(13);
    let handle = party.room(author).handle().unwrap();
    let proposals: Vec<_> = (0..6)
        .map(|number| {
            let add = Add(number);
            if number % 2 == 0 { handle.propose(&add).unwrap() } else { party.room(author).propose(&add).unwrap() }
        })
        .collect();
    party.run_for(Duration::from_secs(1));
    let seen = seen(&mut party, author);
    let amounts: Vec<_> = seen.adds.iter().map(|(.., amount)| *amount).collect();
    assert_eq!(amounts, [0, 1, 2, 3, 4, 5], "in the order in which they were made");
    assert_eq!(seen.settled.iter().map(|(proposal, _)| *proposal).collect::<Vec<_>>(), proposals);
}

#[test]
fn a_handle_says_so_once_its_room_is_left() {
    let (mut party, [author, ..]) = three(14);
    let handle = party.room(author).handle().unwrap();
    let app = party.app(author);
    let room = app.world_mut().query_filtered::<Entity, With<Room>>().single(app.world()).unwrap();
    app.world_mut().despawn(room);
    assert!(matches!(handle.propose(&Add(1)), Err(ProposeError::Closed)));
    assert_eq!(handle.status().pending, 0);
}

#[test]
fn when_the_leader_dies_the_others_elect_another_and_nothing_is_lost() {
    let (mut party, guests) = three(7);
    let dead = leader(&party, &guests);
    let alive: Vec<_> = guests.into_iter().filter(|guest| *guest != dead).collect();
    party.kill(dead);
    for guest in &alive {
        party.room(*guest).propose(&Add(1)).unwrap();
    }
    let done = |party: &mut Party| alive.iter().all(|guest| seen(party, *guest).adds.len() == 2);
    assert!(party.run_until(Duration::from_secs(3), done));
    party.restart(dead);
    let back = |party: &mut Party| seen(party, dead).adds.len() == 2;
    assert!(party.run_until(Duration::from_secs(5), back), "who comes back catches up");
    assert!(seen(&mut party, alive[0]).leaders.iter().flatten().count() >= 2);
}

#[test]
fn what_waited_at_a_crash_is_restored_and_settles_after_the_restart() {
    let (mut party, guests) = three(8);
    let author = guests[2];
    let address = party.address(author);
    party.network().partition(&[address]);
    party.room(author).propose(&Add(3)).unwrap();
    party.room(author).propose(&Add(4)).unwrap();
    party.run_for(Duration::from_secs(1));
    assert_eq!(party.room(author).status().pending, 2);
    party.kill(author);
    party.network().heal();
    party.restart(author);
    party.run_for(Duration::from_millis(50));
    let restored: Vec<_> = seen(&mut party, author).restored.iter().map(|(_, amount)| *amount).collect();
    assert_eq!(restored, [3, 4]);
    let done = |party: &mut Party| guests.iter().all(|guest| seen(party, *guest).adds.len() == 2);
    assert!(party.run_until(Duration::from_secs(10), done));
    assert_eq!(seen(&mut party, author).settled.len(), 2);
    assert_eq!(party.room(author).status().pending, 0);
}

#[test]
fn a_pair_goes_on_alone_when_its_follower_dies_and_lets_it_in_again() {
    let mut party = Party::new(9, game);
    let guests = [party.open(), party.join()];
    let both = |party: &mut Party| party.room(guests[1]).status().voters.len() == 2;
    assert!(party.run_until(Duration::from_secs(10), both));
    party.kill(guests[1]);
    party.room(guests[0]).propose(&Add(1)).unwrap();
    let done = |party: &mut Party| seen(party, guests[0]).settled.len() == 1;
    assert!(party.run_until(Duration::from_secs(5), done), "the leader drops it within five seconds");
    assert_eq!(party.room(guests[0]).status().voters.len(), 1);
    party.restart(guests[1]);
    let back = |party: &mut Party| seen(party, guests[1]).adds.len() == 1 && both(party);
    assert!(party.run_until(Duration::from_secs(10), back));
    assert_eq!(party.room(guests[0]).status().voters.len(), 2);
}

#[test]
fn a_store_that_fails_stops_its_room_with_the_reason_and_the_others_go_on() {
    let (mut party, guests) = three(10);
    party.disk(guests[2]).fail();
    party.room(guests[0]).propose(&Add(1)).unwrap();
    party.room(guests[1]).propose(&Add(1)).unwrap();
    let failed = |party: &mut Party| {
        let world = party.app(guests[2]).world_mut();
        world.query::<&RoomState>().iter(world).any(|state| matches!(state, RoomState::Failed(_)))
    };
    assert!(party.run_until(Duration::from_secs(5), failed));
    let done = |party: &mut Party| seen(party, guests[0]).adds.len() == 2;
    assert!(party.run_until(Duration::from_secs(5), done));
}

#[test]
fn an_app_that_sleeps_is_woken_again_while_commands_wait_for_their_turn() {
    struct Rings(AtomicUsize);
    impl Wake for Rings {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let rings = Arc::new(Rings(AtomicUsize::new(0)));
    let bell = Waker::from(rings.clone());
    let mut party = Party::new(11, move |app| {
        game(app);
        app.insert_resource(AppBell::new(bell.clone())).insert_resource(ApplyBudget(Duration::ZERO));
    });
    let host = party.open();
    party.run_for(Duration::from_secs(1));
    party.freeze(host, Duration::from_secs(1));
    for _ in 0..5 {
        party.room(host).propose(&Add(1)).unwrap();
    }
    party.run_for(Duration::from_millis(900));
    for carried_out in 1..=4 {
        rings.0.store(0, Ordering::Relaxed);
        party.app(host).update();
        assert_eq!(seen(&mut party, host).adds.len(), carried_out, "one a frame, without a budget");
        assert!(rings.0.load(Ordering::Relaxed) > 0, "there is more to do");
    }
}

#[test]
fn whom_another_version_keeps_apart_is_shown_until_they_have_stopped_trying() {
    let mut party = Party::new(12, game);
    let host = party.open();
    party.run_for(Duration::from_secs(1));
    let mut stranger = party.network().endpoint();
    party.run_for(Duration::from_millis(100));
    let opened = |event| match event {
        LinkEvent::Opened { link, plane: Plane::Consensus } => Some(link),
        _ => None,
    };
    let link = std::iter::from_fn(|| stranger.poll()).find_map(opened).unwrap();
    assert_eq!(party.room(host).status().other_version, None);
    let theirs = PROTOCOL_VERSION + 1;
    stranger.send(link, Lane::Reliable, [&theirs.to_le_bytes()[..], b"a hello of tomorrow"].concat().into());
    party.run_for(Duration::from_millis(100));
    assert_eq!(party.room(host).status().other_version, Some(theirs));
    party.freeze(host, Duration::from_secs(11 * 60));
    party.run_for(Duration::from_secs(11 * 60));
    assert_eq!(party.room(host).status().other_version, None);
}
