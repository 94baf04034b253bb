//! A leader answers no read before it knows that it still leads (§6.4).

use super::{
    lab::{A, B, Lab},
    of_three,
};
use bevy_quorum::raft::{Input, MessageBody, Mutant, ReadId};

/// As long as nobody answers, another may have been elected.
pub fn a_read_waits_for_a_majority(mutant: Option<Mutant>) -> bool {
    let mut lab = of_three(mutant, &[], 1).settled();
    read(&mut lab, 1);
    let early = lab.read.len();
    answer(&mut lab, 1);
    assert_eq!(lab.read.len(), 1);
    early == 0
}

/// An answer that left before the read was asked, and comes late or twice, proves nothing.
pub fn answers_to_what_was_sent_before_do_not_count(mutant: Option<Mutant>) -> bool {
    let mut lab = of_three(mutant, &[], 1).settled();
    read(&mut lab, 1);
    answer(&mut lab, 1);
    read(&mut lab, 2);
    answer(&mut lab, 1);
    lab.read.keys().eq([&ReadId(1)])
}

fn read(lab: &mut Lab, id: u64) {
    lab.node.read(lab.now, ReadId(id)).expect("few reads wait");
    lab.input(Input::Wake);
}

fn answer(lab: &mut Lab, round: u64) {
    let (term, sent) = (lab.node.term().0, lab.now);
    for voter in [A, B] {
        let marked = Default::default();
        lab.hear(voter, term, MessageBody::HeartbeatReply { priority: 100, round, sent, marked });
    }
}
