//! How a room is entered: by which door, with which store, over which links.

use super::{AppBell, Room, RoomState, continuation, keeper::Keeper, state::StateKinds};
use crate::{
    link::IceServer,
    raft::{COMMAND_BYTES_MAX, Config, Moment},
    room::{ByHand, Door, Legacy, LinkMaker, Places, RoomError, Setup, StoreMaker, desk, drive, in_memory},
    wire::FRAME_BYTES_MAX,
};
use bevy_ecs::prelude::*;
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
    places: Places,
    ice: Ice,
    config: Config,
    seed: Option<u64>,
    by_hand: Option<Moment>,
}

/// Who helps peers to reach each other, and how they may.
#[derive(Default)]
struct Ice {
    servers: Vec<IceServer>,
    relay_only: bool,
}

impl Ice {
    /// Whether anybody can be reached like this.
    #[cfg(feature = "webrtc")]
    fn check(&self) -> Result<(), crate::link::IceServerError> {
        let reaches = !self.relay_only || self.servers.iter().any(IceServer::relays);
        reaches.then_some(()).ok_or(crate::link::IceServerError::NoRelay)
    }
}

impl Entrance {
    fn new(door: Result<Door, RoomError>) -> Self {
        Self {
            door,
            store: StoreMaker::now(in_memory),
            link: None,
            places: Places::default(),
            ice: Ice::default(),
            config: Config::default(),
            seed: None,
            by_hand: None,
        }
    }

    /// What the driver needs, of an app that makes snapshots of its state or has none.
    fn setup(self, makes_snapshots: bool) -> Result<(Setup, Option<Moment>), RoomError> {
        let link = self.link.unwrap_or_else(|| real_links(self.ice));
        let seed = self.seed.unwrap_or_else(random_seed);
        let config = Config { makes_snapshots, ..self.config };
        Ok((Setup { door: self.door?, places: self.places, store: self.store, link, config, seed }, self.by_hand))
    }
}

/// Brings up the room that an entity has just got: the app begins with the state that every room begins with, or goes
/// on with that of a room that is continued.
pub(super) fn start(world: &mut World, entity: Entity) {
    let app = world.get_resource::<AppBell>().map_or(Waker::noop(), AppBell::waker).clone();
    let Some(component) = world.get::<Room>(entity) else { return };
    let begun = match component.lineage().continues {
        Some(old) => continuation::begin(world, old, entity).map(Some),
        // What the app replicates belongs to rooms that it plays in.
        None if component.is_witness() => Ok(None),
        None => {
            let begun = world.resource_scope(|world, mut kinds: Mut<StateKinds>| kinds.begin(world));
            begun.map(|()| None).map_err(RoomError::from)
        }
    };
    let makes_snapshots = !world.resource::<StateKinds>().0.is_empty();
    let Ok((mut room, mut state, mut keeper)) =
        world.query::<(&mut Room, &mut RoomState, &mut Keeper)>().get_mut(world, entity)
    else {
        return;
    };
    *keeper = Keeper::default();
    let started = begun.and_then(|legacy| room.start(app, makes_snapshots, legacy));
    *state = started.map_or_else(RoomState::Failed, |()| RoomState::default());
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

    /// Continues a room as a new one, for good: spawn it beside the old one, which goes as soon as the new one's store is
    /// there, and is untouched if that fails.
    ///
    /// This is for people to decide, when a room has no majority and those who are missing don't come back. The new room
    /// has another link, and only this peer in it. It starts from what was decided and carried out here, with the values
    /// that the app [replicates](super::QuorumAppExt::replicate_resource); what others proposed and nobody decided is not
    /// in it. What this peer proposed and was not decided is proposed again, under the same [`Proposal`](super::Proposal).
    /// The old room goes on to exist for whoever is in it, and in its store; [`Room::parent`] of the new one tells where
    /// they parted.
    ///
    /// ```
    /// use bevy_ecs::prelude::*;
    /// use bevy_quorum::prelude::*;
    ///
    /// fn go_on_alone(mut commands: Commands, old: Single<(Entity, &Room)>) {
    ///     let (entity, room) = *old;
    ///     if room.can_be_continued() {
    ///         commands.spawn(Room::continue_as_new(entity, "wss://signal.example").store("another-folder"));
    ///     }
    /// }
    /// ```
    pub fn continue_as_new(old: Entity, rendezvous: impl Into<String>) -> Self {
        let mut room = Self::open(rendezvous);
        room.lineage_mut().continues = Some(old);
        room
    }

    fn enter(door: Result<Door, RoomError>) -> Self {
        Self::standing_at(Entrance::new(door))
    }

    /// Keeps the room in a folder, so that it outlives this process. Without one it lives in memory, and this
    /// node is a new one each time.
    ///
    /// In a browser the folder is only a name, under which the page keeps all rooms that it ever was in: one to which it
    /// was invited is found again by its invitation, and [`resume`](Self::resume) comes back to the one used last. Further
    /// tabs in the same room are further peers.
    #[must_use]
    pub fn store(self, folder: impl Into<PathBuf>) -> Self {
        let store = kept_in(folder.into());
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

    /// Where the room can be found besides: at another signaling server, or at one that this machine runs itself. The
    /// [invitation](Self::invitation) names all of them, four at most, and everybody is present at all of them, so that
    /// newcomers come in as long as one of them is there.
    ///
    /// ```
    /// # use bevy_quorum::prelude::*;
    /// let room = Room::open("wss://signal.example").also_at("ws://192.168.1.2:3536");
    /// ```
    #[must_use]
    pub fn also_at(self, address: impl Into<String>) -> Self {
        self.prepared(|entrance| entrance.places.gained.push(address.into()))
    }

    /// Where the room can't be found any more: say, at the address that this machine had yesterday.
    #[must_use]
    pub fn no_longer_at(self, address: impl Into<String>) -> Self {
        self.prepared(|entrance| entrance.places.lost.push(address.into()))
    }

    /// STUN or TURN servers, for peers that don't share a network. None by default.
    ///
    /// ```
    /// # use bevy_quorum::prelude::*;
    /// let invitation = "http://192.168.1.2:3536/#q3.…";
    /// let plain = Room::join(invitation).ice_servers(["stun:stun.example:3478"]);
    /// let relay = IceServer::relay("turn:relay.example:3478", "ada", "secret");
    /// let relayed = Room::join(invitation).ice_servers(["stun:stun.example:3478".into(), relay]);
    /// ```
    ///
    /// Servers that can't be used together make the room [`RoomState::Failed`](super::RoomState::Failed): see
    /// [`IceServer::merged`].
    #[must_use]
    pub fn ice_servers(self, servers: impl IntoIterator<Item = impl Into<IceServer>>) -> Self {
        self.prepared(|entrance| entrance.ice.servers = servers.into_iter().map(Into::into).collect())
    }

    /// Reaches the others through relays alone (TURN), of which [`ice_servers`](Self::ice_servers) must name one: they
    /// learn no address of this machine but the relay's.
    ///
    /// This keeps addresses from the members' programs, not from somebody invited who means ill: such a one can name an
    /// address of its own as a relay's, and is sent a packet from here.
    #[must_use]
    pub fn relay_only(self) -> Self {
        self.prepared(|entrance| entrance.ice.relay_only = true)
    }

    /// Enters as a witness, for rooms that shall outlive their players: this node votes, and stores what the others commit
    /// and the snapshots they make, and leads only until a player can. It carries out nothing, so the app needs no code of
    /// the room's game; what it proposes is [not taken](super::Outcome::NotTaken).
    ///
    /// Of two players and a witness, any one may be lost; and when both leave, they or others find the room again as it
    /// was.
    ///
    /// ```
    /// # use bevy_quorum::prelude::*;
    /// # let invitation = "";
    /// let room = Room::join(invitation).store("kept-room").witness();
    /// assert!(room.is_witness());
    /// ```
    #[must_use]
    pub fn witness(self) -> Self {
        self.watching()
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
    /// Messages that no frame could carry, or that no command fits, are taken for the nearest size that works. Whether
    /// snapshots are made follows from whether the app [replicates](super::QuorumAppExt::replicate_resource) anything.
    #[must_use]
    pub fn config(self, config: Config) -> Self {
        let append_bytes_max = config.append_bytes_max.clamp(*APPEND_BYTES.start(), *APPEND_BYTES.end());
        self.prepared(|entrance| entrance.config = Config { append_bytes_max, ..config })
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
    fn start(&mut self, app: Waker, makes_snapshots: bool, legacy: Option<Legacy>) -> Result<(), RoomError> {
        let Some(mut entrance) = self.take_entrance() else { return Ok(()) };
        if let (Ok(Door::Open { rendezvous }), Some(legacy)) = (&entrance.door, legacy) {
            entrance.door = Ok(Door::Continue { rendezvous: rendezvous.clone(), legacy });
        }
        entrance.config.witness |= self.is_witness();
        let (setup, by_hand) = entrance.setup(makes_snapshots)?;
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

#[cfg(all(feature = "disk", not(target_arch = "wasm32")))]
fn kept_in(folder: PathBuf) -> StoreMaker {
    StoreMaker::now(move |door| crate::room::on_disk(&folder, door))
}

#[cfg(all(feature = "disk", target_arch = "wasm32"))]
fn kept_in(folder: PathBuf) -> StoreMaker {
    StoreMaker::Later(Box::new(move |door| Box::pin(crate::room::in_browser(folder.display().to_string(), door))))
}

#[cfg(not(feature = "disk"))]
fn kept_in(_: PathBuf) -> StoreMaker {
    StoreMaker::now(|_| Err(RoomError::Unsupported("this build keeps no rooms; enable the feature `disk`")))
}

/// WebRTC data channels, found through the rendezvous of the invitation.
#[cfg(feature = "webrtc")]
fn real_links(ice: Ice) -> LinkMaker {
    use crate::link::{
        Link,
        matchbox::{MatchboxConfig, MatchboxLink},
    };

    Box::new(move |identity| {
        ice.check()?;
        let invitation = &identity.invitation;
        let (name, key) = (invitation.room_name(), invitation.signal_key());
        let mut config =
            MatchboxConfig::new(identity.node(), invitation.rendezvous(), name, key).with_ice_servers(&ice.servers)?;
        config.relay_only = ice.relay_only;
        let link = MatchboxLink::new(config).map_err(|error| RoomError::Links(error.kind()))?;
        Ok(Box::new(link) as Box<dyn Link>)
    })
}

#[cfg(not(feature = "webrtc"))]
fn real_links(_: Ice) -> LinkMaker {
    Box::new(|_| Err(RoomError::Unsupported("this build has no links; enable the feature `webrtc`")))
}

fn random_seed() -> u64 {
    getrandom::u64().expect("the operating system has randomness to give")
}
