//! How a node's id follows from its key.

use crate::raft::NodeId;

const NODE_ID_CONTEXT: &str = "bevy_quorum 2026-11 node id of a public key";

/// The id of the node that holds the private half of this key: the start of the key's hash.
#[must_use]
pub fn node_id_of(public_key: &[u8; 32]) -> NodeId {
    let [a, b, c, d, e, f, g, h, ..] = blake3::derive_key(NODE_ID_CONTEXT, public_key);
    NodeId(u64::from_be_bytes([a, b, c, d, e, f, g, h]))
}
