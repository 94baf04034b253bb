//! Whether the board has been without a majority for so long that people may want to go on without it.

use bevy::prelude::*;
use bevy_quorum::prelude::*;
use std::{collections::BTreeSet, time::Duration};
use web_time::Instant;

/// How long people wait before they are told that they needn't.
const PATIENCE: Duration = Duration::from_secs(20);

/// Somebody wants to go on without those who are missing: the board is to be continued as a new one.
#[derive(Message, Clone, Copy, Debug)]
pub struct ContinueAsNew;

/// Since when too few people are here to decide anything.
#[derive(Resource, Default)]
pub struct Stranded(Option<Instant>);

impl Stranded {
    /// Whether that has lasted for long.
    pub fn for_long(&self) -> bool {
        self.0.is_some_and(|since| since.elapsed() >= PATIENCE)
    }
}

/// Keeps [`Stranded`] up to date.
pub struct StrandedPlugin;

impl Plugin for StrandedPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<Stranded>().add_message::<ContinueAsNew>().add_systems(Update, look_around);
    }
}

fn look_around(rooms: Query<(&Room, &RoomState)>, mut stranded: ResMut<Stranded>) {
    let alone = rooms.iter().any(|(room, state)| matches!(state, RoomState::Open) && !has_majority(room.status()));
    match (alone, stranded.0) {
        (true, None) => stranded.0 = Some(Instant::now()),
        (false, Some(_)) => stranded.0 = None,
        _ => {}
    }
}

/// How many of those who vote are here, and how many it takes to decide anything.
pub fn voters_here(status: &RoomStatus) -> (usize, usize) {
    let here: BTreeSet<_> = status.peers.iter().copied().chain(status.node).collect();
    let voters_here = status.voters.iter().filter(|voter| here.contains(voter)).count();
    (voters_here, status.voters.len() / 2 + 1)
}

fn has_majority(status: &RoomStatus) -> bool {
    let (here, needed) = voters_here(status);
    here >= needed
}

#[cfg(test)]
mod tests {
    use super::*;
    use bevy_quorum::raft::NodeId;

    #[test]
    fn a_majority_is_more_than_half_of_those_who_vote() {
        let status = |voters: u64, peers: &[u64]| RoomStatus {
            node: Some(NodeId(0)),
            voters: (0..voters).map(NodeId).collect(),
            peers: peers.iter().copied().map(NodeId).collect(),
            ..RoomStatus::default()
        };
        assert!(has_majority(&status(1, &[])) && has_majority(&status(3, &[2])) && has_majority(&status(4, &[1, 2])));
        assert!(!has_majority(&status(2, &[])) && !has_majority(&status(4, &[1])) && !has_majority(&status(3, &[7])));
    }
}
