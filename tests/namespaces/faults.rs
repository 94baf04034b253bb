//! What is done to the peers: by a seeded schedule, in which every kind of fault comes once before any comes twice.

use crate::{
    clients::Clients,
    party::Party,
    world::{Losses, Place},
};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// Seeded randomness (SplitMix64).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }

    fn one_of<T: Copy>(&mut self, many: &[T]) -> Option<T> {
        let place = self.below(many.len().max(1) as u64);
        many.get(usize::try_from(place).unwrap()).copied()
    }

    fn millis(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(from + self.below(to - from))
    }
}

/// How long to wait for somebody to whom something can be done.
const WAITS: Duration = Duration::from_millis(200);

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The leader is killed with SIGKILL, and started again on its store.
    LeaderKilled,
    /// Another is.
    FollowerKilled,
    /// Everybody is, at once.
    EverybodyKilled,
    /// The leader is stopped with SIGSTOP.
    LeaderStopped,
    /// Another is.
    FollowerStopped,
    /// The leader reaches nobody, and nobody reaches it.
    LeaderCutOff,
    /// Another.
    FollowerCutOff,
    /// Nothing passes between two of them.
    PairCut,
    /// Nothing passes from one of them to another, but back.
    OneWayCut,
    /// Nothing that one of them says reaches anybody.
    Mute,
    /// Packets are lost.
    Lossy,
    /// The signaling server is killed.
    RendezvousKilled,
}

use Kind::*;

const KINDS: [Kind; 12] = [
    LeaderKilled,
    FollowerKilled,
    EverybodyKilled,
    LeaderStopped,
    FollowerStopped,
    LeaderCutOff,
    FollowerCutOff,
    PairCut,
    OneWayCut,
    Mute,
    Lossy,
    RendezvousKilled,
];

/// What is to be undone.
enum Wrong {
    Killed(usize),
    Stopped(usize),
    Cut(Vec<(Place, Place)>),
    Lossy(u32),
    RendezvousKilled,
}

/// The schedule, and what is wrong at the moment.
pub struct Faults {
    dice: Dice,
    deck: Vec<Kind>,
    due: Instant,
    wrong: Vec<(Instant, Wrong)>,
    /// How often each was done.
    pub done: BTreeMap<Kind, u32>,
}

impl Faults {
    pub fn new(seed: u64) -> Self {
        let due = Instant::now();
        Self { dice: Dice::new(!seed), deck: Vec::new(), due, wrong: Vec::new(), done: BTreeMap::new() }
    }

    /// Does and undoes what is due; says when there is more to do.
    pub fn happen(&mut self, party: &mut Party, clients: &mut Clients) -> Instant {
        let now = Instant::now();
        self.undo(party, clients, |until| until <= now);
        if self.due <= now {
            let kind = self.draw();
            self.due = match self.inflict(kind, party, clients) {
                Some(()) => now + self.dice.millis(700, 2_500),
                None => now + WAITS,
            };
        }
        self.wrong.iter().map(|(until, _)| *until).min().unwrap_or(self.due).min(self.due)
    }

    /// Whether every kind came up so many times.
    pub fn have_come(&self, times: u32) -> bool {
        KINDS.iter().all(|kind| self.done.get(kind).is_some_and(|done| *done >= times))
    }

    /// Everything is well again.
    pub fn heal(&mut self, party: &mut Party, clients: &mut Clients) {
        self.undo(party, clients, |_| true);
    }

    fn draw(&mut self) -> Kind {
        if self.deck.is_empty() {
            self.deck.extend(KINDS);
        }
        self.dice.one_of(&self.deck).expect("there are kinds")
    }

    /// Nothing, if there is nobody now to whom it could be done: then it comes up again.
    fn inflict(&mut self, kind: Kind, party: &mut Party, clients: &mut Clients) -> Option<()> {
        party.ask_to_show();
        let peers = 0..party.seats.len();
        let up: Vec<usize> = peers.clone().filter(|peer| party.seats[*peer].is_up()).collect();
        let leader = party.leader();
        let followers: Vec<usize> = up.iter().copied().filter(|peer| Some(*peer) != leader).collect();
        let (follower, anybody) = (self.dice.one_of(&followers), self.dice.one_of(&up));
        let lasts = match kind {
            EverybodyKilled => self.dice.millis(100, 1_000),
            LeaderStopped | FollowerStopped => self.dice.millis(1_000, 10_000),
            _ => self.dice.millis(1_000, 6_000),
        };
        let wrong = match kind {
            LeaderKilled => vec![kill(leader?, party, clients)],
            FollowerKilled => vec![kill(follower?, party, clients)],
            EverybodyKilled => {
                let alive = peers.filter(|peer| party.seats[*peer].is_alive()).collect::<Vec<_>>();
                alive.into_iter().map(|peer| kill(peer, party, clients)).collect()
            }
            LeaderStopped => vec![stop(leader?, party)],
            FollowerStopped => vec![stop(follower?, party)],
            LeaderCutOff => vec![Wrong::Cut(both(ways_from(leader?, party)))],
            FollowerCutOff => vec![Wrong::Cut(both(ways_from(follower?, party)))],
            PairCut => vec![Wrong::Cut(both(vec![way(leader?, follower?)]))],
            OneWayCut => vec![Wrong::Cut(vec![way(follower?, anybody.filter(|other| Some(*other) != follower)?)])],
            Mute => vec![Wrong::Cut(ways_from(anybody?, party))],
            Lossy => vec![Wrong::Lossy(5 + u32::try_from(self.dice.below(26)).unwrap())],
            RendezvousKilled => {
                let runs = !self.wrong.iter().any(|(_, wrong)| matches!(wrong, Wrong::RendezvousKilled));
                runs.then(|| party.kill_rendezvous())?;
                vec![Wrong::RendezvousKilled]
            }
        };
        self.deck.retain(|other| *other != kind);
        *self.done.entry(kind).or_default() += 1;
        party.note(&format!("That was {kind:?}, for {lasts:?}, after {} answers", clients.answered()));
        let until = Instant::now() + lasts;
        self.wrong.extend(wrong.into_iter().map(|wrong| (until, wrong)));
        self.set_losses(party);
        Some(())
    }

    fn undo(&mut self, party: &mut Party, clients: &mut Clients, due: impl Fn(Instant) -> bool) {
        for (_, wrong) in self.wrong.extract_if(.., |(until, _)| due(*until)) {
            match wrong {
                Wrong::Killed(peer) => party.bring_back(peer),
                Wrong::Stopped(peer) if party.seats[peer].is_alive() => {
                    clients.ask_at(peer, party);
                    party.go_on(peer);
                }
                Wrong::RendezvousKilled => party.start_rendezvous(),
                Wrong::Stopped(_) | Wrong::Cut(_) | Wrong::Lossy(_) => {}
            }
        }
        self.set_losses(party);
    }

    fn set_losses(&self, party: &mut Party) {
        let mut losses = Losses::default();
        for (_, wrong) in &self.wrong {
            match wrong {
                Wrong::Cut(ways) => losses.cut.extend(ways),
                Wrong::Lossy(percent) => losses.percent = losses.percent.max(*percent),
                _ => {}
            }
        }
        party.lose(losses);
    }
}

fn kill(peer: usize, party: &mut Party, clients: &mut Clients) -> Wrong {
    party.kill(peer);
    clients.give_up(peer);
    Wrong::Killed(peer)
}

fn stop(peer: usize, party: &mut Party) -> Wrong {
    party.stop(peer);
    Wrong::Stopped(peer)
}

fn way(from: usize, to: usize) -> (Place, Place) {
    (Place::Peer(from), Place::Peer(to))
}

/// The ways from a peer to everybody else, the signaling server as well.
fn ways_from(peer: usize, party: &Party) -> Vec<(Place, Place)> {
    let others = (0..party.seats.len()).filter(|other| *other != peer).map(Place::Peer);
    others.chain([Place::Rendezvous]).map(|other| (Place::Peer(peer), other)).collect()
}

/// The same ways, and back.
fn both(ways: Vec<(Place, Place)>) -> Vec<(Place, Place)> {
    ways.into_iter().flat_map(|(from, to)| [(from, to), (to, from)]).collect()
}
