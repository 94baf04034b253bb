//! An app that sleeps until its bell rings.

use super::stories::show;
use bevy::{
    a11y::AccessibilityPlugin,
    input::InputPlugin,
    prelude::*,
    winit::{EventLoopProxy, EventLoopProxyWrapper, UpdateMode, WinitPlugin, WinitSettings, WinitUserEvent},
};
use bevy_quorum::prelude::AppBell;
use std::{sync::Arc, task::Wake, time::Duration};

/// For longer than any test waits.
const SLEEP: Duration = Duration::from_secs(3600);

/// Shows how many frames there were, each of them asked for by the bell that the one before it rang.
pub fn ring_in_every_frame() {
    let window = Window { canvas: Some("#board".into()), ..default() };
    let mut app = App::new();
    app.add_plugins((
        TaskPoolPlugin::default(),
        AccessibilityPlugin,
        InputPlugin,
        WindowPlugin { primary_window: Some(window), ..default() },
        WinitPlugin::default(),
    ));
    let sleepy = UpdateMode::reactive_low_power(SLEEP);
    let proxy = (**app.world().resource::<EventLoopProxyWrapper>()).clone();
    app.insert_resource(WinitSettings { focused_mode: sleepy, unfocused_mode: sleepy })
        .insert_resource(AppBell::new(Arc::new(Wakes(proxy)).into()))
        .add_systems(Update, ring)
        .run();
}

fn ring(bell: Res<AppBell>, mut frames: Local<u32>) {
    *frames += 1;
    show("frames", *frames);
    bell.ring();
}

struct Wakes(EventLoopProxy<WinitUserEvent>);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.send_event(WinitUserEvent::WakeUp).unwrap();
    }
}
