//! The weather between nodes: what is lost, late, doubled, cut or clogged.

use crate::raft::{Dice, Moment};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// What happens to messages in one direction.
#[derive(Clone, Debug, PartialEq)]
pub struct Conditions {
    /// How long every message takes.
    pub delay: Duration,
    /// How much longer it may take, at random; more than the pause between two messages reorders them.
    pub jitter: Duration,
    /// How many of a thousand are lost.
    pub loss_permille: u64,
    /// How many of a thousand come twice.
    pub doubled_permille: u64,
}

impl Default for Conditions {
    /// 10 ms each way, and nothing goes wrong.
    fn default() -> Self {
        Self { delay: Duration::from_millis(10), jitter: Duration::ZERO, loss_permille: 0, doubled_permille: 0 }
    }
}

impl Conditions {
    /// A round trip without faults.
    pub fn round_trip(round_trip: Duration) -> Self {
        Self { delay: round_trip / 2, ..Self::default() }
    }

    /// How long each copy of one message takes; none if it is lost.
    fn delays(&self, dice: &mut Dice) -> impl ExactSizeIterator<Item = Duration> + use<> {
        let copies = match (dice.roll() % 1_000 < self.loss_permille, dice.roll() % 1_000 < self.doubled_permille) {
            (true, _) => 0,
            (false, false) => 1,
            (false, true) => 2,
        };
        let mut delay = || self.delay + dice.between(Duration::ZERO, self.jitter);
        let delays = [delay(), if copies == 2 { delay() } else { Duration::ZERO }];
        delays.into_iter().take(copies)
    }
}

#[derive(Default)]
pub(super) struct Network {
    pub everywhere: Conditions,
    pub between: BTreeMap<(u64, u64), Conditions>,
    pub cuts: BTreeSet<(u64, u64)>,
    /// Directions in which nothing arrives before some time.
    pub clogs: BTreeMap<(u64, u64), Moment>,
    /// Pairs without a connection, the lesser number first.
    pub down: BTreeSet<(u64, u64)>,
    pub lost: u64,
    pub doubled: u64,
    /// How often each pair has lost its connection, and with it what was under way.
    losses: BTreeMap<(u64, u64), u64>,
}

impl Network {
    /// When each copy of a message sent at `now` arrives.
    pub fn arrivals(
        &mut self,
        now: Moment,
        from: u64,
        to: u64,
        dice: &mut Dice,
    ) -> impl Iterator<Item = Moment> + use<> {
        let open = !self.cuts.contains(&(from, to)) && self.connects(from, to);
        let conditions = self.between.get(&(from, to)).unwrap_or(&self.everywhere);
        let clog = self.clogs.get(&(from, to)).copied().unwrap_or_default();
        let delays = open.then(|| conditions.delays(dice));
        match delays.as_ref().map_or(0, |delays| delays.len()) {
            0 => self.lost += 1,
            1 => {}
            _ => self.doubled += 1,
        }
        delays.into_iter().flatten().map(move |delay| (now + delay).max(clog))
    }

    /// Whether a pair is connected.
    pub fn connects(&self, a: u64, b: u64) -> bool {
        !self.down.contains(&pair(a, b))
    }

    /// Which connection of a pair this is, counted from its first.
    pub fn connection(&self, a: u64, b: u64) -> u64 {
        self.losses.get(&pair(a, b)).copied().unwrap_or_default()
    }

    /// Loses the connection of a pair; false if there was none.
    pub fn disconnect(&mut self, a: u64, b: u64) -> bool {
        *self.losses.entry(pair(a, b)).or_default() += 1;
        self.down.insert(pair(a, b))
    }

    /// Connects a pair again; false if it was connected.
    pub fn connect(&mut self, a: u64, b: u64) -> bool {
        self.down.remove(&pair(a, b))
    }
}

fn pair(a: u64, b: u64) -> (u64, u64) {
    (a.min(b), a.max(b))
}
