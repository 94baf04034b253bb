//! Commands go together: into the log, to the store and to the state machine, told message by message.

mod lab;

use bevy_quorum::raft::{
    Effect, Entry, Input, LogIndex, Message, MessageBody, Moment, Node, NodeId, Payload, Permission, Refusal, Serial,
    Term,
};
use lab::{A, B, Lab, ME, at, command, entry, first};

const SESSION: LogIndex = LogIndex(1);

/// What somebody was sent to add to its log: the indexes of the entries.
fn appended(lab: &Lab, to: NodeId) -> Vec<u64> {
    let entries = lab.sent.iter().filter_map(|(other, message)| match &message.body {
        MessageBody::Append { entries, .. } if *other == to => Some(entries),
        _ => None,
    });
    entries.flat_map(|entries| entries.iter().map(|entry| entry.index.0)).collect()
}

/// A leader whose writes take their time from now on.
fn leader() -> Lab {
    let mut lab = Lab::of_three(&[], 1).settled();
    lab.held = Some(Vec::new());
    lab.sent.clear();
    lab
}

fn propose(lab: &mut Lab) {
    let now = lab.now;
    lab.node.propose(now, "x".into()).expect("the outbox has room");
    lab.drain();
}

fn finish_write(lab: &mut Lab) {
    let write = lab.held.as_mut().and_then(Vec::pop).expect("a write is under way");
    lab.input(Input::Persisted(write));
}

#[test]
fn a_leaders_own_command_is_stored_with_its_entry_and_told_only_then() {
    let mut lab = leader();
    propose(&mut lab);
    let write = lab.writes.last().expect("it writes");
    assert_eq!((write.outbox_put.len(), write.entries.len()), (1, 1));
    // Another's command needs no such care, but it stands behind.
    let (term, sent) = (lab.node.term().0, lab.now);
    let commands = vec![(Serial(1), "y".into())];
    lab.tell(A, term, MessageBody::Forward { session: SESSION, after: Serial(0), commands, sent });
    assert_eq!([appended(&lab, A), appended(&lab, B)], [[0; 0]; 2]);
    finish_write(&mut lab);
    assert_eq!([appended(&lab, A), appended(&lab, B)], [[3, 4]; 2]);
}

#[test]
fn a_leader_that_writes_sends_others_commands_at_once_and_its_own_after_two_writes() {
    let mut lab = leader();
    let (term, sent) = (lab.node.term().0, lab.now);
    let commands = vec![(Serial(1), "y".into())];
    lab.tell(A, term, MessageBody::Forward { session: SESSION, after: Serial(0), commands, sent });
    propose(&mut lab);
    assert_eq!(appended(&lab, B), [3]);
    finish_write(&mut lab);
    assert_eq!(appended(&lab, B), [3]);
    finish_write(&mut lab);
    assert_eq!(appended(&lab, B), [3, 4]);
}

/// What a follower is given to carry out of these entries after the first, all of them committed: serials, and why not.
fn batches(first: Entry, entries: Vec<Entry>) -> Vec<(Vec<u64>, Option<Refusal>)> {
    let mut node = Node::new(ME, Default::default(), 1, lab::three(&[], 1), Moment::ZERO);
    let commit = entries.last().expect("there are some").index;
    let entries = std::iter::once(Entry { term: Term(1), ..first }).chain(entries).collect::<Vec<_>>().into();
    let body = MessageBody::Append { previous: at(0, 0), entries, commit, durable: commit, sent: Moment::ZERO };
    node.handle(Moment::ZERO, Input::Receive { from: A, message: Message { term: Term(1), body } });
    let mut batches = Vec::new();
    while let Some(effect) = node.poll() {
        match effect {
            Effect::Persist { id, .. } => node.handle(Moment::ZERO, Input::Persisted(id)),
            Effect::Apply(batch) => {
                batches.push((batch.commands().map(|command| command.serial.0).collect(), batch.refusal()));
            }
            _ => {}
        }
    }
    assert_eq!(node.applied(), commit);
    batches
}

#[test]
fn commands_that_follow_one_another_are_carried_out_together() {
    let entries = vec![command(1, 2, 1), command(1, 3, 2), entry(1, 4), command(1, 5, 3)];
    assert_eq!(batches(first(&[ME, A, B]), entries), [(vec![1, 2], None), (vec![3], None)]);
}

#[test]
fn a_command_that_was_carried_out_before_is_left_out() {
    let entries = vec![command(1, 2, 1), command(1, 3, 1), command(1, 4, 2), command(1, 5, 7), command(1, 6, 3)];
    assert_eq!(batches(first(&[ME, A, B]), entries), [(vec![1], None), (vec![2], None), (vec![3], None)]);
}

#[test]
fn a_command_of_a_viewer_comes_apart_from_the_others() {
    let by = |author: NodeId, entry: Entry| {
        let mut entry = entry;
        if let Payload::Command(command) = &mut entry.payload {
            command.author = author;
        }
        entry
    };
    let mut membership = lab::membership(&[ME, A, B], &[]);
    membership.members.get_mut(&B).expect("it is a member").permission = Permission::Viewer;
    let change = Entry { payload: Payload::Membership(membership), ..entry(1, 2) };
    let entries = vec![change, command(1, 3, 1), by(B, command(1, 4, 1)), by(B, command(1, 5, 2)), command(1, 6, 2)];
    let refused = Some(Refusal::NotPermitted);
    assert_eq!(batches(first(&[ME, A, B]), entries), [(vec![1], None), (vec![1, 2], refused), (vec![2], None)]);
}

#[test]
fn who_was_deposed_lends_no_more_than_others_may_be_told() {
    let mut lab = leader();
    propose(&mut lab);
    assert_eq!(lab.node.last(), LogIndex(3));
    let later = lab.node.term().0 + 1;
    lab.tell(B, later, MessageBody::VoteReply { granted: false });
    let ahead = |body: MessageBody| match body {
        MessageBody::PreVoteReply { ahead, .. } => ahead,
        _ => None,
    };
    let offered =
        |lab: &mut Lab| lab.answers(A, later + 1, MessageBody::PreVote { last: at(1, 1) }).into_iter().find_map(ahead);
    assert_eq!(offered(&mut lab), Some(at(2, 2)), "the third is no promise of its outbox yet");
    let lent = lab.answers(A, later, MessageBody::Borrow { last: at(1, 1) });
    let whole = |body: &MessageBody| match body {
        MessageBody::Lend { entries, last, .. } => Some((entries.len(), *last)),
        _ => None,
    };
    assert_eq!(lent.iter().find_map(whole), Some((1, at(2, 2))));
    while lab.held.as_ref().is_some_and(|held| !held.is_empty()) {
        finish_write(&mut lab);
    }
    assert_eq!(offered(&mut lab), Some(at(2, 3)));
}
