//! Timers, and what the core then wants.

use super::components::*;
use crate::{
    raft::{Effect, Input},
    room::Turn,
};
use bevy_ecs::prelude::*;

/// Tells the node and its sessions that a deadline has come. Runs after everything that came was taken in,
/// or a burst of heartbeats behind a slow step would look like silence.
pub fn judge_timers(clock: Res<Clock>, mut nodes: Query<(&mut Participant, &Courier)>) {
    for (mut participant, courier) in &mut nodes {
        if participant.0.deadline() <= clock.now {
            participant.0.handle(clock.now, Input::Wake);
        }
        let mut sessions = courier.lock();
        if sessions.deadline() <= clock.now {
            sessions.tick(clock.now);
        }
    }
}

/// Sorts the core's effects by who carries them out. A message never waits for a write: the core holds back
/// what isn't durable yet.
pub fn collect_effects(mut nodes: Query<(&mut Participant, &mut Effects)>) {
    for (mut participant, mut effects) in &mut nodes {
        while let Some(effect) = participant.0.poll() {
            match effect {
                Effect::Persist { id, write } => effects.writes.push((id, write)),
                Effect::Send { to, message } => effects.messages.push((to, message)),
                Effect::Apply(batch) => effects.turns.extend(batch.applied().map(Turn::Command)),
                Effect::Settled { serial, decision } => effects.turns.push(Turn::Settled { serial, decision }),
                Effect::Read { id, outcome } => effects.turns.push(Turn::Read { ticket: id.0, outcome }),
                Effect::Restore(snapshot) => effects.turns.push(Turn::Restore(snapshot)),
                Effect::Snapshot { position } => effects.turns.push(Turn::Snapshot(position)),
            }
        }
    }
}
