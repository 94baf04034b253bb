//! A room's handle: how a game speaks in a room from outside its frames.

use super::{Portable, Proposal, ledger::Ledger, portable};
use crate::{
    raft::{COMMAND_BYTES_MAX, Rejected},
    room::{Front, ProposeError, Request, RoomStatus, Shared, lock},
};
use std::{
    sync::{Arc, Mutex, MutexGuard, mpsc::Sender},
    task::Waker,
};

/// Speaks in a room from anywhere: a thread, a task, a script of the page. What it proposes reaches the others also while
/// this app draws no frames, as in a hidden tab; the app itself carries it out, and hears what became of it
/// ([`Settled`](super::Settled)), when it draws again.
///
/// [`Room::handle`](super::Room::handle) gives it. It keeps no room open: once the room is left, it says so.
///
/// ```
/// # use bevy_ecs::prelude::*;
/// # use bevy_quorum::prelude::*;
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Serialize, Deserialize)]
/// # struct Found { prime: u64 }
/// # impl Portable for Found { const NAME: &'static str = "found"; }
/// fn search(room: Single<&Room>) {
///     let Some(room) = room.handle() else { return };
///     std::thread::spawn(move || room.propose(&Found { prime: 65_537 }));
/// }
/// ```
#[derive(Clone)]
pub struct RoomHandle {
    requests: Sender<Request>,
    shared: Arc<Shared>,
    ledger: Arc<Mutex<Ledger>>,
    bell: Waker,
}

impl RoomHandle {
    /// Proposes a command to the room, as [`Room::propose`](super::Room::propose) does.
    ///
    /// # Errors
    /// If it does not encode into [`COMMAND_BYTES_MAX`] bytes with its name, or the room is closed.
    pub fn propose<T: Portable>(&self, value: &T) -> Result<Proposal, ProposeError> {
        let body = portable::seal(value).map_err(|_| ProposeError::Unencodable)?;
        if body.len() > COMMAND_BYTES_MAX {
            return Err(Rejected::TooLarge { bytes: body.len(), limit: COMMAND_BYTES_MAX }.into());
        }
        let proposal = self.ledger().issue(body.clone()).ok_or(ProposeError::Closed)?;
        if self.request(Request::Propose { ticket: proposal.0, body }) {
            Ok(proposal)
        } else {
            self.ledger().settle(proposal, None);
            Err(ProposeError::Closed)
        }
    }

    /// How the room stands at this moment, whatever the last frame showed. What only frames know, how far commands are
    /// carried out and whether a snapshot failed, is left out of it.
    #[must_use]
    pub fn status(&self) -> RoomStatus {
        RoomStatus { pending: self.ledger().pending(), ..self.shared.status() }
    }

    pub(super) fn new(front: Front, ledger: Arc<Mutex<Ledger>>, bell: Waker) -> Self {
        Self { requests: front.requests, shared: front.shared, ledger, bell }
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Hands a request to the driver, and wakes it; whether it is still there.
    pub(super) fn request(&self, request: Request) -> bool {
        let sent = self.requests.send(request).is_ok();
        if sent {
            self.bell.wake_by_ref();
        }
        sent
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        lock(&self.ledger)
    }
}
