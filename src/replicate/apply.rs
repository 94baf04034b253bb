//! The turn of committed commands: one after the other through their handlers, within a budget a frame.

use super::{
    ApplyBudget, Outcome, Proposal, Read, ReadDone, Reject, Room, RoomState, Settled,
    command::{Circumstances, Handlers},
    continuation,
    keeper::{self, Keeper, Pace},
    whisper::Whispers,
};
use crate::{
    raft::{Applied, Decision, LogIndex, Serial},
    room::{News, ReadError, Report, RoomError, Turn, Whispered},
};
use bevy_ecs::prelude::*;
use bytes::Bytes;
use web_time::Instant;

/// Whether a driver has something for the main world; asked in every frame, so that most frames ask no more.
pub(super) fn anything_waits(rooms: Query<&Room>) -> bool {
    rooms.iter().any(|room| room.shared().is_some_and(|shared| shared.is_rung()))
}

/// Has the world to itself as soon as the frame's other systems allow. An exclusive system would make the frame
/// wait for them even when there is nothing to do.
pub(super) fn take_turns(mut commands: Commands) {
    commands.run_system_cached(take_news);
}

/// Takes what every room's driver has told, and carries out commands as long as the budget lasts.
fn take_news(world: &mut World, rooms: &mut QueryState<Entity, With<Room>>) {
    let rooms: Vec<_> = rooms.iter(world).collect();
    let frame = Instant::now();
    for room in rooms {
        if continuation::is_succeeded(world, room) {
            continue;
        }
        if let Some(shared) = world.get::<Room>(room).and_then(Room::shared) {
            shared.hush();
        }
        deliver_whispers(world, room);
        take_turns_of(world, room, frame);
        if let Some(mut room) = world.get_mut::<Room>(room) {
            count_pending(&mut room);
        }
    }
}

/// A room that waits for nothing new has not changed.
fn count_pending(room: &mut Mut<Room>) {
    if room.bypass_change_detection().count_pending() {
        room.set_changed();
    }
}

/// Takes at least one turn a frame, so that a slow handler delays its peers and starves nobody.
fn take_turns_of(world: &mut World, room: Entity, frame: Instant) {
    let budget = world.resource::<ApplyBudget>().0;
    loop {
        match keeper::work_on(world, room) {
            Ok(Pace::Waits) => return,
            Ok(Pace::Busy) if frame.elapsed() >= budget => return ask_for_another_frame(world, room),
            Ok(Pace::Busy) => continue,
            Ok(Pace::Free) => {}
            Err(error) => return give_up(world, room, error.into()),
        }
        match world.get::<Room>(room).and_then(Room::next_news) {
            Some(News::Report(report)) => take_report(world, room, report),
            Some(News::Turn(turn)) => {
                take_turn(world, room, turn);
                if frame.elapsed() >= budget {
                    return ask_for_another_frame(world, room);
                }
            }
            Some(News::Through(index)) => {
                if let Some(mut room) = world.get_mut::<Room>(room) {
                    room.applied(index);
                }
            }
            None => break,
        }
    }
    abandon(world, room);
}

fn take_turn(world: &mut World, room: Entity, turn: Turn) {
    match turn {
        Turn::Command(applied) => carry_out(world, room, &applied),
        Turn::Settled { serial, decision } => settle_unapplied(world, room, serial, decision),
        Turn::Read { ticket, outcome } => answer(world, room, Read(ticket), outcome.map_err(ReadError::HeldUp)),
        Turn::Snapshot(position) => keeper::begin_to_write(world, room, position.index),
        Turn::Restore(snapshot) => keeper::begin_to_read(world, room, snapshot),
    }
}

fn take_report(world: &mut World, room: Entity, report: Report) {
    match report {
        Report::Opened { node, invitation, outbox, stored } => {
            if let Some(mut room) = world.get_mut::<Room>(room) {
                room.opened(node, invitation, stored);
            }
            restore(world, room, outbox);
            continuation::take_over(world, room);
        }
        Report::History(end) => {
            if let Some(mut room) = world.get_mut::<Room>(room) {
                room.catch_up_to(end);
            }
        }
        Report::Accepted { ticket, serial } => {
            if let Some(component) = world.get::<Room>(room) {
                component.ledger().accept(Proposal(ticket), serial);
            }
        }
        Report::Refused { ticket, reason } => {
            settle(world, room, Proposal(ticket), None, Outcome::NotTaken(reason));
        }
        Report::Unread { ticket, reason } => answer(world, room, Read(ticket), Err(reason.into())),
        Report::Failed(error) => conclude(world, room, RoomState::Failed(error)),
        Report::Closed => conclude(world, room, RoomState::Closed),
    }
}

fn conclude(world: &mut World, room: Entity, end: RoomState) {
    if let Some(mut state) = world.get_mut::<RoomState>(room) {
        *state = end;
    }
    if let Some(mut component) = world.get_mut::<Room>(room) {
        component.end();
    }
}

fn deliver_whispers(world: &mut World, room: Entity) {
    let Some(shared) = world.get::<Room>(room).and_then(Room::shared) else { return };
    for Whispered { from, kind, body } in shared.take_whispers() {
        if world.get::<Room>(room).is_none() {
            return;
        }
        world.resource_scope(|world, whispers: Mut<Whispers>| whispers.deliver(world, kind, &body, room, from));
    }
}

/// Gives the commands that a former process left in the outbox a name in this one.
fn restore(world: &mut World, room: Entity, outbox: Vec<(Serial, Bytes)>) {
    for (serial, body) in outbox {
        let Some(component) = world.get::<Room>(room) else { return };
        let proposal = {
            let mut ledger = component.ledger();
            let Some(proposal) = ledger.issue(body.clone()) else { return };
            ledger.accept(proposal, serial);
            proposal
        };
        world.resource_scope(|world, handlers: Mut<Handlers>| handlers.restore(world, &body, room, proposal));
    }
}

/// An app that sleeps between events would leave the rest lying until something else wakes it.
fn ask_for_another_frame(world: &World, room: Entity) {
    if let Some(shared) = world.get::<Room>(room).and_then(Room::shared) {
        shared.ring();
    }
}

/// Ends a room whose state can't be taken over. Its store stays as it is.
fn give_up(world: &mut World, room: Entity, reason: RoomError) {
    if let Some(mut state) = world.get_mut::<RoomState>(room) {
        *state = RoomState::Failed(reason);
    }
    let open = world.get_mut::<Room>(room).map(|mut component| component.give_up());
    leave_open(world, room, open.unwrap_or_default());
}

/// After the last turn of a room that ended, nothing more is decided in it.
fn abandon(world: &mut World, room: Entity) {
    let open = world.get_mut::<Room>(room).map(|mut component| component.abandon());
    leave_open(world, room, open.unwrap_or_default());
}

fn leave_open(world: &mut World, room: Entity, (undecided, unread): (Vec<Proposal>, Vec<Read>)) {
    for proposal in undecided {
        world.trigger(Settled { room, proposal, outcome: Outcome::Undecided });
        world.flush();
    }
    for read in unread {
        answer(world, room, read, Err(ReadError::Closed));
    }
}

fn carry_out(world: &mut World, room: Entity, applied: &Applied) {
    let Some(component) = world.get::<Room>(room) else { return };
    let (author, serial) = (applied.command.author, applied.command.serial);
    let own = (component.status().node == Some(author)).then(|| component.ledger().find(serial)).flatten();
    let about = Circumstances {
        room,
        index: applied.index,
        author,
        serial,
        time: applied.time,
        replayed: component.is_history(applied.index),
        own,
    };
    let verdict = match applied.refusal {
        Some(refusal) => Err(Reject::because(refusal.to_string())),
        None => world
            .resource_scope(|world, handlers: Mut<Handlers>| handlers.carry_out(world, &applied.command.body, about)),
    };
    if let Some(mut keeper) = world.get_mut::<Keeper>(room) {
        keeper.rejections.record(author, serial, applied.index, &verdict);
    }
    if let Some(mut component) = world.get_mut::<Room>(room) {
        component.carried_out(applied.index, applied.time);
    }
    if let Some(proposal) = own {
        let index = applied.index;
        let outcome = verdict.map_or_else(|reason| Outcome::Rejected { index, reason }, |()| Outcome::Committed(index));
        settle(world, room, proposal, Some(serial), outcome);
    }
}

/// An own command came to its end without being carried out here.
fn settle_unapplied(world: &mut World, room: Entity, serial: Serial, decision: Option<Decision>) {
    let Some((component, keeper)) = world.get::<Room>(room).zip(world.get::<Keeper>(room)) else { return };
    let (Some(me), Some(proposal)) = (component.status().node, component.ledger().find(serial)) else { return };
    let outcome = match decision {
        None => Outcome::Unknown,
        Some(Decision { index, refusal: None }) => keeper.rejections.outcome(me, serial, index),
        Some(Decision { index, refusal: Some(refusal) }) => {
            Outcome::Rejected { index, reason: Reject::because(refusal.to_string()) }
        }
    };
    settle(world, room, proposal, Some(serial), outcome);
}

fn answer(world: &mut World, room: Entity, read: Read, outcome: Result<LogIndex, ReadError>) {
    if let Some(component) = world.get::<Room>(room) {
        component.ledger().answer(read);
        world.trigger(ReadDone { room, read, outcome });
        world.flush();
    }
}

fn settle(world: &mut World, room: Entity, proposal: Proposal, serial: Option<Serial>, outcome: Outcome) {
    if let Some(component) = world.get::<Room>(room) {
        component.ledger().settle(proposal, serial);
        world.trigger(Settled { room, proposal, outcome });
        world.flush();
    }
}
