//! What a stalled frame of the leader costs the others: nothing.
//!
//! Three rooms over real WebRTC in one process, each app in a thread of its own. A follower commits all the time;
//! the leader's main thread is blocked for 3 s and then not, in turns (A B A B). Printed are the follower's commit
//! latencies in both states, and whether the leader stayed. Run: `cargo bench --bench stall`.

use bevy_app::App;
use bevy_ecs::prelude::*;
use bevy_quorum::prelude::*;
use matchbox_signaling::SignalingServer;
use serde::{Deserialize, Serialize};
use std::{
    net::Ipv4Addr,
    sync::mpsc::{Receiver, Sender, channel},
    thread,
    time::{Duration, Instant},
};

const FRAME: Duration = Duration::from_millis(2);
const STALL: Duration = Duration::from_secs(3);
const ROUNDS: usize = 3;

#[derive(Serialize, Deserialize)]
struct Mark(u32);

impl Portable for Mark {
    const NAME: &'static str = "mark";
}

fn mark(_: In<Committed<Mark>>) -> Result<(), Reject> {
    Ok(())
}

/// When the last own proposal was made, and how long settled ones took.
#[derive(Resource, Default)]
struct Latencies {
    asked: Option<Instant>,
    settled: Vec<Duration>,
}

/// What a player is told, and what it tells.
enum Order {
    Block(Duration),
    Commit(bool),
    Report,
}

struct Report {
    status: RoomStatus,
    invitation: Option<String>,
    latencies: Vec<Duration>,
}

/// An app in a thread of its own.
struct Player {
    orders: Sender<Order>,
    reports: Receiver<Report>,
}

fn main() {
    let rendezvous = signaling();
    let first = Player::start(Room::open(rendezvous));
    let invitation = first.until(|report| report.invitation.is_some()).invitation.expect("it was there just now");
    let players = [first, Player::start(Room::join(&invitation)), Player::start(Room::join(&invitation))];
    for player in &players {
        player.until(|report| report.status.voters.len() == 3 && report.status.leader.is_some());
    }
    let leads = |player: &&Player| player.report().status.role == Role::Leader;
    let leader = players.iter().find(leads).expect("somebody leads");
    let follower = players.iter().find(|player| !leads(player)).expect("somebody follows");
    let before = leader.report().status;

    let (mut calm, mut stalled) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        calm.extend(follower.commit_for(STALL));
        leader.order(Order::Block(STALL));
        stalled.extend(follower.commit_for(STALL));
    }
    let after = follower.report().status;
    let stayed = (after.leader, after.term) == (before.leader, before.term);
    println!("commit latency at a follower, leader's main thread free:    {}", figures(&mut calm));
    println!("commit latency at a follower, leader's main thread blocked: {}", figures(&mut stalled));
    println!("leader and term stayed the same: {stayed}");
}

impl Player {
    fn start(room: Room) -> Self {
        let (orders, ordered) = channel();
        let (report, reports) = channel();
        thread::spawn(move || play(room, &ordered, &report));
        Self { orders, reports }
    }

    fn order(&self, order: Order) {
        self.orders.send(order).expect("the player plays on");
    }

    fn report(&self) -> Report {
        self.order(Order::Report);
        self.reports.recv().expect("the player plays on")
    }

    fn until(&self, condition: impl Fn(&Report) -> bool) -> Report {
        loop {
            let report = self.report();
            if condition(&report) {
                return report;
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn commit_for(&self, duration: Duration) -> Vec<Duration> {
        self.order(Order::Commit(true));
        thread::sleep(duration);
        self.order(Order::Commit(false));
        self.report().latencies
    }
}

fn play(room: Room, orders: &Receiver<Order>, reports: &Sender<Report>) {
    let mut app = App::new();
    app.add_plugins(QuorumPlugins).init_resource::<Latencies>().add_command(mark).add_observer(
        |_: On<Settled>, mut latencies: ResMut<Latencies>| {
            if let Some(asked) = latencies.asked.take() {
                latencies.settled.push(asked.elapsed());
            }
        },
    );
    let room = app.world_mut().spawn(room).id();
    let mut committing = false;
    loop {
        for order in orders.try_iter() {
            match order {
                Order::Block(duration) => thread::sleep(duration),
                Order::Commit(on) => committing = on,
                Order::Report => {
                    let latencies = std::mem::take(&mut app.world_mut().resource_mut::<Latencies>().settled);
                    let room = app.world().get::<Room>(room).expect("the room stays");
                    let invitation = room.invitation().map(ToString::to_string);
                    if reports.send(Report { status: room.status().clone(), invitation, latencies }).is_err() {
                        return;
                    }
                }
            }
        }
        if committing && app.world().resource::<Latencies>().asked.is_none() {
            app.world_mut().resource_mut::<Latencies>().asked = Some(Instant::now());
            let room = app.world().get::<Room>(room).expect("the room stays");
            room.propose(&Mark(1)).expect("the room is open");
        }
        app.update();
        thread::sleep(FRAME);
    }
}

/// Starts a signaling server; returns its address.
fn signaling() -> String {
    let mut server = SignalingServer::full_mesh_builder((Ipv4Addr::LOCALHOST, 0)).build();
    let (send, receive) = channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
        runtime.block_on(async move {
            send.send(server.bind().expect("a free port is there")).expect("somebody waits for it");
            server.serve().await.expect("the server serves");
        });
    });
    format!("ws://{}", receive.recv().expect("the server starts"))
}

fn figures(latencies: &mut [Duration]) -> String {
    latencies.sort();
    let at = |percent: usize| latencies[(latencies.len() - 1) * percent / 100].as_secs_f64() * 1e3;
    format!("p50 {:.1} ms, p99 {:.1} ms, {} commits", at(50), at(99), latencies.len())
}
