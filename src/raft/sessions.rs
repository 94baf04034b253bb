//! Who has had which command carried out: the table that makes each command count once (§6.3).
//!
//! A session is a membership: it begins with the entry that lets a node in, and ends with the one that lets it
//! go. Serials never begin anew, so a command of an earlier session is never taken for one of this.

use super::{LogIndex, LogTime, Membership, NodeId, Refusal, Serial, forwarding::SERIAL_MAX};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// The most commands of one author whose outcomes are remembered.
pub const RECENT_MAX: usize = 32;

/// What has been carried out of each member's commands; a part of the room's state, the same on every replica.
///
/// A command counts when its serial is its author's last plus one, or when it is the first of its session: a
/// leader appends nothing else. At or below, it is a duplicate; above it, an earlier one is missing and it will
/// be sent again. Both leave no trace, so each command counts once and in its author's order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Sessions {
    members: BTreeMap<NodeId, Session>,
}

/// One member's part of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Session {
    /// The entry that let the member in.
    pub opened: LogIndex,
    /// Its last command that counted.
    pub last: Option<Serial>,
    /// The log time of that, or else of its beginning.
    pub used: LogTime,
    /// The latest outcomes, oldest first.
    recent: VecDeque<(Serial, Decision)>,
}

/// What became of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Decision {
    /// Its place in the log.
    pub index: LogIndex,
    /// Why it has no effect, if it has none.
    pub refusal: Option<Refusal>,
}

impl Sessions {
    /// The session of a member.
    pub(super) fn of(&self, member: NodeId) -> Option<&Session> {
        self.members.get(&member)
    }

    /// A configuration is committed: sessions begin and end with it.
    pub(super) fn configure(&mut self, membership: &Membership, time: LogTime) {
        let opened = |node: &NodeId| membership.members.get(node).map(|member| member.session);
        self.members.retain(|node, session| opened(node) == Some(session.opened));
        for (node, member) in &membership.members {
            self.members.entry(*node).or_insert_with(|| Session {
                opened: member.session,
                last: None,
                used: time,
                recent: VecDeque::new(),
            });
        }
    }

    /// The session of a member, to decide its commands.
    pub(super) fn of_mut(&mut self, member: NodeId) -> Option<&mut Session> {
        self.members.get_mut(&member)
    }

    /// The most outcomes that are remembered of one member.
    pub(super) fn recent(&self) -> usize {
        self.members.values().map(|session| session.recent.len()).max().unwrap_or_default()
    }

    /// Whether it can be the table of a room with this configuration.
    pub(super) fn is_sound(&self, membership: &Membership) -> bool {
        let sound = |session: &Session| {
            let serials = session.recent.iter().map(|(serial, _)| *serial);
            session.recent.len() <= RECENT_MAX
                && session.last.is_none_or(|last| last <= SERIAL_MAX)
                && serials.clone().next_back() == session.last
                && serials.clone().zip(serials.skip(1)).all(|(one, next)| one.0.checked_add(1) == Some(next.0))
        };
        let opened = self.members.iter().map(|(node, session)| (*node, session.opened));
        opened.eq(membership.members.iter().map(|(node, member)| (*node, member.session)))
            && self.members.values().all(sound)
    }
}

impl Session {
    /// Whether this command counts; if so, it and its outcome are remembered.
    pub fn decide(&mut self, serial: Serial, time: LogTime, decision: Decision) -> bool {
        if self.last.is_some_and(|last| last.0.checked_add(1) != Some(serial.0)) {
            return false;
        }
        self.last = Some(serial);
        self.used = time;
        if self.recent.len() == RECENT_MAX {
            self.recent.pop_front();
        }
        self.recent.push_back((serial, decision));
        true
    }

    /// What became of a command, if that is still remembered.
    pub fn decision(&self, serial: Serial) -> Option<Decision> {
        self.recent.iter().find(|(recent, _)| *recent == serial).map(|(_, decision)| *decision)
    }
}

/// What a leader's log holds of each member's commands, committed or not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Appended {
    members: BTreeMap<NodeId, (LogIndex, Option<Serial>)>,
}

impl Appended {
    pub fn new(sessions: &Sessions) -> Self {
        Self { members: sessions.members.iter().map(|(node, it)| (*node, (it.opened, it.last))).collect() }
    }

    /// A configuration is in force.
    pub fn configure(&mut self, membership: &Membership) {
        let opened = |node: &NodeId| membership.members.get(node).map(|member| member.session);
        self.members.retain(|node, (session, _)| opened(node) == Some(*session));
        for (node, member) in &membership.members {
            self.members.entry(*node).or_insert((member.session, None));
        }
    }

    /// The last command of a member's session; none if there is no such session, or no command in it.
    pub fn last(&self, member: NodeId, session: LogIndex) -> Option<Serial> {
        self.members.get(&member).filter(|(opened, _)| *opened == session).and_then(|(_, last)| *last)
    }

    /// Whether this session is a member's.
    pub fn holds(&self, member: NodeId, session: LogIndex) -> bool {
        self.members.get(&member).is_some_and(|(opened, _)| *opened == session)
    }

    /// A command is in the log.
    pub fn append(&mut self, author: NodeId, serial: Serial) {
        if let Some((_, last)) = self.members.get_mut(&author) {
            *last = (*last).max(Some(serial));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raft::{Member, Permission, Standing};

    const A: NodeId = NodeId(7);

    fn membership(members: &[(NodeId, u64)]) -> Membership {
        let member = |session| Member {
            standing: Standing::Voter,
            permission: Permission::Editor,
            key: [0; 32],
            session: LogIndex(session),
        };
        Membership { members: members.iter().map(|(node, session)| (*node, member(*session))).collect() }
    }

    fn decide(sessions: &mut Sessions, author: NodeId, serial: u64) -> bool {
        let decision = Decision { index: LogIndex(serial * 10), refusal: None };
        sessions.of_mut(author).is_some_and(|it| it.decide(Serial(serial), LogTime(serial), decision))
    }

    #[test]
    fn the_first_command_of_a_session_counts_and_then_only_the_next() {
        let mut sessions = Sessions::default();
        sessions.configure(&membership(&[(A, 1)]), LogTime(0));
        let verdicts = [5, 4, 5, 7, 6, 7].map(|serial| decide(&mut sessions, A, serial));
        assert_eq!(verdicts, [true, false, false, false, true, true]);
        assert_eq!(sessions.of(A).and_then(|session| session.last), Some(Serial(7)));
    }

    #[test]
    fn members_count_apart_and_strangers_not_at_all() {
        let mut sessions = Sessions::default();
        sessions.configure(&membership(&[(A, 1), (NodeId(8), 4)]), LogTime(0));
        assert!(decide(&mut sessions, A, 1) && decide(&mut sessions, NodeId(8), 1));
        assert!(!decide(&mut sessions, NodeId(9), 1));
    }

    #[test]
    fn a_session_ends_with_the_membership() {
        let mut sessions = Sessions::default();
        sessions.configure(&membership(&[(A, 1)]), LogTime(0));
        decide(&mut sessions, A, 1);
        sessions.configure(&membership(&[(A, 1)]), LogTime(5));
        assert_eq!(sessions.of(A).map(|session| session.last), Some(Some(Serial(1))));
        sessions.configure(&membership(&[(A, 9)]), LogTime(5));
        assert_eq!(sessions.of(A).map(|session| (session.last, session.used)), Some((None, LogTime(5))));
        sessions.configure(&membership(&[]), LogTime(6));
        assert_eq!(sessions, Sessions::default());
    }

    #[test]
    fn the_latest_outcomes_are_remembered() {
        let mut sessions = Sessions::default();
        sessions.configure(&membership(&[(A, 1)]), LogTime(0));
        (1..=100).for_each(|serial| assert!(decide(&mut sessions, A, serial)));
        let decision = |serial| sessions.of(A).and_then(|session| session.decision(Serial(serial)));
        assert_eq!(decision(100), Some(Decision { index: LogIndex(1_000), refusal: None }));
        assert_eq!((decision(69).is_some(), decision(68)), (true, None));
        assert!(sessions.is_sound(&membership(&[(A, 1)])) && !sessions.is_sound(&membership(&[(A, 2)])));
    }
}
