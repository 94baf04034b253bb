//! Whole clusters in one process and in virtual time, for tests of this crate and of what is built on it.
//!
//! Everything follows from one seed: delays, losses, timeouts. After every event a referee checks what
//! Raft promises; when something fails, the seed and the last events are printed.
//!
//! ```
//! use bevy_quorum::playtest::Cluster;
//! use std::time::Duration;
//!
//! let mut cluster = Cluster::of(3).seed(7);
//! let leader = cluster.wait_for_leader();
//! cluster.write("hello");
//! cluster.run_for(Duration::from_secs(1));
//! cluster.kill(leader);
//! cluster.wait_for_leader();
//! cluster.write("world");
//! cluster.restart(leader);
//! cluster.run_for(Duration::from_secs(5));
//! assert_eq!(cluster.texts(leader), ["hello", "world"]);
//! ```

mod clock;
mod cluster;
mod disk;
mod machine;
mod mishaps;
mod network;
mod party;
mod referee;
mod registers;
mod run;
mod sim;
mod state;
mod told;

pub use cluster::Cluster;
pub use machine::{Answer, absorb};
pub use network::Conditions;
pub use party::{FRAME, Guest, Party};
pub use referee::Check;
pub use sim::{Action, Coverage, History, Operation, Outcome, Reply, Simulation};
