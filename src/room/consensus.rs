//! One node's consensus world, stepped from outside.

use super::{
    Back, Ends, Report, RoomError, Setup,
    systems::{self, Clock, Courier, Desk, Display, Effects, Exit, Participant, Past, Store, Whispering},
};
use crate::{
    link::{Credentials, Sessions},
    raft::{Moment, Node},
    storage::Opened,
};
use bevy_ecs::{
    prelude::*,
    schedule::{ScheduleBuildSettings, SingleThreadedExecutor},
};
use std::{task::Waker, time::Duration};

/// How long a node that leaves tries to hand over and to flush, at most: whoever is left behind may be a page whose frames
/// take long, or far away, and of two the other is stuck unless it hears of it.
pub const LEAVE_PATIENCE: Duration = Duration::from_secs(1);

/// A `World` and a schedule that run one node of a room.
///
/// The game never sees it; a driver steps it, and the main world gets reports and a showcase.
pub struct ConsensusWorld {
    world: World,
    schedule: Schedule,
    node: Entity,
}

impl ConsensusWorld {
    /// Opens the store and the links, and puts a node between them. `waker` is woken when there is
    /// something to step for.
    pub(crate) fn bring_up(setup: Setup, desk: Back, waker: &Waker, now: Moment) -> Result<Self, RoomError> {
        Ok(Self::between(setup.bring_up()?, desk, waker, now))
    }

    /// Puts a node between a store and links that are open.
    pub(crate) fn between(ends: Ends, desk: Back, waker: &Waker, now: Moment) -> Self {
        let Ends { store: Opened { mut storage, identity, durable }, link, config, seed } = ends;
        desk.shared.report(Report::Opened {
            node: identity.node(),
            invitation: identity.invitation.clone(),
            outbox: durable.outbox.iter().map(|(serial, body)| (*serial, body.clone())).collect(),
            stored: durable.commit,
        });
        let past = Past::until(durable.log.last().map_or(durable.base.index, |entry| entry.index));
        storage.wake(waker.clone());
        let mut sessions =
            Sessions::new(link, Credentials::new(identity.key.clone(), &identity.invitation), nonces(seed));
        sessions.wake(waker.clone());

        let mut world = World::new();
        world.insert_resource(Clock { now, waker: waker.clone() });
        let node = world
            .spawn((
                Participant(Node::new(identity.node(), config, seed, durable, now)),
                Store::new(storage),
                Courier::new(sessions),
                Effects::default(),
                Desk(desk),
                Display::default(),
                past,
                Whispering::default(),
                Exit::default(),
            ))
            .id();
        Self { world, schedule: schedule(), node }
    }

    /// Does everything there is to do at `now`, and says when it wants to be stepped again if nothing happens
    /// before; none once it is over.
    pub fn step(&mut self, now: Moment) -> Option<Moment> {
        self.world.resource_mut::<Clock>().now = now;
        self.schedule.run(&mut self.world);
        self.world.clear_trackers();
        systems::next_step(&self.world, self.node)
    }

    /// Tells the node something that no message, write or request is.
    #[cfg(target_arch = "wasm32")]
    pub(crate) fn tell(&mut self, now: Moment, input: crate::raft::Input) {
        if let Some(mut participant) = self.world.get_mut::<Participant>(self.node) {
            participant.0.handle(now, input);
        }
    }

    /// Begins to leave, as if the main world had asked for it.
    #[cfg(target_arch = "wasm32")]
    pub(crate) fn leave(&mut self, now: Moment) {
        if let Some(mut exit) = self.world.get_mut::<Exit>(self.node).filter(|exit| exit.leaving_since.is_none()) {
            exit.leaving_since = Some(now);
            self.tell(now, crate::raft::Input::Leave);
        }
    }

    /// The node, for those who look on.
    pub fn participant(&self) -> &Node {
        &self.world.get::<Participant>(self.node).expect("the node's entity lives as long as its world").0
    }
}

/// The stages of a step, chained, on one thread, with every ambiguity an error.
fn schedule() -> Schedule {
    let mut schedule = Schedule::default();
    schedule.set_executor(SingleThreadedExecutor::new());
    schedule.set_build_settings(ScheduleBuildSettings {
        ambiguity_detection: bevy_ecs::schedule::LogLevel::Error,
        ..Default::default()
    });
    systems::add_to(&mut schedule);
    schedule
}

/// The seed of the nonces in hellos, apart from the node's dice.
fn nonces(seed: u64) -> [u8; 32] {
    blake3::derive_key("bevy_quorum 2026-11 nonces of a room", &seed.to_le_bytes())
}
