//! Mirrors in the main world of what consensus sees: read-only, once a frame.

use super::{Room, RoomState};
use crate::{
    raft::{NodeId, Permission, Standing, Term},
    room::{PeerStatus, RoomStatus, Showcase},
};
use bevy_ecs::prelude::*;
use bevy_reflect::Reflect;
use std::{collections::BTreeMap, time::Duration};

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

/// A peer, or a room's own node on the room's entity, that is a member and doesn't vote.
#[derive(Component, Clone, Copy, Debug, Default, Reflect)]
#[reflect(Component)]
pub struct Learner;

/// The peer, or a room's own node on the room's entity, that leads as far as this node knows.
#[derive(Component, Clone, Copy, Debug, Default, Reflect)]
#[reflect(Component)]
pub struct Leader;

/// How a peer's link fares; without a link there is none.
#[derive(Component, Clone, Copy, Debug, Default, PartialEq, Reflect)]
#[reflect(Component)]
pub struct LinkStats {
    /// The smoothed round trip, once it was measured.
    pub round_trip: Option<Duration>,
    /// Whether everything to this peer goes through a relay (TURN), once that is known.
    pub relayed: Option<bool>,
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
///
/// ```
/// use bevy_ecs::prelude::*;
/// use bevy_quorum::prelude::*;
///
/// fn tell(change: On<LeaderChanged>) {
///     match change.leader {
///         Some(leader) => println!("{leader} leads in term {}", change.term),
///         None => println!("nobody leads"),
///     }
/// }
/// ```
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

/// Whether any driver has shown something new; asked in every frame, so that most frames ask no more.
pub(super) fn any_news(rooms: Query<&Room>) -> bool {
    rooms.iter().any(Room::has_news)
}

/// Brings status, state and peers of every room up to date with its driver's showcase.
pub(super) fn reflect_rooms(
    mut commands: Commands,
    mut rooms: Query<(Entity, &mut Room, &mut RoomState, Option<&Peers>)>,
    peers: Query<(&Peer, Option<&Permitted>)>,
) {
    for (entity, mut room, mut state, known) in &mut rooms {
        let Some(showcase) = room.bypass_change_detection().look() else { continue };
        let status = &showcase.status;
        let former = room.status().leader;
        if room.bypass_change_detection().stand(status) {
            room.set_changed();
            reflect_self(&mut commands.entity(entity), status);
        }
        if status.leader != former {
            commands.trigger(LeaderChanged { room: entity, leader: status.leader, term: status.term });
        }
        advance(&mut state, status);
        let known = known.into_iter().flat_map(|known| known.iter());
        let known = known.filter_map(|entity| {
            peers.get(entity).ok().map(|(peer, permitted)| (peer.node, (entity, permitted.copied())))
        });
        reflect_peers(&mut commands, entity, &showcase, known.collect());
    }
}

/// This node's own part, on the room's entity.
fn reflect_self(room: &mut EntityCommands, status: &RoomStatus) {
    let Some(node) = status.node else { return };
    mark(room, Voter, status.voters.contains(&node));
    mark(room, Learner, status.learners.contains(&node));
    mark(room, Leader, status.leader == Some(node));
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

type Known = BTreeMap<NodeId, (Entity, Option<Permitted>)>;

fn reflect_peers(commands: &mut Commands, room: Entity, showcase: &Showcase, known: Known) {
    for (node, (entity, _)) in &known {
        if !showcase.peers.contains_key(node) {
            commands.entity(*entity).despawn();
        }
    }
    for (node, status) in &showcase.peers {
        let (mut peer, permitted) = match known.get(node) {
            Some((entity, permitted)) => (commands.entity(*entity), *permitted),
            None => (commands.spawn((Peer { node: *node }, PeerOf(room))), None),
        };
        describe(&mut peer, status, showcase.status.leader == Some(*node));
        match status.permission.map(Permitted) {
            Some(permission) if permitted != Some(permission) => drop(peer.insert(permission)),
            None if permitted.is_some() => drop(peer.remove::<Permitted>()),
            _ => {}
        }
    }
}

fn describe(peer: &mut EntityCommands, status: &PeerStatus, leads: bool) {
    mark(peer, Voter, status.standing == Some(Standing::Voter));
    mark(peer, Learner, status.standing == Some(Standing::Learner));
    mark(peer, Leader, leads);
    match &status.link {
        Some(link) => peer.insert(LinkStats {
            round_trip: link.round_trip,
            relayed: link.relayed,
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
