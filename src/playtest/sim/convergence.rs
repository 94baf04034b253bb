//! After the trouble: the room comes together and serves, or refuses to go on without a majority.

use super::{Action, Operation, Simulation};
use crate::{
    playtest::{Cluster, referee::Check},
    raft::{Input, Membership, NodeId, RoleKind},
};
use std::time::Duration;

/// How long a room may take to come together once nothing is wrong any more.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it is looked whether it has.
const STEP: Duration = Duration::from_millis(500);
/// How long a room that came together is watched: nobody disturbs it.
const CALM: Duration = Duration::from_secs(10);

impl Simulation {
    /// Everybody whose store isn't lost comes back, and all is as if nothing had happened.
    pub(super) fn recover(&mut self) {
        self.end_all();
        self.wait_until("the room comes together", |world| world.disunion());
        self.serve();
        self.stay_calm("nothing is wrong", |_| {});
        self.stay_calm("one hears nobody for a while", Self::deafen_follower);
        self.stay_calm("one doesn't hear the leader for a while", Self::keep_from_leader);
        self.stay_calm("one is cut off for a while", Self::cut_follower);
        self.stay_calm("all sleep for a while", Self::sleep);
        self.hand_over();
        self.lose_leader();
        self.wait_until("the room comes together again", |world| world.disunion());
        self.check_states();
    }

    /// Nobody is elected, for there is a leader. It may find a better one, and hand over, once.
    fn stay_calm(&mut self, while_so: &str, disturb: impl Fn(&mut Self)) {
        // Who was forgotten in the last trouble is invited again.
        self.wait_until("the room comes together again", |world| world.disunion());
        let elections = |world: &Self| (world.cluster.elections(), world.cluster.referee.uncalled_elections());
        let (all, uncalled) = elections(self);
        disturb(self);
        self.cluster.run_for(CALM);
        let (all_now, uncalled_now) = elections(self);
        let calm = all_now <= all + 1 && uncalled_now == uncalled;
        Check::Steadiness.holds(calm, || format!("somebody is elected though only {while_so}"));
    }

    fn deafen_follower(&mut self) {
        if let Some(follower) = self.follower() {
            self.cluster
                .numbers()
                .filter(|node| *node != follower)
                .for_each(|node| self.cluster.cut_one_way(node, follower));
            self.cluster.run_for(CALM);
            self.cluster.heal();
        }
    }

    /// Others would vote for it, did they not hear the leader.
    fn keep_from_leader(&mut self) {
        if let (Some(follower), Some(leader)) = (self.follower(), self.cluster.leader()) {
            self.cluster.cut_one_way(leader, follower);
            self.cluster.run_for(CALM);
            self.cluster.heal();
        }
    }

    fn cut_follower(&mut self) {
        if let Some(follower) = self.follower() {
            self.cluster.cut(follower);
            self.cluster.run_for(CALM);
            self.cluster.heal();
        }
    }

    fn sleep(&mut self) {
        self.cluster.numbers().for_each(|node| self.cluster.stall(node, CALM));
        self.cluster.run_for(CALM);
    }

    /// Somebody wishes another leader, who takes over in good order. It may soon find a better one.
    fn hand_over(&mut self) {
        let Some(leader) = self.cluster.leader() else { return };
        let others: Vec<u64> = self.voters().into_iter().filter(|voter| *voter != leader).collect();
        let Some(heir) = self.pick(&others).copied() else { return };
        let elections = self.cluster.elections();
        self.cluster.tell(leader, Input::Transfer { to: Some(NodeId(heir)) });
        self.wait_until("who is called takes over", |world| {
            (world.cluster.elections() == elections).then(|| format!("{heir} is not elected"))
        });
    }

    /// The leader's process ends, and one hears nobody, but is heard. If the others are a majority, one of them takes over.
    fn lose_leader(&mut self) {
        let voters = self.voters();
        let Some(leader) = self.cluster.leader() else { return };
        let others: Vec<u64> = voters.iter().copied().filter(|voter| *voter != leader).collect();
        let Some(deaf) = self.pick(&others).copied().filter(|_| others.len() - 1 > voters.len() / 2) else { return };
        self.cluster.numbers().filter(|node| *node != deaf).for_each(|node| self.cluster.cut_one_way(node, deaf));
        self.cluster.kill(leader);
        self.wait_until("somebody else takes over", |world| {
            world.cluster.leader().is_none().then(|| "nobody leads".to_owned())
        });
        self.cluster.heal();
        self.restart(leader);
    }

    /// Who votes in the leader's configuration.
    fn voters(&self) -> Vec<u64> {
        let leader = self.cluster.leader();
        leader.map_or_else(Vec::new, |leader| self.cluster.node(leader).membership().voters().map(|id| id.0).collect())
    }

    /// Anybody who runs and doesn't lead.
    fn follower(&mut self) -> Option<u64> {
        let leader = self.cluster.leader();
        let mut followers: Vec<u64> = self.cluster.numbers().collect();
        followers.retain(|node| self.cluster.is_running(*node) && Some(*node) != leader);
        self.pick(&followers).copied()
    }

    /// Ten swaps and ten reads at everybody are carried out, and everybody learns of them.
    fn serve(&mut self) {
        let asked = self.history.operations.len();
        for node in self.cluster.numbers() {
            for key in 0..10 {
                self.swap(node, key);
                self.read(node, key);
            }
        }
        self.wait_until("everybody is served", |world| {
            world.hear();
            let waits = |operation: &&Operation| match operation.action {
                Action::Swap(_) => operation.answered.is_none() && !operation.refused,
                Action::Read => operation.answered.is_none(),
            };
            let waiting = world.history.operations[asked..].iter().find(waits);
            waiting.map(|operation| format!("{operation:?}")).or_else(|| world.disunion())
        });
    }

    /// Waits until nothing is in the way any more.
    fn wait_until(&mut self, what: &str, obstacle: impl Fn(&mut Self) -> Option<String>) {
        let end = self.cluster.now + PATIENCE;
        while let Some(obstacle) = obstacle(self) {
            let patient = self.cluster.now < end;
            Check::Convergence.holds(patient, || format!("not within {PATIENCE:?}: {what}, for {obstacle}"));
            self.cluster.run_for(STEP);
            // Who was removed is invited again; the removal may have come to light only now.
            self.cluster.link_strangers();
        }
    }

    /// What is missing until there is one leader that all follow, all are members, nobody votes who isn't there, and all
    /// have carried out the same.
    fn disunion(&self) -> Option<String> {
        let Some(leader) = self.cluster.leader() else { return Some("nobody leads".to_owned()) };
        let membership = self.cluster.node(leader).membership();
        let done = self.cluster.history().len();
        let mut present: Vec<u64> = self.cluster.numbers().collect();
        present.retain(|node| self.cluster.is_running(*node));
        for number in &present {
            let node = self.cluster.node(*number);
            let obstacle = match () {
                () if node.leader() != Some(NodeId(leader)) => "does not follow",
                () if !membership.members.contains_key(&NodeId(*number)) => "is no member",
                () if node.commit() != node.last() => "has entries that are not committed",
                () if node.waiting() > 0 => "waits for commands of its own",
                () if !self.cluster.is_witness(*number) && self.cluster.applied(*number).len() < done => {
                    "has not carried out everything"
                }
                () => continue,
            };
            return Some(format!("{number} {obstacle}"));
        }
        if let Some(gone) = membership.voters().find(|voter| !present.contains(&voter.0)) {
            return Some(format!("{gone} votes, and is gone"));
        }
        let seats = present.len().min(self.plan.config.voters_max);
        let voters = membership.voters().count();
        (voters < seats).then(|| format!("{voters} vote, and {seats} could"))
    }

    /// Nothing that anybody was told is missing anywhere.
    fn check_states(&self) {
        let history = self.cluster.history();
        let players = |node: &u64| self.cluster.is_running(*node) && !self.cluster.is_witness(*node);
        for node in self.cluster.numbers().filter(players) {
            Check::SameState.holds(self.cluster.applied(node) == history, || format!("{node} did something else"));
        }
    }

    /// Stops everybody, and loses so many stores that no configuration has a majority left; false if nobody would be
    /// left at all.
    pub(super) fn lose_majority(&mut self) -> bool {
        let mut survivors: Vec<u64> = self.cluster.numbers().filter(|node| !self.cluster.is_ruined(*node)).collect();
        let all: Vec<u64> = self.cluster.numbers().filter(|node| self.cluster.is_running(*node)).collect();
        all.iter().for_each(|node| self.cluster.kill(*node));
        while self.cluster.could_go_on(&survivors) {
            let place = self.dice.roll() % survivors.len() as u64;
            survivors.swap_remove(usize::try_from(place).expect("few"));
        }
        if survivors.is_empty() {
            return false;
        }
        for node in self.cluster.numbers().filter(|node| !survivors.contains(node)) {
            self.cluster.ruin(node);
        }
        true
    }

    /// Who is left without a majority says so, and nothing is committed any more.
    pub(super) fn refuse(&mut self) {
        self.end_all();
        // What the others said before they were lost may still arrive.
        self.cluster.run_for(Duration::from_secs(5));
        let committed = self.cluster.committed().len();
        let asked = self.history.operations.len();
        for node in self.cluster.numbers() {
            self.swap(node, 0);
            self.read(node, 0);
        }
        self.cluster.run_for(PATIENCE);
        self.hear();
        let mut running = self.cluster.numbers().filter(|node| self.cluster.is_running(*node));
        let leads = |node: u64| self.cluster.node(node).role_kind() == RoleKind::Leader;
        Check::Refusal.holds(!running.any(leads), || "somebody leads without a majority".to_owned());
        let news = self.cluster.committed().len() - committed;
        Check::Refusal.holds(news == 0, || format!("{news} entries are committed without a majority"));
        let answered = self.history.operations[asked..].iter().filter(|operation| operation.answered.is_some()).count();
        Check::Refusal.holds(answered == 0, || format!("{answered} operations are answered without a majority"));
    }
}

impl Cluster {
    /// Whether stopped nodes could elect one of them: its configuration has a majority among them.
    fn could_go_on(&self, nodes: &[u64]) -> bool {
        let has_majority = |membership: &Membership| {
            membership.voters().filter(|voter| nodes.contains(&voter.0)).count() > membership.voters().count() / 2
        };
        nodes.iter().any(|node| self.machines[node].stored_membership().is_some_and(has_majority))
    }
}
