//! openraft 0.10 on a runtime of one thread, over stores as plain as they can be.

mod network;
mod store;

use crate::{
    contender::{Contender, Load, Stuck, Wire},
    machine::{Machine, Supply},
};
use bytes::Bytes;
use futures_util::{
    StreamExt,
    future::{Either, select},
    stream::BoxStream,
};
use network::{Network, Router};
use openraft::{
    Config, OptionalSend, RaftTypeConfig, SnapshotPolicy, async_runtime::watch::WatchReceiver,
    raft::responder::Responder,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeSet,
    fmt,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use store::{Log, State};
use tokio::{runtime::Runtime, sync::Notify};

/// Standard Raft: at most one leader in a term.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Types;

impl RaftTypeConfig for Types {
    type D = Command;
    type R = ();
    type NodeId = u64;
    type Node = ();
    type Term = u64;
    type LeaderId = openraft::impls::leader_id_std::LeaderId<u64, u64>;
    type Vote = openraft::Vote<Self::LeaderId>;
    type Payload = openraft::EntryPayload<Command, u64, ()>;
    type Entry = openraft::Entry<<Self::LeaderId as openraft::vote::RaftLeaderId>::Committed, Self::Payload>;
    type Responder<T: OptionalSend + 'static> = Tally;
    type Batch<T: OptionalSend + 'static> = openraft::impls::InlineBatch<T>;
    type AsyncRuntime = openraft::TokioRuntime;
    type ErrorSource = openraft::impls::BoxedErrorSource;
}

type Raft = openraft::Raft<Types, State>;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Command(Bytes);

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

/// How often nothing may happen before a test gives up.
const POLL: Duration = Duration::from_millis(1);

/// After how long without a command applied anywhere a cluster is taken to stand still.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where its users choose.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Appends follow one another without waiting for answers.
    stream: bool,
    /// Commands are handed over in one call for each window, not one by one.
    batch: bool,
}

pub struct OpenRaft {
    runtime: Runtime,
    router: Router,
    settings: Settings,
    rafts: Vec<Raft>,
    states: Vec<State>,
    leader: usize,
    supply: Supply,
}

impl Contender for OpenRaft {
    const NAME: &'static str = "openraft";
    const SETTINGS: &'static [Settings] = &[
        Settings { stream: false, batch: false },
        Settings { stream: false, batch: true },
        Settings { stream: true, batch: false },
        Settings { stream: true, batch: true },
    ];
    type Settings = Settings;

    fn start(nodes: usize, settings: Settings, wire: Wire) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        let router = Router::new(nodes, wire);
        let states: Vec<State> = (0..nodes).map(|_| State::default()).collect();
        let rafts = runtime.block_on(form(&router, &states, settings));
        Self { runtime, router, settings, rafts, states, leader: 0, supply: Supply::default() }
    }

    fn carry_out(&mut self, load: Load) -> Result<(), Stuck> {
        let (raft, supply) = (&self.rafts[self.leader], &mut self.supply);
        self.runtime.block_on(unless_stuck(&self.states, async {
            if self.settings.batch { propose_many(raft, supply, load).await } else { propose(raft, supply, load).await }
        }))
    }

    fn catch_up(&mut self, node: usize, applied: u64) -> Result<(), Stuck> {
        let state = &self.states[node];
        self.runtime.block_on(unless_stuck(&self.states, async {
            while state.machine().applied() < applied {
                state.applied().await;
            }
            Ok(())
        }))
    }

    fn leader(&self) -> usize {
        self.leader
    }

    fn cut(&mut self, node: usize) {
        self.router.cut(node);
    }

    fn heal(&mut self) {
        self.router.heal();
    }

    fn append_in_vain(&mut self, commands: u64, bytes: usize) {
        let raft = &self.rafts[self.leader];
        self.runtime.block_on(async {
            let before = last_index(raft);
            for _ in 0..commands {
                raft.client_write_ff(Command(self.supply.next(bytes).into()), None).await.expect("it runs");
            }
            while last_index(raft) < before + commands {
                tokio::time::sleep(POLL).await;
            }
        });
    }

    fn depose(&mut self) {
        let (old, new) = (self.leader, (self.leader + 1) % self.rafts.len());
        let raft = &self.rafts[new];
        self.runtime.block_on(async {
            while raft.current_leader().await != Some(new as u64) {
                raft.trigger().elect(true).await.expect("it runs");
                tokio::time::sleep(POLL * 50).await;
            }
        });
        assert_ne!(old, new);
        self.leader = new;
    }

    fn machines(&self) -> Vec<Machine> {
        self.states.iter().map(State::machine).collect()
    }

    fn wire_bytes(&self) -> u64 {
        self.router.bytes()
    }

    fn leader_allocations(&self) -> Option<u64> {
        None
    }
}

impl Drop for OpenRaft {
    fn drop(&mut self) {
        self.runtime.block_on(async {
            for raft in &self.rafts {
                raft.shutdown().await.expect("it ends in good order");
            }
        });
    }
}

/// Starts the nodes and waits for the first of them to lead.
async fn form(router: &Router, states: &[State], settings: Settings) -> Vec<Raft> {
    let config = Config {
        heartbeat_interval: 100,
        election_timeout_min: 2_000,
        election_timeout_max: 4_000,
        max_payload_entries: 4_096,
        snapshot_policy: SnapshotPolicy::Never,
        enable_pre_vote: Some(true),
        ..Config::default()
    };
    let config = Arc::new(config.validate().expect("the settings are sound"));
    let mut rafts = Vec::new();
    for (node, state) in states.iter().enumerate() {
        let links = Network::factory(router.clone(), node, settings.stream);
        let raft = Raft::new(node as u64, config.clone(), links, Log::default(), state.clone()).await;
        rafts.push(raft.expect("it starts"));
    }
    router.connect(&rafts);
    let voters: BTreeSet<u64> = (0..rafts.len() as u64).collect();
    rafts[0].initialize(voters).await.expect("it is fresh");
    while rafts[0].current_leader().await != Some(0) {
        tokio::time::sleep(POLL).await;
    }
    rafts
}

fn last_index(raft: &Raft) -> u64 {
    raft.metrics().borrow_watched().last_log_index.unwrap_or(0)
}

/// One by one, each counted when it is applied.
async fn propose(raft: &Raft, supply: &mut Supply, load: Load) -> Result<(), Stuck> {
    let done = Arc::new(Done::default());
    for number in 0..load.commands {
        if number >= load.window {
            done.wait_for(number + 1 - load.window).await;
        }
        let command = Command(supply.next(load.bytes).into());
        raft.client_write_ff(command, Some(Tally(done.clone()))).await.expect("it runs");
    }
    done.wait_for(load.commands).await;
    Ok(())
}

/// In halves of a window, so that one is on its way while the other is made.
async fn propose_many(raft: &Raft, supply: &mut Supply, load: Load) -> Result<(), Stuck> {
    let half = load.window.div_ceil(2);
    let mut under_way = None;
    let mut left = load.commands;
    while left > 0 {
        let count = half.min(left);
        left -= count;
        let commands = (0..count).map(|_| Command(supply.next(load.bytes).into()));
        let answers = raft.client_write_many(commands).await.expect("it runs");
        let earlier = if load.window == 1 { Some(answers) } else { under_way.replace(answers) };
        take_answers(earlier).await?;
    }
    take_answers(under_way).await
}

async fn take_answers<T, E, F>(answers: Option<BoxStream<'_, Result<Result<T, E>, F>>>) -> Result<(), Stuck> {
    let Some(mut answers) = answers else { return Ok(()) };
    while let Some(answer) = answers.next().await {
        // A leader that is deposed gives its commands up.
        answer.ok().and_then(Result::ok).ok_or(Stuck)?;
    }
    Ok(())
}

/// Does some work, as long as commands are applied meanwhile.
async fn unless_stuck(states: &[State], work: impl Future<Output = Result<(), Stuck>>) -> Result<(), Stuck> {
    let applied = || states.iter().map(|state| state.machine().applied()).sum::<u64>();
    let mut work = pin!(work);
    loop {
        let before = applied();
        match select(&mut work, pin!(tokio::time::sleep(PATIENCE))).await {
            Either::Left((done, _)) => return done,
            Either::Right(_) if applied() == before => return Err(Stuck),
            Either::Right(_) => {}
        }
    }
}

/// Counts answers, and wakes who waits for one of them.
#[derive(Default)]
struct Done {
    count: AtomicU64,
    wanted: AtomicU64,
    news: Notify,
}

impl Done {
    async fn wait_for(&self, count: u64) {
        self.wanted.store(count, Relaxed);
        while self.count.load(Relaxed) < count {
            self.news.notified().await;
        }
    }
}

/// Answers nobody, only counts.
pub struct Tally(Arc<Done>);

impl<T: OptionalSend + 'static> Responder<Types, T> for Tally {
    fn on_complete(self, _: T) {
        let count = self.0.count.load(Relaxed) + 1;
        self.0.count.store(count, Relaxed);
        if count == self.0.wanted.load(Relaxed) {
            self.0.news.notify_one();
        }
    }
}
