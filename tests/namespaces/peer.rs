//! One process: a peer of a room that does to the room's registers what it is told on standard input, and tells on
//! standard output what came of it.

use crate::register::{Act, Operation, Register};
use bevy_app::prelude::*;
use bevy_ecs::prelude::*;
use bevy_quorum::{
    prelude::*,
    raft::{Config, Mutant},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    env,
    io::{self, BufRead, Write},
    sync::{Arc, Mutex, mpsc},
    task::Wake,
    thread::{self, Thread},
    time::Duration,
};

/// The first argument of such a process. Then a folder, and a signaling server to open a room at, an invitation, or
/// nothing, if the folder holds a room.
pub const MARK: &str = "--peer";
/// The variable that names a mistake to make, to see whether it is noticed.
const MUTANT: &str = "BEVY_QUORUM_MUTANT";
/// So few that every trial makes many snapshots.
const MARK_ENTRIES: u64 = 50;
/// So little that who was away for a while is sent one.
const TAIL_BYTES: usize = 2_048;
/// The app sleeps until something rings for it; this long at most, so that a lost ring shows as slowness only.
const NAP: Duration = Duration::from_secs(1);

/// What a peer is told, a line each.
#[derive(Debug, Serialize, Deserialize)]
pub enum Order {
    /// To do something to a register.
    Do(Operation),
    /// To show what it holds.
    Show,
}

/// What a peer tells, a line each.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Word {
    /// The way into the room.
    Invitation(String),
    /// How the room stands, whenever that changes.
    Standing(Standing),
    /// What became of an operation.
    Settled(u64, Fate),
    /// What it holds.
    Shown(Shown),
    /// A snapshot took the place of what it held.
    Restored,
    /// It can't go on.
    Failed(String),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    pub node: NodeId,
    pub leads: bool,
    pub term: Term,
    pub voters: usize,
    pub rendezvous: bool,
    /// How many others are linked.
    pub linked: usize,
}

/// What became of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fate {
    /// It was done, to a register that held this.
    Answered(u64),
    /// It never was, and never will be.
    NotTaken,
    /// It was done, or may yet be.
    Unknown,
}

/// What a peer holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    pub applied: LogIndex,
    pub pending: usize,
    /// The numbers of all operations that were done, in their order.
    pub journal: Vec<u64>,
    /// Every register.
    pub registers: BTreeMap<u64, u64>,
}

/// The room's state.
#[derive(Resource, Default, Serialize, Deserialize)]
struct State {
    registers: BTreeMap<u64, Register>,
    journal: Vec<u64>,
}

impl Portable for State {
    const NAME: &'static str = "state";
}

/// What this peer proposed and wasn't settled yet, and what the registers said to it.
#[derive(Resource, Default)]
struct Open {
    proposals: BTreeMap<Proposal, u64>,
    answers: BTreeMap<u64, u64>,
    looks: BTreeMap<Read, Operation>,
}

#[derive(Resource)]
struct Orders(Mutex<mpsc::Receiver<Order>>);

struct Bell(Thread);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

pub fn run(arguments: &[String]) {
    let bell = Arc::new(Bell(thread::current()));
    let orders = listen(bell.clone());
    let mut app = App::new();
    app.add_plugins((
        QuorumPlugins,
        bevy::log::LogPlugin { filter: "warn,bevy_quorum=debug".into(), ..Default::default() },
    ))
    .insert_resource(AppBell::new(bell.into()))
    .insert_resource(Orders(Mutex::new(orders)))
    .init_resource::<State>()
    .replicate_resource::<State>()
    .init_resource::<Open>()
    .add_command(carry_out)
    .add_observer(restored)
    .add_observer(settled)
    .add_observer(looked)
    .add_observer(state_restored)
    .add_systems(Update, (obey, tell_of_invitation, tell_of_standing).chain());
    app.finish();
    app.cleanup();
    let room = match arguments {
        [folder, way] if way.starts_with("ws") => Room::open(way).store(folder),
        [folder, way] => Room::join(way).store(folder),
        [folder] => Room::resume(folder),
        _ => panic!("{MARK} takes a folder and a way in"),
    };
    app.world_mut().spawn(room.config(config()));
    loop {
        app.update();
        thread::park_timeout(NAP);
    }
}

/// As shipped, but for many and short snapshots, and the mistake that the environment asks for.
fn config() -> Config {
    let wanted = env::var(MUTANT).ok();
    let mutant = wanted.map(|name| {
        let known = Mutant::ALL.iter().find(|mutant| mutant.name() == name);
        *known.unwrap_or_else(|| panic!("{MUTANT}={name} is none of {:?}", Mutant::ALL))
    });
    Config { mark_entries: MARK_ENTRIES, tail_bytes: TAIL_BYTES, mutant, ..Config::default() }
}

fn listen(bell: Arc<Bell>) -> mpsc::Receiver<Order> {
    let (sender, orders) = mpsc::channel();
    thread::spawn(move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            sender.send(serde_json::from_str(&line).unwrap()).unwrap();
            bell.wake_by_ref();
        }
    });
    orders
}

/// Does to the registers what the room has decided.
fn carry_out(
    operation: In<Committed<Operation>>,
    mut state: ResMut<State>,
    mut open: ResMut<Open>,
) -> Result<(), Reject> {
    let Operation { number, key, act } = **operation;
    let answer = state.registers.entry(key).or_default().answer(act);
    state.journal.push(number);
    if operation.own.is_some() {
        open.answers.insert(number, answer);
    }
    Ok(())
}

fn restored(operation: On<Restored<Operation>>, mut open: ResMut<Open>) {
    open.proposals.insert(operation.proposal, operation.value.number);
}

fn state_restored(restored: On<StateRestored>) {
    say(&match restored.differed.as_slice() {
        [] => Word::Restored,
        differed => Word::Failed(format!("the same commands made something else of {differed:?}")),
    });
}

fn settled(settled: On<Settled>, mut open: ResMut<Open>) {
    let number = open.proposals.remove(&settled.proposal).expect("only what was proposed or restored is settled");
    let fate = match &settled.outcome {
        Outcome::Committed(_) => open.answers.remove(&number).map_or(Fate::Unknown, Fate::Answered),
        Outcome::NotTaken(_) => Fate::NotTaken,
        Outcome::Rejected { reason, .. } => return say(&Word::Failed(format!("{number} is rejected: {reason}"))),
        _ => Fate::Unknown,
    };
    say(&Word::Settled(number, fate));
}

fn looked(done: On<ReadDone>, state: Res<State>, mut open: ResMut<Open>) {
    let Operation { number, key, .. } = open.looks.remove(&done.read).expect("only what was asked for is read");
    let held = state.registers.get(&key).copied().unwrap_or_default().0;
    say(&Word::Settled(number, done.outcome.map_or(Fate::NotTaken, |_| Fate::Answered(held))));
}

/// Does what it is told.
fn obey(orders: Res<Orders>, rooms: Query<&Room>, state: Res<State>, mut open: ResMut<Open>) -> Result {
    let room = rooms.single()?;
    while let Ok(order) = orders.0.lock().unwrap().try_recv() {
        match order {
            Order::Do(operation) if operation.act == Act::Look => {
                open.looks.insert(room.read()?, operation);
            }
            Order::Do(operation) => {
                open.proposals.insert(room.propose(&operation)?, operation.number);
            }
            Order::Show => say(&Word::Shown(Shown {
                applied: room.status().applied,
                pending: room.status().pending,
                journal: state.journal.clone(),
                registers: state.registers.iter().map(|(key, register)| (*key, register.0)).collect(),
            })),
        }
    }
    Ok(())
}

fn tell_of_invitation(rooms: Query<&Room>, mut told: Local<bool>) -> Result {
    let room = rooms.single()?;
    if let Some(invitation) = room.invitation()
        && room.status().rendezvous == RendezvousState::Connected
        && !*told
    {
        *told = true;
        say(&Word::Invitation(invitation.to_string()));
    }
    Ok(())
}

fn tell_of_standing(rooms: Query<(&Room, &RoomState)>, mut told: Local<Option<Standing>>) -> Result {
    let (room, state) = rooms.single()?;
    if let RoomState::Failed(error) = state {
        say(&Word::Failed(error.to_string()));
    }
    let status = room.status();
    let Some(node) = status.node else { return Ok(()) };
    let standing = Standing {
        node,
        leads: status.role == Role::Leader,
        term: status.term,
        voters: status.voters.len(),
        rendezvous: status.rendezvous == RendezvousState::Connected,
        linked: status.peers.len(),
    };
    if told.as_ref() != Some(&standing) {
        say(&Word::Standing(standing.clone()));
        *told = Some(standing);
    }
    Ok(())
}

fn say(word: &Word) {
    let line = serde_json::to_string(word).unwrap();
    // A parent that is gone ends this process.
    if writeln!(io::stdout(), "{line}").is_err() {
        std::process::exit(0);
    }
}
