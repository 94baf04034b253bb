//! The link by which people come into a room.
//!
//! Everything is in the link's fragment, which browsers send to no server:
//! `http://HOST:PORT/#q3.BASE64URL`, where the bytes are a checksum and the canonical encoding of
//! cluster, secret, epoch, permission and rendezvous addresses.

use super::{ClusterId, InvitationError, PROTOCOL_VERSION, Secret, decode_canonical, encode, rendezvous};
use crate::raft::Permission;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// The most characters that are looked at when a text is read as an invitation.
pub const INVITATION_CHARS_MAX: usize = 4 * 1024;
/// The most bytes of an invitation's binary form.
pub const INVITATION_BYTES_MAX: usize = 1_200;

/// What comes before the version in a link's fragment.
const MARK: char = 'q';
const CHECKSUM_BYTES: usize = 4;

// Each purpose has its own context, so that what one key gives away says nothing of another.
const CHECKSUM_CONTEXT: &str = "bevy_quorum 2026-11 invitation checksum";
const VIEWING_CONTEXT: &str = "bevy_quorum 2026-11 viewing secret";
const ROOM_NAME_CONTEXT: &str = "bevy_quorum 2026-11 room name at a rendezvous";
const SIGNAL_CONTEXT: &str = "bevy_quorum 2026-11 seal of signals";
const PROOF_CONTEXT: &str = "bevy_quorum 2026-11 proof of an invitation";
const EDITING_PROOF_CONTEXT: &str = "bevy_quorum 2026-11 proof of an invitation to edit";

/// The way into a room, as a link that can be sent to people.
///
/// ```
/// use bevy_quorum::{raft::Permission, wire::Invitation};
///
/// let invitation = Invitation::new(["ws://192.168.1.2:3536"], Permission::Editor)?;
/// let link = invitation.to_string();
/// assert!(link.starts_with("http://192.168.1.2:3536/#q3."));
/// assert_eq!(link.parse(), Ok(invitation));
/// # Ok::<(), bevy_quorum::wire::InvitationError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Fields", into = "Fields")]
pub struct Invitation {
    /// Which cluster.
    pub cluster: ClusterId,
    /// What its members know.
    pub secret: Secret,
    /// Which of the room's secrets this is; a new one begins when somebody is removed.
    pub epoch: u32,
    permission: Permission,
    rendezvous: Vec<String>,
}

impl Invitation {
    /// The invitation to a new room, whose peers meet at `rendezvous`: one to
    /// [`RENDEZVOUS_MAX`](super::RENDEZVOUS_MAX) `ws://` or `wss://` addresses.
    ///
    /// # Errors
    /// If an address is none, there are none or too many, or `permission` is
    /// [`Owner`](Permission::Owner), which no link can give.
    pub fn new(
        rendezvous: impl IntoIterator<Item = impl Into<String>>,
        permission: Permission,
    ) -> Result<Self, InvitationError> {
        let (cluster, secret) = (ClusterId::random(), Secret::random());
        let rendezvous = rendezvous.into_iter().map(Into::into).collect();
        Fields { cluster, secret, epoch: 0, permission, rendezvous }.try_into()
    }

    /// What whoever follows the link may do.
    pub fn permission(&self) -> Permission {
        self.permission
    }

    /// Where the peers meet; never empty.
    pub fn rendezvous(&self) -> &[String] {
        &self.rendezvous
    }

    /// The invitation to the same room at other addresses.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_rendezvous(
        self,
        rendezvous: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<Self, InvitationError> {
        let rendezvous = rendezvous.into_iter().map(Into::into).collect();
        Fields { rendezvous, ..self.into() }.try_into()
    }

    /// The invitation to the same room that permits what `permission` says, if this one permits it.
    ///
    /// A link for viewing holds less of the secret: nobody can make one for editing of it.
    ///
    /// ```
    /// # use bevy_quorum::{raft::Permission, wire::{Invitation, InvitationError}};
    /// let editors = Invitation::new(["wss://signal.example"], Permission::Editor)?;
    /// let viewers = editors.clone().with_permission(Permission::Viewer)?;
    /// assert_eq!(viewers.room_name(), editors.room_name());
    /// assert_eq!(viewers.with_permission(Permission::Editor), Err(InvitationError::OnlyViewing));
    /// # Ok::<(), InvitationError>(())
    /// ```
    ///
    /// # Errors
    /// If `permission` is more than this invitation permits, or [`Owner`](Permission::Owner).
    pub fn with_permission(self, permission: Permission) -> Result<Self, InvitationError> {
        match (self.permission, permission) {
            (_, Permission::Owner) => Err(InvitationError::OwnerByLink),
            (Permission::Viewer, Permission::Editor) => Err(InvitationError::OnlyViewing),
            (_, Permission::Viewer) => Ok(Self { secret: self.viewing_secret(), permission, ..self }),
            (_, Permission::Editor) => Ok(Self { permission, ..self }),
        }
    }

    /// The name under which the peers of this room meet: all that a signaling server sees of it.
    /// 64 hexadecimal digits.
    #[must_use]
    pub fn room_name(&self) -> String {
        blake3::Hash::from_bytes(self.shared_key(ROOM_NAME_CONTEXT)).to_hex().to_string()
    }

    /// The key under which peers that want to connect speak to each other through a signaling server.
    #[must_use]
    pub fn signal_key(&self) -> Secret {
        Secret::from_bytes(self.shared_key(SIGNAL_CONTEXT))
    }

    /// The key with which members prove to each other that they were invited.
    #[must_use]
    pub fn proof_key(&self) -> [u8; 32] {
        self.shared_key(PROOF_CONTEXT)
    }

    /// The key with which members prove that they were invited to edit, if this invitation permits it.
    #[must_use]
    pub fn editing_proof_key(&self) -> Option<[u8; 32]> {
        let editing = self.permission >= Permission::Editor;
        editing.then(|| self.secret.derive(EDITING_PROOF_CONTEXT, &self.cluster.0))
    }

    /// The canonical bytes, as stores keep them.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        encode(self).expect("numbers, byte arrays and strings always have an encoding")
    }

    /// A key that everybody in the room can derive, editors and viewers alike.
    fn shared_key(&self, context: &str) -> [u8; 32] {
        self.viewing_secret().derive(context, &self.cluster.0)
    }

    /// The part of the secret that viewers hold; it doesn't lead back to the editors' part.
    fn viewing_secret(&self) -> Secret {
        match self.permission {
            Permission::Viewer => self.secret.clone(),
            Permission::Editor | Permission::Owner => {
                Secret::from_bytes(self.secret.derive(VIEWING_CONTEXT, &self.cluster.0))
            }
        }
    }
}

impl fmt::Display for Invitation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.to_bytes();
        let sealed = [&checksum(&bytes)[..], &bytes[..]].concat();
        let origin = rendezvous::origin(&self.rendezvous[0]);
        write!(f, "{origin}/#{MARK}{PROTOCOL_VERSION}.{}", URL_SAFE_NO_PAD.encode(sealed))
    }
}

impl FromStr for Invitation {
    type Err = InvitationError;

    /// Takes the whole link or its fragment; spaces, quotes and brackets around it don't matter.
    fn from_str(text: &str) -> Result<Self, InvitationError> {
        if text.len() > INVITATION_CHARS_MAX {
            return Err(InvitationError::NotAnInvitation);
        }
        // Long links get broken over lines, and no link has a space inside.
        let text: String = text.chars().filter(|char| !char.is_whitespace()).collect();
        let text = text.trim_matches(is_wrapping);
        let fragment = text.rsplit_once('#').map_or(text, |(_, fragment)| fragment);
        open(split_version(text, fragment)?)
    }
}

/// What messages and shells put around a link.
fn is_wrapping(char: char) -> bool {
    matches!(char, '"' | '\'' | '`' | '<' | '>' | '(' | ')' | '[' | ']' | ',' | ';' | '.' | '“' | '”' | '„' | '«' | '»')
}

/// What follows the version in the fragment, if the version is ours.
fn split_version<'a>(text: &str, fragment: &'a str) -> Result<&'a str, InvitationError> {
    let Some((mark, body)) = fragment.split_once('.') else {
        return Err(without_version(text, fragment));
    };
    let digits = mark.strip_prefix(MARK).ok_or(InvitationError::NotAnInvitation)?;
    let found = digits.parse().map_err(|_| InvitationError::NotAnInvitation)?;
    match found {
        PROTOCOL_VERSION => Ok(body),
        _ => Err(InvitationError::OtherVersion { found, expected: PROTOCOL_VERSION }),
    }
}

/// A link that ends within or before its version is cut off; anything else is no invitation.
fn without_version(text: &str, fragment: &str) -> InvitationError {
    let begun = fragment.strip_prefix(MARK).unwrap_or(fragment);
    if text.contains("/#") && begun.chars().all(|char| char.is_ascii_digit()) {
        InvitationError::CutOff
    } else {
        InvitationError::NotAnInvitation
    }
}

fn open(body: &str) -> Result<Invitation, InvitationError> {
    let sealed = URL_SAFE_NO_PAD.decode(body).map_err(|_| InvitationError::CutOff)?;
    let (sum, bytes) = sealed.split_at_checked(CHECKSUM_BYTES).ok_or(InvitationError::CutOff)?;
    if sum != checksum(bytes) {
        return Err(InvitationError::CutOff);
    }
    decode_canonical(bytes, INVITATION_BYTES_MAX).map_err(|_| InvitationError::NotAnInvitation)
}

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let [a, b, c, d, ..] = blake3::derive_key(CHECKSUM_CONTEXT, bytes);
    [a, b, c, d]
}

/// An invitation before its permission and addresses are checked.
#[derive(Serialize, Deserialize)]
struct Fields {
    cluster: ClusterId,
    secret: Secret,
    epoch: u32,
    permission: Permission,
    rendezvous: Vec<String>,
}

impl From<Invitation> for Fields {
    fn from(invitation: Invitation) -> Self {
        let Invitation { cluster, secret, epoch, permission, rendezvous } = invitation;
        Self { cluster, secret, epoch, permission, rendezvous }
    }
}

impl TryFrom<Fields> for Invitation {
    type Error = InvitationError;

    fn try_from(fields: Fields) -> Result<Self, InvitationError> {
        let Fields { cluster, secret, epoch, permission, rendezvous } = fields;
        if permission == Permission::Owner {
            return Err(InvitationError::OwnerByLink);
        }
        rendezvous::check_all(&rendezvous)?;
        Ok(Self { cluster, secret, epoch, permission, rendezvous })
    }
}
