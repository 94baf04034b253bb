//! What a snapshot takes the place of (§5.1).

use super::{
    lab::{A, Lab, at, image, snapshot},
    of_three,
};
use bevy_quorum::raft::{LogIndex, LogPosition, MessageBody, Moment, Mutant};

/// A log that doesn't hold the mark holds nothing behind it that could be kept: here a leader of term 3 wrote behind an
/// entry of term 1 in whose place the snapshot knows one of term 2.
pub fn of_a_log_that_does_not_hold_the_mark_everything_uncommitted_goes(mutant: Option<Mutant>) -> bool {
    let mut lab = of_three(mutant, &[1, 1, 1, 3, 3], 3);
    install(&mut lab, at(2, 4));
    (lab.node.base(), lab.node.last()) == (at(2, 4), LogIndex(4))
}

/// What stands behind the mark of a log that holds it was acknowledged, perhaps.
pub fn of_a_log_that_holds_the_mark_the_tail_is_kept(mutant: Option<Mutant>) -> bool {
    let mut lab = of_three(mutant, &[2, 2, 2, 2, 2], 3);
    install(&mut lab, at(2, 4));
    (lab.node.commit(), lab.node.last()) == (LogIndex(4), LogIndex(6))
}

/// A leader sends a snapshot of this place, in one piece.
fn install(lab: &mut Lab, mark: LogPosition) {
    let snapshot = snapshot(mark, 2, b"state");
    let (digest, bytes) = (snapshot.digest(), image(&snapshot));
    let total = bytes.len() as u64;
    lab.tell(A, 4, MessageBody::Snapshot { mark, digest, total, offset: 0, bytes, sent: Moment::ZERO });
}
