//! Where nodes begin: what their stores hold, and how they are set.

use bevy_quorum::raft::{
    Ballot, Config, Durable, Entry, LogIndex, LogTime, Member, Membership, NodeId, Payload, Permission, Standing, Term,
};
use std::time::Duration;

/// Nobody has any patience, and nothing but a lack of it makes anybody wait.
pub fn impatient() -> Config {
    Config {
        election_timeout_min: Duration::ZERO,
        election_timeout_max: Duration::ZERO,
        silence: Duration::ZERO,
        settling: Duration::ZERO,
        oversleep: Duration::MAX,
        // The commit index is stored along with other things.
        commit_lag: Duration::MAX,
        ..Config::default()
    }
}

/// Nodes that start from one configuration: so many voters, and learners after them.
pub fn room(voters: u64, learners: u64) -> Vec<(NodeId, Durable)> {
    let disk = Durable {
        ballot: Ballot { term: Term(1), vote: Some(NodeId(1)) },
        log: vec![configuration(1, 1, voters, learners)],
        commit: LogIndex(1),
        session: Some(LogIndex(1)),
        ..Durable::default()
    };
    (1..=voters + learners).map(|id| (NodeId(id), disk.clone())).collect()
}

/// The entry of such a configuration.
pub fn configuration(term: u64, index: u64, voters: u64, learners: u64) -> Entry {
    let member = |standing| Member { standing, permission: Permission::Owner, key: [0; 32], session: LogIndex(1) };
    let voting = (1..=voters).map(|id| (NodeId(id), member(Standing::Voter)));
    let listening = (voters + 1..=voters + learners).map(|id| (NodeId(id), member(Standing::Learner)));
    let payload = Payload::Membership(Membership { members: voting.chain(listening).collect() });
    Entry { term: Term(term), index: LogIndex(index), time: LogTime(0), payload }
}

/// A room that its founder has just opened, and somebody at the door.
pub fn founder_and_guest() -> Vec<(NodeId, Durable)> {
    let founder = (NodeId(1), Durable::founding(NodeId(1), [0; 32]));
    vec![founder, (NodeId(2), Durable::default())]
}

/// A pair whose leader has given a learner a vote, and stopped before anybody else heard of it.
pub fn half_promoted() -> Vec<(NodeId, Durable)> {
    let mut nodes = room(2, 1);
    for (place, (_, disk)) in nodes.iter_mut().enumerate() {
        disk.ballot.term = Term(2);
        disk.log.push(Entry { term: Term(2), index: LogIndex(2), payload: Payload::Empty, ..disk.log[0].clone() });
        disk.log.extend((place == 2).then(|| configuration(2, 3, 3, 0)));
    }
    nodes
}
