//! What a node is at the moment, each role with the data that only it has.

use super::{
    LogIndex, LogPosition, LogTime, Moment, NodeId, RoleKind, Serial, Term,
    borrow::Lender,
    log::Log,
    progress::Progress,
    rounds::Rounds,
    sessions::Appended,
    timing::Peak,
    transfer::{Call, Transfer},
};
use bytes::Bytes;
use std::collections::BTreeMap;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Role {
    Follower(Following),
    Candidate(Candidacy),
    Leader(Box<Leadership>),
}

/// The data of a follower.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Following {
    pub leader: Option<NodeId>,
    /// When the leader was last heard.
    pub heard: Option<Moment>,
    /// The log agrees with this leader's up to here.
    pub verified: LogIndex,
    /// What was last acknowledged to it.
    pub acknowledged: LogIndex,
    /// How far the leader's own log is durable, as it said.
    pub told_durable: LogIndex,
    /// The end of what the leader sent and has no answer to.
    pub owed: Option<LogIndex>,
    /// The leader wishes this node to take over.
    pub call: Option<Call>,
    /// Whom the last leader wished to take over, and this node voted for.
    pub successor: Option<NodeId>,
}

/// The data of a candidate.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Candidacy {
    pub stage: Stage,
    /// Who answered, and what.
    pub answers: BTreeMap<NodeId, Answer>,
    /// Since when it asks, without a leader in between.
    pub since: Moment,
    /// How many of its campaigns came to nothing since then.
    pub failures: u32,
    /// When those who have not answered are asked again.
    pub ask_at: Moment,
    /// Whom it asked for what its own log lacks.
    pub lender: Option<Lender>,
}

/// What a voter answers a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Answer {
    Yes,
    No,
    /// It would, if the candidate held what it holds itself, up to here.
    Ahead(LogPosition),
}

/// How serious a candidate is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Stage {
    /// Asks whether it would win (§9.6).
    Sounding,
    /// Asks for votes.
    Running {
        /// The last leader asked it to.
        transfer: bool,
    },
}

/// The data of a leader.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Leadership {
    pub since: Moment,
    /// The log time when it began.
    pub time: LogTime,
    /// Its first entry.
    pub first: LogIndex,
    /// Every other member.
    pub peers: BTreeMap<NodeId, Progress>,
    pub appended: Appended,
    /// The bytes in the log beyond the commit index.
    pub uncommitted_bytes: usize,
    /// The mark that it has said is agreed on.
    pub agreed: LogIndex,
    pub heartbeat_at: Moment,
    pub rounds: Rounds,
    /// The furthest that it told its followers to be durable here.
    pub told_durable: LogIndex,
    /// How late its own heartbeats were.
    pub lateness: Peak,
    /// Something happened that the configuration may have to follow.
    pub unsettled: bool,
    pub transfer: Option<Transfer>,
    /// Who did not take over when it was called.
    pub failed_successor: Option<NodeId>,
}

impl Role {
    pub fn kind(&self) -> RoleKind {
        match self {
            Self::Follower(_) => RoleKind::Follower,
            Self::Candidate(_) => RoleKind::Candidate,
            Self::Leader(_) => RoleKind::Leader,
        }
    }

    pub fn leadership(&self) -> Option<&Leadership> {
        match self {
            Self::Leader(leadership) => Some(leadership),
            _ => None,
        }
    }

    pub fn leadership_mut(&mut self) -> Option<&mut Leadership> {
        match self {
            Self::Leader(leadership) => Some(leadership),
            _ => None,
        }
    }
}

impl Leadership {
    /// The log time now: it passes with the leader's own clock, and never backwards.
    pub fn time(&self, now: Moment, last: LogTime) -> LogTime {
        let elapsed = u64::try_from((now - self.since).as_millis()).unwrap_or(u64::MAX);
        LogTime(self.time.0.saturating_add(elapsed)).max(last)
    }

    /// Appends commands of one author, the first of them with this serial, and gives the serial after the last.
    pub fn append_commands(
        &mut self,
        log: &mut Log,
        term: Term,
        now: Moment,
        author: NodeId,
        first: Serial,
        bodies: impl ExactSizeIterator<Item = Bytes>,
    ) -> Serial {
        let next = Serial(first.0 + bodies.len() as u64);
        let time = self.time(now, log.time());
        self.uncommitted_bytes += log.append_commands(term, time, author, first, bodies);
        self.appended.append(author, Serial(next.0 - 1));
        next
    }
}
