//! What can be wrong with what arrives.

/// Why bytes are not what they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// Too many bytes; none of them were read.
    #[error("{bytes} bytes are more than the limit of {limit}")]
    TooLarge {
        /// How many came.
        bytes: usize,
        /// How many may.
        limit: usize,
    },
    /// The bytes end too soon, claim more than they hold, or mean nothing.
    #[error("these {bytes} bytes are no {what}")]
    Malformed {
        /// The type they should be.
        what: &'static str,
        /// How many there are.
        bytes: usize,
    },
    /// Bytes are left over after the value.
    #[error("{trailing} bytes follow after the {what}")]
    Trailing {
        /// The type that was read.
        what: &'static str,
        /// How many are left over.
        trailing: usize,
    },
    /// The bytes are another spelling of a value than the agreed one.
    #[error("the {what} is not in its canonical form")]
    NotCanonical {
        /// The type that was read.
        what: &'static str,
    },
    /// A value has no encoding.
    #[error("this {what} cannot be encoded")]
    Unencodable {
        /// Its type.
        what: &'static str,
    },
}

/// Why a text is no invitation, or why one cannot be made; for people to read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvitationError {
    /// The text is something else.
    #[error("this is no invitation; copy the whole link, from http to its end after the #")]
    NotAnInvitation,
    /// A part of the link is missing or changed.
    #[error("this invitation is cut off or mistyped; copy the whole link again")]
    CutOff,
    /// The link was made by a program that speaks another version.
    #[error(
        "this invitation is of version {found}, this program speaks version {expected}; \
         use the same version of the program as whoever sent it"
    )]
    OtherVersion {
        /// The link's version.
        found: u16,
        /// Ours.
        expected: u16,
    },
    /// There is no address where peers could meet.
    #[error("an invitation needs the address of a signaling server, such as ws://192.168.1.2:3536")]
    NoRendezvous,
    /// There are too many addresses.
    #[error("{count} signaling servers are more than the {limit} that an invitation can name")]
    TooManyRendezvous {
        /// How many were given.
        count: usize,
        /// How many fit.
        limit: usize,
    },
    /// An address is not one of a signaling server.
    #[error(
        "`{address}` is no address of a signaling server; \
         it should look like ws://192.168.1.2:3536 or wss://signal.example"
    )]
    BadRendezvous {
        /// The address, shortened if it is long.
        address: String,
    },
    /// A link cannot make somebody an owner.
    #[error("a link can permit editing or viewing, not owning; an owner can promote members of the room")]
    OwnerByLink,
    /// Who may only view cannot let others edit.
    #[error("this invitation permits only viewing, so it cannot let others edit; ask an editor for a link")]
    OnlyViewing,
}
