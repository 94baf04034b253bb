//! How the room stands, in plain words.

use crate::stranded::voters_here;
use bevy_quorum::{prelude::*, raft::Trouble, wire::PROTOCOL_VERSION};
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
        _ if !status.peers.is_empty() => "Joining the others".into(),
        _ if status.other_version.is_some() => of_another_version(status.other_version),
        RendezvousState::Blocked(_) => "This browser connects to nobody".into(),
        RendezvousState::Full(_) => format!("{TAKES_NOBODY_IN}, trying again"),
        RendezvousState::Lost(_) => "Can't reach the signaling server, trying again".into(),
        _ => "Looking for the others".into(),
    }
}

fn open(status: &RoomStatus, waiting: usize) -> (Mood, String) {
    let here: BTreeSet<_> = status.peers.iter().copied().chain(status.node).collect();
    let members: BTreeSet<_> = status.voters.iter().chain(&status.learners).copied().collect();
    let (voters_here, needed) = voters_here(status);
    if voters_here < needed && status.other_version.is_some() {
        return (Mood::Waiting, with_changes(&of_another_version(status.other_version), waiting));
    }
    if voters_here < needed {
        return (Mood::Waiting, short_of_people(status, voters_here, needed, waiting));
    }
    if status.leader.is_none() {
        return (Mood::Busy, with_changes("Agreeing on who keeps order", waiting));
    }
    if let Some(Trouble::Diverged | Trouble::Split) = status.trouble {
        return (Mood::Waiting, with_changes("The boards differ: one of the whiteboards may be older", waiting));
    }
    if waiting > 0 {
        return (Mood::Busy, format!("Saving {}", changes(waiting)));
    }
    if members.len() <= 1 {
        return match &status.rendezvous {
            _ if status.other_version.is_some() => (Mood::Waiting, of_another_version(status.other_version)),
            RendezvousState::Lost(_) | RendezvousState::Full(_) | RendezvousState::Blocked(_) => {
                (Mood::Waiting, "Only you are here. Nobody can come in right now".into())
            }
            _ => (Mood::Good, "Only you are here. Share the link to draw together".into()),
        };
    }
    let members_here = members.intersection(&here).count();
    (Mood::Good, format!("Saved with {members_here} of {} people", members.len()))
}

fn short_of_people(status: &RoomStatus, here: usize, needed: usize, waiting: usize) -> String {
    if status.peers.is_empty() && matches!(status.rendezvous, RendezvousState::Full(_)) {
        return with_changes(TAKES_NOBODY_IN, waiting);
    }
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

/// What it means that the signaling server is full, or the room, or has too many from one address.
const TAKES_NOBODY_IN: &str = "The signaling server takes nobody else in now";

/// Who is to update so that the others can come in.
fn of_another_version(theirs: Option<u16>) -> String {
    let words = if theirs.is_some_and(|theirs| theirs > PROTOCOL_VERSION) {
        "This whiteboard is older than the others': get the newest"
    } else {
        "Somebody's whiteboard is too old to come in"
    };
    words.into()
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
    fn who_is_kept_apart_by_versions_is_told_who_has_to_update() {
        let newer = RoomStatus { other_version: Some(PROTOCOL_VERSION + 1), ..room(0, 0, &[]) };
        assert_eq!(of(&RoomState::Joining, &newer, 0).1, "This whiteboard is older than the others': get the newest");
        let older = RoomStatus { other_version: Some(PROTOCOL_VERSION - 1), ..room(1, 0, &[]) };
        assert_eq!(words(&older, 0), "Somebody's whiteboard is too old to come in");
        let back = RoomStatus { other_version: older.other_version, ..room(2, 0, &[]) };
        assert_eq!(words(&back, 1), "Somebody's whiteboard is too old to come in, 1 change waiting");
        let met = RoomStatus { other_version: older.other_version, ..room(2, 0, &[1]) };
        assert_eq!(words(&met, 0), "Saved with 2 of 2 people", "those who are in are not bothered");
    }

    #[test]
    fn who_has_another_board_is_told() {
        let split = RoomStatus { trouble: Some(Trouble::Split), ..room(3, 0, &[1, 2]) };
        assert_eq!(words(&split, 0), "The boards differ: one of the whiteboards may be older");
    }

    #[test]
    fn whose_browser_makes_no_connections_is_told_that_and_not_of_a_server() {
        let blocked = RoomStatus { rendezvous: RendezvousState::Blocked("blocked".into()), ..room(0, 0, &[]) };
        assert_eq!(of(&RoomState::Joining, &blocked, 0).1, "This browser connects to nobody");
    }

    #[test]
    fn whom_the_server_has_no_place_for_is_told_that_and_not_of_a_network() {
        let rendezvous = RendezvousState::Full("too many".into());
        let newcomer = RoomStatus { rendezvous: rendezvous.clone(), ..room(0, 0, &[]) };
        let told = of(&RoomState::Joining, &newcomer, 0).1;
        assert_eq!(told, "The signaling server takes nobody else in now, trying again");
        let met = RoomStatus { peers: vec![NodeId(1)], ..newcomer };
        assert_eq!(of(&RoomState::Joining, &met, 0).1, "Joining the others");
        let back = RoomStatus { rendezvous, ..room(3, 0, &[]) };
        assert_eq!(words(&back, 2), "The signaling server takes nobody else in now, 2 changes waiting");
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
