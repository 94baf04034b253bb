//! A candidate that takes what it lacks from a voter, message by message.

use bevy_quorum::raft::{
    Ballot, Config, Durable, Effect, Entries, Entry, Input, LogIndex, LogPosition, LogTime, Member, Membership,
    Message, MessageBody, Moment, Node, NodeId, Payload, Permission, RoleKind, Standing, Term,
};
use std::time::Duration;

const ME: NodeId = NodeId(1);
const A: NodeId = NodeId(2);
const B: NodeId = NodeId(3);
const C: NodeId = NodeId(4);

fn at(term: u64, index: u64) -> LogPosition {
    LogPosition { term: Term(term), index: LogIndex(index) }
}

fn entries(terms: &[u64], from: u64) -> Vec<Entry> {
    let entry = |(term, index): (&u64, u64)| Entry {
        term: Term(*term),
        index: LogIndex(index),
        time: LogTime(0),
        payload: Payload::Empty,
    };
    terms.iter().zip(from..).map(entry).collect()
}

/// A node among five voters in term 4, with entries of these terms after the first.
struct Lab {
    node: Node,
    now: Moment,
    sent: Vec<(NodeId, MessageBody)>,
}

impl Lab {
    fn new(terms: &[u64], commit: u64) -> Self {
        let member =
            Member { standing: Standing::Voter, permission: Permission::Owner, key: [0; 32], session: LogIndex(1) };
        let membership = Membership { members: (1..=5).map(|id| (NodeId(id), member)).collect() };
        let mut log = entries(&[1], 1);
        log[0].payload = Payload::Membership(membership);
        log.extend(entries(terms, 2));
        let ballot = Ballot { term: Term(4), vote: None };
        let durable = Durable { ballot, log, commit: LogIndex(commit), ..Durable::default() };
        let node = Node::new(ME, Config::default(), 1, durable, Moment::ZERO);
        Self { node, now: Moment::ZERO, sent: Vec::new() }
    }

    fn input(&mut self, input: Input) {
        self.node.handle(self.now, input);
        while let Some(effect) = self.node.poll() {
            match effect {
                Effect::Persist { id, .. } => self.node.handle(self.now, Input::Persisted(id)),
                Effect::Send { to, message } => self.sent.push((to, message.body)),
                _ => {}
            }
        }
    }

    fn hear(&mut self, from: NodeId, term: u64, body: MessageBody) -> Vec<(NodeId, MessageBody)> {
        self.sent.clear();
        self.input(Input::Receive { from, message: Message { term: Term(term), body } });
        std::mem::take(&mut self.sent)
    }

    /// Lets time pass, in which `offers` answer every question whether they would vote.
    fn wait(&mut self, duration: Duration, offers: &[(NodeId, Option<LogPosition>)]) {
        let end = self.now + duration;
        while self.node.deadline() <= end && self.node.term() == Term(4) {
            self.now = self.node.deadline();
            self.input(Input::Wake);
            for (voter, ahead) in offers {
                let granted = ahead.is_none();
                let term = if granted { 5 } else { 4 };
                let body = MessageBody::PreVoteReply { asked: Term(5), granted, ahead: *ahead };
                self.input(Input::Receive { from: *voter, message: Message { term: Term(term), body } });
            }
        }
    }

    /// Campaigns, and has asked A for what it lacks.
    fn borrowing(terms: &[u64], commit: u64, last: LogPosition) -> Self {
        let mut lab = Self::new(terms, commit);
        lab.wait(Duration::from_secs(10), &[(A, Some(last)), (B, None)]);
        assert_eq!(lab.node.term(), Term(5));
        let asked = lab.sent.iter().filter(|(_, body)| matches!(body, MessageBody::Borrow { .. }));
        assert_eq!(asked.map(|(to, _)| *to).collect::<Vec<_>>(), [A]);
        lab
    }
}

fn lend(previous: LogPosition, terms: &[u64], last: LogPosition, commit: u64) -> MessageBody {
    let entries = Entries::from(entries(terms, previous.index.0 + 1));
    MessageBody::Lend { previous, entries, last, commit: LogIndex(commit) }
}

fn asked_for_votes(sent: &[(NodeId, MessageBody)], last: LogPosition) -> Vec<NodeId> {
    let vote = MessageBody::Vote { last, transfer: false };
    sent.iter().filter(|(_, body)| *body == vote).map(|(to, _)| *to).collect()
}

#[test]
fn who_can_win_without_help_is_given_time_first() {
    let mut lab = Lab::new(&[2], 1);
    let patience = lab.node.patience();
    lab.wait(patience * 3, &[(A, Some(at(3, 4))), (B, None)]);
    assert_eq!((lab.node.term(), lab.node.role_kind()), (Term(4), RoleKind::Candidate));
    lab.wait(patience * 3, &[(A, Some(at(3, 4))), (B, None)]);
    assert_eq!(lab.node.term(), Term(5));
}

#[test]
fn nobody_campaigns_on_loan_without_a_majority_that_would_vote() {
    let mut lab = Lab::new(&[2], 1);
    lab.wait(Duration::from_secs(30), &[(A, Some(at(3, 4)))]);
    assert_eq!(lab.node.term(), Term(4));
}

#[test]
fn the_newest_log_is_borrowed() {
    let mut lab = Lab::new(&[2], 1);
    lab.wait(Duration::from_secs(10), &[(A, Some(at(3, 4))), (B, Some(at(3, 5))), (C, Some(at(2, 9)))]);
    let asked = lab.sent.iter().filter(|(_, body)| matches!(body, MessageBody::Borrow { .. }));
    assert_eq!(asked.map(|(to, _)| *to).collect::<Vec<_>>(), [B]);
}

#[test]
fn what_is_lent_joins_the_log_and_votes_are_asked_for_again() {
    let mut lab = Lab::borrowing(&[2, 2], 1, at(3, 4));
    // The logs part after the first entry.
    let sent = lab.hear(A, 5, lend(at(3, 2), &[3, 3], at(3, 4), 2));
    assert_eq!(sent, [(A, MessageBody::Borrow { last: at(2, 2) })]);
    let sent = lab.hear(A, 5, lend(at(1, 1), &[3, 3], at(3, 4), 2));
    assert_eq!(sent, [(A, MessageBody::Borrow { last: at(3, 3) })]);
    let sent = lab.hear(A, 5, lend(at(3, 3), &[3], at(3, 4), 2));
    assert_eq!(asked_for_votes(&sent, at(3, 4)), [A, B, C, NodeId(5)]);
    assert_eq!(lab.node.commit(), LogIndex(2), "what is committed there is known here");
    lab.hear(A, 5, MessageBody::VoteReply { granted: true });
    lab.hear(B, 5, MessageBody::VoteReply { granted: true });
    assert_eq!(lab.node.role_kind(), RoleKind::Leader);
}

#[test]
fn nobody_leads_on_half_a_loan() {
    let mut lab = Lab::borrowing(&[2, 3], 1, at(4, 6));
    // For a moment its log ends in an earlier term than the one that its votes were given for.
    lab.hear(A, 5, lend(at(1, 1), &[2, 2], at(4, 6), 1));
    assert_eq!(lab.node.last(), LogIndex(3));
    for voter in [B, C, NodeId(5)] {
        lab.hear(voter, 5, MessageBody::VoteReply { granted: true });
    }
    assert_eq!(lab.node.role_kind(), RoleKind::Candidate);
    lab.hear(A, 5, lend(at(2, 3), &[2, 4, 4], at(4, 6), 1));
    lab.hear(B, 5, MessageBody::VoteReply { granted: true });
    assert_eq!(lab.node.role_kind(), RoleKind::Leader);
}

#[test]
fn an_older_log_displaces_nothing() {
    let mut lab = Lab::borrowing(&[2, 3], 1, at(3, 4));
    // The lender has followed another leader since.
    lab.hear(A, 5, lend(at(1, 1), &[2, 2], at(2, 3), 1));
    assert_eq!((lab.node.last(), lab.node.entry(LogIndex(3)).map(|entry| entry.term)), (LogIndex(3), Some(Term(3))));
    // Nor does what comes from somebody else, or was asked for before.
    lab.hear(B, 5, lend(at(1, 1), &[4, 4], at(4, 3), 1));
    assert_eq!(lab.node.entry(LogIndex(2)).map(|entry| entry.term), Some(Term(2)));
}

#[test]
fn what_is_committed_gives_way_to_nothing() {
    let mut lab = Lab::borrowing(&[2, 3], 3, at(4, 4));
    lab.hear(A, 5, lend(at(1, 1), &[4, 4, 4], at(4, 4), 1));
    assert_eq!((lab.node.ignored(), lab.node.entry(LogIndex(3)).map(|entry| entry.term)), (1, Some(Term(3))));
}

#[test]
fn a_voter_lends_what_comes_after_the_last_place_where_the_logs_may_agree() {
    let mut lab = Lab::new(&[2, 3, 3], 1);
    for (last, previous) in [(at(2, 2), at(2, 2)), (at(2, 7), at(2, 2)), (at(1, 3), at(1, 1)), (at(3, 3), at(3, 3))] {
        let sent = lab.hear(A, 5, MessageBody::Borrow { last });
        let [(A, MessageBody::Lend { previous: from, entries, last, .. })] = &sent[..] else { panic!("{sent:?}") };
        assert_eq!((*from, *last), (previous, at(3, 4)));
        assert_eq!(entries.len() as u64, 4 - previous.index.0);
    }
    assert!(lab.hear(A, 5, MessageBody::Borrow { last: at(3, 4) }).is_empty());
    assert!(lab.hear(NodeId(77), 5, MessageBody::Borrow { last: at(1, 1) }).is_empty());
    assert_eq!(lab.node.ignored(), 1, "strangers get nothing");
}

#[test]
fn a_voter_that_hears_a_leader_offers_nothing() {
    let mut lab = Lab::new(&[2, 3], 1);
    let ask = MessageBody::PreVote { last: at(2, 2) };
    let reply = |ahead| MessageBody::PreVoteReply { asked: Term(5), granted: false, ahead };
    assert_eq!(lab.hear(B, 5, ask.clone()), [(B, reply(Some(at(3, 3))))]);
    let heartbeat = MessageBody::Heartbeat { commit: at(1, 1), round: 0, patience_ms: 400, sent: Moment::ZERO };
    lab.hear(A, 4, heartbeat);
    assert_eq!(lab.hear(B, 5, ask), [(B, reply(None))]);
}
