//! How a room is entered: by which door, with which store, over which links.

use super::Room;
use crate::{
    raft::{COMMAND_BYTES_MAX, Config, Moment},
    room::{ByHand, Door, LinkMaker, RoomError, Setup, StoreMaker, desk, drive, in_memory},
    wire::FRAME_BYTES_MAX,
};
use std::{ops::RangeInclusive, path::PathBuf, sync::Mutex, task::Waker};

/// What a message takes beside the commands in it, at most.
const MESSAGE_BYTES: usize = 1_024;
/// The sizes of messages that work: one command fits, and a frame carries it.
const APPEND_BYTES: RangeInclusive<usize> = COMMAND_BYTES_MAX + MESSAGE_BYTES..=FRAME_BYTES_MAX - MESSAGE_BYTES;

/// What is decided before a room comes up.
pub(super) struct Entrance {
    door: Result<Door, RoomError>,
    store: StoreMaker,
    link: Option<LinkMaker>,
    ice_servers: Vec<String>,
    config: Config,
    seed: Option<u64>,
    by_hand: Option<Moment>,
}

impl Entrance {
    fn new(door: Result<Door, RoomError>) -> Self {
        Self {
            door,
            store: Box::new(in_memory),
            link: None,
            ice_servers: Vec::new(),
            config: Config::default(),
            seed: None,
            by_hand: None,
        }
    }

    fn setup(self) -> Result<(Setup, Option<Moment>), RoomError> {
        let link = self.link.unwrap_or_else(|| real_links(self.ice_servers));
        let seed = self.seed.unwrap_or_else(random_seed);
        Ok((Setup { door: self.door?, store: self.store, link, config: self.config, seed }, self.by_hand))
    }
}

impl Room {
    /// Opens a new room, which can be found at a signaling server's address, `ws://…` or `wss://…`.
    ///
    /// ```
    /// # use bevy_quorum::prelude::*;
    /// let room = Room::open("wss://signal.example").store("my-board").ice_servers(["stun:stun.example:3478"]);
    /// ```
    pub fn open(rendezvous: impl Into<String>) -> Self {
        Self::enter(Ok(Door::Open { rendezvous: vec![rendezvous.into()] }))
    }

    /// Joins a room by its invitation. With a store that already belongs to this room, comes back to it, at the
    /// invitation's addresses, and never with fewer permissions than before.
    ///
    /// An invitation that can't be read makes the room [`RoomState::Failed`](super::RoomState::Failed); parse
    /// it as an [`Invitation`](crate::wire::Invitation) first to know sooner.
    pub fn join(invitation: impl AsRef<str>) -> Self {
        Self::enter(invitation.as_ref().parse().map(Door::Join).map_err(RoomError::from))
    }

    /// Comes back to the room that a folder holds.
    ///
    /// ```
    /// # use bevy_quorum::prelude::*;
    /// let same_address = Room::resume("my-board");
    /// let moved = Room::resume("my-board").rendezvous("wss://other.example");
    /// ```
    pub fn resume(folder: impl Into<PathBuf>) -> Self {
        Self::enter(Ok(Door::Resume { rendezvous: None })).store(folder)
    }

    fn enter(door: Result<Door, RoomError>) -> Self {
        Self::standing_at(Entrance::new(door))
    }

    /// Keeps the room in a folder, so that it outlives this process. Without one it lives in memory, and this
    /// node is a new one each time.
    #[must_use]
    pub fn store(self, folder: impl Into<PathBuf>) -> Self {
        let folder = folder.into();
        #[cfg(all(feature = "disk", not(target_arch = "wasm32")))]
        let store: StoreMaker = Box::new(move |door| crate::room::on_disk(&folder, door));
        #[cfg(not(all(feature = "disk", not(target_arch = "wasm32"))))]
        let store: StoreMaker = Box::new(move |_| {
            drop(folder);
            Err(RoomError::Unsupported("this build has no store on disk"))
        });
        self.prepared(|entrance| entrance.store = store)
    }

    /// Where the room can be found from now on, if it is resumed at another address.
    #[must_use]
    pub fn rendezvous(self, address: impl Into<String>) -> Self {
        self.prepared(|entrance| {
            if let Ok(Door::Resume { rendezvous }) = &mut entrance.door {
                *rendezvous = Some(vec![address.into()]);
            }
        })
    }

    /// STUN or TURN servers, `stun:host:port`, for peers that don't share a network. None by default.
    #[must_use]
    pub fn ice_servers(self, urls: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.prepared(|entrance| entrance.ice_servers = urls.into_iter().map(Into::into).collect())
    }

    /// Other timing or limits than the shipped ones.
    ///
    /// ```
    /// # use bevy_quorum::{prelude::*, raft::Config};
    /// # use std::time::Duration;
    /// let patient = Config { silence: Duration::from_secs(20), ..Config::default() };
    /// let room = Room::open("wss://signal.example").config(patient);
    /// ```
    ///
    /// Messages that no frame could carry, or that no command fits, are taken for the nearest size that works.
    #[must_use]
    pub fn config(self, config: Config) -> Self {
        let append_bytes_max = config.append_bytes_max.clamp(*APPEND_BYTES.start(), *APPEND_BYTES.end());
        self.prepared(|entrance| entrance.config = Config { append_bytes_max, makes_snapshots: false, ..config })
    }

    /// Links, store, randomness and clock of a test: nothing happens until the room is stepped.
    #[cfg(feature = "playtest")]
    #[must_use]
    pub(crate) fn by_hand(self, store: StoreMaker, link: LinkMaker, seed: u64, now: Moment) -> Self {
        self.prepared(|entrance| {
            entrance.store = store;
            entrance.link = Some(link);
            entrance.seed = Some(seed);
            entrance.by_hand = Some(now);
        })
    }

    /// Brings the room up: on a driver of its own, or standing still in the hand of a test.
    pub(super) fn start(&mut self, app: Waker) -> Result<(), RoomError> {
        let Some(entrance) = self.take_entrance() else { return Ok(()) };
        let (setup, by_hand) = entrance.setup()?;
        let (front, back) = desk(app);
        match by_hand {
            None => self.connect(front, drive(setup, back), None),
            Some(now) => {
                let (hand, waker) = ByHand::bring_up(setup, back, now)?;
                self.connect(front, waker, Some(Mutex::new(hand)));
            }
        }
        Ok(())
    }
}

/// WebRTC data channels, found through the rendezvous of the invitation.
#[cfg(feature = "webrtc")]
fn real_links(ice_servers: Vec<String>) -> LinkMaker {
    use crate::link::{
        Link,
        matchbox::{MatchboxConfig, MatchboxLink},
    };

    Box::new(move |identity| {
        let invitation = &identity.invitation;
        let mut config = MatchboxConfig::new(invitation.rendezvous(), invitation.room_name());
        config.ice_server.urls = ice_servers;
        let link = MatchboxLink::new(config).map_err(|error| RoomError::Links(error.kind()))?;
        Ok(Box::new(link) as Box<dyn Link>)
    })
}

#[cfg(not(feature = "webrtc"))]
fn real_links(_: Vec<String>) -> LinkMaker {
    Box::new(|_| Err(RoomError::Unsupported("this build has no links; enable the feature `webrtc`")))
}

fn random_seed() -> u64 {
    getrandom::u64().expect("the operating system has randomness to give")
}
