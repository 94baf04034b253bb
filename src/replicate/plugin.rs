//! The plugins that a game adds.

use super::{
    Leader, Learner, LinkStats, Peer, PeerOf, Peers, Room, RoomState, Voter, apply,
    command::Handlers,
    entrance,
    keeper::Keeper,
    mirror::{self, Permitted},
    state::StateKinds,
    whisper::Whispers,
};
use bevy_app::{PluginGroupBuilder, prelude::*};
use bevy_ecs::prelude::*;
use bevy_reflect::prelude::*;
use std::time::Duration;

/// Everything a game needs to hold rooms.
///
/// ```
/// use bevy_app::App;
/// use bevy_quorum::prelude::*;
///
/// App::new().add_plugins(QuorumPlugins);
/// ```
pub struct QuorumPlugins;

impl PluginGroup for QuorumPlugins {
    fn build(self) -> PluginGroupBuilder {
        PluginGroupBuilder::start::<Self>().add(QuorumPlugin)
    }
}

/// Starts the drivers of rooms, carries out what they decide, and mirrors what they see.
pub struct QuorumPlugin;

/// What happens to rooms in `PreUpdate`, in order.
#[derive(SystemSet, Debug, Clone, PartialEq, Eq, Hash)]
pub enum QuorumSystems {
    /// Status and peers are brought up to date.
    Reflect,
    /// Committed commands go through their handlers, whispers are delivered.
    Apply,
}

/// How much time of a frame the handlers of committed commands get; 4 ms as shipped. With more, whoever was away catches
/// up sooner, in slower frames.
///
/// ```
/// # use bevy_app::App;
/// # use bevy_quorum::prelude::*;
/// # use std::time::Duration;
/// App::new().insert_resource(ApplyBudget(Duration::from_millis(8))).add_plugins(QuorumPlugins);
/// ```
#[derive(Resource, Clone, Copy, Debug, Reflect)]
#[reflect(Resource)]
pub struct ApplyBudget(pub Duration);

impl Default for ApplyBudget {
    fn default() -> Self {
        Self(Duration::from_millis(4))
    }
}

impl Plugin for QuorumPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<ApplyBudget>()
            .init_resource::<Handlers>()
            .init_resource::<StateKinds>()
            .init_resource::<Whispers>()
            .register_type::<Room>()
            .register_type::<RoomState>()
            .register_type::<ApplyBudget>()
            .register_type::<Peer>()
            .register_type::<PeerOf>()
            .register_type::<Peers>()
            .register_type::<Voter>()
            .register_type::<Learner>()
            .register_type::<Leader>()
            .register_type::<LinkStats>()
            .register_type::<Permitted>()
            .register_required_components::<Room, Keeper>()
            .add_observer(start)
            .configure_sets(PreUpdate, (QuorumSystems::Reflect, QuorumSystems::Apply).chain())
            .add_systems(
                PreUpdate,
                (
                    mirror::reflect_rooms.run_if(mirror::any_news).in_set(QuorumSystems::Reflect),
                    apply::take_turns.run_if(apply::anything_waits).in_set(QuorumSystems::Apply),
                ),
            )
            .add_systems(Last, leave_at_exit.run_if(on_message::<AppExit>));
    }
}

/// Brings a room up as soon as it is spawned, or takes the place of another one on its entity.
fn start(inserted: On<Insert, Room>, mut commands: Commands) {
    let room = inserted.entity;
    commands.queue(move |world: &mut World| entrance::start(world, room));
}

/// Leaves every room when the app exits, and waits until each has handed over and flushed; 1 s for
/// the one, and as long again for the other.
fn leave_at_exit(rooms: Query<&Room>) {
    rooms.iter().for_each(Room::leave);
    rooms.iter().for_each(Room::wait_for_end);
}
