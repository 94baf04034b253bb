//! What is logged, on standard error: nearly nothing, unless `RUST_LOG` asks for more.

use bevy::log::{Level, LogPlugin};

/// Errors only. `RUST_LOG=bevy_quorum=debug` shows what the room does.
pub fn quiet() -> LogPlugin {
    LogPlugin { level: Level::ERROR, filter: String::new(), ..LogPlugin::default() }
}
