//! What a node's entity, and each of its peers' entities, is made of.

use crate::{
    link::Sessions,
    raft::{LogIndex, Message, Moment, Node, NodeId, Write, WriteId},
    room::{Back, LEAVE_PATIENCE, RendezvousState, RoomError, Turn, lock},
    storage::Storage,
};
use bevy_ecs::prelude::*;
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard},
    task::Waker,
};

/// The moment of the step that is running, and how to ask for another at once.
#[derive(Resource)]
pub struct Clock {
    pub now: Moment,
    pub waker: Waker,
}

/// The node itself.
#[derive(Component)]
pub struct Participant(pub Node);

/// Where it keeps its promises. The lock only makes it `Sync`; nobody else ever holds it.
#[derive(Component)]
pub struct Store(Mutex<Box<dyn Storage>>);

impl Store {
    pub fn new(storage: Box<dyn Storage>) -> Self {
        Self(Mutex::new(storage))
    }

    pub fn lock(&self) -> MutexGuard<'_, Box<dyn Storage>> {
        lock(&self.0)
    }
}

/// Its links, as authenticated sessions. The lock only makes it `Sync`; nobody else ever holds it.
#[derive(Component)]
pub struct Courier(Mutex<Sessions>);

impl Courier {
    pub fn new(sessions: Sessions) -> Self {
        Self(Mutex::new(sessions))
    }

    pub fn lock(&self) -> MutexGuard<'_, Sessions> {
        lock(&self.0)
    }
}

/// What the core wants done, sorted by who does it. Emptied in every step; the buffers are reused.
#[derive(Component, Default)]
pub struct Effects {
    pub writes: Vec<(WriteId, Write)>,
    pub messages: Vec<(NodeId, Message)>,
    pub turns: Vec<Turn>,
    /// How far the main world knows the log committed.
    pub reported: LogIndex,
}

/// The desk to the main world.
#[derive(Component)]
pub struct Desk(pub Back);

/// What the main world is shown, and when it is next due.
#[derive(Component, Default)]
pub struct Display {
    /// What the link says of the rendezvous.
    pub rendezvous: RendezvousState,
    /// The protocol version of who was refused last for speaking another one, and when.
    pub other_version: Option<(u16, Moment)>,
    /// When the last showcase was laid out.
    pub shown: Option<Moment>,
    /// When a showcase that was put off is due.
    pub due: Option<Moment>,
    /// Since when there is a status that the app has not seen.
    pub unseen_since: Option<Moment>,
    /// When a sleeping app is woken to look at it.
    pub waking: Option<Moment>,
}

impl Display {
    /// When the display wants a step for itself.
    pub fn deadline(&self) -> Moment {
        self.due.into_iter().chain(self.waking).min().unwrap_or(Moment::NEVER)
    }
}

/// How much of the log is older than this node's part in it: what it catches up on.
#[derive(Component)]
pub struct Past {
    /// Where the log ended when the store was opened.
    pub log_end: LogIndex,
    /// What the first leader that was heard since had committed by then.
    pub heard: Option<LogIndex>,
    /// The main world knows.
    pub told: bool,
}

impl Past {
    /// The past of a store whose log ends at `log_end`.
    pub fn until(log_end: LogIndex) -> Self {
        Self { log_end, heard: None, told: false }
    }
}

/// Whether and why the node is on its way out.
#[derive(Component, Default)]
pub struct Exit {
    /// When it was asked to leave.
    pub leaving_since: Option<Moment>,
    /// What made it stop.
    pub failure: Option<RoomError>,
    /// Nothing more will happen.
    pub over: bool,
}

impl Exit {
    /// When patience with leaving ends.
    pub fn deadline(&self) -> Moment {
        self.leaving_since.map_or(Moment::NEVER, |since| since + LEAVE_PATIENCE)
    }
}

/// Sequence numbers of the whispers a node sends, by their kind.
#[derive(Component, Default)]
pub struct Whispering(pub BTreeMap<u64, u32>);

/// Another node that is linked to ours.
#[derive(Component)]
pub struct RemoteNode {
    /// Who it is.
    pub node: NodeId,
    /// The newest whisper of each kind that came over its present link.
    pub heard: BTreeMap<u64, u32>,
}
