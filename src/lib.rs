//! Your players are the server.

pub mod link;
pub mod raft;
pub mod storage;
pub mod wire;
