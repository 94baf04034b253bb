//! The window.

use bevy::prelude::*;

/// Everything visible.
pub struct WindowPlugin;

impl Plugin for WindowPlugin {
    fn build(&self, app: &mut App) {
        app.add_plugins(DefaultPlugins.set(crate::log::quiet()));
    }
}
