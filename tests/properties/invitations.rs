//! Links that people paste.

use super::memory::within_bounds;
use bevy_quorum::{
    raft::Permission,
    wire::{INVITATION_BYTES_MAX, INVITATION_CHARS_MAX, Invitation, RENDEZVOUS_MAX, decode_canonical},
};

/// A text, or the bytes inside one: what is taken for an invitation is the same once it was shown and pasted.
pub fn lead_where_their_links_lead(bytes: &[u8]) {
    if let Ok(invitation) = decode_canonical::<Invitation>(bytes, INVITATION_BYTES_MAX) {
        comes_back(&invitation);
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(invitation) = within_bounds(bytes, |_| text.parse::<Invitation>()) {
        assert!(text.len() <= INVITATION_CHARS_MAX);
        comes_back(&invitation);
        let link = invitation.to_string();
        for (end, _) in link.char_indices() {
            assert!(link[..end].parse::<Invitation>().is_err(), "cut at {end}");
        }
    }
}

fn comes_back(invitation: &Invitation) {
    assert!((1..=RENDEZVOUS_MAX).contains(&invitation.rendezvous().len()));
    assert_ne!(invitation.permission(), Permission::Owner);
    let link = invitation.to_string();
    assert_eq!(link.parse().as_ref(), Ok(invitation));
    assert_eq!(format!(" <{link}>. ").parse().as_ref(), Ok(invitation));
    let viewers = invitation.clone().with_permission(Permission::Viewer).expect("everybody may let others watch");
    assert_eq!(viewers.room_name(), invitation.room_name());
}
