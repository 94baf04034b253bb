//! What became known goes to the main world.

use super::components::*;
use crate::{
    link::Sessions,
    raft::{Moment, Node, NodeId, RoleKind},
    room::{LEAVE_PATIENCE, PeerStatus, Report, RoomStatus, Showcase},
};
use bevy_ecs::prelude::*;
use std::{collections::BTreeMap, time::Duration};

/// How long since a node was heard for it to count as present, at most.
const PRESENCE: Duration = Duration::from_millis(2_500);
/// The shortest time between two showcases; what changed in between is shown together.
const SHOWING_INTERVAL: Duration = Duration::from_millis(8);

/// Tells once how much of the log this node only catches up on: what the first leader it heard had committed by then,
/// or, if it leads before it hears one, what it found in its store.
pub fn tell_history(mut nodes: Query<(&Participant, &mut Past, &Desk)>) {
    for (participant, mut past, desk) in &mut nodes {
        let leads = participant.0.role_kind() == RoleKind::Leader;
        let end = past.heard.or_else(|| leads.then_some(past.log_end));
        if let (Some(end), false) = (end, past.told) {
            desk.0.shared.report(Report::History(end));
            past.told = true;
        }
    }
}

/// Every effect was collected before, so there are no other turns up to the commit index.
pub fn advance(mut nodes: Query<(&Participant, &mut Effects, &Desk)>) {
    for (participant, mut effects, desk) in &mut nodes {
        let through = participant.0.commit();
        if let Some(snapshot) = participant.0.snapshot() {
            desk.0.shared.overtake(snapshot, participant.0.id());
        }
        if through > effects.reported || !effects.turns.is_empty() {
            effects.reported = through;
            desk.0.shared.advance(&mut effects.turns, through);
        }
    }
}

pub fn show(
    clock: Res<Clock>,
    mut nodes: Query<(&Participant, &Courier, &Desk, &mut Display)>,
    remotes: Query<&RemoteNode>,
) {
    for (participant, courier, desk, mut display) in &mut nodes {
        let earliest = display.shown.map_or(clock.now, |shown| shown + SHOWING_INTERVAL);
        if clock.now < earliest {
            display.due = Some(earliest);
            continue;
        }
        display.due = None;
        display.shown = Some(clock.now);
        let showcase = showcase(&participant.0, &courier.lock(), &display, &remotes, clock.now);
        desk.0.shared.show(showcase);
    }
}

fn showcase(
    node: &Node,
    sessions: &Sessions,
    display: &Display,
    remotes: &Query<&RemoteNode>,
    now: Moment,
) -> Showcase {
    let status = node.status();
    let membership = node.membership();
    let mut peers: BTreeMap<NodeId, PeerStatus> = membership
        .members
        .iter()
        .filter(|(member, _)| **member != node.id())
        .map(|(id, member)| (*id, PeerStatus::member(member)))
        .collect();
    for remote in remotes {
        peers.entry(remote.node).or_default().link = sessions.stats(remote.node);
    }
    let present = |peer: &PeerStatus| peer.link.is_some_and(|link| now - link.heard_at <= PRESENCE);
    let relayed = |peer: &PeerStatus| peer.link.is_some_and(|link| link.relayed == Some(true));
    let those = |wanted: &dyn Fn(&PeerStatus) -> bool| {
        peers.iter().filter(|(_, peer)| wanted(peer)).map(|(node, _)| *node).collect()
    };
    let status = RoomStatus {
        node: Some(node.id()),
        role: status.role.into(),
        leader: status.leader,
        term: status.term,
        commit: status.commit,
        last: status.last,
        holdup: status.holdup,
        voters: membership.voters().collect(),
        learners: membership.learners().collect(),
        peers: those(&present),
        relayed: those(&|peer| present(peer) && relayed(peer)),
        rendezvous: display.rendezvous.clone(),
        refused_frames: sessions.refusals().total(),
        snapshot: status.snapshot,
        log_bytes: status.log_bytes,
        trouble: status.trouble,
        ..RoomStatus::default()
    };
    Showcase { status, peers }
}

/// Ends the room once it has handed over, or lost its patience with that, or can't keep its promises.
pub fn close(clock: Res<Clock>, mut nodes: Query<(&Participant, &Courier, &Desk, &mut Exit)>) {
    for (participant, courier, desk, mut exit) in &mut nodes {
        let left =
            exit.leaving_since.is_some_and(|since| participant.0.has_left() || clock.now - since >= LEAVE_PATIENCE);
        if exit.over || !(left || exit.failure.is_some()) {
            continue;
        }
        courier.lock().leave();
        desk.0.shared.report(exit.failure.take().map_or(Report::Closed, Report::Failed));
        exit.over = true;
    }
}
