//! The turn of committed commands: one after the other through their handlers, within a budget a frame.

use super::{
    AppBell, ApplyBudget, Outcome, Proposal, Reject, Room, RoomState, Settled,
    command::{Circumstances, Handlers},
    whisper::Whispers,
};
use crate::{
    raft::{Applied, LogIndex, Serial},
    room::{Report, Whispered, lock},
};
use bevy_ecs::prelude::*;
use bytes::Bytes;
use std::collections::VecDeque;
use web_time::Instant;

/// Committed commands of a room that wait for a frame with time for them.
///
/// They share their bytes with the log.
#[derive(Component, Default)]
pub(super) struct Backlog {
    commands: VecDeque<Applied>,
    /// The log holds no other commands up to here.
    through: LogIndex,
    /// No more will come.
    ended: bool,
}

/// Whether a driver has reported something, or commands wait for their turn; asked in every frame, so that most
/// frames ask no more.
pub(super) fn anything_waits(rooms: Query<(&Room, &Backlog)>) -> bool {
    let rung = |room: &Room| room.front().is_some_and(|front| front.shared.is_rung());
    rooms.iter().any(|(room, backlog)| rung(room) || !backlog.commands.is_empty())
}

/// Has the world to itself as soon as the frame's other systems allow. An exclusive system would make the frame
/// wait for them even when there is nothing to do.
pub(super) fn take_turn(mut commands: Commands) {
    commands.run_system_cached(take_reports);
}

/// Takes what every room's driver reported, and carries out commands as long as the budget lasts.
fn take_reports(world: &mut World, rooms: &mut QueryState<Entity, With<Room>>) {
    let rooms: Vec<_> = rooms.iter(world).collect();
    if rooms.is_empty() {
        return;
    }
    let frame = Instant::now();
    for room in rooms {
        if let Some(front) = world.get::<Room>(room).and_then(Room::front) {
            front.shared.hush();
        }
        while let Some(report) = next_report(world, room) {
            take(world, room, report);
        }
        deliver_whispers(world, room);
        carry_out_backlog(world, room, frame);
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

fn next_report(world: &World, room: Entity) -> Option<Report> {
    let front = world.get::<Room>(room)?.front()?;
    lock(&front.reports).try_recv().ok()
}

fn take(world: &mut World, room: Entity, report: Report) {
    match report {
        Report::Opened { node, invitation, outbox, history } => {
            if let Some(mut room) = world.get_mut::<Room>(room) {
                room.opened(node, invitation, history);
            }
            restore(world, room, outbox);
        }
        Report::Accepted { ticket, serial } => {
            if let Some(component) = world.get::<Room>(room) {
                component.ledger().accept(Proposal(ticket), serial);
            }
        }
        Report::Refused { ticket, reason } => {
            settle(world, room, Proposal(ticket), None, Outcome::NotTaken(reason));
        }
        Report::Applied { commands, through } => {
            if let Some(mut backlog) = world.get_mut::<Backlog>(room) {
                backlog.commands.extend(commands);
                backlog.through = through;
            }
        }
        // Rooms are entered with a configuration in which nobody marks a place for one.
        Report::Snapshot { .. } => {}
        Report::Restore(_) => {
            conclude(world, room, RoomState::Failed(RoomError::Unsupported("this app takes no snapshots over")));
        }
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
    if let Some(mut backlog) = world.get_mut::<Backlog>(room) {
        backlog.ended = true;
    }
}

fn deliver_whispers(world: &mut World, room: Entity) {
    let Some(front) = world.get::<Room>(room).and_then(Room::front) else { return };
    for Whispered { from, kind, body } in front.shared.take_whispers() {
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
            let proposal = ledger.issue();
            ledger.accept(proposal, serial);
            proposal
        };
        world.resource_scope(|world, handlers: Mut<Handlers>| handlers.restore(world, &body, room, proposal));
    }
}

/// Carries out at least one command a frame, so that a slow handler delays its peers and starves nobody.
fn carry_out_backlog(world: &mut World, room: Entity, frame: Instant) {
    let budget = world.resource::<ApplyBudget>().0;
    while let Some(applied) = world.get_mut::<Backlog>(room).and_then(|mut backlog| backlog.commands.pop_front()) {
        carry_out(world, room, &applied);
        if frame.elapsed() >= budget {
            return ask_for_another_frame(world);
        }
    }
    let Some(through) = world.get::<Backlog>(room).map(|backlog| backlog.through) else { return };
    if let Some(mut room) = world.get_mut::<Room>(room)
        && room.status().applied < through
    {
        room.applied(through);
    }
    abandon(world, room);
}

/// An app that sleeps between events would leave the rest lying until something else wakes it.
fn ask_for_another_frame(world: &World) {
    if let Some(bell) = world.get_resource::<AppBell>() {
        bell.0.wake_by_ref();
    }
}

/// After the last command of a room that ended, nothing more is decided in it.
fn abandon(world: &mut World, room: Entity) {
    if !world.get_mut::<Backlog>(room).is_some_and(|mut backlog| std::mem::take(&mut backlog.ended)) {
        return;
    }
    let undecided = world.get::<Room>(room).map(|component| component.ledger().undecided()).unwrap_or_default();
    for proposal in undecided {
        world.trigger(Settled { room, proposal, outcome: Outcome::Undecided });
        world.flush();
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
    if let Some(mut component) = world.get_mut::<Room>(room) {
        component.applied(applied.index);
    }
    if let Some(proposal) = own {
        let index = applied.index;
        let outcome = verdict.map_or_else(|reason| Outcome::Rejected { index, reason }, |()| Outcome::Committed(index));
        settle(world, room, proposal, Some(serial), outcome);
    }
}

fn settle(world: &mut World, room: Entity, proposal: Proposal, serial: Option<Serial>, outcome: Outcome) {
    if let Some(component) = world.get::<Room>(room) {
        component.ledger().settle(proposal, serial);
        world.trigger(Settled { room, proposal, outcome });
        world.flush();
    }
}
