//! Which peers, links and stores understand each other.

/// The version of everything that travels: frames, commands and invitations.
///
/// Peers of different versions refuse each other by naming both.
pub const PROTOCOL_VERSION: u16 = 3;
