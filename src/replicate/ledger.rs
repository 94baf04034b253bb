//! Own proposals on their way: ticket, then serial, then settled.

use super::{Proposal, Read};
use crate::raft::Serial;
use std::collections::{BTreeMap, BTreeSet};

/// Which proposals of this process are not settled, and by which serial the log knows them; and which reads are not done.
#[derive(Default)]
pub(super) struct Ledger {
    last: u64,
    open: BTreeSet<Proposal>,
    by_serial: BTreeMap<Serial, Proposal>,
    reads: BTreeSet<Read>,
}

impl Ledger {
    /// A new proposal.
    pub fn issue(&mut self) -> Proposal {
        self.last += 1;
        let proposal = Proposal(self.last);
        self.open.insert(proposal);
        proposal
    }

    /// A new read.
    pub fn ask(&mut self) -> Read {
        self.last += 1;
        let read = Read(self.last);
        self.reads.insert(read);
        read
    }

    /// The read is done.
    pub fn answer(&mut self, read: Read) {
        self.reads.remove(&read);
    }

    /// The reads that are not done, oldest first.
    pub fn unread(&self) -> Vec<Read> {
        self.reads.iter().copied().collect()
    }

    /// The log will know the proposal by this serial.
    pub fn accept(&mut self, proposal: Proposal, serial: Serial) {
        self.by_serial.insert(serial, proposal);
    }

    /// Which proposal a serial is, if it is one of this process.
    pub fn find(&self, serial: Serial) -> Option<Proposal> {
        self.by_serial.get(&serial).copied()
    }

    /// The proposal is settled.
    pub fn settle(&mut self, proposal: Proposal, serial: Option<Serial>) {
        self.open.remove(&proposal);
        if let Some(serial) = serial {
            self.by_serial.remove(&serial);
        }
    }

    /// The proposals that are not settled, oldest first.
    pub fn undecided(&self) -> Vec<Proposal> {
        self.open.iter().copied().collect()
    }

    /// How many are not settled.
    pub fn pending(&self) -> usize {
        self.open.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proposal_is_found_by_its_serial_until_it_is_settled() {
        let mut ledger = Ledger::default();
        let (first, second) = (ledger.issue(), ledger.issue());
        ledger.accept(first, Serial(9));
        assert_eq!((ledger.find(Serial(9)), ledger.pending()), (Some(first), 2));
        ledger.settle(first, Some(Serial(9)));
        ledger.settle(second, None);
        assert_eq!((ledger.find(Serial(9)), ledger.pending()), (None, 0));
    }
}
