//! What a leader takes of a member's commands (§6.3).

use super::{
    lab::{A, Lab},
    of_three,
};
use bevy_quorum::raft::{LogIndex, MessageBody, Moment, Mutant, Serial};
use bytes::Bytes;
use std::ops::RangeInclusive;

/// The second message of a session came before the first.
pub fn a_session_begins_with_the_command_that_its_author_says(mutant: Option<Mutant>) -> bool {
    let mut lab = of_three(mutant, &[], 1).settled();
    let last = lab.node.last();
    forward(&mut lab, 1, 15, 18..=20);
    lab.node.last() == last
}

/// Nobody has the session that these are from: it is over, and they may have been carried out in it.
pub fn commands_of_another_session_are_not_taken(mutant: Option<Mutant>) -> bool {
    let mut lab = of_three(mutant, &[], 1).settled();
    let last = lab.node.last();
    forward(&mut lab, 99, 0, 1..=3);
    lab.node.last() == last
}

fn forward(lab: &mut Lab, session: u64, after: u64, serials: RangeInclusive<u64>) {
    let commands = serials.map(|serial| (Serial(serial), Bytes::new())).collect();
    let (session, after, term) = (LogIndex(session), Serial(after), lab.node.term().0);
    lab.hear(A, term, MessageBody::Forward { session, after, commands, sent: Moment::ZERO });
}
