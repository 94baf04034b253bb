//! What nodes say to one another.
//!
//! Every reply describes itself: it can be understood without remembering the request.

use super::{Entry, LogIndex, LogPosition, Serial, Term};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// A message of the consensus protocol. Sender, receiver and cluster are the link's to prove.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Message {
    /// The sender's term; in a pre-vote, the term it would campaign in.
    pub term: Term,
    /// What it says.
    pub body: MessageBody,
}

/// The kinds of messages.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum MessageBody {
    /// AppendEntries (§3.5): entries after `previous`.
    Append {
        /// Where the entries join the log.
        previous: LogPosition,
        /// The entries, consecutive.
        entries: Vec<Entry>,
        /// The leader's commit index.
        commit: LogIndex,
    },
}
