//! Known mistakes of Raft implementations, each as a switch, to prove that the checks would see them.
//!
//! Where the core decides rightly, [`Config::errs`] is asked whether it should decide wrongly for once. Outside of
//! playtests the answer is a constant, and nothing of this is left in the program.

use super::{Config, LogIndex, Node, quorum::reached_by_majority};

macro_rules! mutants {
    (
        core { $($(#[doc = $doc:literal])* $name:ident,)* }
        store { $($(#[doc = $store_doc:literal])* $store_name:ident,)* }
    ) => {
        /// A mistake that somebody made before us.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Mutant {
            $($(#[doc = $doc])* $name,)*
            $(#[cfg(feature = "playtest")] $(#[doc = $store_doc])* $store_name,)*
        }

        #[cfg(feature = "playtest")]
        impl Mutant {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)* $(Self::$store_name,)*];

            /// Its name, as on command lines and in tables.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                    $(Self::$store_name => stringify!($store_name),)*
                }
            }

            /// The mistake in one sentence.
            pub fn mistake(self) -> &'static str {
                match self {
                    $(Self::$name => concat!($($doc),*).trim_ascii(),)*
                    $(Self::$store_name => concat!($($store_doc),*).trim_ascii(),)*
                }
            }
        }
    };
}

mutants! {
    core {
        /// A vote is given to any log, however old.
        VoteForAnyLog,
        /// Of two logs that end in one term the shorter one gets the vote too.
        VoteByTermAlone,
        /// A vote is told before it is durable.
        VoteBeforeDurable,
        /// Who is elected forgets whom it voted for, and may vote again in its own term.
        ForgetVoteWhenElected,
        /// An answer given twice counts twice.
        CountVotesTwice,
        /// An answer from an earlier term counts.
        CountLateAnswers,
        /// A vote is given though a leader is heard.
        NoStickiness,
        /// Who misses its leader campaigns without asking first.
        NoPreVote,
        /// Saying that one would vote renews one's patience.
        PreVoteRenewsPatience,
        /// A pre-vote for a term that is over gets no answer.
        DropLatePreVotes,
        /// Only members of one's own configuration get one's vote, and only from its voters.
        VoteByOwnConfiguration,
        /// Who is left out by a configuration that is not committed never campaigns.
        LeftOutNeverCampaigns,
        /// Who slept takes the others for silent.
        BlameOthersForSleep,
        /// Who is called to take over asks first, like anybody who misses its leader.
        AskWhenCalled,
        /// A new leader begins with no entry of its own term.
        NoEntryWhenElected,
        /// Learners count like voters where a leader looks for what a majority holds.
        CountLearners,
        /// A leader without a vote counts itself.
        CountLeaderWithoutVote,
        /// Half of the voters are a majority.
        HalfIsMajority,
        /// Indexes are compared as text when the majority's is looked for.
        CompareIndexesAsText,
        /// Entries of earlier terms commit by counting (Figure 8).
        CommitOlderTerms,
        /// A follower commits all of its log that the leader's commit index covers, verified or not.
        CommitUnverified,
        /// A heartbeat's commit index is believed without a look at the term.
        TrustHeartbeatCommit,
        /// Every append cuts the log behind it, also one that was overtaken.
        TruncateAlways,
        /// A follower acknowledges the end of its log instead of what it verified.
        AcknowledgeUnverified,
        /// An acknowledgement leaves before what it promises is durable.
        AcknowledgeUnsynced,
        /// A leader counts its own copy before it is durable.
        CountUnsyncedOwnCopy,
        /// The completion of a write vouches for what took the place of what was written.
        VouchForOverwritten,
        /// A configuration stays in force when its entry is dropped.
        KeepDroppedConfiguration,
        /// Who starts again is in the last configuration that it knows committed.
        RestartWithCommittedConfiguration,
        /// A configuration is changed while the last change is not committed.
        ChangeWhilePending,
        /// A configuration is changed before an entry of the leader's own term is committed.
        ChangeBeforeOwnTerm,
        /// A learner gets a vote before it has the log.
        PromoteAtOnce,
        /// A leader takes a silent voter out of a room of three alone.
        DropPartnerOfThree,
        /// A leader takes its partner's vote before an entry of its own term is committed.
        DropPartnerBeforeOwnTerm,
        /// A new follower is taken to hold what is committed.
        AssumeMatched,
        /// A leader goes on without a majority that answers.
        LeadWithoutQuorum,
        /// A leader without a vote goes on once that is committed.
        LeadWithoutVote,
        /// A leader appends without regard to how much is not committed yet.
        AppendWithoutEnd,
        /// A command is sent to a leader once, and never again.
        ForwardOnce,
        /// A leader appends commands of a session that is over.
        AcceptForgotten,
        /// In a fresh session the command that comes first is taken for the first.
        FirstComesFirst,
        /// Commands are forwarded before it is durable which session they belong to.
        ForwardUnbound,
        /// A snapshot is made without the table of whose commands have been carried out.
        SnapshotWithoutSessions,
        /// A snapshot holds the newest configuration instead of the one at its index.
        SnapshotLatestConfiguration,
        /// A snapshot is installed though more than it stands for is committed.
        InstallBelowCommit,
        /// A snapshot is installed in front of a log that it doesn't match.
        KeepUnmatchedTail,
        /// A snapshot takes the place of a log that holds its mark, and of what comes after it.
        DropMatchedTail,
        /// The log is cut at one's own snapshot before others agree.
        CutUnagreed,
        /// A leader answers reads without making sure that it still leads.
        ReadWithoutQuorum,
        /// A leader answers reads before an entry of its own term is committed.
        ReadBeforeOwnTerm,
        /// An answer to any heartbeat of the term counts for a read, also to one from before it was asked.
        ReadByOldRound,
        /// A read is answered before the state machine is far enough.
        ReadUnapplied,
        /// A follower of three takes an entry of an earlier term for committed.
        EarlyOlderTerm,
        /// A follower of three takes an entry for committed before its own copy is durable.
        EarlyUnsynced,
        /// A follower of three takes an entry for committed before its leader has told that its copy is durable.
        EarlyUntold,
        /// A follower takes an entry for committed that it and its leader hold, however many vote.
        EarlyInAnyRoom,
        /// A learner takes an entry for committed that it and its leader hold.
        EarlyWithoutVote,
        /// A follower takes an entry for committed that it holds and a leader that doesn't vote.
        EarlyWithoutLeadersVote,
        /// A leader of three lets reads wait for its own commit index only.
        ReadAtCommit,
        /// Commands are appended and carried out as often as they come.
        CarryOutTwice,
    }
    store {
        /// A store takes what is left of a torn write.
        AcceptTornTail,
        /// A store takes flipped bits for a torn end, and forgets what comes after.
        TakeFlippedBitsForTornTail,
        /// Who lost its store comes back under its old id.
        ReuseIdentity,
    }
}

impl Config {
    /// Whether the node is to make this mistake.
    #[cfg(feature = "playtest")]
    pub(super) fn errs(&self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }

    /// Never, outside of playtests.
    #[cfg(not(feature = "playtest"))]
    pub(super) const fn errs(&self, _: Mutant) -> bool {
        false
    }
}

impl Node {
    /// What a leader that counts badly takes for the majority's index; none if it counts well.
    pub(super) fn mistaken_majority(&self, matched: impl Iterator<Item = LogIndex> + Clone) -> Option<LogIndex> {
        let errs = |mutant| self.config.errs(mutant);
        if errs(Mutant::CountLeaderWithoutVote) && !self.membership().is_voter(self.id) {
            return reached_by_majority(matched.chain([self.durability.log()]));
        }
        let mut indexes: Vec<LogIndex> = match () {
            () if errs(Mutant::CompareIndexesAsText) || errs(Mutant::HalfIsMajority) => matched.collect(),
            () => return None,
        };
        if errs(Mutant::HalfIsMajority) {
            indexes.sort();
            return indexes.get(indexes.len() / 2).copied();
        }
        indexes.sort_by_key(LogIndex::to_string);
        indexes.get(indexes.len().checked_sub(1)? / 2).copied()
    }
}
