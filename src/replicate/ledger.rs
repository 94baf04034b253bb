//! Own proposals on their way: ticket, then serial, then settled.

use super::{Proposal, Read};
use crate::raft::Serial;
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};

/// How far apart the names are that a room and the one that continues it give out: more than any room ever does.
const ROOMS_APART: u64 = 1 << 32;

/// Which proposals of this process are not settled, and by which serial the log knows them; and which reads are not done.
#[derive(Default)]
pub(super) struct Ledger {
    last: u64,
    open: BTreeMap<Proposal, Bytes>,
    by_serial: BTreeMap<Serial, Proposal>,
    reads: BTreeSet<Read>,
    closed: bool,
}

impl Ledger {
    /// The ledger of a room that continues another one: its names are others.
    pub fn after(former: &Self) -> Self {
        Self { last: former.last + ROOMS_APART, ..Self::default() }
    }

    /// A new proposal; none in a room that is closed.
    pub fn issue(&mut self, body: Bytes) -> Option<Proposal> {
        if self.closed {
            return None;
        }
        self.last += 1;
        let proposal = Proposal(self.last);
        self.open.insert(proposal, body);
        Some(proposal)
    }

    /// Nothing new is taken any more.
    pub fn close(&mut self) {
        self.closed = true;
    }

    /// Takes over the proposals of the room that this one continues, by the names that they have; they are proposed
    /// again, oldest first.
    pub fn inherit(&mut self, former: &mut Self) -> Vec<(Proposal, Bytes)> {
        let inherited = std::mem::take(&mut former.open);
        self.open.extend(inherited.clone());
        inherited.into_iter().collect()
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
        self.open.keys().copied().collect()
    }

    /// How many are not settled.
    pub fn pending(&self) -> usize {
        self.open.len()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_proposal_is_found_by_its_serial_until_it_is_settled() {
        let mut ledger = Ledger::default();
        let [first, second] = [(); 2].map(|()| ledger.issue(Bytes::new()).unwrap());
        ledger.accept(first, Serial(9));
        assert_eq!((ledger.find(Serial(9)), ledger.pending()), (Some(first), 2));
        ledger.settle(first, Some(Serial(9)));
        ledger.settle(second, None);
        assert_eq!((ledger.find(Serial(9)), ledger.pending()), (None, 0));
    }

    #[test]
    fn a_closed_room_takes_nothing_new_and_remembers_what_is_open() {
        let mut ledger = Ledger::default();
        let open = ledger.issue(Bytes::new()).unwrap();
        ledger.close();
        assert_eq!((ledger.issue(Bytes::new()), ledger.undecided()), (None, vec![open]));
    }

    #[test]
    fn a_room_that_continues_another_one_takes_its_open_proposals_over_by_their_names() {
        let mut former = Ledger::default();
        let [settled, open] = [b"a", b"b"].map(|body| former.issue(Bytes::from_static(body)).unwrap());
        former.settle(settled, None);
        let mut ledger = Ledger::after(&former);
        let new = ledger.issue(Bytes::new()).unwrap();
        let later = former.issue(Bytes::from_static(b"c")).unwrap();
        let inherited = ledger.inherit(&mut former);
        assert_eq!(inherited, [(open, Bytes::from_static(b"b")), (later, Bytes::from_static(b"c"))]);
        assert_eq!((ledger.undecided(), former.pending()), (vec![open, later, new], 0));
    }
}
