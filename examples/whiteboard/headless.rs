//! A full peer without a window: it sleeps until there is something to do.

use crate::log;
use bevy::{
    app::{PluginsState, ScheduleRunnerPlugin},
    prelude::*,
};
use bevy_quorum::prelude::AppBell;
use std::{
    sync::{Arc, Condvar, Mutex, PoisonError},
    task::Wake,
    time::{Duration, Instant},
};

/// However much happens, updates keep this distance.
const UPDATE_INTERVAL: Duration = Duration::from_millis(5);
/// However little happens, an update is never further away.
const NAP: Duration = Duration::from_millis(50);

/// Runs the app in the rhythm of what arrives.
pub struct HeadlessPlugin;

impl Plugin for HeadlessPlugin {
    fn build(&self, app: &mut App) {
        let bell = Arc::<Bell>::default();
        app.add_plugins((log::quiet(), MinimalPlugins.build().disable::<ScheduleRunnerPlugin>()))
            .insert_resource(AppBell::new(bell.clone().into()))
            .set_runner(move |app| run(app, &bell));
    }
}

fn run(mut app: App, bell: &Bell) -> AppExit {
    while app.plugins_state() == PluginsState::Adding {
        bevy::tasks::tick_global_task_pools_on_main_thread();
    }
    app.finish();
    app.cleanup();
    loop {
        let started = Instant::now();
        app.update();
        if let Some(exit) = app.should_exit() {
            return exit;
        }
        std::thread::sleep(UPDATE_INTERVAL.saturating_sub(started.elapsed()));
        bell.wait(NAP.saturating_sub(started.elapsed()));
    }
}

/// Rings when something arrived.
#[derive(Default)]
struct Bell {
    rung: Mutex<bool>,
    ringing: Condvar,
}

impl Bell {
    /// Waits until it has rung since the last wait, or until the patience is over.
    fn wait(&self, patience: Duration) {
        let rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        let mut rung =
            self.ringing.wait_timeout_while(rung, patience, |rung| !*rung).unwrap_or_else(PoisonError::into_inner).0;
        *rung = false;
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        *self.rung.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.ringing.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_before_the_wait_is_heard() {
        let bell = Arc::<Bell>::default();
        bell.clone().wake();
        let started = Instant::now();
        bell.wait(Duration::from_secs(60));
        assert!(started.elapsed() < Duration::from_secs(60));
    }
}
