//! How the room stands, in plain words.

use crate::stranded::voters_here;
use bevy_quorum::prelude::*;
use std::collections::BTreeSet;

/// How good the news is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// Everything is decided and kept.
    Good,
    /// Something is on its way.
    Busy,
    /// It needs somebody to come back.
    Waiting,
}

/// One line about the room; `waiting` counts this person's changes that have been undecided for a while.
pub fn of(state: &RoomState, status: &RoomStatus, waiting: usize) -> (Mood, String) {
    match state {
        RoomState::Opening => (Mood::Busy, "Opening the board".into()),
        RoomState::Joining => (Mood::Busy, joining(status)),
        RoomState::Failed(_) | RoomState::Closed => (Mood::Waiting, "The board is closed".into()),
        RoomState::Open => open(status, waiting),
    }
}

fn joining(status: &RoomStatus) -> String {
    match &status.rendezvous {
        RendezvousState::Lost(_) => "Can't reach the signaling server, trying again".into(),
        _ if status.peers.is_empty() => "Looking for the others".into(),
        _ => "Joining the others".into(),
    }
}

fn open(status: &RoomStatus, waiting: usize) -> (Mood, String) {
    let here: BTreeSet<_> = status.peers.iter().copied().chain(status.node).collect();
    let members: BTreeSet<_> = status.voters.iter().chain(&status.learners).copied().collect();
    let (voters_here, needed) = voters_here(status);
    if voters_here < needed {
        return (Mood::Waiting, short_of_people(status, voters_here, needed, waiting));
    }
    if status.leader.is_none() {
        return (Mood::Busy, with_changes("Agreeing on who keeps order", waiting));
    }
    if waiting > 0 {
        return (Mood::Busy, format!("Saving {}", changes(waiting)));
    }
    if members.len() <= 1 {
        return match &status.rendezvous {
            RendezvousState::Lost(_) => (Mood::Waiting, "Only you are here. Nobody can come in right now".into()),
            _ => (Mood::Good, "Only you are here. Share the link to draw together".into()),
        };
    }
    let members_here = members.intersection(&here).count();
    (Mood::Good, format!("Saved with {members_here} of {} people", members.len()))
}

fn short_of_people(status: &RoomStatus, here: usize, needed: usize, waiting: usize) -> String {
    let cut_off = status.peers.is_empty() && status.rendezvous != RendezvousState::Connected;
    if cut_off {
        return if waiting > 0 { format!("Offline: {} waiting", changes(waiting)) } else { "Offline".into() };
    }
    let missing = match needed - here {
        1 => "one more person".to_owned(),
        more => format!("{more} more people"),
    };
    with_changes(&format!("Waiting for {missing} ({needed} of {} needed)", status.voters.len()), waiting)
}

fn with_changes(words: &str, waiting: usize) -> String {
    if waiting == 0 { words.to_owned() } else { format!("{words}, {} waiting", changes(waiting)) }
}

fn changes(count: usize) -> String {
    if count == 1 { "1 change".into() } else { format!("{count} changes") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bevy_quorum::raft::NodeId;

    fn room(voters: u64, learners: u64, linked: &[u64]) -> RoomStatus {
        RoomStatus {
            node: Some(NodeId(0)),
            leader: Some(NodeId(0)),
            voters: (0..voters).map(NodeId).collect(),
            learners: (voters..voters + learners).map(NodeId).collect(),
            peers: linked.iter().copied().map(NodeId).collect(),
            rendezvous: RendezvousState::Connected,
            ..RoomStatus::default()
        }
    }

    fn words(status: &RoomStatus, waiting: usize) -> String {
        of(&RoomState::Open, status, waiting).1
    }

    #[test]
    fn a_room_with_a_majority_says_who_keeps_the_board() {
        assert_eq!(words(&room(4, 0, &[1, 2]), 0), "Saved with 3 of 4 people");
        assert_eq!(words(&room(3, 2, &[1, 4]), 0), "Saved with 3 of 5 people");
        assert_eq!(words(&room(4, 0, &[1, 2]), 2), "Saving 2 changes");
        assert_eq!(words(&room(1, 0, &[]), 0), "Only you are here. Share the link to draw together");
    }

    #[test]
    fn a_room_without_a_majority_says_what_it_waits_for() {
        assert_eq!(words(&room(3, 0, &[]), 0), "Waiting for one more person (2 of 3 needed)");
        assert_eq!(words(&room(2, 0, &[]), 1), "Waiting for one more person (2 of 2 needed), 1 change waiting");
        assert_eq!(words(&room(5, 0, &[]), 0), "Waiting for 2 more people (3 of 5 needed)");
        let electing = RoomStatus { leader: None, ..room(3, 0, &[1]) };
        assert_eq!(words(&electing, 0), "Agreeing on who keeps order");
    }

    #[test]
    fn who_is_alone_and_cannot_be_found_is_told() {
        let lost = RoomStatus { rendezvous: RendezvousState::Lost("no route".into()), ..room(1, 0, &[]) };
        assert_eq!(words(&lost, 0), "Only you are here. Nobody can come in right now");
    }

    #[test]
    fn who_reaches_nobody_is_offline() {
        let offline = RoomStatus { rendezvous: RendezvousState::Lost("no route".into()), ..room(3, 0, &[]) };
        assert_eq!(words(&offline, 7), "Offline: 7 changes waiting");
        assert_eq!(words(&offline, 0), "Offline");
        assert_eq!(of(&RoomState::Open, &offline, 7).0, Mood::Waiting);
    }

    #[test]
    fn a_room_on_its_way_in_says_how_far_it_is() {
        let status = room(0, 0, &[]);
        assert_eq!(of(&RoomState::Joining, &status, 0).1, "Looking for the others");
        assert_eq!(of(&RoomState::Opening, &status, 0).1, "Opening the board");
    }
}
