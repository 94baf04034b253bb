//! Drivers: who steps a consensus world, and when.

// A room may be driven by hand in any build, but only playtests have a hand to do it.
#[cfg_attr(not(feature = "playtest"), allow(dead_code))]
mod by_hand;
#[cfg(target_arch = "wasm32")]
mod page;
#[cfg(not(target_arch = "wasm32"))]
mod thread;

pub(crate) use by_hand::*;
#[cfg(target_arch = "wasm32")]
pub(crate) use page::drive;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use thread::drive;
