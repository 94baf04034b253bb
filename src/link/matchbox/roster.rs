//! Who is at the rendezvous, and which attempts to connect are under way.
//!
//! A signaling server names peers by connection to it; matchbox can connect to a name only once. So
//! every attempt gets a name of its own here: that lets a broken connection be made again, and lets
//! names that a restarted server gives out never clash with live ones.

use super::{
    doubling::doubled,
    seal::{Route, Seal},
    signal::{Event, Signal},
};
use crate::raft::Moment;
use matchbox_socket::{PeerEvent, PeerId, PeerSignal};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// The most peers known at one rendezvous.
pub const REMOTES_MAX: usize = 512;
/// How long a call may take until it is given up and made again.
pub(super) const CALL_TIMEOUT: Duration = Duration::from_secs(15);
/// How long after a failure one calls again, at first; it doubles with every failure in a row. matchbox
/// never forgets a call that came to nothing, so that there must not be many.
pub(super) const CALL_AGAIN_MIN: Duration = Duration::from_secs(1);
/// How long after a failure one calls again, at most.
pub(super) const CALL_AGAIN_MAX: Duration = Duration::from_secs(300);
/// How often somebody may call us.
pub(super) const CALLED_INTERVAL_MIN: Duration = Duration::from_millis(500);

/// Names for attempts, distinct within one socket.
#[derive(Clone, Default)]
pub(super) struct Names(Arc<AtomicU64>);

impl Names {
    /// A name not used before.
    pub(super) fn fresh(&self) -> PeerId {
        let number = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        let text = format!("{:08x}-0000-0000-0000-{:012x}", number >> 48, number & 0xffff_ffff_ffff);
        serde_json::from_value(text.into()).expect("this is the text form of a UUID")
    }
}

/// The peers at one connection to a signaling server.
pub(super) struct Roster {
    names: Names,
    seal: Seal,
    /// Who we are to the server.
    own: Option<PeerId>,
    remotes: BTreeMap<PeerId, Remote>,
    /// Whose current attempt has this name.
    owners: BTreeMap<PeerId, PeerId>,
}

struct Remote {
    /// Whether it is on us to call.
    caller: bool,
    attempt: u64,
    name: Option<PeerId>,
    /// Nothing is to be done about it: it is connected, or not wanted.
    settled: bool,
    began_at: Moment,
    failures: u32,
    call_at: Option<Moment>,
}

impl Roster {
    pub(super) fn new(names: Names, seal: Seal) -> Self {
        Self { names, seal, own: None, remotes: BTreeMap::new(), owners: BTreeMap::new() }
    }

    /// Takes what the server says; returns what matchbox is to hear of it.
    pub(super) fn hear(&mut self, now: Moment, event: Event) -> Option<PeerEvent> {
        match event {
            // Once: under another name, what we said to others would pass for what they say to us.
            Event::IdAssigned(own) => {
                self.own.get_or_insert(own);
                None
            }
            // Who was here first calls.
            Event::NewPeer(remote) => {
                self.add(now, remote, true)?;
                self.call(now, remote)
            }
            Event::PeerLeft(remote) => {
                // The connection may be fine all the same, so matchbox hears nothing of it.
                let name = self.remotes.remove(&remote)?.name?;
                self.owners.remove(&name);
                None
            }
            Event::Signal { sender, data } => {
                let signal = self.seal.open(Route { from: sender, to: self.own? }, &data)?;
                self.hear_signal(now, sender, signal)
            }
        }
    }

    /// Calls the peers that it is time to call again; one for each call of this.
    pub(super) fn call_due(&mut self, now: Moment) -> Option<PeerEvent> {
        let due = |remote: &Remote| remote.deadline().is_some_and(|at| now >= at);
        let remote = *self.remotes.iter().find(|(_, remote)| due(remote))?.0;
        self.call(now, remote)
    }

    /// When [`call_due`](Self::call_due) next has something to do.
    pub(super) fn deadline(&self) -> Option<Moment> {
        self.remotes.values().filter_map(Remote::deadline).min()
    }

    /// To whom a signal for `name` goes, and in which form; nothing, if it is about an attempt long given up.
    pub(super) fn address(&self, name: PeerId, signal: PeerSignal) -> Option<(PeerId, Value)> {
        let remote = *self.owners.get(&name)?;
        let attempt = self.remotes.get(&remote)?.attempt;
        let sealed = self.seal.close(Route { from: self.own?, to: remote }, &Signal { attempt, signal })?;
        Some((remote, sealed))
    }

    /// The attempt with this name led to a connection.
    pub(super) fn connected(&mut self, name: PeerId) {
        if let Some(remote) = self.remote_of(name) {
            remote.settled = true;
            remote.failures = 0;
            remote.call_at = None;
        }
    }

    /// The connection with this name is broken.
    pub(super) fn broken(&mut self, now: Moment, name: PeerId) {
        if let Some(remote) = self.remote_of(name) {
            remote.settled = false;
            remote.fail(now);
        }
    }

    /// The connection with this name is not wanted any more.
    pub(super) fn closed(&mut self, name: PeerId) {
        if let Some(remote) = self.remote_of(name) {
            remote.settled = true;
            remote.call_at = None;
        }
    }

    /// How many peers are known.
    #[cfg(feature = "playtest")]
    pub(super) fn known(&self) -> usize {
        self.remotes.len()
    }

    fn remote_of(&mut self, name: PeerId) -> Option<&mut Remote> {
        self.remotes.get_mut(self.owners.get(&name)?)
    }

    fn add(&mut self, now: Moment, remote: PeerId, caller: bool) -> Option<()> {
        if self.remotes.contains_key(&remote) || self.remotes.len() >= REMOTES_MAX {
            return None;
        }
        let fresh =
            Remote { caller, attempt: 0, name: None, settled: false, began_at: now, failures: 0, call_at: None };
        self.remotes.insert(remote, fresh);
        Some(())
    }

    fn call(&mut self, now: Moment, remote: PeerId) -> Option<PeerEvent> {
        let attempt = {
            let remote = self.remotes.get_mut(&remote)?;
            if remote.attempt > 0 && remote.call_at.is_none() {
                remote.failures += 1;
            }
            remote.call_at = None;
            remote.attempt + 1
        };
        self.begin(now, remote, attempt).map(PeerEvent::NewPeer)
    }

    fn hear_signal(&mut self, now: Moment, sender: PeerId, signal: Signal) -> Option<PeerEvent> {
        self.add(now, sender, false);
        let remote = self.remotes.get(&sender)?;
        let current = remote.attempt == signal.attempt;
        let calls = !remote.caller && matches!(signal.signal, PeerSignal::Offer(_)) && signal.attempt > remote.attempt;
        let too_soon = remote.attempt > 0 && now < remote.began_at + CALLED_INTERVAL_MIN;
        let name = match remote.name {
            Some(name) if current => name,
            _ if calls && !too_soon => self.begin(now, sender, signal.attempt)?,
            _ => return None,
        };
        Some(PeerEvent::Signal { sender: name, data: signal.signal })
    }

    fn begin(&mut self, now: Moment, remote: PeerId, attempt: u64) -> Option<PeerId> {
        let name = self.names.fresh();
        let current = self.remotes.get_mut(&remote)?;
        if let Some(old) = current.name.replace(name) {
            self.owners.remove(&old);
        }
        (current.attempt, current.settled, current.began_at) = (attempt, false, now);
        self.owners.insert(name, remote);
        Some(name)
    }
}

impl Remote {
    fn fail(&mut self, now: Moment) {
        let wait = doubled(CALL_AGAIN_MIN, self.failures, CALL_AGAIN_MAX);
        self.failures += 1;
        self.call_at = Some(now + wait);
    }

    /// When to call it again.
    fn deadline(&self) -> Option<Moment> {
        if !self.caller || self.settled {
            return None;
        }
        let patience = doubled(CALL_TIMEOUT, self.failures, CALL_AGAIN_MAX);
        Some(self.call_at.unwrap_or(self.began_at + patience))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::{link::Plane, wire::Secret};

    fn seal() -> Seal {
        Seal::new(&Secret::from_bytes([7; 32]), Plane::Consensus)
    }

    /// Who a roster is to the server.
    fn own() -> PeerId {
        Names::default().fresh()
    }

    fn sealed(from: PeerId, attempt: u64, signal: PeerSignal) -> Event {
        let data = seal().close(Route { from, to: own() }, &Signal { attempt, signal }).unwrap();
        Event::Signal { sender: from, data }
    }

    fn offer(from: PeerId, attempt: u64) -> Event {
        sealed(from, attempt, PeerSignal::Offer("sdp".into()))
    }

    /// To whom a signal for `name` goes, and about which attempt.
    fn address(roster: &Roster, name: PeerId) -> Option<(PeerId, u64)> {
        let (to, data) = roster.address(name, PeerSignal::Answer("sdp".into()))?;
        Some((to, seal().open(Route { from: own(), to }, &data)?.attempt))
    }

    fn called(event: Option<PeerEvent>) -> PeerId {
        match event {
            Some(PeerEvent::NewPeer(name) | PeerEvent::Signal { sender: name, .. }) => name,
            other => panic!("nobody is called: {other:?}"),
        }
    }

    /// A roster, and somebody at the server.
    fn roster() -> (Roster, PeerId) {
        let servers = Names::default();
        let remote = std::iter::repeat_with(|| servers.fresh()).nth(8).unwrap();
        let mut roster = Roster::new(Names::default(), seal());
        roster.hear(Moment::ZERO, Event::IdAssigned(own()));
        (roster, remote)
    }

    #[test]
    fn a_broken_connection_is_made_again_under_another_name() {
        let (mut roster, remote) = roster();
        let start = Moment::ZERO;
        let first = called(roster.hear(start, Event::NewPeer(remote)));
        assert_eq!(address(&roster, first), Some((remote, 1)));
        roster.connected(first);
        assert_eq!(roster.deadline(), None);
        roster.broken(start, first);
        assert_eq!(roster.deadline(), Some(start + CALL_AGAIN_MIN));
        assert_eq!(roster.call_due(start), None);
        let second = called(roster.call_due(start + CALL_AGAIN_MIN));
        assert_ne!(first, second);
        assert_eq!((address(&roster, first), address(&roster, second)), (None, Some((remote, 2))));
    }

    #[test]
    fn calls_that_nobody_answers_become_rare() {
        let (mut roster, remote) = roster();
        roster.hear(Moment::ZERO, Event::NewPeer(remote));
        let mut calls = 0;
        while let Some(due) = roster.deadline().filter(|due| *due < Moment::ZERO + Duration::from_secs(3_600)) {
            called(roster.call_due(due));
            calls += 1;
        }
        assert!((5..=20).contains(&calls), "{calls} calls in an hour");
    }

    #[test]
    fn who_left_the_server_is_not_called() {
        let (mut roster, remote) = roster();
        let name = called(roster.hear(Moment::ZERO, Event::NewPeer(remote)));
        assert_eq!(roster.hear(Moment::ZERO, Event::PeerLeft(remote)), None);
        roster.broken(Moment::ZERO, name);
        assert_eq!((roster.deadline(), address(&roster, name)), (None, None));
    }

    #[test]
    fn who_is_not_wanted_is_not_called() {
        let (mut roster, remote) = roster();
        let name = called(roster.hear(Moment::ZERO, Event::NewPeer(remote)));
        roster.closed(name);
        assert_eq!(roster.deadline(), None);
    }

    #[test]
    fn a_later_call_gets_a_name_of_its_own_and_an_earlier_one_none() {
        let (mut roster, remote) = roster();
        let first = called(roster.hear(Moment::ZERO, offer(remote, 3)));
        let later = Moment::ZERO + CALLED_INTERVAL_MIN;
        assert_eq!(roster.hear(Moment::ZERO, offer(remote, 4)), None, "too soon");
        let second = called(roster.hear(later, offer(remote, 5)));
        assert_ne!(first, second);
        assert_eq!(roster.hear(later + CALLED_INTERVAL_MIN, offer(remote, 4)), None);
        assert_eq!(roster.deadline(), None, "who is called doesn't call");
    }

    #[test]
    fn what_we_said_ourselves_is_not_turned_back_on_us() {
        let (mut roster, remote) = roster();
        let name = called(roster.hear(Moment::ZERO, Event::NewPeer(remote)));
        let (_, data) = roster.address(name, PeerSignal::Offer("sdp".into())).unwrap();
        roster.hear(Moment::ZERO, Event::IdAssigned(remote));
        assert_eq!(roster.hear(Moment::ZERO, Event::Signal { sender: own(), data }), None);
    }

    #[test]
    fn signals_that_make_no_sense_are_passed_over() {
        let (mut roster, remote) = roster();
        let nonsense = Event::Signal { sender: remote, data: "nonsense".into() };
        assert_eq!(roster.hear(Moment::ZERO, nonsense), None);
        let candidate = sealed(remote, 1, PeerSignal::IceCandidate("null".into()));
        assert_eq!(roster.hear(Moment::ZERO, candidate), None);
    }

    #[test]
    fn only_so_many_are_known() {
        let servers = Names::default();
        let mut roster = Roster::new(Names::default(), seal());
        let heard = (0..REMOTES_MAX + 1).filter_map(|_| roster.hear(Moment::ZERO, Event::NewPeer(servers.fresh())));
        assert_eq!(heard.count(), REMOTES_MAX);
    }
}
