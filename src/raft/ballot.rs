//! The promise a voter makes once a term.

use super::{NodeId, Term};
use serde::{Deserialize, Serialize};

/// The term and the vote in it; durable before it is told to anybody (§3.8).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Ballot {
    /// The latest term this node has seen.
    pub term: Term,
    /// Whom it voted for in that term.
    pub vote: Option<NodeId>,
}
