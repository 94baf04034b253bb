//! Who sits in which room.

use crate::settings::Limits;
use axum::extract::ws::Utf8Bytes;
use matchbox_protocol::{JsonPeerEvent, PeerId};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use uuid::Uuid;

/// The longest name of a room, in bytes; ours have 66.
pub const ROOM_NAME_BYTES_MAX: usize = 128;
/// How many letters wait for a peer that reads slowly. One more, and it loses its seat.
const LETTERS_WAITING_MAX: usize = 256;

type Seats = BTreeMap<PeerId, Sender<Utf8Bytes>>;

/// Who sits in which room.
#[derive(Clone)]
pub struct Rooms {
    taken: Arc<Mutex<BTreeMap<String, Seats>>>,
    limits: Limits,
}

/// A place in a room, given up when dropped.
pub struct Seat {
    rooms: Rooms,
    room: String,
    peer: PeerId,
}

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// As many as may be are in the room.
    Room,
    /// There are as many rooms as may be.
    House,
}

impl Rooms {
    /// With nobody in them.
    pub fn new(limits: Limits) -> Self {
        Self { taken: Arc::default(), limits }
    }

    /// Sits down, and tells the others. What they have to say comes out of the other part; when that ends, the seat is
    /// lost.
    ///
    /// # Errors
    /// If there is no place.
    pub fn sit(&self, room: &str) -> Result<(Seat, Receiver<Utf8Bytes>), Full> {
        let mut taken = self.lock();
        match taken.get(room) {
            Some(seats) if seats.len() >= self.limits.seats_per_room => return Err(Full::Room),
            None if taken.len() >= self.limits.rooms => return Err(Full::House),
            _ => {}
        }
        let peer = PeerId(Uuid::new_v4());
        let (letters, waiting) = channel(LETTERS_WAITING_MAX);
        let seats = taken.entry(room.to_owned()).or_default();
        tell_all(seats, JsonPeerEvent::NewPeer(peer));
        seats.insert(peer, letters);
        drop(taken);
        Ok((Seat { rooms: self.clone(), room: room.to_owned(), peer }, waiting))
    }

    /// How many rooms there are, and how many seats are taken in all of them.
    pub fn count(&self) -> (usize, usize) {
        let taken = self.lock();
        (taken.len(), taken.values().map(BTreeMap::len).sum())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Seats>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    /// What its peer is told first: its name.
    pub fn greeting(&self) -> Utf8Bytes {
        letter(&JsonPeerEvent::IdAssigned(self.peer))
    }

    /// Passes a signal on to somebody in the same room; says whether they are there.
    pub fn pass_on(&self, to: PeerId, data: serde_json::Value) -> bool {
        let mut rooms = self.rooms.lock();
        let Some(seats) = rooms.get_mut(&self.room) else { return false };
        let letter = letter(&JsonPeerEvent::Signal { sender: self.peer, data });
        let Some(sent) = seats.get(&to).map(|letters| letters.try_send(letter).is_ok()) else { return false };
        if !sent {
            unseat(seats, to);
        }
        sent
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut rooms = self.rooms.lock();
        let Some(seats) = rooms.get_mut(&self.room) else { return };
        unseat(seats, self.peer);
        if seats.is_empty() {
            rooms.remove(&self.room);
        }
    }
}

/// Whoever loses a seat this way is gone for the others, whether or not its connection still stands.
fn unseat(seats: &mut Seats, peer: PeerId) {
    if seats.remove(&peer).is_some() {
        tell_all(seats, JsonPeerEvent::PeerLeft(peer));
    }
}

/// Tells everybody. Who doesn't keep up loses its seat, which the others are told in turn.
fn tell_all(seats: &mut Seats, event: JsonPeerEvent) {
    let mut events = vec![event];
    while let Some(event) = events.pop() {
        let letter = letter(&event);
        seats.retain(|peer, letters| {
            let keeps_up = letters.try_send(letter.clone()).is_ok();
            if !keeps_up {
                events.push(JsonPeerEvent::PeerLeft(*peer));
            }
            keeps_up
        });
    }
}

fn letter(event: &JsonPeerEvent) -> Utf8Bytes {
    event.to_string().into()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn rooms(seats_per_room: usize, rooms: usize) -> Rooms {
        Rooms::new(Limits { seats_per_room, rooms, ..Limits::default() })
    }

    fn next(letters: &mut Receiver<Utf8Bytes>) -> Option<JsonPeerEvent> {
        letters.try_recv().ok().map(|letter| letter.parse().unwrap())
    }

    #[test]
    fn a_room_is_forgotten_with_its_last_peer() {
        let rooms = rooms(2, 2);
        let (first, second) = (rooms.sit("a").unwrap(), rooms.sit("a").unwrap());
        assert_eq!(rooms.count(), (1, 2));
        drop((first, second));
        assert_eq!(rooms.count(), (0, 0));
    }

    #[test]
    fn those_who_stay_hear_who_comes_and_goes() {
        let rooms = rooms(2, 2);
        let (first, mut heard) = rooms.sit("a").unwrap();
        let (second, _letters) = rooms.sit("a").unwrap();
        let peer = second.peer;
        assert!(second.pass_on(first.peer, "hello".into()));
        drop(second);
        let _elsewhere = rooms.sit("b").unwrap();
        assert_eq!(next(&mut heard), Some(JsonPeerEvent::NewPeer(peer)));
        assert_eq!(next(&mut heard), Some(JsonPeerEvent::Signal { sender: peer, data: "hello".into() }));
        assert_eq!(next(&mut heard), Some(JsonPeerEvent::PeerLeft(peer)));
        assert_eq!(next(&mut heard), None, "another room's peers are none of our business");
    }

    #[test]
    fn a_full_room_and_a_full_house_turn_people_away() {
        let rooms = rooms(1, 2);
        let seats = [rooms.sit("a").unwrap(), rooms.sit("b").unwrap()];
        assert_eq!(rooms.sit("a").err(), Some(Full::Room));
        assert_eq!(rooms.sit("c").err(), Some(Full::House));
        drop(seats);
        assert!(rooms.sit("c").is_ok());
    }

    #[test]
    fn who_does_not_read_loses_its_seat_and_the_others_hear_of_it() {
        let rooms = rooms(3, 1);
        let (slow, mut unread) = rooms.sit("a").unwrap();
        let (chatty, mut heard) = rooms.sit("a").unwrap();
        // That the other one came waits too.
        for number in 1..LETTERS_WAITING_MAX {
            assert!(chatty.pass_on(slow.peer, number.into()));
        }
        assert!(!chatty.pass_on(slow.peer, 0.into()));
        assert_eq!(next(&mut heard), Some(JsonPeerEvent::PeerLeft(slow.peer)));
        while next(&mut unread).is_some() {}
        assert!(unread.is_closed());
        assert_eq!(rooms.count(), (1, 1));
    }
}
