//! One leader a term, over all history; terms, votes and commits never go back (§3.4, §3.8).

use super::Check;
use crate::{
    playtest::machine::Machine,
    raft::{Ballot, LogIndex, Node, NodeId, RoleKind, Term},
};
use std::collections::BTreeMap;

#[derive(Default)]
pub(super) struct Elections {
    leaders: BTreeMap<Term, NodeId>,
    /// What each running node had reached.
    reached: BTreeMap<NodeId, Reached>,
    news: bool,
}

struct Reached {
    commit: LogIndex,
    ballot: Ballot,
    /// The end of its log, if it led.
    led_to: Option<LogIndex>,
}

impl Elections {
    pub fn count(&self) -> usize {
        self.leaders.len()
    }

    /// Who led each term.
    pub fn leaders(&self) -> impl Iterator<Item = (Term, NodeId)> {
        self.leaders.iter().map(|(term, leader)| (*term, *leader))
    }

    /// Whether the last look saw a new leader.
    pub fn has_news(&self) -> bool {
        self.news
    }

    pub fn restarted(&mut self, machine: &Machine) {
        let node = machine.node.as_ref().expect("it was just started");
        let stored = machine.disk.image.ballot;
        Check::NoReturn
            .holds(node.ballot() == stored, || format!("{} starts without its ballot {stored:?}", node.id()));
        self.reached.remove(&node.id());
    }

    pub fn inspect(&mut self, node: &Node) {
        let (id, ballot) = (node.id(), node.ballot());
        let leads = node.role_kind() == RoleKind::Leader;
        let reached = Reached { commit: node.commit(), ballot, led_to: leads.then(|| node.last()) };
        self.news = false;
        if leads {
            let leader = *self.leaders.entry(ballot.term).or_insert_with(|| {
                self.news = true;
                id
            });
            Check::OneLeader.holds(leader == id, || format!("{leader} and {id} lead in term {}", ballot.term));
        }
        let Some(before) = self.reached.insert(id, reached) else { return };
        Check::NoReturn.holds(node.commit() >= before.commit, || format!("the commit index of {id} went back"));
        Check::NoReturn.holds(ballot.term >= before.ballot.term, || format!("the term of {id} went back"));
        let same_term = ballot.term == before.ballot.term;
        let kept = !same_term || before.ballot.vote.is_none() || ballot.vote == before.ballot.vote;
        Check::NoReturn.holds(kept, || format!("{id} takes back its vote in term {}", ballot.term));
        let appends = !leads || !same_term || Some(node.last()) >= before.led_to;
        Check::AppendOnly.holds(appends, || format!("{id} leads, and its log became shorter"));
    }
}
