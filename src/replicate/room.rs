//! The room's entity: how a game speaks in a room, and looks at it.

use super::{
    Parent, Portable, Proposal, Read, RoomHandle, chore::Workplace, continuation::Lineage, entrance::Entrance,
    ledger::Ledger, portable,
};
use crate::{
    raft::{LogIndex, LogTime, NodeId},
    room::{
        ByHand, Front, LEAVE_PATIENCE, News, ProposeError, ReadError, Request, RoomError, RoomStatus, Shared, Showcase,
        StateError, lock,
    },
    wire::{self, Invitation, WHISPER_BYTES_MAX},
};
use bevy_ecs::prelude::*;
use bevy_reflect::prelude::*;
use bytes::Bytes;
use std::{
    sync::{Arc, Mutex, MutexGuard},
    task::Waker,
};

/// A room that this app is in, or is entering. Spawn one to enter, despawn it to leave.
///
/// ```no_run
/// use bevy_app::prelude::*;
/// use bevy_ecs::prelude::*;
/// use bevy_quorum::prelude::*;
///
/// fn enter(mut commands: Commands) {
///     commands.spawn(match std::env::args().nth(1) {
///         Some(invitation) => Room::join(invitation),
///         None => Room::open("wss://signal.example"),
///     });
/// }
///
/// App::new().add_plugins(QuorumPlugins).add_systems(Startup, enter).run();
/// ```
#[derive(Component, Reflect)]
#[reflect(Component, from_reflect = false)]
#[require(RoomState)]
pub struct Room {
    #[reflect(ignore)]
    entrance: Mutex<Option<Entrance>>,
    #[reflect(ignore)]
    handle: Option<RoomHandle>,
    #[reflect(ignore)]
    hand: Option<Mutex<ByHand>>,
    #[reflect(ignore)]
    ledger: Arc<Mutex<Ledger>>,
    status: RoomStatus,
    #[reflect(ignore)]
    seen: u64,
    #[reflect(ignore)]
    invitation: Option<Invitation>,
    #[reflect(ignore)]
    history: LogIndex,
    #[reflect(ignore)]
    stored: LogIndex,
    #[reflect(ignore)]
    time: LogTime,
    #[reflect(ignore)]
    lineage: Lineage,
    witness: bool,
    #[reflect(ignore)]
    end: End,
}

/// How far a room is on its way out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// It takes requests.
    Open,
    /// It takes none any more; what was decided before is still carried out.
    Near,
    /// Nothing more happens in it.
    Past,
}

/// Where a room is on its way from the door to the end; on the room's entity.
///
/// ```
/// use bevy_ecs::prelude::*;
/// use bevy_quorum::prelude::*;
///
/// fn show(rooms: Query<(&Room, &RoomState), Changed<RoomState>>) {
///     for (room, state) in &rooms {
///         match state {
///             RoomState::Open => println!("{} people vote", room.status().voters.len()),
///             RoomState::Failed(error) => println!("{error}"),
///             _ => {}
///         }
///     }
/// }
/// ```
#[derive(Component, Clone, Debug, Default, Reflect)]
#[reflect(opaque)]
#[reflect(Component, Debug, Default)]
pub enum RoomState {
    /// Its store is being opened.
    #[default]
    Opening,
    /// It knows no members yet: it waits for a leader to let it in.
    Joining,
    /// This node is a member.
    Open,
    /// It can't be entered, or can't go on.
    Failed(RoomError),
    /// It was left.
    Closed,
}

/// Why a whisper was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WhisperError {
    /// It does not fit one packet.
    #[error("a whisper of {bytes} bytes doesn't fit one packet of {limit}; send less, or several")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// The value does not encode.
    #[error("the whisper can't be encoded; a type that travels must not contain what serde can't write")]
    Unencodable,
    /// The room failed or was left.
    #[error("the room is closed")]
    Closed,
}

impl Room {
    /// Proposes a command to the room. It leaves at once, waits in the durable outbox while the room has no
    /// majority, and is settled later: see [`Settled`](super::Settled).
    ///
    /// ```
    /// # use bevy_ecs::prelude::*;
    /// # use bevy_quorum::prelude::*;
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Serialize, Deserialize)]
    /// # struct Strike { damage: u32 }
    /// # impl Portable for Strike { const NAME: &'static str = "strike"; }
    /// fn strike(room: Single<&Room>) -> Result {
    ///     room.propose(&Strike { damage: 3 })?;
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// If it does not encode into [`COMMAND_BYTES_MAX`](crate::raft::COMMAND_BYTES_MAX) bytes with its name, or the room is closed.
    pub fn propose<T: Portable>(&self, value: &T) -> Result<Proposal, ProposeError> {
        self.handle.as_ref().ok_or(ProposeError::Closed)?.propose(value)
    }

    /// Asks for a moment at which the state here holds every command that was decided, anywhere in the room, before now.
    /// [`ReadDone`](super::ReadDone) says when it has come, mostly after one round trip to the leader; nothing is
    /// written for it.
    ///
    /// Without it a peer reads its own state, which is consistent, and may be late.
    ///
    /// ```
    /// # use bevy_ecs::prelude::*;
    /// # use bevy_quorum::prelude::*;
    /// fn ask(room: Single<&Room>) -> Result {
    ///     room.read()?;
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// If the room is closed.
    pub fn read(&self) -> Result<Read, ReadError> {
        let read = self.ledger().ask();
        if self.request(Request::Read { ticket: read.0 }) {
            Ok(read)
        } else {
            self.ledger().answer(read);
            Err(ReadError::Closed)
        }
    }

    /// Whispers to every peer that is linked: unreliable, never logged, newest wins.
    ///
    /// ```
    /// # use bevy_ecs::prelude::*;
    /// # use bevy_quorum::prelude::*;
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Serialize, Deserialize)]
    /// # struct Aim { angle: f32 }
    /// # impl Portable for Aim { const NAME: &'static str = "aim"; }
    /// fn aim(room: Single<&Room>) -> Result {
    ///     room.whisper(&Aim { angle: 0.5 })?;
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// If it does not encode into [`WHISPER_BYTES_MAX`] bytes, or the room is closed.
    pub fn whisper<T: Portable>(&self, value: &T) -> Result<(), WhisperError> {
        let body = wire::encode(value).map_err(|_| WhisperError::Unencodable)?;
        if body.len() > WHISPER_BYTES_MAX {
            return Err(WhisperError::TooLarge { bytes: body.len(), limit: WHISPER_BYTES_MAX });
        }
        self.request(Request::Whisper { kind: portable::kind::<T>(), body: body.into() })
            .then_some(())
            .ok_or(WhisperError::Closed)
    }

    /// How the room stands, as of this frame.
    pub fn status(&self) -> &RoomStatus {
        &self.status
    }

    /// Speaks in this room from outside the app's frames. There is none before the room is spawned.
    pub fn handle(&self) -> Option<RoomHandle> {
        self.handle.clone()
    }

    /// The room that this one continues, if it does; known once its state is.
    pub fn parent(&self) -> Option<Parent> {
        self.lineage.parent
    }

    /// Whether this room can be [continued as a new one](Self::continue_as_new): what its store knew decided when it was
    /// opened is carried out. A witness carries nothing out.
    pub fn can_be_continued(&self) -> bool {
        self.status.node.is_some() && self.status.applied >= self.stored && !self.witness
    }

    /// Whether this node only votes and stores: see [`witness`](Self::witness).
    pub fn is_witness(&self) -> bool {
        self.witness
    }

    /// The way into the room, once it is known. It reads as a link.
    pub fn invitation(&self) -> Option<&Invitation> {
        self.invitation.as_ref()
    }

    pub(super) fn standing_at(entrance: Entrance) -> Self {
        Self {
            entrance: Mutex::new(Some(entrance)),
            handle: None,
            hand: None,
            ledger: Arc::default(),
            status: RoomStatus::default(),
            seen: 0,
            invitation: None,
            history: LogIndex::default(),
            stored: LogIndex::default(),
            time: LogTime::default(),
            lineage: Lineage::default(),
            witness: false,
            end: End::Open,
        }
    }

    pub(super) fn prepared(self, change: impl FnOnce(&mut Entrance)) -> Self {
        if let Some(entrance) = lock(&self.entrance).as_mut() {
            change(entrance);
        }
        self
    }

    pub(super) fn watching(mut self) -> Self {
        self.witness = true;
        self
    }

    pub(super) fn take_entrance(&mut self) -> Option<Entrance> {
        lock(&self.entrance).take()
    }

    pub(super) fn connect(&mut self, front: Front, bell: Waker, hand: Option<Mutex<ByHand>>) {
        self.handle = Some(RoomHandle::new(front, self.ledger.clone(), bell));
        self.hand = hand;
    }

    /// What the driver lays out and hands over.
    pub(super) fn shared(&self) -> Option<&Arc<Shared>> {
        self.handle.as_ref().map(RoomHandle::shared)
    }

    /// What waits longest at the front of a room that isn't over.
    pub(super) fn next_news(&self) -> Option<News> {
        self.shared().filter(|_| self.end != End::Past).and_then(|shared| shared.next())
    }

    pub(super) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        lock(&self.ledger)
    }

    /// What the store said when it was opened: who we are, how to come in, how far it knows the log decided.
    pub(super) fn opened(&mut self, node: NodeId, invitation: Invitation, stored: LogIndex) {
        self.status.node = Some(node);
        self.invitation = Some(invitation);
        self.stored = stored;
        self.history = stored;
    }

    /// The log up to here is older than our part in it.
    pub(super) fn catch_up_to(&mut self, history: LogIndex) {
        self.history = self.history.max(history);
    }

    /// Its driver has said its last word, and takes no more requests.
    pub(super) fn end(&mut self) {
        self.ledger().close();
        self.end = End::Near;
    }

    /// The proposals and reads that come to nothing, once, when a room that ended has nothing left to carry out.
    pub(super) fn abandon(&mut self) -> (Vec<Proposal>, Vec<Read>) {
        match self.end {
            End::Near => {
                self.end = End::Past;
                let ledger = self.ledger();
                (ledger.undecided(), ledger.unread())
            }
            End::Open | End::Past => Default::default(),
        }
    }

    /// Whether an entry is older than our part in the room.
    pub(super) fn is_history(&self, index: LogIndex) -> bool {
        index <= self.history
    }

    /// The handlers have carried out the log up to here. Commands come sooner than showcases: what is applied is
    /// committed, whatever was shown last.
    pub(super) fn applied(&mut self, index: LogIndex) {
        self.status.applied = index;
        self.status.commit = self.status.commit.max(index);
    }

    /// Leaves at once, with what is waiting not carried out: its state can't be taken over. Gives back the proposals
    /// and reads that come to nothing.
    pub(super) fn give_up(&mut self) -> (Vec<Proposal>, Vec<Read>) {
        self.leave();
        self.ledger().close();
        self.end = End::Past;
        let ledger = self.ledger();
        (ledger.undecided(), ledger.unread())
    }

    /// Where work on the room's state is done.
    pub(super) fn workplace(&self) -> Workplace {
        match self.shared() {
            Some(shared) if self.hand.is_none() => Workplace::Beside(shared.clone()),
            _ => Workplace::Here,
        }
    }

    /// The state at a mark is in bytes.
    pub(super) fn snapshotted(&mut self, index: LogIndex, state: Bytes) {
        self.status.state_error = None;
        self.request(Request::Snapshotted { index, state });
    }

    /// No snapshot is made of the state at a mark.
    pub(super) fn complain(&mut self, error: StateError) {
        self.status.state_error = Some(error);
    }

    /// A command was carried out.
    pub(super) fn carried_out(&mut self, index: LogIndex, time: LogTime) {
        self.applied(index);
        self.time = time;
    }

    /// The state is that of a snapshot. What was carried out after it, if anything, comes again.
    pub(super) fn restored(&mut self, index: LogIndex, time: LogTime, parent: Option<Parent>) {
        self.catch_up_to(self.status.applied);
        self.carried_out(index, time);
        self.lineage.parent = parent;
    }

    /// The log time of what was carried out last.
    pub(super) fn time(&self) -> LogTime {
        self.time
    }

    pub(super) fn lineage(&self) -> &Lineage {
        &self.lineage
    }

    pub(super) fn lineage_mut(&mut self) -> &mut Lineage {
        &mut self.lineage
    }

    /// Proposes what was proposed to the room that this one continues.
    pub(super) fn propose_again(&self, proposal: Proposal, body: Bytes) {
        self.request(Request::Propose { ticket: proposal.0, body });
    }

    /// Whether the driver has shown something since the last [`look`](Self::look).
    pub(super) fn has_news(&self) -> bool {
        self.shared().is_some_and(|shared| shared.has_news(self.seen))
    }

    /// The driver's latest showcase, if it is new.
    pub(super) fn look(&mut self) -> Option<Showcase> {
        self.handle.as_ref()?.shared().news(&mut self.seen)
    }

    /// Takes over how the room stands, but for what only the main world knows; says whether that changed.
    pub(super) fn stand(&mut self, status: &RoomStatus) -> bool {
        let RoomStatus { applied, pending, .. } = self.status;
        let (commit, state_error) = (status.commit.max(applied), self.status.state_error.clone());
        let status = RoomStatus { applied, pending, commit, state_error, ..status.clone() };
        let changed = self.status != status;
        self.status = status;
        changed
    }

    /// Brings the count of unsettled proposals up to date; says whether it changed.
    pub(super) fn count_pending(&mut self) -> bool {
        let pending = self.ledger().pending();
        std::mem::replace(&mut self.status.pending, pending) != pending
    }

    fn request(&self, request: Request) -> bool {
        self.handle.as_ref().filter(|_| self.end == End::Open).is_some_and(|handle| handle.request(request))
    }

    /// Asks the driver to hand over, to flush and to end.
    pub(super) fn leave(&self) {
        self.request(Request::Leave);
    }

    /// Waits until the driver has ended, as long as its patience with leaving may last and a little more for
    /// the disk. A page can't wait for itself.
    pub(super) fn wait_for_end(&self) {
        if let Some(shared) = self.shared()
            && self.hand.is_none()
            && cfg!(not(target_arch = "wasm32"))
        {
            shared.wait_for_end(LEAVE_PATIENCE + LEAVE_PATIENCE);
        }
    }

    /// The hand that drives the room, in a test.
    #[cfg(feature = "playtest")]
    pub(crate) fn hand(&self) -> Option<MutexGuard<'_, ByHand>> {
        self.hand.as_ref().map(lock)
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.leave();
        self.ledger().close();
    }
}
