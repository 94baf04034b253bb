//! Effects go out: writes to storage, messages to links.

use super::components::*;
use crate::wire::Payload;
use bevy_ecs::prelude::*;

pub fn submit_writes(mut nodes: Query<(&Store, &mut Effects, &Exit)>) {
    for (store, mut effects, exit) in &mut nodes {
        let mut storage = store.lock();
        for (id, write) in effects.writes.drain(..) {
            if exit.failure.is_none() {
                storage.submit(id, write);
            }
        }
    }
}

pub fn send_messages(mut nodes: Query<(&Courier, &mut Effects, &Exit)>) {
    for (courier, mut effects, exit) in &mut nodes {
        let mut sessions = courier.lock();
        for (to, message) in effects.messages.drain(..) {
            if exit.failure.is_none() {
                // Who isn't linked is not reached; consensus sends again on its own clock.
                let _ = sessions.send(to, Payload::Consensus(message));
            }
        }
    }
}
