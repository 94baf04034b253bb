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
/// How long it is shown that somebody of another version wanted in: until they have tried again, at their slowest.
const OTHER_VERSION_SHOWN: Duration = Duration::from_secs(10 * 60);
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

/// Wakes an app that sleeps while its room's status changes. What it has to carry out or to settle rings at once.
pub fn wake(clock: Res<Clock>, mut nodes: Query<(&Desk, &mut Display)>) {
    for (desk, mut display) in &mut nodes {
        let shared = &desk.0.shared;
        let Some(rest) = shared.rest() else {
            (display.unseen_since, display.waking) = (None, None);
            continue;
        };
        let waking = *display.unseen_since.get_or_insert(clock.now) + rest;
        display.waking = Some(waking);
        if waking <= clock.now {
            shared.wake_for_status();
            (display.unseen_since, display.waking) = (None, None);
        }
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
        other_version: display
            .other_version
            .filter(|(_, refused)| now - *refused <= OTHER_VERSION_SHOWN)
            .map(|(version, _)| version),
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::{
        raft::Term,
        room::desk::{ELECTION_PATIENCE, desk},
    };
    use bevy_ecs::system::RunSystemOnce;
    use std::{
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
        task::{Wake, Waker},
    };

    #[derive(Default)]
    struct Wakings(AtomicUsize);

    impl Wake for Wakings {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn led_by(leader: Option<u64>, term: u64) -> Showcase {
        let status = RoomStatus { leader: leader.map(NodeId), term: Term(term), ..RoomStatus::default() };
        Showcase { status, ..Showcase::default() }
    }

    #[test]
    fn a_sleeping_app_wakes_for_another_status_at_once_and_sleeps_through_an_election() {
        let wakings = Arc::new(Wakings::default());
        let (front, back) = desk(Waker::from(wakings.clone()));
        let shared = front.shared;
        let mut world = World::new();
        world.spawn((Desk(back), Display::default()));
        let mut after = |time: Duration| {
            let now = Moment::ZERO + time;
            world.insert_resource(Clock { now, waker: Waker::noop().clone() });
            world.run_system_once(wake).unwrap();
            let mut displays = world.query::<&Display>();
            (wakings.0.load(Ordering::Relaxed), displays.single(&world).unwrap().deadline())
        };

        shared.show(led_by(Some(1), 1));
        assert_eq!(after(Duration::ZERO), (1, Moment::NEVER), "the first leader is news");
        assert_eq!(after(ELECTION_PATIENCE), (1, Moment::NEVER), "once, whether or not somebody looks");

        let start = Duration::from_secs(1);
        let end = Moment::ZERO + start + ELECTION_PATIENCE;
        shared.show(led_by(None, 2));
        assert_eq!(after(start), (1, end));
        shared.show(led_by(Some(2), 2));
        assert_eq!(after(start + ELECTION_PATIENCE / 2), (1, end));
        assert_eq!(after(start + ELECTION_PATIENCE), (2, Moment::NEVER), "another leader is shown a moment later");

        let start = Duration::from_secs(2);
        shared.show(led_by(None, 3));
        assert_eq!(after(start).0, 2);
        assert!(shared.news(&mut 0).is_some());
        assert_eq!(after(start + ELECTION_PATIENCE), (2, Moment::NEVER), "it has looked by itself");
        shared.show(led_by(Some(1), 3));
        assert_eq!(
            after(start + ELECTION_PATIENCE),
            (3, Moment::NEVER),
            "who saw that there was no leader waits for one"
        );
    }
}
