//! Who a node is.

use crate::{
    raft::NodeId,
    wire::{Invitation, random_bytes},
};
use ed25519_dalek::SigningKey;

const NODE_ID_CONTEXT: &str = "bevy_quorum 2026-11 node id of a public key";

/// Who a node is and which room it belongs to. Made inside its store, dies with it.
///
/// ```
/// use bevy_quorum::{raft::Permission, storage::{Identity, node_id_of}, wire::Invitation};
///
/// let identity = Identity::generate(Invitation::new(["ws://127.0.0.1:3536"], Permission::Editor)?);
/// assert_eq!(identity.node(), node_id_of(&identity.public_key()));
/// # Ok::<(), bevy_quorum::wire::InvitationError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The static key; the node's id is drawn from its public half.
    pub key: SigningKey,
    /// The way back into the room: its cluster, secret and addresses.
    pub invitation: Invitation,
}

impl Identity {
    /// A new node of the room that `invitation` leads to.
    #[must_use]
    pub fn generate(invitation: Invitation) -> Self {
        Self { key: SigningKey::from_bytes(&random_bytes()), invitation }
    }

    /// The node's id.
    #[must_use]
    pub fn node(&self) -> NodeId {
        node_id_of(&self.public_key())
    }

    /// The public half of the key.
    #[must_use]
    pub fn public_key(&self) -> [u8; 32] {
        self.key.verifying_key().to_bytes()
    }
}

/// The id of the node that holds the private half of this key: the start of the key's hash.
#[must_use]
pub fn node_id_of(public_key: &[u8; 32]) -> NodeId {
    let [a, b, c, d, e, f, g, h, ..] = blake3::derive_key(NODE_ID_CONTEXT, public_key);
    NodeId(u64::from_be_bytes([a, b, c, d, e, f, g, h]))
}
