//! Who answers reads, told message by message: a round of heartbeats after the question, of a leader that may know (§6.4).

mod lab;

use bevy_quorum::raft::{
    Config, Durable, Entry, Input, LogIndex, LogPosition, Membership, Message, MessageBody, Moment, NodeId, Payload,
    ReadId, Rejected, Standing, Term,
};
use lab::{A, B, Lab, ME, entry, heartbeat, member};
use std::collections::BTreeMap;

const LEARNER: NodeId = NodeId(4);

impl Lab {
    /// A leader of three voters and a learner, with an entry of an earlier term, and one of its own that is not
    /// committed.
    fn leader() -> Self {
        let voters = [ME, A, B].map(|id| (id, member(Standing::Voter, 1)));
        let members = voters.into_iter().chain([(LEARNER, member(Standing::Learner, 1))]).collect();
        let first = Entry { payload: Payload::Membership(Membership { members }), ..entry(1, 1) };
        let log = vec![first, entry(1, 2)];
        let durable = Durable { log, commit: LogIndex(1), ..lab::three(&[], 1) };
        Self::on(Config::default(), durable, Moment(1 << 40)).elected()
    }

    /// The same, once its own entry is committed.
    fn committed() -> Self {
        let mut lab = Self::leader();
        lab.tell(A, 2, MessageBody::Appended { matched: LogIndex(3) });
        assert_eq!(lab.node.commit(), LogIndex(3));
        lab
    }

    fn answer(&mut self, from: NodeId, round: u64) {
        let (sent, marked) = (self.now, Default::default());
        self.tell(from, 2, MessageBody::HeartbeatReply { priority: 100, round, sent, marked });
    }

    fn read(&mut self, id: u64) {
        let now = self.now;
        self.node.read(now, ReadId(id)).expect("few reads wait");
        self.drain();
    }

    /// The rounds that were begun since this was last asked, by what was sent to a node.
    fn rounds(&mut self, to: NodeId) -> Vec<u64> {
        let mut rounds = Vec::new();
        for (receiver, message) in self.sent.drain(..) {
            match message.body {
                MessageBody::Heartbeat { round, .. } if receiver == to => rounds.push(round),
                _ => {}
            }
        }
        rounds
    }

    fn replies(&mut self) -> Vec<(NodeId, u64, LogIndex)> {
        let reply = |(to, message): (NodeId, Message)| match message.body {
            MessageBody::ReadIndexReply { question, index } => Some((to, question, index)),
            _ => None,
        };
        self.sent.drain(..).filter_map(reply).collect()
    }
}

#[test]
fn nothing_is_answered_before_an_entry_of_the_own_term_is_committed() {
    let mut lab = Lab::leader();
    lab.read(1);
    lab.tell(A, 2, MessageBody::ReadIndex { question: 9 });
    for voter in [A, B] {
        lab.answer(voter, 0);
    }
    // The entry before is on a majority; that it is committed is not known (Figure 3.7).
    lab.tell(A, 2, MessageBody::Appended { matched: LogIndex(2) });
    lab.answer(A, 0);
    assert!(lab.read.is_empty() && lab.replies().is_empty());
    lab.tell(A, 2, MessageBody::Appended { matched: LogIndex(3) });
    assert_eq!(lab.rounds(B), [1]);
    lab.answer(B, 1);
    assert_eq!(lab.read, BTreeMap::from([(ReadId(1), Ok(LogIndex(3)))]));
    assert_eq!(lab.replies(), [(A, 9, LogIndex(3))]);
}

#[test]
fn answers_to_what_was_sent_before_do_not_count() {
    let mut lab = Lab::committed();
    lab.read(1);
    lab.answer(A, 1);
    assert_eq!(lab.read.len(), 1);
    lab.read(2);
    // Doubled, delayed, from one voter or the other: all of them left before the read was asked.
    for voter in [A, B, A, B] {
        lab.answer(voter, 1);
        lab.tell(voter, 2, MessageBody::Appended { matched: LogIndex(3) });
    }
    assert_eq!(lab.read.len(), 1);
    lab.answer(B, 2);
    assert_eq!(lab.read.len(), 2);
}

#[test]
fn the_number_of_a_question_proves_nothing() {
    // The caller's numbers come again; an old heartbeat's answer can't be taken for the answer to a new question.
    let mut lab = Lab::committed();
    for question in [5, 5] {
        lab.tell(B, 2, MessageBody::ReadIndex { question });
        lab.answer(A, 0);
        lab.answer(B, 0);
    }
    assert!(lab.replies().is_empty());
}

#[test]
fn rounds_that_never_were_are_ignored() {
    let mut lab = Lab::committed();
    lab.answer(A, 7);
    assert_eq!(lab.node.ignored(), 1);
    lab.read(1);
    assert!(lab.read.is_empty());
}

#[test]
fn answers_of_an_earlier_term_do_not_count() {
    let mut lab = Lab::committed();
    lab.read(1);
    for voter in [A, B] {
        let (sent, marked) = (lab.now, Default::default());
        lab.tell(voter, 1, MessageBody::HeartbeatReply { priority: 100, round: 1, sent, marked });
    }
    assert!(lab.read.is_empty());
}

#[test]
fn learners_do_not_count() {
    let mut lab = Lab::committed();
    lab.read(1);
    lab.answer(LEARNER, 1);
    lab.answer(LEARNER, 1);
    lab.answer(NodeId(77), 1);
    assert!(lab.read.is_empty());
    // But they may ask.
    lab.tell(LEARNER, 2, MessageBody::ReadIndex { question: 4 });
    lab.tell(NodeId(77), 2, MessageBody::ReadIndex { question: 4 });
    lab.answer(A, 2);
    assert_eq!(lab.replies(), [(LEARNER, 4, LogIndex(3))]);
}

#[test]
fn a_leader_that_hands_over_answers_nothing() {
    let mut lab = Lab::committed();
    lab.tell(B, 2, MessageBody::ReadIndex { question: 1 });
    lab.tell(A, 2, MessageBody::Appended { matched: LogIndex(3) });
    lab.input(Input::Leave);
    assert!(lab.sent.iter().any(|(_, message)| matches!(message.body, MessageBody::TimeoutNow { .. })));
    lab.answer(A, 1);
    lab.tell(B, 2, MessageBody::ReadIndex { question: 2 });
    lab.answer(A, 1);
    assert!(lab.replies().is_empty());
}

#[test]
fn a_leader_that_learns_of_another_term_answers_nothing() {
    let mut lab = Lab::committed();
    lab.read(1);
    lab.tell(B, 2, MessageBody::ReadIndex { question: 1 });
    lab.tell(B, 3, MessageBody::Outdated);
    lab.answer(A, 1);
    lab.answer(A, 2);
    assert!(lab.replies().is_empty() && lab.read.is_empty());
    // Its own read goes to the next leader.
    lab.tell(A, 3, heartbeat(LogPosition::default()));
    let asked = lab.sent.iter().any(|(to, message)| {
        *to == A && message.term == Term(3) && matches!(message.body, MessageBody::ReadIndex { .. })
    });
    assert!(asked, "{:?}", lab.sent);
}

#[test]
fn many_reads_cost_one_round() {
    let mut lab = Lab::committed();
    lab.rounds(A);
    let now = lab.now;
    for id in 0..1_000 {
        lab.node.read(now, ReadId(id)).expect("few reads wait");
    }
    for question in 0..1_000 {
        let message = Message { term: Term(2), body: MessageBody::ReadIndex { question } };
        lab.node.handle(now, Input::Receive { from: B, message });
    }
    lab.drain();
    assert_eq!(lab.rounds(A), [1]);
    lab.answer(A, 1);
    assert_eq!(lab.read.len(), 1_000);
    assert_eq!(lab.replies(), [(B, 999, LogIndex(3))]);
}

#[test]
fn reads_without_end_are_refused_with_the_reason() {
    let mut lab = Lab::leader();
    let limit = Config::default().reads_max;
    for id in 0..limit as u64 {
        lab.read(id);
    }
    let now = lab.now;
    assert_eq!(lab.node.read(now, ReadId(0)), Err(Rejected::ReadsFull { waiting: limit }));
    lab.input(Input::Leave);
    assert_eq!(lab.node.read(now, ReadId(0)), Err(Rejected::Leaving));
}
