//! One process: a room without a game, which does what it is told on standard input.

use bevy_app::prelude::*;
use bevy_ecs::prelude::*;
use bevy_quorum::prelude::*;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    io::{self, BufRead, Write},
    sync::{Arc, Mutex, mpsc},
    task::Wake,
    thread::{self, Thread},
    time::{Duration, Instant},
};

/// The first argument of such a process.
pub const MARK: &str = "--peer";
/// Strokes of a burst that are on their way at once.
pub const ON_THE_WAY_MAX: usize = 256;
/// A long stroke of a pen.
const STROKE_BYTES: usize = 300;
const NAP: Duration = Duration::from_millis(5);

#[derive(Serialize, Deserialize)]
struct Stroke(Vec<u8>);

impl Portable for Stroke {
    const NAME: &'static str = "stroke";
}

/// What this peer was told to draw.
#[derive(Default)]
enum Task {
    #[default]
    Nothing,
    /// One stroke each time this much has passed.
    Trickle { pause: Duration, due: Instant },
    /// So many, as fast as they go.
    Burst(usize),
}

#[derive(Resource)]
struct Orders(Mutex<mpsc::Receiver<String>>);

#[derive(Resource, Default)]
struct Work {
    task: Task,
    on_the_way: BTreeMap<Proposal, Instant>,
}

#[derive(Resource, Default)]
struct Told {
    invitation: bool,
    standing: String,
}

struct Bell(Thread);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Arguments: the folder, then a signaling server to open a room at, or an invitation.
pub fn run(arguments: &[String]) {
    let [folder, way] = arguments else { panic!("{MARK} takes a folder and a way in") };
    let bell = Arc::new(Bell(thread::current()));
    let (sender, orders) = mpsc::channel();
    let ring = bell.clone();
    thread::spawn(move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
            ring.wake_by_ref();
        }
    });
    let mut app = App::new();
    app.add_plugins(QuorumPlugins)
        .insert_resource(AppBell::new(bell.into()))
        .insert_resource(Orders(Mutex::new(orders)))
        .init_resource::<Work>()
        .init_resource::<Told>()
        .add_command(|_: In<Committed<Stroke>>| Ok(()))
        .add_observer(settled)
        .add_systems(Update, (obey, draw, tell).chain());
    app.finish();
    app.cleanup();
    let room = if way.starts_with("ws") { Room::open(way) } else { Room::join(way) };
    app.world_mut().spawn(room.store(folder));
    loop {
        app.update();
        thread::park_timeout(NAP);
    }
}

fn obey(orders: Res<Orders>, mut work: ResMut<Work>) -> Result {
    let orders = orders.0.lock().map_err(|_| "the orders are gone")?;
    while let Ok(order) = orders.try_recv() {
        work.task = match order.split_once(' ') {
            Some(("trickle", rate)) => {
                Task::Trickle { pause: Duration::from_secs(1) / rate.parse::<u32>()?, due: Instant::now() }
            }
            Some(("burst", count)) => Task::Burst(count.parse()?),
            _ => Task::Nothing,
        };
    }
    Ok(())
}

fn draw(rooms: Query<&Room>, mut work: ResMut<Work>) -> Result {
    let (room, work) = (rooms.single()?, &mut *work);
    let now = Instant::now();
    match &mut work.task {
        Task::Nothing => {}
        Task::Trickle { pause, due } => {
            while *due <= now {
                *due += *pause;
                work.on_the_way.insert(room.propose(&Stroke(vec![7; STROKE_BYTES]))?, now);
            }
        }
        Task::Burst(left) => {
            while *left > 0 && work.on_the_way.len() < ON_THE_WAY_MAX {
                *left -= 1;
                work.on_the_way.insert(room.propose(&Stroke(vec![7; STROKE_BYTES]))?, now);
            }
        }
    }
    Ok(())
}

fn settled(settled: On<Settled>, mut work: ResMut<Work>) {
    if let Some(since) = work.on_the_way.remove(&settled.proposal) {
        say(&format!("settled {}", since.elapsed().as_micros()));
    }
}

/// Says how the room stands, when that has changed.
fn tell(rooms: Query<(&Room, &RoomState)>, mut told: ResMut<Told>) -> Result {
    let (room, state) = rooms.single()?;
    if let RoomState::Failed(error) = state {
        panic!("{error}");
    }
    let status = room.status();
    if let (false, Some(invitation)) = (told.invitation, room.invitation())
        && status.rendezvous == RendezvousState::Connected
    {
        told.invitation = true;
        say(&format!("invite {invitation}"));
    }
    let standing = format!("stands {} {}", status.role == Role::Leader, status.voters.len());
    if told.standing != standing {
        say(&standing);
        told.standing = standing;
    }
    Ok(())
}

fn say(line: &str) {
    // A parent that is gone ends this process.
    if writeln!(io::stdout(), "{line}").is_err() {
        std::process::exit(0);
    }
}
