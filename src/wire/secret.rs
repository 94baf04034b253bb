//! What the members of a room know and nobody else does.

use super::random_bytes;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The secret of a room, as far as an invitation gives it away; never shown in logs.
///
/// ```
/// # use bevy_quorum::wire::Secret;
/// assert_eq!(format!("{:?}", Secret::random()), "Secret(…)");
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret([u8; 32]);

impl Secret {
    /// A secret that nobody can guess.
    #[must_use]
    pub fn random() -> Self {
        Self(random_bytes())
    }

    /// The secret with these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, for what encrypts with them.
    #[cfg(feature = "webrtc")]
    pub(crate) const fn bytes(&self) -> [u8; 32] {
        self.0
    }

    /// A key for one purpose, named by `context`. Neither the secret nor another purpose's key can be
    /// found from it.
    pub(super) fn derive(&self, context: &str, material: &[u8]) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key(context);
        hasher.update(&self.0).update(material);
        *hasher.finalize().as_bytes()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}
