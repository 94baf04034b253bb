//! The peers of a room and its signaling server, and what the test knows of them.

use crate::{
    peer::{Fate, Order, Shown, Standing, Word},
    process::{Process, Said},
    world::{self, Losses, Place},
};
use bevy_quorum::prelude::{NodeId, Term};
use std::{
    collections::{BTreeMap, VecDeque},
    fs::File,
    io::Write,
    path::PathBuf,
    sync::mpsc::{self, Receiver, Sender},
    thread,
    time::{Duration, Instant},
};

/// How long a room may take to come together.
const PATIENCE: Duration = Duration::from_secs(60);
/// Where the signaling server listens.
const PORT: u16 = 3536;
/// How much of what happened last is told when something went wrong.
const LAST_MAX: usize = 80;

/// One peer.
#[derive(Default)]
pub struct Seat {
    process: Option<Process>,
    /// How often it was started.
    life: u32,
    stopped: bool,
    /// How the room stood, as it last said in this life.
    pub standing: Option<Standing>,
    /// What it held when it was last asked.
    pub shown: Option<Shown>,
}

impl Seat {
    /// Neither killed nor stopped.
    pub fn is_up(&self) -> bool {
        self.is_alive() && !self.stopped
    }

    /// Not killed.
    pub fn is_alive(&self) -> bool {
        self.process.is_some()
    }
}

/// All peers.
pub struct Party {
    folder: PathBuf,
    invitation: String,
    rendezvous: Option<Process>,
    losses: Losses,
    pub seats: Vec<Seat>,
    /// Who led each term.
    pub leaders: BTreeMap<Term, NodeId>,
    /// How often a snapshot took the place of what somebody held.
    pub restored: usize,
    /// The most that anybody has shown to have done.
    journal: Vec<u64>,
    speak: Sender<Said>,
    words: Receiver<Said>,
    began: Instant,
    chronicle: File,
    /// Its end.
    last: VecDeque<String>,
}

impl Party {
    /// Lays the cables, starts everybody and waits until all vote.
    pub fn gather(folder: PathBuf, size: usize) -> Self {
        let peers = (0..size).map(Place::Peer);
        world::lay_cables(&[Place::Rendezvous].into_iter().chain(peers).collect::<Vec<_>>());
        let (speak, words) = mpsc::channel();
        let mut party = Self {
            chronicle: File::create(folder.join("chronicle.log")).unwrap(),
            last: VecDeque::new(),
            folder,
            invitation: String::new(),
            rendezvous: None,
            losses: Losses::default(),
            seats: (0..size).map(|_| Seat::default()).collect(),
            leaders: BTreeMap::new(),
            restored: 0,
            journal: Vec::new(),
            speak,
            words,
            began: Instant::now(),
        };
        party.start_rendezvous();
        let url = format!("ws://{}:{PORT}", Place::Rendezvous.address());
        party.start(0, Some(url));
        party.until("an invitation", |party| !party.invitation.is_empty());
        for peer in 1..size {
            party.start(peer, Some(party.invitation.clone()));
        }
        party.until("everybody's vote", Self::is_complete);
        party
    }

    /// Whether everybody says that all vote and one leads.
    pub fn is_complete(&self) -> bool {
        let all = |seat: &Seat| seat.standing.as_ref().is_some_and(|standing| standing.voters == self.seats.len());
        self.seats.iter().all(all) && self.leader().is_some()
    }

    /// Who leads, as far as those who are up say.
    pub fn leader(&self) -> Option<usize> {
        let leading = |seat: &Seat| seat.standing.as_ref().filter(|standing| standing.leads).map(|it| it.term);
        let up = (0..self.seats.len()).filter(|peer| self.seats[*peer].is_up());
        up.filter_map(|peer| Some((leading(&self.seats[peer])?, peer))).max().map(|(_, peer)| peer)
    }

    /// Starts a peer: the first time by this way, later on what it stored.
    fn start(&mut self, peer: usize, way: Option<String>) {
        let seat = &mut self.seats[peer];
        seat.life += 1;
        seat.standing = None;
        seat.process = Some(Process::peer(&self.folder, peer, seat.life, way.as_deref(), self.speak.clone()));
    }

    pub fn bring_back(&mut self, peer: usize) {
        self.note(&format!("{} is started again", Place::Peer(peer).name()));
        self.start(peer, None);
    }

    pub fn kill(&mut self, peer: usize) {
        self.note(&format!("{} is killed", Place::Peer(peer).name()));
        let seat = &mut self.seats[peer];
        (seat.standing, seat.stopped) = (None, false);
        seat.process.take().expect("who is killed lives").kill();
    }

    pub fn stop(&mut self, peer: usize) {
        self.note(&format!("{} is stopped", Place::Peer(peer).name()));
        let seat = &mut self.seats[peer];
        seat.process.as_ref().expect("who is stopped lives").stop();
        seat.stopped = true;
    }

    /// Lets a peer go on that was stopped, unless it was killed since.
    pub fn go_on(&mut self, peer: usize) {
        let seat = &mut self.seats[peer];
        if let Some(process) = seat.process.as_ref().filter(|_| seat.stopped) {
            process.go_on();
            seat.stopped = false;
            self.note(&format!("{} goes on", Place::Peer(peer).name()));
        }
    }

    pub fn start_rendezvous(&mut self) {
        self.note("the signaling server is started");
        self.rendezvous = Some(Process::rendezvous(&self.folder, PORT));
    }

    pub fn kill_rendezvous(&mut self) {
        self.note("the signaling server is killed");
        self.rendezvous.take().expect("the server runs").kill();
    }

    /// From now on, these frames are lost and no others.
    pub fn lose(&mut self, losses: Losses) {
        if self.losses != losses {
            self.note(&format!("lost: {losses:?}"));
            world::lose(&losses);
            self.losses = losses;
        }
    }

    pub fn tell(&mut self, peer: usize, order: &Order) {
        if let Some(process) = &mut self.seats[peer].process {
            process.tell(order);
        }
    }

    /// Asks everybody to show what it holds.
    pub fn ask_to_show(&mut self) {
        self.seats.iter_mut().for_each(|seat| seat.shown = None);
        (0..self.seats.len()).for_each(|peer| self.tell(peer, &Order::Show));
    }

    /// Listens until `deadline` at most; gives an operation that was settled.
    pub fn hear(&mut self, deadline: Instant) -> Option<(u64, Fate)> {
        while let Ok(said) = self.words.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            let settled = self.take_in(said);
            if settled.is_some() {
                return settled;
            }
        }
        None
    }

    fn take_in(&mut self, Said { peer, life, word }: Said) -> Option<(u64, Fate)> {
        let name = Place::Peer(peer).name();
        let present = self.seats[peer].life == life && self.seats[peer].is_alive();
        match word {
            None => assert!(!present, "{name} ended by itself"),
            Some(Word::Failed(reason)) => panic!("{name} failed: {reason}"),
            Some(Word::Settled(number, fate)) => return Some((number, fate)),
            Some(Word::Invitation(link)) => self.invitation = link,
            Some(Word::Standing(standing)) => self.stand(peer, standing, present),
            Some(Word::Restored) => {
                self.note(&format!("{name} holds what a snapshot held"));
                self.restored += 1;
            }
            Some(Word::Shown(shown)) => self.look_at(peer, shown, present),
        }
        None
    }

    /// What was said before a killing was true as well: nobody else may lead in the same term.
    fn stand(&mut self, peer: usize, standing: Standing, present: bool) {
        self.note(&format!("{} says {standing:?}", Place::Peer(peer).name()));
        if standing.leads {
            let leader = *self.leaders.entry(standing.term).or_insert(standing.node);
            assert_eq!(leader, standing.node, "two lead in term {}", standing.term);
        }
        if present {
            self.seats[peer].standing = Some(standing);
        }
    }

    /// What somebody has done in one order, everybody does in that order, for good.
    fn look_at(&mut self, peer: usize, shown: Shown, present: bool) {
        let differ = self.journal.iter().zip(&shown.journal).position(|(one, other)| one != other);
        assert_eq!(differ, None, "{} did something else: {:?}", Place::Peer(peer).name(), shown.journal);
        if self.journal.len() < shown.journal.len() {
            self.journal.clone_from(&shown.journal);
        }
        if present {
            self.seats[peer].shown = Some(shown);
        }
    }

    pub fn until(&mut self, what: &str, done: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !done(self) {
            assert!(Instant::now() < deadline, "waited in vain for {what}");
            self.hear(Instant::now() + Duration::from_millis(20));
        }
    }

    /// Writes down that something happened.
    pub fn note(&mut self, event: &str) {
        let event = format!("{:8.3} {event}", self.began.elapsed().as_secs_f64());
        writeln!(self.chronicle, "{event}").unwrap();
        if self.last.len() == LAST_MAX {
            self.last.pop_front();
        }
        self.last.push_back(event);
    }
}

impl Drop for Party {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("What happened last:");
            self.last.iter().for_each(|event| eprintln!("{event}"));
        }
    }
}
