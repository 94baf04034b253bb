//! What a room costs the main thread: nothing much when idle, little under 1,000 commits a second.
//!
//! Two apps that differ only in the room take turns at 60 Hz (A B A B), each update timed on its own; what is
//! printed is the difference of their medians and of their means. Run: `cargo bench --bench frame_cost`.

use bevy_app::prelude::*;
use bevy_ecs::prelude::*;
use bevy_quorum::prelude::*;
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

const FRAME: Duration = Duration::from_nanos(16_666_667);
const FRAMES: usize = 600;
const COMMITS_A_SECOND: usize = 1_000;

/// A command the size of a small stroke.
#[derive(Serialize, Deserialize)]
struct Mark(Vec<u8>);

impl Portable for Mark {
    const NAME: &'static str = "mark";
}

#[derive(Resource, Default)]
struct Marks(u64);

fn mark(mark: In<Committed<Mark>>, mut marks: ResMut<Marks>) -> Result<(), Reject> {
    marks.0 += mark.0.0.len() as u64;
    Ok(())
}

/// A game with something in each schedule, as every game has, so that waking the schedule's executor isn't
/// counted as the plugin's cost.
fn app() -> App {
    let mut app = App::new();
    app.init_resource::<Marks>().add_systems(PreUpdate, idle).add_systems(Update, idle).add_systems(Last, idle);
    app
}

fn idle(marks: Res<Marks>) {
    std::hint::black_box(marks.0);
}

fn main() {
    println!("{FRAMES} frames at 60 Hz, main-thread time of the plugin a frame");
    for commits in [0, COMMITS_A_SECOND] {
        let (with, without, applied) = measure(commits);
        let cost = |figure: fn(&[Duration]) -> Duration| micros(figure(&with)) - micros(figure(&without));
        println!(
            "{commits:>5} commits/s: median {:>7.1} µs, mean {:>7.1} µs, p99 {:>7.1} µs ({applied} applied)",
            cost(median),
            cost(mean),
            cost(p99),
        );
    }
}

/// The update times of an app with a room and of one without, and how many commands were applied.
fn measure(commits_a_second: usize) -> (Vec<Duration>, Vec<Duration>, u64) {
    let mut plain = app();
    let mut playing = app();
    playing.add_plugins(QuorumPlugins).add_command(mark);
    let room = playing.world_mut().spawn(Room::open("ws://127.0.0.1:9")).id();
    while playing.world().get::<Room>(room).is_none_or(|room| room.status().role != Role::Leader) {
        playing.update();
        std::thread::sleep(FRAME);
    }
    let (mut with, mut without) = (Vec::new(), Vec::new());
    let mut owed = 0;
    for frame in 0..FRAMES {
        let start = Instant::now();
        owed += commits_a_second;
        let proposals = owed / 60;
        owed %= 60;
        // What the game itself does to propose belongs to the cost, too.
        let mut play = || {
            let room = playing.world().get::<Room>(room).expect("the room stays");
            for _ in 0..proposals {
                room.propose(&Mark(vec![7; 200])).expect("the room is open");
            }
            playing.update();
        };
        // Who comes first after a sleep finds cold caches: they take turns at it.
        if frame % 2 == 0 {
            with.push(timed(&mut play));
            without.push(timed(|| plain.update()));
        } else {
            without.push(timed(|| plain.update()));
            with.push(timed(&mut play));
        }
        std::thread::sleep(FRAME.saturating_sub(start.elapsed()));
    }
    let applied = playing.world().resource::<Marks>().0 / 200;
    (with, without, applied)
}

fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn sorted(times: &[Duration]) -> Vec<Duration> {
    let mut times = times.to_vec();
    times.sort();
    times
}

fn median(times: &[Duration]) -> Duration {
    sorted(times)[times.len() / 2]
}

fn p99(times: &[Duration]) -> Duration {
    sorted(times)[times.len() * 99 / 100]
}

fn mean(times: &[Duration]) -> Duration {
    times.iter().sum::<Duration>() / u32::try_from(times.len()).expect("there are a few hundred frames")
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
