//! Which nodes can be reached, by which ways, and which attempts to connect are under way.
//!
//! A node may be found through several servers and through members at once, and is one node all the same: of two, the
//! greater calls, and it calls once. Who comes to a server is a stranger there until it says which node it is, so those who
//! are there greet it first. matchbox can connect to a name only once, so every attempt gets a name of its own: that
//! lets a broken connection be made again.

use super::{
    doubling::doubled,
    names::Names,
    remote::{Remote, Way},
    signal::{Signal, Word},
};
use crate::raft::{Moment, NodeId};
use matchbox_socket::{PeerEvent, PeerId, PeerSignal};
use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

/// The most nodes known, and the most strangers.
pub const REMOTES_MAX: usize = 512;

/// How long after a greeting that wasn't answered another one follows, at first; it doubles every time.
const GREET_AGAIN_MIN: Duration = Duration::from_secs(2);
/// How long at most.
const GREET_AGAIN_MAX: Duration = Duration::from_secs(300);

/// What the roster wants done.
#[derive(Debug, PartialEq)]
pub(super) enum Act {
    /// matchbox is told something.
    Tell(PeerEvent),
    /// Somebody is told something.
    Say(Way, Signal),
}

/// All nodes that one socket may connect to.
pub(super) struct Roster {
    own: NodeId,
    life: u64,
    names: Names,
    /// How many calls we made.
    calls: u64,
    remotes: BTreeMap<NodeId, Remote>,
    /// Whose last attempt has this name.
    owners: BTreeMap<PeerId, NodeId>,
    strangers: BTreeMap<Way, Greeting>,
    acts: VecDeque<Act>,
}

/// When to greet a stranger again, and how often that was in vain.
struct Greeting {
    again_at: Moment,
    failures: u32,
}

impl Roster {
    /// Of the node `own`, in a life of this number.
    pub(super) fn new(own: NodeId, life: u64) -> Self {
        Self {
            own,
            life,
            names: Names::default(),
            calls: 0,
            remotes: BTreeMap::new(),
            owners: BTreeMap::new(),
            strangers: BTreeMap::new(),
            acts: VecDeque::new(),
        }
    }

    /// The oldest thing to do.
    pub(super) fn poll(&mut self) -> Option<Act> {
        self.acts.pop_front()
    }

    /// A name that no attempt gets.
    pub(super) fn name(&mut self) -> PeerId {
        self.names.fresh()
    }

    /// Somebody came to a server where we are.
    pub(super) fn came(&mut self, now: Moment, way: Way) {
        if self.strangers.len() < REMOTES_MAX {
            self.strangers.insert(way, Greeting { again_at: now + GREET_AGAIN_MIN, failures: 0 });
            self.say(way, Word::Here);
        }
    }

    /// Somebody went from a server. The connection may be fine all the same, so matchbox hears nothing of it.
    pub(super) fn went(&mut self, way: Way) {
        self.lose(|other| other == way);
    }

    /// The server of this rank is gone, and everybody there with it.
    pub(super) fn lose_server(&mut self, rank: usize) {
        self.lose(|way| way.rank() == Some(rank));
    }

    /// Takes what somebody says to us.
    pub(super) fn hear(&mut self, now: Moment, way: Way, signal: Signal) {
        let Signal { node, life, word } = signal;
        let made_up = matches!(way, Way::Members(of) if of != node);
        if node == self.own || made_up || !self.make_room(node) {
            return;
        }
        self.strangers.remove(&way);
        let remote = self.remotes.entry(node).or_default();
        if remote.life.is_some_and(|known| known != life)
            && let Some(old) = std::mem::take(remote).attempt
        {
            self.owners.remove(&old.name);
        }
        remote.life = Some(life);
        remote.add(way);
        match word {
            Word::Here if node < self.own => remote.want(now),
            Word::Here => self.say(way, Word::Here),
            Word::Attempt { .. } => self.hear_attempt(now, node, way, word),
        }
    }

    /// A node that isn't linked can be reached through members: it is called, if that is on us.
    pub(super) fn seek(&mut self, now: Moment, node: NodeId) {
        if node < self.own && self.make_room(node) {
            let remote = self.remotes.entry(node).or_default();
            remote.add(Way::Members(node));
            remote.want_again(now);
        }
    }

    /// A node is not to be reached through members any more, or needn't be.
    pub(super) fn rest(&mut self, node: NodeId) {
        self.lose(|way| way == Way::Members(node));
    }

    /// Greets and calls those whose time has come.
    pub(super) fn wake(&mut self, now: Moment) {
        let due: Vec<NodeId> = self.remotes.keys().copied().filter(|node| self.is_due(now, *node)).collect();
        due.into_iter().for_each(|node| self.call(now, node));
        let mut greeted = Vec::new();
        for (way, greeting) in self.strangers.iter_mut().filter(|(_, greeting)| greeting.again_at <= now) {
            greeting.failures += 1;
            greeting.again_at = now + doubled(GREET_AGAIN_MIN, greeting.failures, GREET_AGAIN_MAX);
            greeted.push(*way);
        }
        greeted.into_iter().for_each(|way| self.say(way, Word::Here));
    }

    /// When [`wake`](Self::wake) next has something to do.
    pub(super) fn deadline(&self) -> Option<Moment> {
        let calls = self.remotes.range(..self.own).filter_map(|(_, remote)| remote.deadline());
        let greetings = self.strangers.values().map(|greeting| greeting.again_at);
        calls.chain(greetings).min()
    }

    /// How a signal of matchbox's for `name` is said, and by which way; nothing, if it is about an attempt long given up.
    pub(super) fn address(&self, name: PeerId, signal: PeerSignal) -> Option<(Way, Signal)> {
        let attempt = self.remotes.get(self.owners.get(&name)?)?.attempt.as_ref()?;
        let word = Word::Attempt { number: attempt.number, signal };
        Some((attempt.way, self.signal(word)))
    }

    /// The attempt with this name led to a connection.
    pub(super) fn connected(&mut self, name: PeerId) {
        if let Some((_, remote)) = self.remote_of(name) {
            remote.connected();
        }
    }

    /// The connection with this name is broken.
    pub(super) fn broken(&mut self, now: Moment, name: PeerId) {
        if let Some((node, remote)) = self.remote_of(name) {
            remote.broken(now);
            self.owners.remove(&name);
            self.forget_unreachable(node);
        }
    }

    /// The connection with this name is not wanted any more.
    pub(super) fn closed(&mut self, name: PeerId) {
        if let Some((_, remote)) = self.remote_of(name) {
            remote.closed();
        }
    }

    /// How many nodes and strangers are known.
    #[cfg(any(test, feature = "playtest"))]
    pub(super) fn known(&self) -> usize {
        self.remotes.len().max(self.strangers.len())
    }

    fn remote_of(&mut self, name: PeerId) -> Option<(NodeId, &mut Remote)> {
        let node = *self.owners.get(&name)?;
        Some((node, self.remotes.get_mut(&node)?))
    }

    /// Whether there is room for this node; one that can't be reached and needn't be gives way.
    fn make_room(&mut self, node: NodeId) -> bool {
        if self.remotes.len() >= REMOTES_MAX && !self.remotes.contains_key(&node) {
            let idle = self.remotes.iter().find(|(_, remote)| remote.settled && remote.ways.is_empty());
            let Some(idle) = idle.map(|(node, _)| *node) else { return false };
            self.forget(idle);
        }
        true
    }

    fn lose(&mut self, lost: impl Fn(Way) -> bool) {
        self.strangers.retain(|way, _| !lost(*way));
        let known: Vec<NodeId> = self.remotes.keys().copied().collect();
        for node in known {
            let remote = self.remotes.get_mut(&node).expect("it was there just now");
            remote.ways.retain(|way| !lost(*way));
            self.forget_unreachable(node);
        }
    }

    fn forget_unreachable(&mut self, node: NodeId) {
        if self.remotes.get(&node).is_some_and(|remote| remote.ways.is_empty() && !remote.settled) {
            self.forget(node);
        }
    }

    fn forget(&mut self, node: NodeId) {
        if let Some(attempt) = self.remotes.remove(&node).and_then(|remote| remote.attempt) {
            self.owners.remove(&attempt.name);
        }
    }

    fn is_due(&self, now: Moment, node: NodeId) -> bool {
        node < self.own && self.remotes[&node].deadline().is_some_and(|due| due <= now)
    }

    fn call(&mut self, now: Moment, node: NodeId) {
        let Some(way) = self.remotes.get_mut(&node).and_then(Remote::way) else { return };
        self.calls += 1;
        let name = self.begin(now, node, self.calls, way);
        self.acts.push_back(Act::Tell(PeerEvent::NewPeer(name)));
    }

    fn hear_attempt(&mut self, now: Moment, node: NodeId, way: Way, word: Word) {
        let Some(remote) = self.remotes.get_mut(&node) else { return };
        let called = node > self.own && remote.is_called(now, &word);
        let Word::Attempt { number, signal } = word else { return };
        let name = match remote.attempt {
            Some(attempt) if attempt.number == number => attempt.name,
            _ if called => self.begin(now, node, number, way),
            _ => return,
        };
        self.acts.push_back(Act::Tell(PeerEvent::Signal { sender: name, data: signal }));
    }

    fn begin(&mut self, now: Moment, node: NodeId, number: u64, way: Way) -> PeerId {
        let name = self.names.fresh();
        if let Some(old) = self.remotes.entry(node).or_default().begin(now, number, name, way) {
            self.owners.remove(&old);
        }
        self.owners.insert(name, node);
        name
    }

    fn signal(&self, word: Word) -> Signal {
        Signal { node: self.own, life: self.life, word }
    }

    fn say(&mut self, way: Way, word: Word) {
        let signal = self.signal(word);
        self.acts.push_back(Act::Say(way, signal));
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::link::matchbox::remote::{CALL_AGAIN_MIN, CALL_TIMEOUT, CALLED_INTERVAL_MIN};

    const OWN: NodeId = NodeId(5);
    /// Calls us.
    const GREATER: NodeId = NodeId(9);
    /// Is called by us.
    const LESSER: NodeId = NodeId(1);

    fn roster() -> Roster {
        Roster::new(OWN, 70)
    }

    /// Somebody at one of the servers.
    fn at(rank: usize) -> Way {
        Way::Server { rank, peer: Names::default().fresh() }
    }

    fn seconds(count: u64) -> Moment {
        Moment::ZERO + Duration::from_secs(count)
    }

    fn says(node: NodeId, life: u64, word: Word) -> Signal {
        Signal { node, life, word }
    }

    fn here(node: NodeId) -> Signal {
        says(node, 1, Word::Here)
    }

    fn offer(node: NodeId, number: u64) -> Signal {
        says(node, 1, Word::Attempt { number, signal: PeerSignal::Offer("sdp".into()) })
    }

    /// The attempts that matchbox hears of next.
    fn told(roster: &mut Roster) -> Vec<PeerId> {
        let name = |act| match act {
            Act::Tell(PeerEvent::NewPeer(name) | PeerEvent::Signal { sender: name, .. }) => Some(name),
            _ => None,
        };
        std::iter::from_fn(|| roster.poll()).filter_map(name).collect()
    }

    /// Whom we call by then.
    fn called(roster: &mut Roster, now: Moment) -> Vec<PeerId> {
        roster.wake(now);
        told(roster)
    }

    fn way_of(roster: &Roster, name: PeerId) -> Option<Way> {
        roster.address(name, PeerSignal::Offer("sdp".into())).map(|(way, _)| way)
    }

    #[test]
    fn a_stranger_is_greeted_and_the_greater_node_calls() {
        let (mut roster, now) = (roster(), Moment::ZERO);
        roster.came(now, at(0));
        assert!(
            matches!(roster.poll(), Some(Act::Say(way, Signal { node: OWN, word: Word::Here, .. })) if way == at(0))
        );
        roster.hear(now, at(0), here(LESSER));
        let names = called(&mut roster, now);
        assert_eq!(names.len(), 1);
        assert_eq!(way_of(&roster, names[0]), Some(at(0)));
        roster.hear(now, at(1), here(GREATER));
        assert!(matches!(roster.poll(), Some(Act::Say(way, _)) if way == at(1)), "it has to learn who we are");
        assert_eq!(called(&mut roster, now), []);
    }

    #[test]
    fn who_does_not_answer_is_greeted_and_called_ever_more_rarely() {
        let mut roster = roster();
        roster.came(Moment::ZERO, at(0));
        roster.hear(Moment::ZERO, at(1), here(LESSER));
        let mut acts = 0;
        while let Some(due) = roster.deadline().filter(|due| *due < seconds(3_600)) {
            roster.wake(due);
            acts += std::iter::from_fn(|| roster.poll()).count();
        }
        assert!((20..=40).contains(&acts), "{acts} in an hour");
    }

    #[test]
    fn a_node_found_by_several_ways_is_called_once_and_by_another_way_after_a_failure() {
        let mut roster = roster();
        for way in [at(0), at(2)] {
            roster.hear(Moment::ZERO, way, here(LESSER));
        }
        roster.seek(Moment::ZERO, LESSER);
        let mut ways = Vec::new();
        while ways.len() < 4 {
            let due = roster.deadline().unwrap();
            let names = called(&mut roster, due);
            assert_eq!(names.len(), 1);
            ways.extend(way_of(&roster, names[0]));
        }
        assert_eq!(ways, [at(0), at(2), Way::Members(LESSER), at(0)]);
    }

    #[test]
    fn a_broken_connection_is_made_again_under_another_name() {
        let (mut roster, start) = (roster(), Moment::ZERO);
        roster.hear(start, at(0), here(LESSER));
        let first = called(&mut roster, start)[0];
        roster.connected(first);
        roster.hear(start, at(1), here(LESSER));
        assert_eq!(roster.deadline(), None, "it is connected");
        roster.broken(start, first);
        assert_eq!(called(&mut roster, start), []);
        let second = called(&mut roster, start + CALL_AGAIN_MIN);
        assert_ne!([first][..], second);
        assert_eq!((way_of(&roster, first), way_of(&roster, second[0])), (None, Some(at(1))));
    }

    #[test]
    fn who_left_or_is_not_wanted_is_not_called() {
        let (mut roster, now) = (roster(), Moment::ZERO);
        for way in [at(0), at(1)] {
            roster.hear(now, way, here(LESSER));
        }
        let name = called(&mut roster, now)[0];
        roster.went(at(0));
        roster.lose_server(1);
        roster.broken(now, name);
        assert_eq!((roster.deadline(), way_of(&roster, name), roster.known()), (None, None, 0));
        roster.hear(now, at(0), here(LESSER));
        let name = called(&mut roster, now)[0];
        roster.closed(name);
        assert_eq!(roster.deadline(), None);
    }

    #[test]
    fn who_begins_anew_is_called_at_once_though_a_connection_seems_to_stand() {
        let (mut roster, now) = (roster(), Moment::ZERO);
        roster.hear(now, at(0), here(LESSER));
        let first = called(&mut roster, now)[0];
        roster.connected(first);
        roster.hear(now, at(0), says(LESSER, 2, Word::Here));
        assert_eq!(called(&mut roster, now).len(), 1);
        roster.broken(now, first);
        assert_eq!(roster.deadline(), Some(now + CALL_TIMEOUT), "the old connection's end is of no interest");
    }

    #[test]
    fn a_node_that_is_sought_though_connected_is_called_through_members_in_a_while() {
        let (mut roster, now) = (roster(), Moment::ZERO);
        roster.seek(now, LESSER);
        let first = called(&mut roster, now)[0];
        assert_eq!(way_of(&roster, first), Some(Way::Members(LESSER)));
        roster.connected(first);
        roster.seek(now + Duration::from_secs(1), LESSER);
        assert_eq!(roster.deadline(), Some(now + CALL_TIMEOUT));
        roster.rest(LESSER);
        assert_eq!(roster.deadline(), None);
        roster.seek(now, GREATER);
        assert_eq!(called(&mut roster, now), [], "that is on the other");
    }

    #[test]
    fn a_later_call_gets_a_name_of_its_own_and_an_earlier_one_none() {
        let (mut roster, start) = (roster(), Moment::ZERO);
        roster.hear(start, at(0), offer(GREATER, 3));
        let first = told(&mut roster);
        roster.hear(start, at(1), offer(GREATER, 3));
        assert_eq!(told(&mut roster), first, "it is the same call");
        roster.hear(start, at(0), offer(GREATER, 4));
        assert_eq!(told(&mut roster), [], "too soon");
        roster.hear(start + CALLED_INTERVAL_MIN, at(0), offer(GREATER, 5));
        let second = told(&mut roster);
        assert_eq!((first.len(), second.len()), (1, 1));
        assert_ne!(first, second);
        roster.hear(seconds(9), at(0), offer(GREATER, 4));
        roster.hear(seconds(9), at(0), offer(LESSER, 1));
        assert_eq!(told(&mut roster), [], "one is old, and the other is ours to make");
    }

    #[test]
    fn what_is_said_in_a_wrong_name_is_passed_over() {
        let mut roster = roster();
        roster.hear(Moment::ZERO, at(0), here(OWN));
        roster.hear(Moment::ZERO, Way::Members(LESSER), offer(GREATER, 1));
        assert_eq!((roster.known(), roster.poll()), (0, None));
    }

    #[test]
    fn only_so_many_are_known_and_idle_ones_give_way() {
        let mut roster = roster();
        for number in 0..=REMOTES_MAX as u64 {
            roster.came(Moment::ZERO, Way::Server { rank: number as usize, peer: Names::default().fresh() });
            roster.hear(Moment::ZERO, Way::Members(NodeId(100 + number)), here(NodeId(100 + number)));
        }
        assert_eq!((roster.remotes.len(), roster.strangers.len()), (REMOTES_MAX, REMOTES_MAX));
        roster.hear(Moment::ZERO, Way::Members(NodeId(101)), offer(NodeId(101), 1));
        let name = told(&mut roster)[0];
        roster.connected(name);
        roster.rest(NodeId(101));
        roster.hear(Moment::ZERO, at(0), here(LESSER));
        assert!(roster.remotes.contains_key(&LESSER) && !roster.remotes.contains_key(&NodeId(101)));
    }
}
