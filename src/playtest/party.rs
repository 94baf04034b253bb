//! Whole apps that play together in one process, in virtual time.

use crate::{
    link::{
        Link,
        in_process::{Address, Conditions, Network},
    },
    raft::{Config, Durable, Moment, Node},
    replicate::{QuorumPlugins, Room, RoomState},
    room::{Door, LinkMaker, RoomError, StoreMaker, found, proceed},
    storage::{Identity, MemoryDisk, Opened},
};
use bevy_app::App;
use bevy_ecs::prelude::*;
use std::time::Duration;

/// How often the app of a seat updates: at 60 Hz.
pub const FRAME: Duration = Duration::from_nanos(16_666_667);

/// Several apps in one room, over an in-process network, each with a disk that outlives it.
///
/// Consensus is stepped whenever something happens, apps once a frame; nothing sleeps, and the same seed gives
/// the same run.
///
/// ```
/// use bevy_ecs::prelude::*;
/// use bevy_quorum::{playtest::Party, prelude::*};
/// use std::time::Duration;
///
/// let mut party = Party::new(7, |app| { app.add_observer(|_: On<LeaderChanged>| {}); });
/// let host = party.open();
/// let guest = party.join();
/// party.run_for(Duration::from_secs(3));
/// assert_eq!(party.room(guest).status().voters.len(), 2);
/// assert_eq!(party.room(guest).status().leader, party.room(host).status().node);
/// ```
pub struct Party {
    seed: u64,
    now: Moment,
    network: Network,
    game: Box<dyn Fn(&mut App)>,
    config: Config,
    seats: Vec<Seat>,
    /// How often somebody sat down: no two starts share their randomness.
    starts: u64,
}

/// One app's place at the party.
struct Seat {
    disk: MemoryDisk,
    address: Address,
    app: Option<App>,
    room: Entity,
    witness: bool,
    next_frame: Moment,
    frozen_until: Moment,
}

/// Which app of a party.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Guest(pub usize);

impl Party {
    /// A party to which nobody came yet; `game` is added to the app of everybody who plays.
    pub fn new(seed: u64, game: impl Fn(&mut App) + 'static) -> Self {
        Self {
            seed,
            now: Moment::ZERO,
            network: Network::new(seed),
            game: Box::new(game),
            config: Config::default(),
            seats: Vec::new(),
            starts: 0,
        }
    }

    /// What frames suffer between all from now on.
    #[must_use]
    pub fn over(self, conditions: Conditions) -> Self {
        self.network.condition_all(conditions);
        self
    }

    /// Gives all who come these settings.
    #[must_use]
    pub fn config(self, config: Config) -> Self {
        Self { config, ..self }
    }

    /// Opens the room.
    pub fn open(&mut self) -> Guest {
        self.sit(MemoryDisk::new(), Room::open("ws://in.process"))
    }

    /// Somebody joins by the invitation of the first who is alive.
    ///
    /// # Panics
    /// If nobody opened a room.
    pub fn join(&mut self) -> Guest {
        let invitation = self.invitation();
        self.sit(MemoryDisk::new(), Room::join(invitation))
    }

    /// An app without the game comes, and only keeps the room: see [`Room::witness`].
    ///
    /// # Panics
    /// If nobody opened a room.
    pub fn join_as_witness(&mut self) -> Guest {
        let invitation = self.invitation();
        self.sit(MemoryDisk::new(), Room::join(invitation).witness())
    }

    fn invitation(&self) -> String {
        let host = self.seats.iter().position(|seat| seat.app.is_some()).expect("somebody is alive");
        self.room(Guest(host)).invitation().expect("the host's room is open").to_string()
    }

    /// A guest continues its room as a new one, on another disk and at another address. If that fails it stays in the
    /// old one. Who joins the first guest joins the room that it is in by then.
    ///
    /// # Errors
    /// Why it can't be continued.
    ///
    /// # Panics
    /// If it was killed.
    pub fn continue_as_new(&mut self, guest: Guest, disk: MemoryDisk) -> Result<(), RoomError> {
        let room = Room::continue_as_new(self.seats[guest.0].room, "ws://in.process");
        let (room, address) = self.prepare(&disk, room);
        let seat = &mut self.seats[guest.0];
        let world = seat.app.as_mut().expect("the guest is alive").world_mut();
        let room = world.spawn(room).id();
        if let Some(RoomState::Failed(error)) = world.get::<RoomState>(room).cloned() {
            return Err(error);
        }
        (seat.room, seat.disk, seat.address) = (room, disk, address);
        Ok(())
    }

    /// An app dies at once; what its disk had not yet completed is lost.
    pub fn kill(&mut self, guest: Guest) {
        let seat = &mut self.seats[guest.0];
        self.network.kill(seat.address);
        seat.disk.crash();
        seat.app = None;
    }

    /// An app that died starts again on its disk.
    pub fn restart(&mut self, guest: Guest) {
        let Seat { disk, witness, .. } = &self.seats[guest.0];
        let room = Room::resume("memory");
        let room = if *witness { room.witness() } else { room };
        self.seats[guest.0] = self.seat(disk.clone(), room);
    }

    /// An app's frames stop for a while: a shader compiles, a window is dragged. Its consensus goes on.
    pub fn freeze(&mut self, guest: Guest, duration: Duration) {
        self.seats[guest.0].frozen_until = self.now + duration;
    }

    /// Lets time pass.
    pub fn run_for(&mut self, duration: Duration) {
        let end = self.now + duration;
        while self.now < end {
            let next = self.next_event().min(end);
            self.now = next.max(self.now);
            self.network.advance(self.now);
            self.step();
        }
    }

    /// Lets time pass until `condition` holds, at most for `patience`; says whether it came to hold.
    pub fn run_until(&mut self, patience: Duration, mut condition: impl FnMut(&mut Self) -> bool) -> bool {
        let end = self.now + patience;
        while self.now < end {
            if condition(self) {
                return true;
            }
            self.run_for(FRAME);
        }
        condition(self)
    }

    /// The virtual time.
    pub fn now(&self) -> Moment {
        self.now
    }

    /// The network between all.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Where a guest sits in the network.
    pub fn address(&self, guest: Guest) -> Address {
        self.seats[guest.0].address
    }

    /// A guest's disk.
    pub fn disk(&self, guest: Guest) -> &MemoryDisk {
        &self.seats[guest.0].disk
    }

    /// A guest's app.
    ///
    /// # Panics
    /// If it was killed.
    pub fn app(&mut self, guest: Guest) -> &mut App {
        self.seats[guest.0].app.as_mut().expect("the guest is alive")
    }

    /// A guest's room.
    ///
    /// # Panics
    /// If it was killed.
    pub fn room(&self, guest: Guest) -> &Room {
        let seat = &self.seats[guest.0];
        let app = seat.app.as_ref().expect("the guest is alive");
        app.world().get::<Room>(seat.room).expect("its room is not despawned")
    }

    /// A guest's consensus, for those who look on.
    ///
    /// # Panics
    /// If it was killed.
    pub fn node<T>(&self, guest: Guest, look: impl FnOnce(&Node) -> T) -> T {
        look(self.room(guest).hand().expect("a party's rooms are driven by hand").participant())
    }

    fn sit(&mut self, disk: MemoryDisk, room: Room) -> Guest {
        let seat = self.seat(disk, room);
        self.seats.push(seat);
        Guest(self.seats.len() - 1)
    }

    /// A room that keeps itself on a disk, and its address.
    fn prepare(&mut self, disk: &MemoryDisk, room: Room) -> (Room, Address) {
        let endpoint = self.network.endpoint();
        let address = endpoint.address();
        let disk = disk.clone();
        let store = StoreMaker::now(move |door| at_disk(&disk, door));
        let link: LinkMaker = Box::new(move |_| Ok(Box::new(endpoint) as Box<dyn Link>));
        self.starts += 1;
        let seed = self.seed.wrapping_mul(31).wrapping_add(self.starts);
        (room.config(self.config.clone()).by_hand(store, link, seed, self.now), address)
    }

    fn seat(&mut self, disk: MemoryDisk, room: Room) -> Seat {
        let (room, address) = self.prepare(&disk, room);
        let witness = room.is_witness();
        let mut app = App::new();
        app.add_plugins(QuorumPlugins);
        if !witness {
            (self.game)(&mut app);
        }
        let room = app.world_mut().spawn(room).id();
        app.update();
        Seat { disk, address, app: Some(app), room, witness, next_frame: self.now, frozen_until: self.now }
    }

    /// Steps whatever is due now: first consensus everywhere, then the frames.
    fn step(&mut self) {
        for seat in &mut self.seats {
            let Some(app) = &mut seat.app else { continue };
            step_consensus(app, seat.room, self.now);
            if seat.next_frame <= self.now && seat.frozen_until <= self.now {
                app.update();
                seat.next_frame = self.now + FRAME;
                step_consensus(app, seat.room, self.now);
            }
        }
    }

    fn next_event(&self) -> Moment {
        let seats = self.seats.iter().filter_map(|seat| {
            let room = app_room(seat.app.as_ref()?, seat.room);
            let consensus = room.and_then(|room| room.hand()?.deadline()).unwrap_or(Moment::NEVER);
            Some(consensus.min(seat.next_frame.max(seat.frozen_until)))
        });
        seats.chain(self.network.next_due()).min().unwrap_or(Moment::NEVER).max(self.now + Duration::from_nanos(1))
    }
}

fn step_consensus(app: &App, room: Entity, now: Moment) {
    if let Some(mut hand) = app_room(app, room).and_then(Room::hand) {
        hand.step(now);
    }
}

fn app_room(app: &App, room: Entity) -> Option<&Room> {
    app.world().get::<Room>(room)
}

/// The store on a disk in memory that outlives the app.
fn at_disk(disk: &MemoryDisk, door: Door) -> Result<Opened, RoomError> {
    Ok(match door {
        Door::Open { rendezvous } => {
            let (identity, durable) = found(rendezvous)?;
            disk.create(&identity, &durable)?
        }
        Door::Continue { rendezvous, legacy } => {
            let (identity, durable) = proceed(rendezvous, legacy)?;
            disk.create(&identity, &durable)?
        }
        Door::Join(invitation) => disk.create(&Identity::generate(invitation), &Durable::default())?,
        Door::Resume { .. } => disk.open()?,
    })
}
