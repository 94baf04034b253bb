//! Rooms that are continued as new ones, in virtual time.
#![cfg(feature = "playtest")]
#![allow(clippy::unwrap_used, missing_docs)]

use bevy_app::App;
use bevy_ecs::prelude::*;
use bevy_quorum::{
    playtest::{Guest, Party},
    prelude::*,
    raft::Config,
    replicate::Parent,
    storage::MemoryDisk,
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Write(String);

impl Portable for Write {
    const NAME: &'static str = "write";
}

/// What everybody wrote, and where in the log.
#[derive(Resource, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
struct Board(Vec<(LogIndex, String)>);

impl Portable for Board {
    const NAME: &'static str = "board";
}

#[derive(Resource, Default)]
struct Heard {
    settled: Vec<(Proposal, Outcome)>,
    reads: Vec<Result<LogIndex, ReadError>>,
}

fn write(write: In<Committed<Write>>, mut board: ResMut<Board>) -> Result<(), Reject> {
    board.0.push((write.index, write.value.0.clone()));
    Ok(())
}

fn game(app: &mut App) {
    app.init_resource::<Board>()
        .init_resource::<Heard>()
        .replicate_resource::<Board>()
        .add_command(write)
        .add_observer(|done: On<ReadDone>, mut heard: ResMut<Heard>| heard.reads.push(done.outcome))
        .add_observer(|settled: On<Settled>, mut heard: ResMut<Heard>| {
            heard.settled.push((settled.proposal, settled.outcome.clone()));
        });
}

fn board(party: &mut Party, who: Guest) -> Vec<(LogIndex, String)> {
    party.app(who).world().resource::<Board>().0.clone()
}

fn lines(party: &mut Party, who: Guest) -> Vec<String> {
    board(party, who).into_iter().map(|(_, line)| line).collect()
}

fn heard(party: &mut Party, who: Guest) -> &Heard {
    party.app(who).world().resource::<Heard>()
}

fn say(party: &mut Party, who: Guest, text: &str) -> Proposal {
    let proposal = party.room(who).propose(&Write(text.to_owned())).unwrap();
    party.run_for(Duration::from_millis(100));
    proposal
}

/// A room of three that wrote something, and the one whose two partners died.
fn stranded(seed: u64) -> (Party, Guest) {
    let mut party = Party::new(seed, game).config(Config { mark_entries: 20, tail_bytes: 256, ..Config::default() });
    let guests = [party.open(), party.join(), party.join()];
    let all = |party: &mut Party| guests.iter().all(|guest| party.room(*guest).status().voters.len() == 3);
    assert!(party.run_until(Duration::from_secs(10), all));
    for line in 0..30 {
        say(&mut party, guests[line % 3], &format!("line {line}"));
    }
    party.kill(guests[1]);
    party.kill(guests[2]);
    party.run_for(Duration::from_secs(3));
    (party, guests[0])
}

#[test]
fn a_room_goes_on_as_a_new_one_from_what_was_decided_with_ones_own_proposals_again() {
    let (mut party, host) = stranded(1);
    let old = party.room(host).status().clone();
    let old_invitation = party.room(host).invitation().unwrap().clone();
    let pending = [say(&mut party, host, "waits"), say(&mut party, host, "waits too")];
    party.room(host).read().unwrap();
    assert_eq!((lines(&mut party, host).len(), party.room(host).status().pending), (30, 2));
    let before = heard(&mut party, host).settled.len();

    party.continue_as_new(host, MemoryDisk::new()).unwrap();
    party.run_for(Duration::from_secs(2));
    let status = party.room(host).status().clone();
    assert_eq!((status.role, status.voters.len(), status.pending), (Role::Leader, 1, 0));
    assert_ne!(status.node, old.node);
    let invitation = party.room(host).invitation().unwrap().clone();
    assert!(invitation.cluster != old_invitation.cluster && invitation.secret != old_invitation.secret);
    let parent = Parent { cluster: old_invitation.cluster, index: old.applied };
    assert_eq!(party.room(host).parent(), Some(parent));
    let heard = heard(&mut party, host);
    let settled: Vec<_> = heard.settled[before..].iter().map(|(proposal, _)| *proposal).collect();
    assert_eq!(settled, pending);
    assert_eq!(heard.reads, [Err(ReadError::Closed)]);
    let lines = lines(&mut party, host);
    assert_eq!((lines.len(), &lines[30..]), (32, &["waits".to_owned(), "waits too".to_owned()][..]));
    assert!(board(&mut party, host).is_sorted_by(|a, b| a.0 < b.0), "places of the log are not given out twice");
    let world = party.app(host).world_mut();
    assert_eq!(world.query::<&Room>().iter(world).count(), 1, "the old room is left");

    let guest = party.join();
    party.run_for(Duration::from_secs(3));
    assert_eq!(board(&mut party, guest), board(&mut party, host));
    assert_eq!(party.room(guest).parent(), Some(parent), "newcomers know it too");
    say(&mut party, guest, "goes on");
    party.run_for(Duration::from_secs(1));
    assert_eq!(board(&mut party, host).len(), 33);
}

#[test]
fn the_old_store_stays_as_it_is_and_the_new_one_outlives_a_crash() {
    let (mut party, host) = stranded(2);
    say(&mut party, host, "waits");
    let old = party.disk(host).clone();
    party.continue_as_new(host, MemoryDisk::new()).unwrap();
    party.run_for(Duration::from_secs(1));
    let opened = old.open().unwrap();
    assert_eq!(opened.durable.outbox.len(), 1, "what waited there goes on waiting");
    let parent = party.room(host).parent().unwrap();
    assert_eq!(opened.identity.invitation.cluster, parent.cluster);
    assert!(opened.durable.commit >= parent.index);
    for line in 0..30 {
        say(&mut party, host, &format!("new {line}"));
    }
    party.kill(host);
    party.restart(host);
    party.run_for(Duration::from_secs(2));
    assert_eq!((board(&mut party, host).len(), party.room(host).parent()), (61, Some(parent)));
}

#[test]
fn a_room_that_cannot_be_continued_goes_on_and_says_why() {
    let (mut party, host) = stranded(3);
    let occupied = party.disk(host).clone();
    let refused = party.continue_as_new(host, occupied).unwrap_err();
    assert!(refused.to_string().contains("another folder"), "{refused}");
    let waits = party.room(host).propose(&Write("waits".to_owned())).unwrap();
    party.restart(Guest(1));
    party.run_for(Duration::from_secs(5));
    assert_eq!(heard(&mut party, host).settled.last().unwrap().0, waits, "it is decided where it was proposed");
    party.kill(host);
    party.restart(host);
    let refused = party.continue_as_new(host, MemoryDisk::new()).unwrap_err();
    assert!(refused.to_string().contains("not carried out yet"), "{refused}");
}
