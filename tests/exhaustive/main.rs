//! Every order of events, within named bounds: the real core under a model checker.
//!
//! Other tests take one path for each seed; these take all of them, in scopes small enough to be finished.
//! `cargo test --all-features --test exhaustive -- --nocapture` prints how many states each scope has, and
//! `cargo test --release --all-features --test exhaustive -- --ignored --nocapture` goes further.

mod hashed;
mod invariants;
mod machine;
mod model;
mod network;
mod properties;
mod rooms;
mod scopes;
mod state;
mod story;
mod teeth;
