//! The driver of tests: a hand that steps the world and holds the clock.

use crate::{
    raft::{Moment, Node},
    room::{Back, ConsensusWorld, RoomError, Setup},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Wake, Waker},
};

/// A room that stands still until it is stepped.
pub(crate) struct ByHand {
    world: ConsensusWorld,
    bell: Arc<Bell>,
    deadline: Option<Moment>,
}

impl ByHand {
    /// Brings the room up at `now`.
    pub fn bring_up(setup: Setup, desk: Back, now: Moment) -> Result<(Self, Waker), RoomError> {
        let bell = Arc::new(Bell(AtomicBool::new(true)));
        let waker = Waker::from(bell.clone());
        let world = ConsensusWorld::bring_up(setup, desk, &waker, now)?;
        Ok((Self { world, bell, deadline: Some(now) }, waker))
    }

    /// Steps as long as there is something to do at `now`. Says when the next step is due if nothing happens
    /// before; none once the room is over.
    pub fn step(&mut self, now: Moment) -> Option<Moment> {
        while self.bell.0.swap(false, Ordering::AcqRel) || self.deadline.is_some_and(|deadline| deadline <= now) {
            self.deadline = self.world.step(now);
            self.deadline?;
        }
        self.deadline
    }

    /// When the next step is due, if nothing happens before: at once, if the bell rang.
    pub fn deadline(&self) -> Option<Moment> {
        if self.bell.0.load(Ordering::Acquire) { Some(Moment::ZERO) } else { self.deadline }
    }

    /// The node inside.
    pub fn participant(&self) -> &Node {
        self.world.participant()
    }
}

/// Remembers that it rang.
struct Bell(AtomicBool);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Release);
    }
}
