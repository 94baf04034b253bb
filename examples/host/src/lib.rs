//! One program for everything about rooms that is not a peer's own: it serves pages, introduces peers to each other,
//! hands out settings of STUN and TURN servers, and keeps rooms alive and durable.
//!
//! It sees nothing of what happens in a room: signals are sealed, a room's name is derived from its secret, and a room
//! that it keeps is opaque bytes to it.

pub mod address;
pub mod failure;
pub mod given;
pub mod host;
pub mod ice;
pub mod kept;
pub mod metrics;
pub mod pages;
pub mod settings;
pub mod signaling;
mod tls;

pub use failure::Failure;
pub use given::Given;
pub use host::Host;
pub use settings::Settings;
