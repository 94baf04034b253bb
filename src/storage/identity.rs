//! Who a node is.

use crate::{
    raft::NodeId,
    wire::{Invitation, node_id_of, random_bytes},
};
use ed25519_dalek::SigningKey;

/// Who a node is and which room it belongs to. Made inside its store, dies with it.
///
/// ```
/// use bevy_quorum::{raft::Permission, storage::Identity, wire::{Invitation, node_id_of}};
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
