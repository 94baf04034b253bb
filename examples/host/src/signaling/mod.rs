//! The signaling server: introduces the peers of a room to each other, over websockets, in matchbox's language.
//!
//! Everybody in a room hears who comes and goes, and may pass signals on to one of the others. What a signal says is
//! sealed; every number that a stranger controls has a limit; a room is forgotten with its last peer.

mod gate;
mod rooms;
mod socket;

pub use gate::{Entry, Gate};
pub use rooms::{Full, ROOM_NAME_BYTES_MAX, Rooms, Seat};

use crate::{
    metrics::{Metrics, Refusal},
    settings::Limits,
};
use axum::{
    extract::{FromRequestParts, Request, WebSocketUpgrade},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use socket::turn_away;
use std::{net::IpAddr, sync::Arc};
use tokio::sync::watch;

/// How much of a message is read at once, in bytes: most are small, and most connections are idle.
const READ_BUFFER_BYTES: usize = 4 * 1024;
/// How much is gathered before it is written, in bytes.
const WRITE_BUFFER_BYTES: usize = 4 * 1024;

/// The most bytes that a close frame carries (RFC 6455, section 5.5).
const CLOSE_BYTES_MAX: usize = 125;

/// All that the signaling of one host shares.
#[derive(Clone)]
pub struct Signaling {
    /// Who sits in which room.
    pub rooms: Rooms,
    gate: Gate,
    limits: Limits,
    metrics: Arc<Metrics>,
    /// Turns true when the host stops.
    stopping: watch::Receiver<bool>,
}

impl Signaling {
    /// With nobody in it.
    pub fn new(limits: Limits, metrics: Arc<Metrics>, stopping: watch::Receiver<bool>) -> Self {
        Self { rooms: Rooms::new(limits), gate: Gate::new(limits.connections_per_address), limits, metrics, stopping }
    }

    /// Answers somebody who comes with a websocket. Who finds no place is told so over it, for a page never sees another
    /// answer.
    pub async fn enter(&self, address: IpAddr, request: Request) -> Response {
        let Some(name) = room_name(request.uri().path()) else {
            self.refuse(Refusal::Name);
            return (StatusCode::NOT_FOUND, "there is no such room; its name ends with -c or -b").into_response();
        };
        let name = name.to_owned();
        let upgrade = match WebSocketUpgrade::from_request_parts(&mut request.into_parts().0, &()).await {
            Ok(upgrade) => upgrade,
            Err(rejection) => return rejection.into_response(),
        };
        // A message is read as a whole before its size is judged; twice the limit ends the connection at once.
        let upgrade = upgrade
            .max_message_size(2 * self.limits.signal_bytes)
            .max_frame_size(2 * self.limits.signal_bytes)
            .read_buffer_size(READ_BUFFER_BYTES)
            .write_buffer_size(WRITE_BUFFER_BYTES);
        let Some(entry) = self.gate.enter(address) else { return self.turn_away(upgrade, Refusal::Address) };
        let (seat, letters) = match self.rooms.sit(&name) {
            Ok(seated) => seated,
            Err(Full::Room) => return self.turn_away(upgrade, Refusal::Seats),
            Err(Full::House) => return self.turn_away(upgrade, Refusal::Rooms),
        };
        let signaling = self.clone();
        upgrade.on_upgrade(move |socket| async move {
            signaling.serve(socket, &seat, letters).await;
            drop((seat, entry));
        })
    }

    fn turn_away(&self, upgrade: WebSocketUpgrade, refusal: Refusal) -> Response {
        let farewell = self.refuse(refusal);
        // A close frame is all that is heard of them.
        let upgrade = upgrade.max_message_size(CLOSE_BYTES_MAX).max_frame_size(CLOSE_BYTES_MAX);
        upgrade.on_upgrade(move |socket| turn_away(socket, farewell))
    }
}

/// The room that a path leads to: its last part, which ends with the plane of the peer's connection.
fn room_name(path: &str) -> Option<&str> {
    let name = path.rsplit('/').next()?;
    let named = name.strip_suffix("-c").or(name.strip_suffix("-b")).is_some_and(|name| !name.is_empty());
    Some(name).filter(|name| named && name.len() <= ROOM_NAME_BYTES_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_is_the_last_part_of_a_path_and_names_its_plane() {
        assert_eq!(room_name("/abc-c"), Some("abc-c"));
        assert_eq!(room_name("/some/where/abc-b"), Some("abc-b"));
        for path in ["/", "/abc", "/-c", "/abc-c/", "/abc-d", &format!("/{}-c", "a".repeat(ROOM_NAME_BYTES_MAX))] {
            assert_eq!(room_name(path), None, "{path}");
        }
    }
}
