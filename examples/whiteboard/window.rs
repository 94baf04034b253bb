//! The window: everything visible, put together. It sleeps while nothing happens.

use crate::{
    board::PersonName,
    canvas::CanvasPlugin,
    panels::PanelsPlugin,
    presence::{Myself, PresencePlugin},
    theme::Theme,
    tools::{PenTip, Pointer, Toolbox, ToolsPlugin},
};
use bevy::{
    prelude::*,
    render::view::screenshot::{Screenshot, save_to_disk},
    window::{PresentMode, PrimaryWindow, RequestRedraw, WindowResolution, WindowThemeChanged},
    winit::{EventLoopProxy, EventLoopProxyWrapper, UpdateMode, WinitSettings, WinitUserEvent},
};
use bevy_egui::EguiPlugin;
use bevy_quorum::prelude::*;
use std::{
    path::PathBuf,
    sync::Arc,
    task::{Wake, Waker},
    time::Duration,
};
use web_time::Instant;

/// The window's size when it opens, in pixels; pictures of the board alone keep it.
const SIZE_PX: (u32, u32) = (1280, 800);
/// How often the window looks around although nothing woke it.
const IDLE_WAIT: Duration = Duration::from_secs(2);
/// How long a picture may take to be written.
const PICTURE_PATIENCE: Duration = Duration::from_secs(20);

/// Bevy's own plugins and everything that people see, for a board that other plugins bring.
///
/// With `board_only` there is nothing but the board in its light colours: the origin at the top left corner, one
/// pixel of the board to a pixel of the window, no grid, no panels, no pointers, no input.
#[derive(Clone, Debug, Default)]
pub struct WindowPlugin {
    /// What others call this person.
    pub name: Option<String>,
    /// The board alone, at a fixed camera.
    pub board_only: bool,
    /// A picture to take, after which the app exits.
    pub picture: Option<Picture>,
}

/// A picture of the window.
#[derive(Resource, Clone, Debug)]
pub struct Picture {
    /// Where it is written, as PNG.
    pub file: PathBuf,
    /// When it is taken, counted from the start.
    pub after: Duration,
}

impl Plugin for WindowPlugin {
    fn build(&self, app: &mut App) {
        let window = Window {
            title: "Whiteboard".into(),
            name: Some("whiteboard".into()),
            resolution: WindowResolution::new(SIZE_PX.0, SIZE_PX.1),
            resizable: !self.board_only,
            present_mode: PresentMode::AutoVsync,
            ..default()
        };
        let windows = bevy::window::WindowPlugin { primary_window: Some(window), ..default() };
        app.add_plugins(DefaultPlugins.set(windows).set(crate::log::quiet()))
            .insert_resource(WinitSettings { focused_mode: idle(), unfocused_mode: idle() })
            .insert_resource(Myself(self.name()))
            .init_resource::<Theme>()
            .add_plugins(CanvasPlugin { grid: !self.board_only });
        ring_when_something_arrives(app);
        if self.board_only {
            app.init_resource::<Toolbox>()
                .init_resource::<Pointer>()
                .init_resource::<PenTip>()
                .init_resource::<crate::presence::People>();
        } else {
            app.add_plugins((EguiPlugin::default(), ToolsPlugin, PresencePlugin, PanelsPlugin))
                .add_systems(Startup, take_window_theme)
                .add_systems(Update, follow_window_theme);
        }
        if let Some(picture) = &self.picture {
            app.insert_resource(picture.clone()).add_systems(Update, take_picture);
        }
    }
}

impl WindowPlugin {
    fn name(&self) -> PersonName {
        let said = self.name.clone().or_else(|| std::env::var("USER").ok().filter(|user| user != "root"));
        let guest = || PersonName::tidied("Guest").expect("Guest is a name");
        said.as_deref().and_then(PersonName::tidied).unwrap_or_else(guest)
    }
}

/// Sleeps until the window or the room has something.
fn idle() -> UpdateMode {
    UpdateMode::reactive_low_power(IDLE_WAIT)
}

/// Wakes a sleeping window.
struct Bell(EventLoopProxy<WinitUserEvent>);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        // Fails only when the event loop is gone, and then nobody sleeps any more.
        let _ = self.0.send_event(WinitUserEvent::WakeUp);
    }
}

fn ring_when_something_arrives(app: &mut App) {
    if let Some(proxy) = app.world().get_resource::<EventLoopProxyWrapper>() {
        let bell = Waker::from(Arc::new(Bell((**proxy).clone())));
        app.insert_resource(AppBell(bell));
    }
}

fn take_window_theme(window: Single<&Window, With<PrimaryWindow>>, mut theme: ResMut<Theme>) {
    if let Some(preferred) = window.window_theme {
        *theme = preferred.into();
    }
}

fn follow_window_theme(mut changes: MessageReader<WindowThemeChanged>, mut theme: ResMut<Theme>) {
    if let Some(changed) = changes.read().last() {
        *theme = changed.theme.into();
    }
}

/// Takes the picture when it is time, and exits once it is on the disk.
fn take_picture(
    mut commands: Commands,
    picture: Res<Picture>,
    mut started: Local<Option<Instant>>,
    mut taken: Local<Option<Instant>>,
    mut redraw: MessageWriter<RequestRedraw>,
    mut exit: MessageWriter<AppExit>,
) {
    redraw.write(RequestRedraw);
    let started = *started.get_or_insert_with(Instant::now);
    match *taken {
        None if started.elapsed() >= picture.after => {
            *taken = Some(Instant::now());
            commands.spawn(Screenshot::primary_window()).observe(save_to_disk(picture.file.clone()));
        }
        Some(_) if picture.file.exists() => drop(exit.write(AppExit::Success)),
        Some(since) if since.elapsed() > PICTURE_PATIENCE => {
            error!("the picture could not be written to {}", picture.file.display());
            exit.write(AppExit::error());
        }
        _ => {}
    }
}
