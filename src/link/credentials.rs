//! What a node proves to a peer, and how it checks what a peer proves.
//!
//! A proof covers both hellos, so it can't be used again elsewhere. It shows three things: the node's
//! key signs it; the node holds the room's invitation; and which one. The secret of a viewer's
//! invitation is drawn one way from the editors', so a viewer can't prove to be an editor. Two things
//! it doesn't show: a viewer, who doesn't hold the editors' secret, takes an editor's word for it (the
//! committed membership decides what anybody may do); and nothing here ties the proof to the encrypted
//! channel it came through, which is up to who seals the signaling.

use crate::{
    raft::{NodeId, Permission},
    wire::{ClusterId, Hello, Invitation, Plane, Proof, SessionTag, node_id_of},
};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};

/// Who a node is and what it was invited to.
#[derive(Clone)]
pub struct Credentials {
    key: SigningKey,
    cluster: ClusterId,
    viewer: [u8; 32],
    editor: Option<[u8; 32]>,
}

impl Credentials {
    /// Of the node with `key`, that came by `invitation`.
    pub fn new(key: SigningKey, invitation: &Invitation) -> Self {
        let (viewer, editor) = (invitation.proof_key(), invitation.editing_proof_key());
        Self { key, cluster: invitation.cluster, viewer, editor }
    }

    /// The node's id.
    pub fn node(&self) -> NodeId {
        node_id_of(&self.key())
    }

    /// The node's public key.
    pub fn key(&self) -> [u8; 32] {
        self.key.verifying_key().to_bytes()
    }

    pub(super) fn hello(&self, nonce: [u8; 16], plane: Plane) -> Hello {
        let cluster = Hello::cluster_hash(self.cluster);
        Hello { cluster, node: self.node(), key: self.key(), nonce, plane }
    }

    pub(super) fn prove(&self, transcript: &Transcript) -> Proof {
        let statement = transcript.statement(&self.key());
        let signature = self.key.sign(&statement);
        let mac = |key: &[u8; 32]| *blake3::keyed_hash(key, &statement).as_bytes();
        Proof {
            signature: [*signature.r_bytes(), *signature.s_bytes()],
            viewer: mac(&self.viewer),
            editor: self.editor.as_ref().map(mac),
        }
    }

    /// What `proof` shows its sender to be invited to, if it holds.
    pub(super) fn verify(&self, transcript: &Transcript, key: &[u8; 32], proof: &Proof) -> Option<Permission> {
        let statement = transcript.statement(key);
        let signature = Signature::from_components(proof.signature[0], proof.signature[1]);
        VerifyingKey::from_bytes(key).ok()?.verify_strict(&statement, &signature).ok()?;
        // `Hash` compares in constant time.
        let holds = |key: &[u8; 32], mac: [u8; 32]| blake3::keyed_hash(key, &statement) == blake3::Hash::from(mac);
        if !holds(&self.viewer, proof.viewer) {
            return None;
        }
        match (proof.editor, &self.editor) {
            (None, _) => Some(Permission::Viewer),
            (Some(mac), Some(key)) => holds(key, mac).then_some(Permission::Editor),
            (Some(_), None) => Some(Permission::Editor),
        }
    }
}

/// The hash of what both sides said to introduce themselves.
#[derive(Clone, Copy)]
pub(super) struct Transcript([u8; 32]);

impl Transcript {
    pub(super) fn of(ours: &Hello, theirs: &Hello) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("bevy_quorum hello: transcript");
        let (first, second) = if ours.node < theirs.node { (ours, theirs) } else { (theirs, ours) };
        for hello in [first, second] {
            hasher.update(&hello.cluster);
            hasher.update(&hello.key);
            hasher.update(&hello.nonce);
            hasher.update(&[hello.plane as u8]);
        }
        Self(*hasher.finalize().as_bytes())
    }

    pub(super) fn tag(&self) -> SessionTag {
        let hash = blake3::derive_key("bevy_quorum session tag", &self.0);
        let mut tag = [0; 8];
        tag.copy_from_slice(&hash[..8]);
        // The tag of no session stays free.
        tag[0] |= u8::from(tag == SessionTag::NONE.0);
        SessionTag(tag)
    }

    /// What the owner of `key` signs; different for the two sides, so that no proof can be mirrored.
    fn statement(&self, key: &[u8; 32]) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key("bevy_quorum hello: proof");
        hasher.update(&self.0);
        hasher.update(key);
        *hasher.finalize().as_bytes()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn credentials(who: u8, invitation: &Invitation) -> Credentials {
        Credentials::new(SigningKey::from_bytes(&[who; 32]), invitation)
    }

    fn invitation() -> Invitation {
        Invitation::new(["ws://127.0.0.1:3536"], Permission::Editor).unwrap()
    }

    /// What both say, with these nonces.
    fn hellos(ada: &Credentials, bob: &Credentials, nonces: [u8; 2]) -> Transcript {
        let [ada, bob] = [(ada, nonces[0]), (bob, nonces[1])].map(|(who, nonce)| who.hello([nonce; 16], Plane::Bulk));
        let transcript = Transcript::of(&ada, &bob);
        assert_eq!(transcript.tag(), Transcript::of(&bob, &ada).tag(), "both sides draw the same tag");
        transcript
    }

    #[test]
    fn a_proof_holds_for_its_key_and_its_hellos_alone() {
        let invitation = invitation();
        let (ada, bob) = (credentials(1, &invitation), credentials(2, &invitation));
        let transcript = hellos(&ada, &bob, [1, 2]);
        let proof = bob.prove(&transcript);
        assert_eq!(ada.verify(&transcript, &bob.key(), &proof), Some(Permission::Editor));
        assert_eq!(ada.verify(&transcript, &ada.key(), &proof), None);
        assert_eq!(ada.verify(&hellos(&ada, &bob, [1, 3]), &bob.key(), &proof), None);
        assert_ne!(transcript.tag(), hellos(&ada, &bob, [1, 3]).tag());
    }

    #[test]
    fn a_proof_needs_key_and_invitation_both() {
        let invitation = invitation();
        let (ada, bob, eve) = (credentials(1, &invitation), credentials(2, &invitation), credentials(3, &invitation));
        let transcript = hellos(&ada, &bob, [1, 2]);
        let proof = bob.prove(&transcript);
        // Eve was invited, and says that she is Bob.
        let signature = eve.prove(&transcript).signature;
        assert_eq!(ada.verify(&transcript, &bob.key(), &Proof { signature, ..proof.clone() }), None);
        for byte in [0, 31] {
            let (mut viewer, mut editor) = (proof.clone(), proof.clone());
            viewer.viewer[byte] ^= 1;
            editor.editor.as_mut().unwrap()[byte] ^= 1;
            assert_eq!(ada.verify(&transcript, &bob.key(), &viewer), None);
            assert_eq!(ada.verify(&transcript, &bob.key(), &editor), None);
        }
    }

    #[test]
    fn a_viewer_proves_only_to_view_and_takes_an_editors_word() {
        let invitation = invitation();
        let viewing = invitation.clone().with_permission(Permission::Viewer).unwrap();
        let (editor, viewer) = (credentials(1, &invitation), credentials(2, &viewing));
        let transcript = hellos(&editor, &viewer, [1, 2]);
        let proof = viewer.prove(&transcript);
        assert_eq!(editor.verify(&transcript, &viewer.key(), &proof), Some(Permission::Viewer));
        let claims = Proof { editor: Some(proof.viewer), ..proof };
        assert_eq!(editor.verify(&transcript, &viewer.key(), &claims), None);
        let proof = editor.prove(&transcript);
        assert_eq!(viewer.verify(&transcript, &editor.key(), &proof), Some(Permission::Editor));
    }
}
