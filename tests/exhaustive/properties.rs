//! What always holds, and what has to be reached to show that a scope is about something.

use crate::{
    invariants::Broken,
    model::Scope,
    state::{Feat, State},
};
use bevy_quorum::raft::{LogIndex, Node, RoleKind};
use stateright::Property;

/// The promises, then the sights.
pub fn all() -> Vec<Property<Scope>> {
    promises().into_iter().chain(sights()).collect()
}

fn promises() -> Vec<Property<Scope>> {
    vec![
        Property::always("no assertion fails", |_, state: &State| keeps(state, Broken::Assertion)),
        Property::always("one leader a term", |_, state: &State| keeps(state, Broken::ElectionSafety)),
        Property::always("equal positions, equal logs", |_, state: &State| keeps(state, Broken::LogMatching)),
        Property::always("leaders hold all that was committed before", |_, state: &State| {
            keeps(state, Broken::LeaderCompleteness)
        }),
        Property::always("the same is committed everywhere", |_, state: &State| {
            keeps(state, Broken::StateMachineSafety)
        }),
        Property::always("a majority holds durably what is committed", |_, state: &State| {
            keeps(state, Broken::Durability)
        }),
        Property::always("one change at a time", |_, state: &State| keeps(state, Broken::OneChange)),
        Property::always("a read sees all that was committed", |_, state: &State| keeps(state, Broken::Read)),
    ]
}

fn keeps(state: &State, promise: Broken) -> bool {
    state.broken != Some(promise)
}

fn sights() -> Vec<Property<Scope>> {
    vec![
        Property::sometimes("somebody leads", |_, state: &State| state.leaders().count() > 0),
        Property::sometimes("a leader commits", |_, state: &State| {
            state.leaders().any(|node| node.position_at(node.commit()).is_some_and(|last| last.term == node.term()))
        }),
        Property::sometimes("all know it committed", |_, state: &State| {
            state.nodes().all(|node| node.position_at(node.commit()).is_some_and(|last| last.term.0 > 1))
        }),
        Property::sometimes("a vote is split", |_, state: &State| {
            let runs = |node: &&Node| node.role_kind() == RoleKind::Candidate && node.ballot().vote == Some(node.id());
            let runners = || state.nodes().filter(runs);
            runners().any(|a| runners().any(|b| a.id() != b.id() && a.term() == b.term()))
        }),
        Property::sometimes("two lead, in different terms", |_, state: &State| state.leaders().count() > 1),
        Property::sometimes("a log is cut", |_, state: &State| {
            matches!(state.feat, Some(Feat::Drop | Feat::DropConfiguration))
        }),
        Property::sometimes("a configuration is rolled back", |_, state: &State| {
            state.feat == Some(Feat::DropConfiguration)
        }),
        Property::sometimes("a pair is reduced", |_, state: &State| {
            state.leaders().any(|node| steps(node, node.last()).any(|step| step == (2, 1)))
        }),
        Property::sometimes("a pair is made", |_, state: &State| {
            state.leaders().any(|node| steps(node, node.commit()).any(|step| step == (1, 2)))
        }),
        Property::sometimes("a change is committed", |_, state: &State| {
            state.nodes().any(|node| node.membership_at(node.commit()) != node.membership_at(node.base().index.next()))
        }),
        Property::sometimes("a command is carried out by all", |_, state: &State| {
            state.machines.iter().all(|machine| machine.it.has_carried_out())
        }),
        Property::sometimes("a follower knows it before its leader", |_, state: &State| {
            let led = |node: &&Node| state.leaders().any(|leader| node.leader() == Some(leader.id()));
            state.leaders().any(|leader| {
                state.nodes().filter(led).any(|node| node.term() == leader.term() && node.commit() > leader.commit())
            })
        }),
        Property::sometimes("a read is answered", |_, state: &State| {
            state.machines.iter().any(|machine| machine.it.read.is_some())
        }),
        Property::sometimes("a log begins after a snapshot", |_, state: &State| {
            state.nodes().any(|node| node.base().index.0 > 0)
        }),
        Property::sometimes("a snapshot is installed", |_, state: &State| state.feat == Some(Feat::Install)),
        Property::sometimes("a log is borrowed", |_, state: &State| state.feat == Some(Feat::Borrow)),
        Property::sometimes("an office is taken over", |_, state: &State| state.feat == Some(Feat::TakeOver)),
    ]
}

/// How many vote before and after each entry of a log up to `last`.
fn steps(node: &Node, last: LogIndex) -> impl Iterator<Item = (usize, usize)> {
    let voters = |index| node.membership_at(LogIndex(index)).voters().count();
    (node.base().index.0 + 2..=last.0).map(move |index| (voters(index - 1), voters(index)))
}
