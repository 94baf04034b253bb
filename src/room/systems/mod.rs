//! The systems of a room: they move things between components and the core, and decide nothing.

mod components;
mod publish;
mod receive;
mod send;
mod step;

use crate::raft::Moment;
use bevy_ecs::prelude::*;
pub(super) use components::*;

/// The stages of one step of a room, in order.
#[derive(SystemSet, Debug, Clone, PartialEq, Eq, Hash)]
pub enum RoomSystems {
    /// What came from the main world, from storage and from links goes into the node.
    Receive,
    /// Timers, judged only after everything that came.
    Step,
    /// What the node wants durable goes to storage.
    Persist,
    /// What the node wants said goes to the links.
    Send,
    /// What became known goes to the main world.
    Publish,
}

/// Adds the systems of a step, chained.
pub(super) fn add_to(schedule: &mut Schedule) {
    use RoomSystems::{Persist, Publish, Receive, Send, Step};
    schedule.configure_sets((Receive, Step, Persist, Send, Publish).chain());
    schedule.add_systems((
        (receive::take_requests, receive::take_completions, receive::take_events).chain().in_set(Receive),
        (step::judge_timers, step::collect_effects).chain().in_set(Step),
        send::submit_writes.in_set(Persist),
        send::send_messages.in_set(Send),
        (publish::tell_history, publish::advance, publish::show, publish::wake, publish::close).chain().in_set(Publish),
    ));
}

/// When a node's world wants its next step; none once it is over.
pub(super) fn next_step(world: &World, node: Entity) -> Option<Moment> {
    let get = "the node's entity lives as long as its world";
    let exit = world.get::<Exit>(node).expect(get);
    if exit.over {
        return None;
    }
    let participant = world.get::<Participant>(node).expect(get);
    let courier = world.get::<Courier>(node).expect(get);
    let display = world.get::<Display>(node).expect(get);
    let due = [participant.0.deadline(), courier.lock().deadline(), exit.deadline(), display.deadline()];
    due.into_iter().min()
}
