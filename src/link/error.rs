//! What can go wrong on the way to a peer.

/// Why the rendezvous can't be reached.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {}
