//! One trial, inside of its namespaces: faults under load, then healing, agreement, fresh service, and the verdict.

use crate::{clients::Clients, faults::Faults, party::Party, peer::Shown, verdict};
use std::{
    env,
    io::{self, Read},
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

/// The first argument of such a process; then a [`Plan`].
pub const MARK: &str = "--trial";
/// The variable that names the folder for stores and logs.
pub const FOLDER: &str = "BEVY_QUORUM_TEST_DIR";
/// How long everybody may take to agree after the faults.
const PATIENCE: Duration = Duration::from_secs(90);
/// How often everybody is asked what it holds.
const ASKED_EVERY: Duration = Duration::from_millis(250);
/// Operations that have to be answered after the faults.
const FRESH: usize = 60;
/// Operations that each peer has to answer during the faults.
const ANSWERS_MIN: usize = 60;
/// Changes of leader under which the faults were too tame.
const LEADERS_MIN: usize = 3;

/// What is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    pub peers: usize,
    pub seed: u64,
    /// How often every kind of fault comes.
    pub rounds: u32,
}

impl Plan {
    pub fn arguments(self) -> [String; 3] {
        [self.peers.to_string(), self.seed.to_string(), self.rounds.to_string()]
    }

    fn read(arguments: &[String]) -> Self {
        let [peers, seed, rounds] = arguments else { panic!("{MARK} takes peers, a seed and rounds") };
        Self { peers: peers.parse().unwrap(), seed: seed.parse().unwrap(), rounds: rounds.parse().unwrap() }
    }
}

pub fn run(arguments: &[String]) {
    let plan = Plan::read(arguments);
    thread::spawn(end_with_parent);
    let folder = PathBuf::from(env::var_os(FOLDER).unwrap());
    let began = Instant::now();
    let party = Party::gather(folder, plan.peers);
    let mut room = Room { clients: Clients::of(plan.peers, plan.seed), faults: Faults::new(plan.seed), party };

    room.suffer(plan.rounds);
    let healed = Instant::now();
    room.faults.heal(&mut room.party, &mut room.clients);
    room.agree();
    let agreed = healed.elapsed();
    room.serve();
    room.restart();
    let shown = room.agree();

    let checking = Instant::now();
    verdict::check(&room.clients.history, &shown);
    let (faults, leaders) = (room.faults.done.values().sum::<u32>(), room.party.leaders.len());
    assert!(leaders >= LEADERS_MIN, "only {leaders} leaders");
    let restored = room.party.restored;
    assert!(restored > 0, "nobody got its state from a snapshot");
    eprintln!(
        "peers={} seed={} operations={} answered={} faults={faults} terms_led={leaders} restored={restored} agreed_after={:.1}s \
         checked_in={:.1}s took={:.0}s",
        plan.peers,
        plan.seed,
        room.clients.asked(),
        room.clients.answered(),
        agreed.as_secs_f64(),
        checking.elapsed().as_secs_f64(),
        began.elapsed().as_secs_f64(),
    );
}

/// Ends this process, and with it everything in its namespaces, as soon as nobody holds its standard input.
pub fn end_with_parent() {
    let _nothing_comes = io::stdin().read(&mut [0]);
    std::process::exit(1);
}

/// A room under test.
struct Room {
    party: Party,
    clients: Clients,
    faults: Faults,
}

impl Room {
    /// Every kind of fault so many times, and operations enough to learn something.
    fn suffer(&mut self, rounds: u32) {
        let deadline = Instant::now() + PATIENCE * rounds;
        let enough = ANSWERS_MIN * self.party.seats.len();
        while !self.faults.have_come(rounds) || self.clients.answered() < enough {
            let answered = self.clients.answered();
            assert!(Instant::now() < deadline, "only {answered} answers, after {:?}", self.faults.done);
            let next = self.faults.happen(&mut self.party, &mut self.clients);
            self.ask_until(next);
        }
    }

    /// Fresh operations at every peer.
    fn serve(&mut self) {
        let (start, deadline) = (self.clients.answered(), Instant::now() + PATIENCE);
        while self.clients.answered() < start + FRESH {
            assert!(Instant::now() < deadline, "nobody serves after the faults");
            self.ask_until(Instant::now() + ASKED_EVERY);
        }
    }

    /// Everybody is killed and started again, while nobody asks: what comes back is what the stores hold.
    fn restart(&mut self) {
        self.agree();
        let peers = 0..self.party.seats.len();
        peers.clone().for_each(|peer| self.party.kill(peer));
        peers.for_each(|peer| self.party.bring_back(peer));
    }

    /// Those who have thought enough ask, once or a few times.
    fn ask_until(&mut self, end: Instant) {
        while Instant::now() < end {
            let next = self.clients.ask(&mut self.party);
            if let Some(settled) = self.party.hear(next.min(end)) {
                self.clients.tell(settled);
            }
        }
    }

    /// Nobody asks any more; waits until everything is settled, all vote, and all hold the same.
    fn agree(&mut self) -> Shown {
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.party.ask_to_show();
            let round = Instant::now() + ASKED_EVERY;
            while let Some(settled) = self.party.hear(round) {
                self.clients.tell(settled);
            }
            if let Some(shown) = self.agreed() {
                return shown;
            }
            assert!(Instant::now() < deadline, "they don't agree: {}", self.differences());
        }
    }

    fn agreed(&self) -> Option<Shown> {
        let shown = self.party.seats[0].shown.clone()?;
        let same = self.party.seats.iter().all(|seat| seat.shown.as_ref() == Some(&shown));
        (same && shown.pending == 0 && self.clients.waiting() == 0 && self.party.is_complete()).then_some(shown)
    }

    fn differences(&self) -> String {
        let one = |(peer, seat): (usize, &crate::party::Seat)| {
            let shown = seat.shown.as_ref();
            let shown = shown.map(|shown| (shown.applied, shown.pending, shown.journal.len(), shown.journal.last()));
            format!("peer{peer}: applied, pending, journal {shown:?}, {:?}", seat.standing)
        };
        let all: Vec<String> = self.party.seats.iter().enumerate().map(one).collect();
        format!("{} wait; {}", self.clients.waiting(), all.join("; "))
    }
}
