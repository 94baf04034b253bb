//! What a leader takes of a session, told message by message (§6.3).

mod lab;

use bevy_quorum::raft::{
    Config, Durable, Effect, Entry, Input, LogIndex, Membership, Message, MessageBody, Moment, Node, Payload,
    Permission, RoleKind, Serial, Standing, Term,
};
use bytes::Bytes;
use lab::{A, B, Lab, ME, at, entry, heartbeat, member, three};

impl Lab {
    /// A leader, alone with what others say. A's session is 2.
    fn leader() -> Self {
        let alone = Membership { members: [(ME, member(Standing::Voter, 1))].into() };
        let both = [(ME, member(Standing::Voter, 1)), (A, member(Standing::Learner, 2))];
        let both = Membership { members: both.into() };
        let configure = |index, membership| Entry { payload: Payload::Membership(membership), ..entry(1, index) };
        let log = vec![configure(1, alone), configure(2, both)];
        let durable = Durable { log, commit: LogIndex(2), ..three(&[], 1) };
        let mut lab = Self::on(Config::default(), durable, Moment::ZERO);
        lab.input(Input::Wake);
        assert_eq!(lab.node.role_kind(), RoleKind::Leader);
        lab
    }

    fn forward(&mut self, session: u64, after: u64, serials: std::ops::RangeInclusive<u64>) -> MessageBody {
        let commands = serials.map(|serial| (Serial(serial), Bytes::new())).collect();
        let (session, after) = (LogIndex(session), Serial(after));
        let body = MessageBody::Forward { session, after, commands, sent: Moment::ZERO };
        let term = self.node.term().0;
        let answers = self.answers(A, term, body);
        let is_answer =
            |body: &MessageBody| matches!(body, MessageBody::Forwarded { .. } | MessageBody::Forgotten { .. });
        answers.into_iter().find(is_answer).expect("a forward is answered")
    }

    fn change(&mut self, change: impl FnOnce(&mut Membership)) {
        let mut membership = self.node.membership().clone();
        change(&mut membership);
        self.node.change(membership).expect("it may be changed");
        self.drain();
    }

    fn readmit(&mut self) -> u64 {
        let member = self.node.membership().members[&A];
        self.change(|membership| {
            membership.members.remove(&A);
        });
        self.change(|membership| {
            membership.members.insert(A, member);
        });
        self.node.membership().members[&A].session.0
    }
}

fn forwarded(appended: u64, gap: bool) -> MessageBody {
    MessageBody::Forwarded { appended: Serial(appended), gap, holdup: None, sent: Moment::ZERO }
}

#[test]
fn a_session_begins_with_the_command_that_its_author_says() {
    let mut lab = Lab::leader();
    // The second message overtook the first.
    assert_eq!(lab.forward(2, 15, 18..=20), forwarded(15, true));
    assert!(lab.applied.is_empty());
    assert_eq!(lab.forward(2, 15, 16..=17), forwarded(17, false));
    assert_eq!(lab.forward(2, 15, 18..=20), forwarded(20, false));
    assert_eq!(lab.serials(), [16, 17, 18, 19, 20]);
}

#[test]
fn a_session_that_is_over_is_refused_by_name() {
    let mut lab = Lab::leader();
    lab.forward(2, 0, 1..=3);
    let session = lab.readmit();
    // A double of what was carried out, and what came too late.
    for serials in [1..=3, 4..=5] {
        assert_eq!(lab.forward(2, 0, serials), MessageBody::Forgotten { session: LogIndex(2) });
    }
    assert_eq!(lab.forward(session, 5, 6..=6), forwarded(6, false));
    assert_eq!(lab.serials(), [1, 2, 3, 6]);
    // So is one that never was.
    assert_eq!(lab.forward(99, 6, 7..=7), MessageBody::Forgotten { session: LogIndex(99) });
}

#[test]
fn nobody_chooses_its_own_session() {
    let mut lab = Lab::leader();
    let mut membership = lab.node.membership().clone();
    let a = membership.members.get_mut(&A).expect("it is a member");
    (a.session, a.permission) = (LogIndex(70), Permission::Viewer);
    lab.node.change(membership).expect("it may be changed");
    assert_eq!(lab.node.membership().members[&A].session, LogIndex(2));
}

#[test]
fn serials_without_end_are_ignored() {
    let mut lab = Lab::leader();
    let commands = vec![(Serial(u64::MAX), Bytes::new())];
    for after in [0, u64::MAX - 1, u64::MAX] {
        let (session, after, commands) = (LogIndex(2), Serial(after), commands.clone());
        let body = MessageBody::Forward { session, after, commands, sent: Moment::ZERO };
        let term = lab.node.term().0;
        lab.tell(A, term, body);
    }
    assert_eq!((lab.node.ignored(), lab.applied.len()), (3, 0));
}

#[test]
fn nothing_is_forwarded_before_its_session_is_durable() {
    let mut node = Node::new(ME, Config::default(), 1, three(&[], 1), Moment::ZERO);
    let serial = node.propose(Moment::ZERO, Bytes::new()).expect("there is room");
    let message = Message { term: Term(1), body: heartbeat(at(1, 1)) };
    node.handle(Moment::ZERO, Input::Receive { from: B, message });
    let mut writes = 0;
    let mut bound = false;
    while let Some(effect) = node.poll() {
        match effect {
            Effect::Persist { id, write } => {
                writes += 1;
                bound |= write.session == Some(LogIndex(1));
                node.handle(Moment::ZERO, Input::Persisted(id));
            }
            Effect::Send {
                message: Message { body: MessageBody::Forward { session, after, commands, .. }, .. },
                ..
            } => {
                assert!(bound, "it is told before write {writes} bound it");
                assert_eq!((session, after, commands), (LogIndex(1), Serial(0), vec![(serial, Bytes::new())]));
                return;
            }
            _ => {}
        }
    }
    panic!("nothing was forwarded");
}
