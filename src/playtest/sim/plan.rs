//! What one seed decides before time passes.

use super::mishap::Mishap;
use crate::{
    playtest::Conditions,
    raft::{Config, Dice},
};
use std::time::Duration;

/// A world: its people, its weather, its work, and what can go wrong in it.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// How many people there are to be, from 1 to 7.
    pub people: u64,
    /// They are voters from the beginning; otherwise one opens a room and the others join.
    pub formed: bool,
    pub config: Config,
    pub conditions: Conditions,
    pub disk_latency: Duration,
    pub disk_jitter: Duration,
    /// How long games take to make a snapshot, and how large they make it in vain.
    pub game_latency: Duration,
    pub ballast: usize,
    /// How long the trouble lasts.
    pub trouble: Duration,
    /// The usual pause between two mishaps.
    pub pause: Duration,
    /// How many mishaps may go on at the same time.
    pub at_once: usize,
    /// What can go wrong, each as often as it stands here.
    pub mishaps: Vec<Mishap>,
    /// The usual pause between two operations.
    pub work: Duration,
    /// How many of a hundred operations are reads.
    pub reads_percent: u64,
    /// In the end more stores are lost than any configuration bears.
    pub disaster: bool,
}

impl Plan {
    pub fn new(dice: &mut Dice) -> Self {
        let people = 1 + dice.roll() % 7;
        let at_once = usize::try_from(1 + dice.roll() % 4).expect("four are few");
        Self {
            people,
            formed: dice.roll().is_multiple_of(2),
            config: config(dice),
            conditions: weather(dice),
            disk_latency: spread(dice, 0, 40),
            disk_jitter: spread(dice, 0, 60),
            game_latency: spread(dice, 0, 1_000),
            ballast: usize::try_from(spread(dice, 0, 60_000).as_millis()).expect("small"),
            trouble: Duration::from_secs(600),
            pause: spread(dice, 500, 8_000),
            at_once,
            mishaps: mishaps(dice),
            work: spread(dice, 200, 1_500),
            reads_percent: 20 + dice.roll() % 50,
            disaster: dice.roll().is_multiple_of(16),
        }
    }
}

/// A random weather; the calm is as likely as the storm.
pub(super) fn weather(dice: &mut Dice) -> Conditions {
    let mut often = |permille: u64| if dice.roll().is_multiple_of(2) { 0 } else { dice.roll() % permille };
    let (loss_permille, doubled_permille) = (often(300), often(500));
    Conditions { delay: spread(dice, 1, 150), jitter: spread(dice, 0, 200), loss_permille, doubled_permille }
}

/// A duration between two numbers of milliseconds, short ones as likely as long ones.
pub(super) fn spread(dice: &mut Dice, min_ms: u64, max_ms: u64) -> Duration {
    let octaves = (max_ms.max(1) / min_ms.max(1)).ilog2() + 1;
    let scale = min_ms.max(1) << (dice.roll() % u64::from(octaves));
    let ms = min_ms + dice.roll() % scale;
    Duration::from_millis(ms.clamp(min_ms, max_ms))
}

/// Settings that differ in what decides how soon limits are met.
fn config(dice: &mut Dice) -> Config {
    let session_idle = spread(dice, 5_000, 3_600_000);
    let mut one_of = |values: &[usize]| values[(dice.roll() % values.len() as u64) as usize];
    let shipped = Config::default();
    let makes_snapshots = one_of(&[0, 1, 1, 1, 1, 1]) == 1;
    // Who makes none never cuts its log.
    let log_bytes_max = if makes_snapshots { one_of(&[usize::MAX, 40_000]) } else { usize::MAX };
    Config {
        voters_max: one_of(&[3, 5, 5, 7]),
        append_bytes_max: one_of(&[shipped.append_bytes_max, 400]),
        window_bytes: one_of(&[shipped.window_bytes, 600]),
        forward_window_bytes: one_of(&[shipped.forward_window_bytes, 600]),
        uncommitted_bytes_max: one_of(&[shipped.uncommitted_bytes_max, 4_000]),
        outbox_commands_max: one_of(&[shipped.outbox_commands_max, 40]),
        reads_max: one_of(&[shipped.reads_max, 10]),
        makes_snapshots,
        session_idle,
        mark_entries: one_of(&[30, 100, 400]) as u64,
        mark_bytes: one_of(&[shipped.mark_bytes, 4_000]).min(log_bytes_max / 2),
        tail_bytes: one_of(&[shipped.tail_bytes, 3_000, 0]),
        log_bytes_max: log_bytes_max.min(shipped.log_bytes_max),
        ..shipped
    }
}

/// Only some kinds of mishaps, some of them often: what always comes together hides what it could do alone.
fn mishaps(dice: &mut Dice) -> Vec<Mishap> {
    let chosen: Vec<Mishap> = (Mishap::ALL.iter())
        .flat_map(|mishap| std::iter::repeat_n(*mishap, [0, 0, 1, 1, 3][(dice.roll() % 5) as usize]))
        .collect();
    if chosen.is_empty() { Mishap::ALL.to_vec() } else { chosen }
}
