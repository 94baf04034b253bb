//! What sees each mistake.

use super::stories::{install, reads, rooms, rules, sessions};
use bevy_quorum::raft::Mutant;

/// Whether a small story ends as it should, told by nodes that err or don't.
pub type Story = fn(Option<Mutant>) -> bool;

/// What sees a mistake.
pub enum Killer {
    /// Some check, in one of a few worlds of the simulator.
    Worlds,
    /// The story of this name: in worlds it takes more luck.
    Story(&'static str, Story),
}

macro_rules! story {
    ($module:ident::$name:ident) => {
        Killer::Story(stringify!($name), $module::$name)
    };
}

/// What sees this one. Whoever adds a mistake has to say it here.
pub fn killer(mutant: Mutant) -> Killer {
    match mutant {
        Mutant::CountVotesTwice => story!(rules::a_vote_that_comes_twice_counts_once),
        Mutant::CountLateAnswers => story!(rules::a_vote_of_an_earlier_term_does_not_count),
        Mutant::PreVoteRenewsPatience => story!(rules::granting_a_pre_vote_renews_no_patience),
        Mutant::DropLatePreVotes => story!(rules::a_late_pre_vote_is_answered_with_the_term),
        Mutant::VoteByOwnConfiguration => story!(rules::a_learner_that_does_not_know_of_its_vote_gives_it),
        Mutant::LeftOutNeverCampaigns => story!(rules::who_is_left_out_by_an_uncommitted_change_campaigns),
        Mutant::NoEntryWhenElected => story!(rules::an_office_begins_with_an_entry_of_its_own),
        Mutant::CommitUnverified => story!(rules::a_follower_commits_only_what_the_append_verifies),
        Mutant::AcknowledgeUnverified => story!(rules::an_acknowledgement_covers_no_more_than_the_append_proved),
        Mutant::ChangeWhilePending => story!(rules::a_change_waits_for_the_last_one),
        Mutant::DropPartnerBeforeOwnTerm => {
            story!(rooms::nobody_drops_a_partner_before_it_committed_in_its_own_term)
        }
        Mutant::LeadWithoutQuorum => story!(rules::a_leader_that_nobody_answers_steps_down),
        Mutant::AppendWithoutEnd => story!(rooms::a_leader_alone_appends_no_more_than_its_limit),
        Mutant::AcceptForgotten => story!(sessions::commands_of_another_session_are_not_taken),
        Mutant::FirstComesFirst => story!(sessions::a_session_begins_with_the_command_that_its_author_says),
        Mutant::SnapshotLatestConfiguration => story!(rooms::the_configuration_at_its_index_is_inside),
        Mutant::KeepUnmatchedTail => {
            story!(install::of_a_log_that_does_not_hold_the_mark_everything_uncommitted_goes)
        }
        Mutant::DropMatchedTail => story!(install::of_a_log_that_holds_the_mark_the_tail_is_kept),
        Mutant::ReadWithoutQuorum => story!(reads::a_read_waits_for_a_majority),
        Mutant::ReadByOldRound => story!(reads::answers_to_what_was_sent_before_do_not_count),
        Mutant::EarlyInAnyRoom => story!(rules::two_are_no_majority_of_four),
        Mutant::EarlyWithoutLeadersVote => story!(rules::a_leader_without_a_vote_is_no_half_of_a_majority),
        Mutant::VoteForAnyLog
        | Mutant::VoteByTermAlone
        | Mutant::VoteBeforeDurable
        | Mutant::ForgetVoteWhenElected
        | Mutant::NoStickiness
        | Mutant::NoPreVote
        | Mutant::BlameOthersForSleep
        | Mutant::AskWhenCalled
        | Mutant::CountLearners
        | Mutant::CountLeaderWithoutVote
        | Mutant::HalfIsMajority
        | Mutant::CompareIndexesAsText
        | Mutant::CommitOlderTerms
        | Mutant::TrustHeartbeatCommit
        | Mutant::TruncateAlways
        | Mutant::AcknowledgeUnsynced
        | Mutant::CountUnsyncedOwnCopy
        | Mutant::VouchForOverwritten
        | Mutant::KeepDroppedConfiguration
        | Mutant::RestartWithCommittedConfiguration
        | Mutant::ChangeBeforeOwnTerm
        | Mutant::PromoteAtOnce
        | Mutant::DropPartnerOfThree
        | Mutant::AssumeMatched
        | Mutant::LeadWithoutVote
        | Mutant::ForwardOnce
        | Mutant::ForwardUnbound
        | Mutant::SnapshotWithoutSessions
        | Mutant::InstallBelowCommit
        | Mutant::CutUnagreed
        | Mutant::ReadBeforeOwnTerm
        | Mutant::ReadUnapplied
        | Mutant::EarlyOlderTerm
        | Mutant::EarlyUnsynced
        | Mutant::EarlyUntold
        | Mutant::EarlyWithoutVote
        | Mutant::ReadAtCommit
        | Mutant::CarryOutTwice
        | Mutant::AcceptTornTail
        | Mutant::TakeFlippedBitsForTornTail
        | Mutant::ReuseIdentity => Killer::Worlds,
    }
}
