//! Telling the others who one is, with or without a window.

use super::{Person, PersonName};
use bevy::prelude::*;
use bevy_quorum::{prelude::*, raft::NodeId};
use std::time::Duration;
use web_time::Instant;

/// How often one says who one is, for those who missed it.
const INTERVAL: Duration = Duration::from_secs(4);

/// This person, as the others see them.
#[derive(Resource, Clone, Debug)]
pub struct Myself(pub PersonName);

impl Myself {
    /// Somebody who calls themselves so; by default as the machine calls them.
    pub fn called(name: Option<&str>) -> Self {
        let of_machine = || std::env::var("USER").ok().filter(|user| user != "root");
        let name = name.map(str::to_owned).or_else(of_machine).as_deref().and_then(PersonName::tidied);
        Self(name.unwrap_or_else(|| PersonName::tidied("Guest").expect("Guest is a name")))
    }
}

/// Says the name to everybody who came, whenever it changes, and again now and then.
pub(super) fn introduce(rooms: Query<&Room>, myself: Res<Myself>, mut told: Local<Option<(Vec<NodeId>, Instant)>>) {
    for room in &rooms {
        let peers = &room.status().peers;
        let due =
            told.as_ref().is_none_or(|(to, when)| to != peers || myself.is_changed() || when.elapsed() >= INTERVAL);
        if due && !peers.is_empty() {
            // What is lost is said again.
            let _ = room.whisper(&Person { name: myself.0.clone() });
            *told = Some((peers.clone(), Instant::now()));
        }
    }
}
