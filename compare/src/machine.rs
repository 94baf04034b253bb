//! The state machine that every contender feeds, and the commands it is fed.

use crate::cpu;

/// Counts commands and folds their bytes and their order into a checksum.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Machine {
    applied: u64,
    checksum: u64,
}

impl Machine {
    pub fn apply(&mut self, body: &[u8]) {
        self.applied += 1;
        self.checksum = (self.checksum.rotate_left(23) ^ digest(body)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    pub fn applied(&self) -> u64 {
        self.applied
    }
}

/// Sums of the words and sums of those sums, four side by side, as Fletcher does: it sees every byte and its
/// place, and costs little beside what it checks.
fn digest(body: &[u8]) -> u64 {
    let (mut sums, mut sums_of_sums) = ([0_u64; 4], [body.len() as u64; 4]);
    let (blocks, rest) = body.as_chunks::<32>();
    for block in blocks {
        for (lane, word) in block.as_chunks::<8>().0.iter().enumerate() {
            sums[lane] = sums[lane].wrapping_add(u64::from_le_bytes(*word));
            sums_of_sums[lane] = sums_of_sums[lane].wrapping_add(sums[lane]);
        }
    }
    let rest = rest.iter().fold(0, |sum: u64, byte| sum.rotate_left(9) ^ u64::from(*byte));
    sums.iter().chain(&sums_of_sums).fold(rest, |sum, lane| sum.rotate_left(17) ^ lane)
}

/// How many commands are made at once: so few that they stay in the cache until they are proposed.
const BATCH: u64 = 256;

/// Commands in their order, made beside the clock: what a command says is no business of consensus.
#[derive(Default)]
pub struct Supply {
    made: u64,
    bodies: Vec<Vec<u8>>,
}

impl Supply {
    /// The next command, of so many bytes.
    pub fn next(&mut self, bytes: usize) -> Vec<u8> {
        if self.bodies.last().is_none_or(|body| body.len() != bytes) {
            cpu::untimed(|| self.make(bytes));
        }
        self.bodies.pop().expect("just made")
    }

    fn make(&mut self, bytes: usize) {
        self.bodies.clear();
        self.bodies.extend((self.made..self.made + BATCH).rev().map(|number| command(number, bytes)));
        self.made += BATCH;
    }
}

/// A command like no other, as far as its size allows.
fn command(number: u64, bytes: usize) -> Vec<u8> {
    let mut body = vec![0x5a; bytes];
    let count = bytes.min(8);
    body[..count].copy_from_slice(&number.to_le_bytes()[..count]);
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(bodies: &[&[u8]]) -> Machine {
        let mut machine = Machine::default();
        bodies.iter().for_each(|body| machine.apply(body));
        machine
    }

    #[test]
    fn another_order_is_another_state() {
        assert_ne!(after(&[b"a", b"b"]), after(&[b"b", b"a"]));
    }

    #[test]
    fn every_byte_counts() {
        let body = command(7, 100);
        for place in 0..body.len() {
            let mut other = body.clone();
            other[place] ^= 1;
            assert_ne!(digest(&body), digest(&other), "byte {place}");
        }
    }
}
