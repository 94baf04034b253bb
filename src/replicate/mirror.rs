//! Mirrors in the main world of what consensus sees: read-only, once a frame.

use super::{Room, RoomState};
use crate::{
    raft::{NodeId, Permission, Standing, Term},
    room::{PeerStatus, RoomStatus, Showcase},
};
use bevy_ecs::prelude::*;
use bevy_reflect::Reflect;
use std::time::Duration;

/// Another node of a room: a member, or somebody who is linked and may become one.
///
/// ```
/// use bevy_ecs::prelude::*;
/// use bevy_quorum::prelude::*;
///
/// fn list(peers: Query<(&Peer, Has<Leader>, Has<Voter>, Option<&LinkStats>)>) {
///     for (peer, leads, votes, link) in &peers {
///         println!("{} leads: {leads}, votes: {votes}, reachable: {}", peer.node, link.is_some());
///     }
/// }
/// ```
#[derive(Component, Clone, Copy, Debug, PartialEq, Eq, Hash, Reflect)]
#[reflect(Component)]
pub struct Peer {
    /// Who it is.
    pub node: NodeId,
}

/// Which room a [`Peer`] belongs to. The peers of a room go with it.
#[derive(Component, Clone, Copy, Debug, PartialEq, Eq, Reflect)]
#[relationship(relationship_target = Peers)]
#[reflect(Component)]
pub struct PeerOf(pub Entity);

/// The peers of a room.
#[derive(Component, Debug, Default, Reflect)]
#[relationship_target(relationship = PeerOf, linked_spawn)]
#[reflect(Component)]
pub struct Peers(Vec<Entity>);

/// A peer, or a room's own node on the room's entity, that votes.
#[derive(Component, Clone, Copy, Debug, Default, Reflect)]
#[reflect(Component)]
pub struct Voter;

/// A member that doesn't vote.
#[derive(Component, Clone, Copy, Debug, Default, Reflect)]
#[reflect(Component)]
pub struct Learner;

/// The node that leads its room, as far as this node knows.
#[derive(Component, Clone, Copy, Debug, Default, Reflect)]
#[reflect(Component)]
pub struct Leader;

/// How a peer's link fares; without a link there is none.
#[derive(Component, Clone, Copy, Debug, Default, PartialEq, Reflect)]
#[reflect(Component)]
pub struct LinkStats {
    /// The smoothed round trip, once it was measured.
    pub round_trip: Option<Duration>,
    /// Frames that came, and frames that went.
    pub frames_in: u64,
    /// Frames that went.
    pub frames_out: u64,
    /// Bytes that came.
    pub bytes_in: u64,
    /// Bytes that went.
    pub bytes_out: u64,
    /// Frames of this peer that were refused.
    pub refused: u64,
}

/// What a peer may do to the room's state.
#[derive(Component, Clone, Copy, Debug, PartialEq, Eq, Reflect)]
#[reflect(Component)]
pub struct Permitted(pub Permission);

/// A room has another leader, or none that this node knows; on the room's entity.
#[derive(EntityEvent, Clone, Copy, Debug)]
pub struct LeaderChanged {
    /// The room.
    #[event_target]
    pub room: Entity,
    /// Who leads now.
    pub leader: Option<NodeId>,
    /// In which term.
    pub term: Term,
}

/// Brings status, state and peers of every room up to date with its driver's showcase.
pub(super) fn reflect_rooms(
    mut commands: Commands,
    mut rooms: Query<(Entity, &mut Room, &mut RoomState, Option<&Peers>)>,
    peers: Query<&Peer>,
) {
    for (entity, mut room, mut state, known) in &mut rooms {
        let former = room.status().leader;
        let Some(showcase) = room.bypass_change_detection().look() else { continue };
        room.set_changed();
        let status = room.status();
        if status.leader != former {
            commands.trigger(LeaderChanged { room: entity, leader: status.leader, term: status.term });
        }
        advance(&mut state, status);
        let known = known.into_iter().flat_map(|known| known.iter());
        let known: Vec<_> = known.filter_map(|peer| Some((peer, peers.get(peer).ok()?.node))).collect();
        reflect_peers(&mut commands, entity, &showcase, &known);
    }
}

/// A room is open as soon as this node finds itself a member; it doesn't go back to joining.
fn advance(state: &mut Mut<RoomState>, status: &RoomStatus) {
    let Some(node) = status.node else { return };
    let member = status.voters.contains(&node) || status.learners.contains(&node);
    match (&**state, member) {
        (RoomState::Opening | RoomState::Joining, true) => **state = RoomState::Open,
        (RoomState::Opening, false) => **state = RoomState::Joining,
        _ => {}
    }
}

fn reflect_peers(commands: &mut Commands, room: Entity, showcase: &Showcase, known: &[(Entity, NodeId)]) {
    for (entity, node) in known {
        if !showcase.peers.contains_key(node) {
            commands.entity(*entity).despawn();
        }
    }
    for (node, status) in &showcase.peers {
        let entity = known.iter().find(|(_, known)| known == node).map(|(entity, _)| *entity);
        let mut peer = match entity {
            Some(entity) => commands.entity(entity),
            None => commands.spawn((Peer { node: *node }, PeerOf(room))),
        };
        describe(&mut peer, status, showcase.status.leader == Some(*node));
    }
}

fn describe(peer: &mut EntityCommands, status: &PeerStatus, leads: bool) {
    mark(peer, Voter, status.standing == Some(Standing::Voter));
    mark(peer, Learner, status.standing == Some(Standing::Learner));
    mark(peer, Leader, leads);
    match status.permission {
        Some(permission) => peer.insert(Permitted(permission)),
        None => peer.remove::<Permitted>(),
    };
    match &status.link {
        Some(link) => peer.insert(LinkStats {
            round_trip: link.round_trip,
            frames_in: link.frames_in,
            frames_out: link.frames_out,
            bytes_in: link.bytes_in,
            bytes_out: link.bytes_out,
            refused: link.refused,
        }),
        None => peer.remove::<LinkStats>(),
    };
}

fn mark<C: Component>(peer: &mut EntityCommands, marker: C, holds: bool) {
    if holds {
        peer.insert_if_new(marker);
    } else {
        peer.remove::<C>();
    }
}
