//! Drivers: who steps a consensus world, and when.

// A room may be driven by hand in any build, but only playtests have a hand to do it.
#[cfg_attr(not(feature = "playtest"), allow(dead_code))]
mod by_hand;
#[cfg(not(target_arch = "wasm32"))]
mod thread;

pub(crate) use by_hand::*;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use thread::drive;

/// In a browser a room will be driven from the page's event loop; until then it says that it can't run.
#[cfg(target_arch = "wasm32")]
pub(crate) fn drive(_setup: super::Setup, desk: super::Back) -> std::task::Waker {
    let reason = "rooms don't run in browsers yet; use the native build";
    desk.shared.report(super::Report::Failed(super::RoomError::Unsupported(reason)));
    desk.shared.end();
    std::task::Waker::noop().clone()
}
