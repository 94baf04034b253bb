//! The window: everything visible, put together. It sleeps while nothing happens.

use crate::{
    canvas::CanvasPlugin,
    dropping::DroppingPlugin,
    panels::PanelsPlugin,
    picture::{Picture, PicturePlugin},
    presence::{People, PresencePlugin},
    theme::Theme,
    tools::{PenTip, Pointer, Toolbox, ToolsPlugin},
};
use bevy::{
    prelude::*,
    window::{PresentMode, PrimaryWindow, RequestRedraw, WindowEvent, WindowResolution, WindowThemeChanged},
    winit::{EventLoopProxy, EventLoopProxyWrapper, UpdateMode, WinitSettings, WinitUserEvent},
};
use bevy_egui::{
    EguiInput, EguiPlugin, EguiPreUpdateSet,
    egui::{Event, Modifiers},
};
use bevy_quorum::prelude::*;
use std::{
    sync::Arc,
    task::{Wake, Waker},
    time::Duration,
};
use web_time::Instant;

/// The window's size when it opens, in pixels; pictures of the board alone keep it.
pub const SIZE_PX: (u32, u32) = (1280, 800);
/// How much of a frame the strokes of others take at most; drawing them takes longer still. A window that was hidden for
/// long is up to date after a moment of slow frames, rather than after a long smooth one.
const CATCHING_UP: Duration = Duration::from_millis(12);
/// How often the window looks around although nothing woke it.
const IDLE_WAIT: Duration = Duration::from_secs(2);
/// How long the panels move after input: easing, tooltips.
const SETTLE_AFTER_INPUT: Duration = Duration::from_millis(700);
/// How long they move when the room has news: a new size of the status line.
const SETTLE_AFTER_NEWS: Duration = Duration::from_millis(80);

/// Bevy's own plugins and everything that people see, for a board that other plugins bring.
///
/// With `board_only` there is nothing but the board in its light colours: the origin at the top left corner, one
/// pixel of the board to a pixel of the window, no grid, no panels, no pointers, no input.
#[derive(Clone, Debug, Default)]
pub struct WindowPlugin {
    /// The board alone, at a fixed camera.
    pub board_only: bool,
    /// A picture to take, after which the app exits.
    pub picture: Option<Picture>,
}

impl Plugin for WindowPlugin {
    fn build(&self, app: &mut App) {
        let window = Window {
            title: "Whiteboard".into(),
            name: Some("whiteboard".into()),
            resolution: self.resolution(),
            resizable: !self.board_only,
            present_mode: PresentMode::AutoVsync,
            // On a page: where it is drawn, and that it fills its place there.
            canvas: Some("#board".into()),
            fit_canvas_to_parent: !self.board_only,
            prevent_default_event_handling: false,
            ..default()
        };
        let windows = bevy::window::WindowPlugin { primary_window: Some(window), ..default() };
        app.add_plugins(DefaultPlugins.set(windows).set(crate::log::quiet()))
            .insert_resource(WinitSettings { focused_mode: idle(), unfocused_mode: idle() })
            .init_resource::<Theme>()
            .insert_resource(ApplyBudget(CATCHING_UP))
            .add_plugins(CanvasPlugin { grid: !self.board_only });
        ring_when_something_arrives(app);
        if self.board_only {
            app.init_resource::<Toolbox>()
                .init_resource::<Pointer>()
                .init_resource::<PenTip>()
                .init_resource::<People>();
        } else {
            app.add_plugins((EguiPlugin::default(), ToolsPlugin, PresencePlugin, DroppingPlugin, PanelsPlugin))
                .add_systems(Startup, take_window_theme)
                .add_systems(
                    PreUpdate,
                    tell_modifiers_once.after(EguiPreUpdateSet::ProcessInput).before(EguiPreUpdateSet::BeginPass),
                )
                .add_systems(Update, (follow_window_theme, settle));
        }
        if let Some(picture) = &self.picture {
            app.add_plugins(PicturePlugin { picture: picture.clone(), board_only: self.board_only });
        }
    }
}

impl WindowPlugin {
    /// Pictures of the board alone don't depend on the screen.
    fn resolution(&self) -> WindowResolution {
        let resolution = WindowResolution::new(SIZE_PX.0, SIZE_PX.1);
        if self.board_only { resolution.with_scale_factor_override(1.0) } else { resolution }
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
        app.insert_resource(AppBell::new(bell));
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

/// Tells egui which modifier keys are held only when that changes. bevy_egui tells it in every frame, and egui wants
/// another frame after whatever it is told: a window in which nothing happens would never sleep.
fn tell_modifiers_once(mut inputs: Query<&mut EguiInput>, mut told: Local<Modifiers>) {
    for mut input in &mut inputs {
        input.events.retain(|event| match event {
            Event::ModifiersChanged(held) => std::mem::replace(&mut *told, *held) != *held,
            _ => true,
        });
    }
}

/// Whether panels move for what changed in a room: not for how far it is, which changes with every stroke of others.
fn is_news(before: &RoomStatus, now: &RoomStatus) -> bool {
    let RoomStatus { commit, applied, last, snapshot, log_bytes, .. } = *before;
    let own_wait = (before.pending > 0) != (now.pending > 0);
    own_wait
        || *before != RoomStatus { commit, applied, last, snapshot, log_bytes, pending: before.pending, ..now.clone() }
}

/// Panels ease, measure themselves anew and bring up tooltips after something happened: stay awake for that.
fn settle(
    mut events: MessageReader<WindowEvent>,
    rooms: Query<&Room>,
    mut seen: Local<RoomStatus>,
    mut awake_until: Local<Option<Instant>>,
    mut redraw: MessageWriter<RequestRedraw>,
) {
    let now = Instant::now();
    let mut stay = |time: Duration| *awake_until = Some(awake_until.map_or(now + time, |until| until.max(now + time)));
    if events.read().any(|event| !matches!(event, WindowEvent::RequestRedraw(_))) {
        stay(SETTLE_AFTER_INPUT);
    }
    if let Some(room) = rooms.iter().next().filter(|room| *room.status() != *seen) {
        if is_news(&seen, room.status()) {
            stay(SETTLE_AFTER_NEWS);
        }
        seen.clone_from(room.status());
    }
    if awake_until.is_some_and(|until| now < until) {
        redraw.write(RequestRedraw);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bevy_quorum::raft::{LogIndex, NodeId};

    #[test]
    fn panels_move_for_people_and_own_strokes_and_not_for_those_of_others() {
        let before = RoomStatus { leader: Some(NodeId(1)), pending: 1, ..RoomStatus::default() };
        let later = RoomStatus { commit: LogIndex(7), applied: LogIndex(6), last: LogIndex(8), ..before.clone() };
        assert!(!is_news(&before, &later));
        assert!(!is_news(&before, &RoomStatus { pending: 2, log_bytes: 900, ..later.clone() }));
        assert!(is_news(&before, &RoomStatus { pending: 0, ..later.clone() }));
        assert!(is_news(&before, &RoomStatus { peers: vec![NodeId(2)], ..later.clone() }));
        assert!(is_news(&before, &RoomStatus { leader: None, ..later }));
    }
}
