//! What nodes say to one another.
//!
//! Every reply describes itself: it can be understood without remembering the request. Messages may be
//! lost, doubled and overtake one another.

use super::{Digest, Entries, Holdup, LogIndex, LogPosition, Moment, Serial, Term};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// A message of the consensus protocol. Sender, receiver and cluster are the link's to prove.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Message {
    /// The sender's term; in a pre-vote and in the grant of one, the term it would campaign in.
    pub term: Term,
    /// What it says.
    pub body: MessageBody,
}

/// The kinds of messages. `sent` is the clock of whoever asked, sent back unchanged in the answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum MessageBody {
    /// Would you vote for me (§9.6)? Changes nothing at the receiver.
    PreVote {
        /// Where the sender's log ends.
        last: LogPosition,
    },
    /// The answer to a pre-vote.
    PreVoteReply {
        /// The term that was asked about.
        asked: Term,
        /// Whether a vote could be won.
        granted: bool,
        /// Only the age of the log speaks against it: the sender's ends here, and the sender can give what is missing.
        ahead: Option<LogPosition>,
    },
    /// RequestVote (§3.4).
    Vote {
        /// Where the sender's log ends.
        last: LogPosition,
        /// The leader asked the sender to take over (§3.10): that it is still heard is no reason to refuse.
        transfer: bool,
    },
    /// The answer to a vote.
    VoteReply {
        /// Whether the vote is given, durably.
        granted: bool,
    },
    /// AppendEntries (§3.5): entries after `previous`.
    Append {
        /// Where the entries join the log.
        previous: LogPosition,
        /// The entries, consecutive.
        entries: Entries,
        /// The leader's commit index.
        commit: LogIndex,
        /// The leader's clock.
        sent: Moment,
    },
    /// The log agrees with the leader's up to here, durably.
    Appended {
        /// The last such index.
        matched: LogIndex,
    },
    /// The log does not hold what an append should join.
    Mismatch {
        /// The last place where the logs may still agree.
        hint: LogPosition,
        /// From the append.
        sent: Moment,
    },
    /// The leader is there. Apart from appends, so that it never waits behind them.
    Heartbeat {
        /// The last committed entry; its term lets the receiver verify that it holds the same (§3.5).
        commit: LogPosition,
        /// The leader's last round, which reads may wait for (§6.4).
        round: u64,
        /// For how long the leader wishes to be waited for, in milliseconds.
        patience_ms: u32,
        /// The leader's clock.
        sent: Moment,
    },
    /// The follower is there.
    HeartbeatReply {
        /// The follower's priority.
        priority: u8,
        /// From the heartbeat.
        round: u64,
        /// From the heartbeat.
        sent: Moment,
        /// What it has of snapshots.
        marked: Marked,
    },
    /// The sender campaigns, and you would vote for it, if it had what comes after this.
    Borrow {
        /// The last place where the logs may agree.
        last: LogPosition,
    },
    /// The sender's own entries after `previous`, for a candidate that has no vote for lack of them.
    Lend {
        /// Where the entries join the log.
        previous: LogPosition,
        /// The entries, consecutive.
        entries: Entries,
        /// Where the sender's log ends.
        last: LogPosition,
        /// What the sender knows committed.
        commit: LogIndex,
    },
    /// Your term is over: mine, in this message's head, is later.
    Outdated,
    /// Commands of the sender, for the leader to append.
    Forward {
        /// The sender's session, which they belong to.
        session: LogIndex,
        /// The last serial that is settled: the first command of a session follows it.
        after: Serial,
        /// The commands, by consecutive serials.
        commands: Vec<(Serial, Bytes)>,
        /// The author's clock.
        sent: Moment,
    },
    /// What the leader's log holds of an author.
    Forwarded {
        /// The author's last command in the log of this leader.
        appended: Serial,
        /// Whether commands came that leave out one before them.
        gap: bool,
        /// Why the leader appends or commits nothing for now, if it doesn't.
        holdup: Option<Holdup>,
        /// From the forward.
        sent: Moment,
    },
    /// The leader's configuration knows no such session of the receiver: what belongs to it can't be appended.
    Forgotten {
        /// From the forward.
        session: LogIndex,
    },
    /// How far has the sender's state machine to be, to have everything that is committed by now (§6.4)?
    ReadIndex {
        /// The sender's number of this question.
        question: u64,
    },
    /// So far.
    ReadIndexReply {
        /// From the question.
        question: u64,
        /// The index to reach.
        index: LogIndex,
    },
    /// Campaign at once: the leader hands over to you (§3.10).
    TimeoutNow {
        /// Where its log ends. First take in everything up to here.
        last: LogPosition,
    },
    /// The sender is about to close, and gives up its vote.
    Retire,
    /// A part of a snapshot (§5.1), in place of entries that the leader no longer has.
    Snapshot {
        /// The last entry that the snapshot stands for.
        mark: LogPosition,
        /// What all of its bytes hash to.
        digest: Digest,
        /// How many they are.
        total: u64,
        /// Where this part belongs.
        offset: u64,
        /// The part.
        bytes: Bytes,
        /// The leader's clock.
        sent: Moment,
    },
    /// What is there of a snapshot.
    SnapshotReceived {
        /// The snapshot's mark.
        mark: LogIndex,
        /// Everything before is there.
        received: u64,
        /// The first gaps after that.
        missing: Vec<Range<u64>>,
        /// From the part that came.
        sent: Moment,
    },
}

/// What a member says of its snapshots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Marked {
    /// Whether it makes any.
    pub makes: bool,
    /// The newest mark where it has one, and what that hashes to.
    pub made: Option<(LogIndex, Digest)>,
    /// It lacks the snapshot that was agreed on for this mark, and will not make it.
    pub wants: Option<LogIndex>,
}
