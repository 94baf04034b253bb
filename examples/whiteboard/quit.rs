//! SIGINT and SIGTERM: the room is left properly, the others don't have to find out.

use bevy::prelude::*;
use bevy_quorum::prelude::AppBell;
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag,
};
use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

/// How often a sleeping app is asked whether somebody wants it to end.
const ASK_INTERVAL: Duration = Duration::from_millis(50);

/// Ends the app at the first signal; a second one ends the process on the spot.
pub struct QuitPlugin;

#[derive(Resource)]
struct Wanted(Arc<AtomicBool>);

impl Plugin for QuitPlugin {
    fn build(&self, app: &mut App) {
        let wanted = Arc::<AtomicBool>::default();
        if let Err(error) = listen(&wanted) {
            warn!("signals won't be heeded: {error}");
        }
        app.insert_resource(Wanted(wanted)).add_systems(Startup, wake_when_wanted).add_systems(Update, quit);
    }
}

fn listen(wanted: &Arc<AtomicBool>) -> io::Result<()> {
    for signal in [SIGINT, SIGTERM] {
        // Registered first, so that it looks before the second line sets the flag.
        flag::register_conditional_shutdown(signal, 128 + signal, wanted.clone())?;
        flag::register(signal, wanted.clone())?;
    }
    Ok(())
}

/// A window that nothing happens in sleeps; a signal has to wake it.
fn wake_when_wanted(wanted: Res<Wanted>, bell: Option<Res<AppBell>>) -> Result {
    let (Some(bell), wanted) = (bell.map(|bell| bell.clone()), wanted.0.clone()) else { return Ok(()) };
    thread::Builder::new().name("signals".into()).spawn(move || {
        loop {
            thread::sleep(ASK_INTERVAL);
            if wanted.load(Ordering::Relaxed) {
                bell.ring();
            }
        }
    })?;
    Ok(())
}

fn quit(wanted: Res<Wanted>, mut exit: MessageWriter<AppExit>) {
    if wanted.0.load(Ordering::Relaxed) {
        exit.write(AppExit::Success);
    }
}
