//! Commands: typed, carried out by one handler, in one order on every peer, each once.

use super::{Portable, Proposal, Restored, portable::Envelope};
use crate::raft::{LogIndex, LogTime, NodeId, Serial};
use bevy_app::App;
use bevy_ecs::{prelude::*, system::SystemId};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, collections::BTreeMap, fmt, ops::Deref, sync::Arc};

/// A command that the room has decided: the input of its handler, and then an event on the room's entity.
///
/// It reads as its value: `strike.damage` is `strike.value.damage`.
///
/// ```
/// use bevy_ecs::prelude::*;
/// use bevy_quorum::prelude::*;
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Serialize, Deserialize)]
/// # struct Strike { damage: u32 }
/// # impl Portable for Strike { const NAME: &'static str = "strike"; }
///
/// fn sound(strike: On<Committed<Strike>>) {
///     if !strike.replayed {
///         println!("{} strikes for {}", strike.author, strike.damage);
///     }
/// }
/// ```
#[derive(EntityEvent, Debug)]
pub struct Committed<T: Portable> {
    /// The room.
    #[event_target]
    pub room: Entity,
    /// Its place in the log, the same on every peer.
    pub index: LogIndex,
    /// Who proposed it.
    pub author: NodeId,
    /// Which of its author's commands it is.
    pub serial: Serial,
    /// The room's time when its leader appended it, the same on every peer.
    pub time: LogTime,
    /// It was decided before this process came in, and is caught up on: no sounds.
    ///
    /// What is decided while an app stalls is late, but not replayed.
    pub replayed: bool,
    /// On the peer that proposed it: which proposal it was.
    pub own: Option<Proposal>,
    /// The command.
    pub value: Arc<T>,
}

impl<T: Portable> Clone for Committed<T> {
    fn clone(&self) -> Self {
        Self { value: self.value.clone(), ..*self }
    }
}

impl<T: Portable> Deref for Committed<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// The longest reason of a [`Reject`], in bytes.
pub const REASON_BYTES_MAX: usize = 200;

/// Why a handler refuses a command; every peer must come to the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String")]
pub struct Reject(Cow<'static, str>);

impl Reject {
    /// Refuses, with a reason in words; what is beyond [`REASON_BYTES_MAX`] is cut off, because the latest reasons are
    /// kept with the state.
    ///
    /// ```
    /// # use bevy_quorum::prelude::*;
    /// assert_eq!(Reject::because("the door is locked").to_string(), "the door is locked");
    /// ```
    pub fn because(reason: impl Into<Cow<'static, str>>) -> Self {
        let reason = reason.into();
        if reason.len() <= REASON_BYTES_MAX {
            return Self(reason);
        }
        Self(reason[..reason.floor_char_boundary(REASON_BYTES_MAX)].to_owned().into())
    }
}

impl From<String> for Reject {
    fn from(reason: String) -> Self {
        Self::because(reason)
    }
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a game tells the plugin about its types.
///
/// ```
/// use bevy_app::App;
/// use bevy_ecs::prelude::*;
/// use bevy_quorum::prelude::*;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// struct Add(u32);
/// impl Portable for Add {
///     const NAME: &'static str = "add";
/// }
///
/// #[derive(Resource, Default, Serialize, Deserialize)]
/// struct Total(u32);
/// impl Portable for Total {
///     const NAME: &'static str = "total";
/// }
///
/// fn add(add: In<Committed<Add>>, mut total: ResMut<Total>) -> Result<(), Reject> {
///     total.0 = total.0.checked_add(add.0.0).ok_or(Reject::because("the total is full"))?;
///     Ok(())
/// }
///
/// App::new().add_plugins(QuorumPlugins).init_resource::<Total>().replicate_resource::<Total>().add_command(add);
/// ```
pub trait QuorumAppExt {
    /// Registers the one system that carries out commands of type `T`.
    ///
    /// It runs on every peer in the order of the log, must be deterministic, and may refuse. What only this
    /// peer sees or hears belongs into observers of `On<Committed<T>>`, which run after it.
    ///
    /// # Panics
    /// If another handler goes by the same name.
    fn add_command<T: Portable, M>(
        &mut self,
        handler: impl IntoSystem<In<Committed<T>>, Result<(), Reject>, M> + 'static,
    ) -> &mut Self;

    /// Makes a resource a part of what a room's commands change: its snapshots hold it, so that newcomers and restarts
    /// get it as it is instead of repeating every command, and so that the log can be cut.
    ///
    /// Register every resource that handlers change, or none. It is changed by handlers only, and it is inserted before
    /// a room is entered: the value it has then is what every room begins with, and must be the same on every peer. Its
    /// encoding must be the only one of its value: a `BTreeMap`, say, and no `HashMap`. A game that registers nothing
    /// works too; then a room's log is kept whole, and repeated by whoever comes.
    ///
    /// When a snapshot takes the place of the value, there is a [`StateRestored`](super::StateRestored).
    ///
    /// # Panics
    /// If another resource goes by the same name.
    fn replicate_resource<T: Portable + Resource>(&mut self) -> &mut Self;

    /// Registers a type for [`Room::whisper`](super::Room::whisper) and `On<Whispered<T>>`.
    ///
    /// # Panics
    /// If another whisper goes by the same name.
    fn add_whisper<T: Portable>(&mut self) -> &mut Self;
}

impl QuorumAppExt for App {
    fn add_command<T: Portable, M>(
        &mut self,
        handler: impl IntoSystem<In<Committed<T>>, Result<(), Reject>, M> + 'static,
    ) -> &mut Self {
        let system = self.world_mut().register_system(handler);
        let mut handlers = self.world_mut().get_resource_or_init::<Handlers>();
        let former = handlers.0.insert(T::NAME, Box::new(HandlerOf { system }));
        assert!(former.is_none(), "two commands are called {:?}; a name belongs to one type", T::NAME);
        self
    }

    fn replicate_resource<T: Portable + Resource>(&mut self) -> &mut Self {
        super::state::register::<T>(self);
        self
    }

    fn add_whisper<T: Portable>(&mut self) -> &mut Self {
        super::whisper::register::<T>(self);
        self
    }
}

/// What is the same for a command of whatever type.
#[derive(Clone, Copy)]
pub(crate) struct Circumstances {
    pub room: Entity,
    pub index: LogIndex,
    pub author: NodeId,
    pub serial: Serial,
    pub time: LogTime,
    pub replayed: bool,
    pub own: Option<Proposal>,
}

/// The handlers of an app, by the name of their command.
#[derive(Resource, Default)]
pub(crate) struct Handlers(BTreeMap<&'static str, Box<dyn Handler>>);

impl Handlers {
    /// Carries a command out: handler, flush, effects, flush.
    pub fn carry_out(&self, world: &mut World, body: &[u8], circumstances: Circumstances) -> Result<(), Reject> {
        let envelope = Envelope::read(body).ok_or(Reject::because("the command can't be read"))?;
        let handler = self.0.get(envelope.name).ok_or(Reject::because("no handler goes by the command's name"))?;
        handler.carry_out(world, envelope, circumstances)
    }

    /// Tells of a command that still waits, after a restart.
    pub fn restore(&self, world: &mut World, body: &[u8], room: Entity, proposal: Proposal) {
        if let Some(envelope) = Envelope::read(body)
            && let Some(handler) = self.0.get(envelope.name)
        {
            handler.restore(world, envelope, room, proposal);
        }
    }
}

trait Handler: Send + Sync {
    fn carry_out(&self, world: &mut World, envelope: Envelope, about: Circumstances) -> Result<(), Reject>;
    fn restore(&self, world: &mut World, envelope: Envelope, room: Entity, proposal: Proposal);
}

struct HandlerOf<T: Portable> {
    system: SystemId<In<Committed<T>>, Result<(), Reject>>,
}

impl<T: Portable> Handler for HandlerOf<T> {
    fn carry_out(&self, world: &mut World, envelope: Envelope, about: Circumstances) -> Result<(), Reject> {
        let value = envelope.open::<T>().ok_or(Reject::because("the command can't be read by this version"))?;
        let Circumstances { room, index, author, serial, time, replayed, own } = about;
        let committed = Committed { room, index, author, serial, time, replayed, own, value: Arc::new(value) };
        let verdict = world.run_system_with(self.system, committed.clone());
        world.flush();
        // A handler whose parameters aren't there carries nothing out. Peers stay alike only if it is so on all.
        verdict.unwrap_or_else(|error| {
            tracing::error!("the handler of {:?} could not run at index {index}: {error}", T::NAME);
            Err(Reject::because("the command's handler could not run"))
        })?;
        world.trigger(committed);
        world.flush();
        Ok(())
    }

    fn restore(&self, world: &mut World, envelope: Envelope, room: Entity, proposal: Proposal) {
        if let Some(value) = envelope.open::<T>() {
            world.trigger(Restored { room, proposal, value: Arc::new(value) });
            world.flush();
        }
    }
}
