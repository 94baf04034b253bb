//! What every implementation has to do here.

use crate::machine::Machine;
use std::fmt::Debug;

/// A closed loop at the leader.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    pub commands: u64,
    /// How many of them may be on their way at once.
    pub window: u64,
    pub bytes: usize,
}

/// How messages get from node to node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// Moved, as values.
    Moved,
    /// As the bytes of the implementation's own codec, which are counted.
    Encoded,
}

/// A cluster stands still: what was asked of it doesn't come.
#[derive(Clone, Copy, Debug)]
pub struct Stuck;

/// A cluster of one implementation, in this process and on this thread. Nodes are numbered from 0.
pub trait Contender: Sized {
    /// What it is called in the report.
    const NAME: &'static str;
    /// The ways to use it that may be its fastest; which one is, is tried out for each case.
    const SETTINGS: &'static [Self::Settings];
    type Settings: Copy + Debug + 'static;

    /// A cluster that has a leader.
    fn start(nodes: usize, settings: Self::Settings, wire: Wire) -> Self;

    /// Proposes commands at the leader, until the last of them is applied there.
    fn carry_out(&mut self, load: Load) -> Result<(), Stuck>;

    /// Goes on until `node` has applied so many commands since the start.
    fn catch_up(&mut self, node: usize, applied: u64) -> Result<(), Stuck>;

    fn leader(&self) -> usize;

    /// Loses everything to and from `node`.
    fn cut(&mut self, node: usize);

    fn heal(&mut self);

    /// Appends commands at the leader, which is cut off: they can't be committed.
    fn append_in_vain(&mut self, commands: u64, bytes: usize);

    /// Goes on until another node leads.
    fn depose(&mut self);

    /// The state of each node.
    fn machines(&self) -> Vec<Machine>;

    /// The bytes that went over the wire so far, if they are encoded.
    fn wire_bytes(&self) -> u64;

    /// How often the leader took memory so far; none where it can't be told from the others.
    fn leader_allocations(&self) -> Option<u64>;

    /// Goes on until every node has applied so many commands at least, and none more than another; sees that
    /// they agree.
    fn agree(&mut self, applied: u64) -> Result<(), Stuck> {
        let mut goal = applied;
        loop {
            (0..self.machines().len()).try_for_each(|node| self.catch_up(node, goal))?;
            let machines = self.machines();
            let most = machines.iter().map(Machine::applied).max().unwrap_or(goal);
            if machines.iter().all(|machine| machine.applied() == most) {
                assert!(
                    machines.iter().all(|machine| *machine == machines[0]),
                    "{} diverged: {machines:?}",
                    Self::NAME
                );
                return Ok(());
            }
            goal = most;
        }
    }
}
