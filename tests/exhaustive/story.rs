//! Where a scope begins: not at the beginning of all things, but after a history that is told here.

use crate::{
    machine::Act,
    model::{Bounds, Event, Known, Scope, outdated},
    state::State,
};
use bevy_quorum::raft::{Message, MessageBody, NodeId};

/// After so many rounds a talk has come to its end.
const LONG_TALK: usize = 20;

/// A part of a history. Machines are named by their place.
#[derive(Clone, Debug)]
pub enum Chapter {
    /// A node learns of the latest term, campaigns in the next, and is elected by these. Nothing else arrives.
    Elect(usize, &'static [usize]),
    /// Something happens at a node, if it can.
    Do(usize, Act),
    /// Everything that these say to one another arrives.
    Talk(&'static [usize]),
}

impl Scope {
    /// The state after the history. Disks were prompt, and what was on its way is lost.
    pub fn tell(&self, mut state: State) -> State {
        let bounds = Bounds { slow_disks: false, ..self.bounds };
        let scope = Self { bounds, known: Known::default(), ..self.clone() };
        for chapter in &self.history {
            match chapter {
                Chapter::Elect(at, voters) => scope.elect(&mut state, *at, voters),
                Chapter::Do(at, act) => scope.try_at(&mut state, *at, act),
                Chapter::Talk(nodes) => scope.talk(&mut state, nodes, |_| true),
            }
        }
        state.begin();
        state
    }

    fn try_at(&self, state: &mut State, at: usize, act: &Act) {
        let _refused = self.happen(state, &Event::At(at, act.clone()));
    }

    fn elect(&self, state: &mut State, at: usize, voters: &[usize]) {
        state.network.lose_everything();
        let id = state.id(at);
        for other in state.machines.clone() {
            if other.it.disk.ballot.term > state.node(at).term() {
                self.try_at(state, at, &outdated(&other.it, id));
            }
        }
        self.try_at(state, at, &Act::Wake);
        self.try_at(state, at, &Act::Encourage);
        let all: Vec<usize> = voters.iter().copied().chain([at]).collect();
        self.talk(state, &all, |message| {
            matches!(message.body, MessageBody::Vote { .. } | MessageBody::VoteReply { .. })
        });
        assert!(state.leads(at), "the history goes as it is told");
    }

    /// Lets everything such arrive among `nodes`, until nothing new comes of it.
    fn talk(&self, state: &mut State, nodes: &[usize], such: impl Fn(&Message) -> bool) {
        let among = |state: &State, node: NodeId| nodes.iter().any(|at| state.id(*at) == node);
        for _ in 0..LONG_TALK {
            let before = state.clone();
            let envelopes = before.network.envelopes().filter(|envelope| {
                such(&envelope.it.message) && among(&before, envelope.it.from) && among(&before, envelope.it.to)
            });
            for event in envelopes.filter_map(|envelope| self.arrival(envelope)) {
                let _nothing_changed = self.happen(state, &event);
            }
            if (&state.machines, &state.network) == (&before.machines, &before.network) {
                return;
            }
        }
        panic!("the talk comes to no end: {:#?}", state.machines);
    }
}
