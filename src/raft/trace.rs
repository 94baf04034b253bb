//! What a node decides, step by step and with its reasons, for those who watch.
//!
//! Nobody watches by default: then a step costs one comparison. What is told is no part of the node's state; a node
//! that is watched and one that isn't are equal.

use super::{LogIndex, LogPosition, Moment, Node, NodeId, RoleKind, Term};
use std::{
    collections::VecDeque,
    fmt,
    hash::{Hash, Hasher},
};

/// The most steps that wait to be taken; the oldest go first.
const STEPS_MAX: usize = 4_096;

/// One step of a node: when, as what, and what it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The node's own clock.
    pub at: Moment,
    /// What it was right before.
    pub role: RoleKind,
    /// Its term right before.
    pub term: Term,
    /// What it did.
    pub deed: Deed,
}

/// What a node did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Deed {
    /// Its clock had a gap: it slept, and gives everybody time anew.
    Awake,
    /// It enters a term.
    EnterTerm(Term),
    /// It follows, or waits for somebody to follow.
    Follow {
        /// The leader, if there is one that it knows.
        leader: Option<NodeId>,
        /// Why.
        why: Why,
    },
    /// It asks whether it would win.
    Sound,
    /// It campaigns; the last leader may have asked it to.
    Campaign {
        /// Whether the last leader asked it to.
        transfer: bool,
    },
    /// It is elected, and begins with this entry.
    Lead(LogIndex),
    /// It answers a pre-vote.
    AnswerPreVote {
        /// Who asked.
        to: NodeId,
        /// Why not, unless it granted it.
        refusal: Option<Why>,
    },
    /// It answers a vote.
    AnswerVote {
        /// Who asked.
        to: NodeId,
        /// Why not, unless it gave it.
        refusal: Option<Why>,
    },
    /// It lacks what its voters hold, and asks one of them for it.
    Borrow(NodeId),
    /// It got an answer to its pre-vote or vote.
    CountVote {
        /// Whose.
        from: NodeId,
        /// Which.
        granted: bool,
    },
    /// It appends an entry of its own.
    Append(LogIndex),
    /// It takes entries from its leader, up to this one.
    Take(LogIndex),
    /// It drops the entries from this one on: they conflict with its leader's.
    Drop(LogIndex),
    /// Its log has nothing for an append to join; they may agree here.
    Mismatch(LogPosition),
    /// It knows everything up to here committed.
    Commit(LogIndex),
    /// A configuration is in force from here on.
    Configure(LogIndex),
    /// Everything up to here survives a crash.
    Durable(LogIndex),
    /// It begins to hand over its office.
    HandOver(NodeId),
    /// It tells a node to campaign at once.
    TellToCampaign(NodeId),
    /// It gives up on what is on its way to a follower, and sends it again.
    SendAgain(NodeId),
    /// It begins a round, to make sure that it still leads.
    BeginRound(u64),
    /// It tells a member how far its state machine has to be for a read.
    AnswerRead {
        /// Which member.
        to: NodeId,
        /// How far.
        index: LogIndex,
    },
    /// It stores the agreed snapshot of this mark, and may cut its log.
    Store(LogIndex),
    /// It takes its leader's snapshot of this mark over.
    Install(LogIndex),
    /// The others agree on another snapshot of this mark than its own.
    Diverge(LogIndex),
    /// It ignores what no honest peer says.
    Ignore,
}

/// Why a node did what it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Why {
    /// Somebody is in a later term.
    LaterTerm,
    /// A leader of this term showed up.
    LeaderHeard,
    /// It gave its vote away.
    VoteGiven,
    /// A majority of the voters refuses.
    Refused,
    /// No majority answers.
    NoMajority,
    /// It was asleep.
    Asleep,
    /// It has no vote.
    NoVote,
    /// The vote of this term is given to another.
    VotedForAnother,
    /// The other's log is older.
    OlderLog,
    /// The term asked about is over.
    OldTerm,
    /// Of two that ask at the same time, the other waits.
    GoesFirst,
}

/// Steps that wait to be taken; none while nobody watches.
#[derive(Clone, Debug, Default)]
pub(super) struct Trace(Option<VecDeque<Step>>);

impl PartialEq for Trace {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Trace {}

impl Hash for Trace {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

impl Node {
    /// Begins to note every step for [`take_steps`](Self::take_steps).
    pub fn watch(&mut self) {
        self.trace.0.get_or_insert_default();
    }

    /// Takes the steps since the last time, oldest first. None if nobody [watches](Self::watch).
    pub fn take_steps(&mut self) -> impl Iterator<Item = Step> + use<> {
        self.trace.0.as_mut().map(std::mem::take).unwrap_or_default().into_iter()
    }

    /// Notes a step, if somebody watches.
    #[inline]
    pub(super) fn note(&mut self, deed: Deed) {
        if self.trace.0.is_some() {
            self.note_step(deed);
        }
    }

    #[cold]
    fn note_step(&mut self, deed: Deed) {
        let step = Step { at: self.now, role: self.role_kind(), term: self.term(), deed };
        let steps = self.trace.0.get_or_insert_default();
        if steps.len() == STEPS_MAX {
            steps.pop_front();
        }
        steps.push_back(step);
    }
}

impl fmt::Display for Step {
    /// As a sentence without its subject.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} in term {}: {}", self.role, self.term, self.deed)
    }
}

impl fmt::Display for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Awake => write!(f, "wakes up after a gap"),
            Self::EnterTerm(term) => write!(f, "enters term {term}"),
            Self::Follow { leader: Some(leader), why } => write!(f, "follows {leader}: {why}"),
            Self::Follow { leader: None, why } => write!(f, "waits for a leader: {why}"),
            Self::Sound => write!(f, "asks whether it would win"),
            Self::Campaign { transfer: false } => write!(f, "campaigns"),
            Self::Campaign { transfer: true } => write!(f, "campaigns, as the last leader wishes"),
            Self::Lead(first) => write!(f, "is elected, and leads from {first} on"),
            Self::AnswerPreVote { to, refusal: None } => write!(f, "would vote for {to}"),
            Self::AnswerPreVote { to, refusal: Some(why) } => write!(f, "would not vote for {to}: {why}"),
            Self::AnswerVote { to, refusal: None } => write!(f, "votes for {to}"),
            Self::AnswerVote { to, refusal: Some(why) } => write!(f, "refuses {to} its vote: {why}"),
            Self::Borrow(from) => write!(f, "lacks what its voters hold, and asks {from} for it"),
            Self::CountVote { from, granted: true } => write!(f, "counts the yes of {from}"),
            Self::CountVote { from, granted: false } => write!(f, "counts the no of {from}"),
            Self::Append(index) => write!(f, "appends {index}"),
            Self::Take(index) => write!(f, "takes entries up to {index}"),
            Self::Drop(index) => write!(f, "drops its entries from {index} on"),
            Self::Mismatch(hint) => write!(f, "can't join; agrees up to {} of term {} at most", hint.index, hint.term),
            Self::Commit(index) => write!(f, "knows {index} committed"),
            Self::Configure(index) => write!(f, "has a new configuration at {index}"),
            Self::Durable(index) => write!(f, "holds its log durably up to {index}"),
            Self::HandOver(to) => write!(f, "wishes to hand over to {to}"),
            Self::TellToCampaign(to) => write!(f, "tells {to} to campaign"),
            Self::SendAgain(to) => write!(f, "sends {to} again what got no answer"),
            Self::BeginRound(round) => write!(f, "begins round {round}"),
            Self::AnswerRead { to, index } => write!(f, "tells {to} to read at {index}"),
            Self::Store(mark) => write!(f, "stores the snapshot of {mark}"),
            Self::Install(mark) => write!(f, "takes over the snapshot of {mark}"),
            Self::Diverge(mark) => write!(f, "has another snapshot of {mark} than the others"),
            Self::Ignore => write!(f, "ignores what no honest peer says"),
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LaterTerm => "somebody is in a later term",
            Self::LeaderHeard => "a leader of this term is there",
            Self::VoteGiven => "its vote is given away",
            Self::Refused => "a majority refuses",
            Self::NoMajority => "no majority answers",
            Self::Asleep => "it was asleep",
            Self::NoVote => "it has no vote",
            Self::VotedForAnother => "the vote of this term is another's",
            Self::OlderLog => "the other's log is older",
            Self::OldTerm => "that term is over",
            Self::GoesFirst => "it asks itself, and goes first",
        })
    }
}
