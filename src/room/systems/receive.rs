//! What came goes into the node: requests of the main world, finished writes, frames of peers.

use super::components::*;
use crate::{
    link::{SessionEvent, Sessions},
    raft::{Input, Joiner, LogIndex, MessageBody, NodeId, ReadId},
    room::{Report, Request, RoomError, Whispered, lock},
    wire::{Payload, Whisper},
};
use bevy_ecs::prelude::*;
use bytes::Bytes;
use std::{collections::BTreeMap, sync::mpsc::TryRecvError};

/// How many requests of the main world are taken in one step; the rest waits for the next, which follows at once.
const REQUESTS_A_STEP_MAX: usize = 4_096;
/// How many events of links are taken in one step.
const EVENTS_A_STEP_MAX: usize = 4_096;
/// How many kinds of whispers are remembered of one peer; more are dropped.
const WHISPER_KINDS_MAX: usize = 64;

pub fn take_requests(
    clock: Res<Clock>,
    mut nodes: Query<(&mut Participant, &Desk, &Courier, &mut Whispering, &mut Exit)>,
    remotes: Query<&RemoteNode>,
) {
    for (mut participant, desk, courier, mut whispering, mut exit) in &mut nodes {
        let requests = lock(&desk.0.requests);
        for taken in 1..=REQUESTS_A_STEP_MAX {
            match requests.try_recv() {
                Ok(Request::Propose { ticket, body }) => {
                    desk.0.shared.report(match participant.0.propose(clock.now, body) {
                        Ok(serial) => Report::Accepted { ticket, serial },
                        Err(reason) => Report::Refused { ticket, reason },
                    });
                }
                Ok(Request::Whisper { kind, body }) => {
                    whisper(&mut courier.lock(), &mut whispering, &remotes, kind, &body);
                }
                Ok(Request::Read { ticket }) => {
                    if let Err(reason) = participant.0.read(clock.now, ReadId(ticket)) {
                        desk.0.shared.report(Report::Unread { ticket, reason });
                    }
                }
                Ok(Request::Snapshotted { index, state }) => {
                    participant.0.handle(clock.now, Input::Snapshotted { index, state });
                }
                Ok(Request::Leave) | Err(TryRecvError::Disconnected) => {
                    if exit.leaving_since.is_none() {
                        exit.leaving_since = Some(clock.now);
                        participant.0.handle(clock.now, Input::Leave);
                    }
                    break;
                }
                Err(TryRecvError::Empty) => break,
            }
            if taken == REQUESTS_A_STEP_MAX {
                clock.waker.wake_by_ref();
            }
        }
    }
}

fn whisper(
    sessions: &mut Sessions,
    whispering: &mut Whispering,
    remotes: &Query<&RemoteNode>,
    kind: u64,
    body: &Bytes,
) {
    let sequence = whispering.0.entry(kind).or_default();
    *sequence = sequence.wrapping_add(1);
    for remote in remotes {
        let whisper = Whisper { kind, sequence: *sequence, body: body.clone() };
        // Lost is lost: the next whisper makes up for it.
        let _ = sessions.send(remote.node, Payload::Whisper(whisper));
    }
}

pub fn take_completions(clock: Res<Clock>, mut nodes: Query<(&mut Participant, &Store, &mut Exit)>) {
    for (mut participant, store, mut exit) in &mut nodes {
        match store.lock().poll() {
            Ok(Some(write)) => participant.0.handle(clock.now, Input::Persisted(write)),
            Ok(None) => {}
            // Who can't keep a promise must not make another: no vote, no acknowledgement from here on.
            Err(error) => {
                exit.failure.get_or_insert(RoomError::from(error));
            }
        }
    }
}

pub fn take_events(
    clock: Res<Clock>,
    mut commands: Commands,
    mut nodes: Query<(&mut Participant, &Courier, &Desk, &mut Display, &mut Past)>,
    mut remotes: Query<(Entity, &mut RemoteNode)>,
) {
    for (mut participant, courier, desk, mut display, mut past) in &mut nodes {
        let mut sessions = courier.lock();
        let mut links = BTreeMap::new();
        for taken in 1..=EVENTS_A_STEP_MAX {
            let Some(event) = sessions.poll(clock.now) else { break };
            match event {
                SessionEvent::Linked { node, key, permission } => {
                    links.insert(node, true);
                    participant.0.handle(clock.now, Input::Linked(Joiner { node, key, permission }));
                }
                SessionEvent::Unlinked { node, .. } => {
                    links.insert(node, false);
                    participant.0.handle(clock.now, Input::Unlinked(node));
                }
                SessionEvent::Frame { from, payload: Payload::Consensus(message) } => {
                    past.heard = past.heard.or(committed_by(&message.body));
                    participant.0.handle(clock.now, Input::Receive { from, message });
                }
                SessionEvent::Frame { from, payload: Payload::Whisper(Whisper { kind, sequence, body }) } => {
                    if is_news(&mut remotes, from, kind, sequence) {
                        desk.0.shared.whisper(Whispered { from, kind, body });
                    }
                }
                SessionEvent::Rendezvous(rendezvous) => display.rendezvous = rendezvous.into(),
                SessionEvent::Refused { link, node, reason } => {
                    if let Some(version) = reason.other_version() {
                        display.other_version = Some((version, clock.now));
                    }
                    tracing::warn!(?link, ?node, "refused what came over a link: {reason}");
                }
            }
            if taken == EVENTS_A_STEP_MAX {
                clock.waker.wake_by_ref();
            }
        }
        keep_remotes(&mut commands, &mut remotes, links);
    }
}

/// How far its leader had committed the log when it said this, if a leader said it.
fn committed_by(body: &MessageBody) -> Option<LogIndex> {
    match body {
        MessageBody::Append { commit, .. } => Some(*commit),
        MessageBody::News { commit, .. } | MessageBody::Heartbeat { commit, .. } => Some(commit.index),
        _ => None,
    }
}

/// Whether a whisper is newer than the newest of its kind from this link (RFC 1982 comparison, so that
/// the counter may wrap).
fn is_news(remotes: &mut Query<(Entity, &mut RemoteNode)>, from: NodeId, kind: u64, sequence: u32) -> bool {
    let Some((_, mut remote)) = remotes.iter_mut().find(|(_, remote)| remote.node == from) else { return false };
    let news = match remote.heard.get(&kind) {
        Some(newest) => (1..u32::MAX / 2).contains(&sequence.wrapping_sub(*newest)),
        None => remote.heard.len() < WHISPER_KINDS_MAX,
    };
    if news {
        remote.heard.insert(kind, sequence);
    }
    news
}

/// Brings the entities of linked nodes up to date with what became of each link in this step.
fn keep_remotes(
    commands: &mut Commands,
    remotes: &mut Query<(Entity, &mut RemoteNode)>,
    links: BTreeMap<NodeId, bool>,
) {
    for (node, linked) in links {
        let known = remotes.iter_mut().find(|(_, remote)| remote.node == node);
        match (known, linked) {
            // A new link of a node we knew counts its whispers anew.
            (Some((_, mut remote)), true) => remote.heard.clear(),
            (Some((entity, _)), false) => commands.entity(entity).despawn(),
            (None, true) => drop(commands.spawn(RemoteNode { node, heard: BTreeMap::new() })),
            (None, false) => {}
        }
    }
}
