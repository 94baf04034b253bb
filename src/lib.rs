//! Your players are the server.

pub mod link;
#[cfg(feature = "playtest")]
pub mod playtest;
pub mod raft;
pub mod storage;
pub mod wire;
