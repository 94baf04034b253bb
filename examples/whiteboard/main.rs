//! A whiteboard that its users hold together: whoever draws is the server.
//!
//! `cargo run --release --example whiteboard` opens a board and prints the link for the others.

mod board;

#[cfg(not(target_arch = "wasm32"))]
mod attendance;
#[cfg(not(target_arch = "wasm32"))]
mod cli;
#[cfg(not(target_arch = "wasm32"))]
mod draw_file;
#[cfg(not(target_arch = "wasm32"))]
mod entry;
#[cfg(not(target_arch = "wasm32"))]
mod errors;
#[cfg(not(target_arch = "wasm32"))]
mod folder;
#[cfg(not(target_arch = "wasm32"))]
mod headless;
#[cfg(not(target_arch = "wasm32"))]
mod output;
#[cfg(not(target_arch = "wasm32"))]
mod quit;
#[cfg(not(target_arch = "wasm32"))]
mod signaling;
#[cfg(not(target_arch = "wasm32"))]
mod status;
