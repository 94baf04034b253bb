//! Pictures of the window, or of the board alone.

mod easel;

use bevy::{
    prelude::*,
    render::view::screenshot::{Screenshot, ScreenshotCaptured},
    window::RequestRedraw,
};
use bevy_quorum::prelude::*;
use easel::EaselPlugin;
use image::{ImageFormat, RgbImage};
#[cfg(not(target_arch = "wasm32"))]
use std::path::PathBuf;
use std::{error::Error, io::Cursor, time::Duration};
use web_time::Instant;

/// How long the board is drawn for the picture before that is taken, so that everything is ready.
const LEAD: Duration = Duration::from_secs(3);

/// A picture to take, as PNG.
#[derive(Resource, Clone, Debug)]
pub struct Picture {
    /// Where it is written; a page lays it out for scripts.
    #[cfg(not(target_arch = "wasm32"))]
    pub file: PathBuf,
    /// When it is taken, counted from the start, or later: as soon as all that is decided is on the board.
    pub after: Duration,
}

/// Takes a picture. A program exits once it is on the disk, a page stays.
pub struct PicturePlugin {
    /// What, and when.
    pub picture: Picture,
    /// Of the board alone, instead of the window.
    pub board_only: bool,
}

impl Plugin for PicturePlugin {
    fn build(&self, app: &mut App) {
        app.insert_resource(self.picture.clone())
            .init_resource::<Start>()
            .add_systems(Update, (stay_awake, look_at_board).run_if(resource_exists::<Picture>));
        if self.board_only {
            app.add_plugins(EaselPlugin);
        } else {
            app.add_systems(Update, look_at_window.run_if(is_time.and_then(run_once)));
        }
    }
}

/// When the app started.
#[derive(Resource)]
struct Start(Instant);

impl Default for Start {
    fn default() -> Self {
        Self(Instant::now())
    }
}

/// Since when the board holds all that is decided, counted from a time just before the picture.
#[derive(Resource)]
struct Complete(Instant);

fn stay_awake(mut redraw: MessageWriter<RequestRedraw>) {
    redraw.write(RequestRedraw);
}

/// Strokes come with the frames, and the frames for a picture are slow: it waits for the strokes, not they for it.
fn look_at_board(
    rooms: Query<(&Room, &RoomState)>,
    (start, picture): (Res<Start>, Res<Picture>),
    complete: Option<Res<Complete>>,
    mut commands: Commands,
) {
    // A program takes its picture when it was told to, also of a board that it cannot reach; a page waits for the others.
    let waits = cfg!(target_arch = "wasm32");
    let is_behind = |(room, state): (&Room, &RoomState)| match state {
        RoomState::Opening | RoomState::Joining => waits,
        RoomState::Open => room.status().applied < room.status().commit || waits && room.status().leader.is_none(),
        RoomState::Failed(_) | RoomState::Closed => false,
    };
    if complete.is_none() && start.0.elapsed() + LEAD >= picture.after && !rooms.iter().any(is_behind) {
        commands.insert_resource(Complete(Instant::now()));
    }
}

/// Whether a picture is to be taken, and can be.
fn is_time(start: Res<Start>, picture: Option<Res<Picture>>, complete: Option<Res<Complete>>) -> bool {
    let is_ready = complete.is_some_and(|since| since.0.elapsed() >= LEAD);
    is_ready && picture.is_some_and(|picture| start.0.elapsed() >= picture.after)
}

fn look_at_window(mut commands: Commands) {
    let hang = |captured: On<ScreenshotCaptured>, picture: Res<Picture>, mut commands: Commands| {
        finish(pixels(&captured.image), &picture, &mut commands);
    };
    commands.spawn(Screenshot::primary_window()).observe(hang);
}

/// Hangs what was seen, or says why it can't be; a program ends with that, a page goes on.
fn finish(seen: Result<RgbImage, Box<dyn Error>>, picture: &Picture, commands: &mut Commands) {
    let hung = seen.and_then(|seen| picture.hang(&png(&seen)?));
    if let Err(problem) = &hung {
        error!("{problem}");
    }
    if cfg!(not(target_arch = "wasm32")) {
        commands.write_message(if hung.is_ok() { AppExit::Success } else { AppExit::error() });
    }
    commands.remove_resource::<Picture>();
}

impl Picture {
    #[cfg(not(target_arch = "wasm32"))]
    fn hang(&self, png: &[u8]) -> Result<(), Box<dyn Error>> {
        let file = self.file.display();
        std::fs::write(&self.file, png)
            .map_err(|problem| format!("the picture can't be written to {file}: {problem}; choose another file").into())
    }

    #[cfg(target_arch = "wasm32")]
    fn hang(&self, png: &[u8]) -> Result<(), Box<dyn Error>> {
        Ok(crate::page::hang(png)?)
    }
}

/// What was captured, without the alpha channel, which says nothing about an opaque window.
fn pixels(captured: &Image) -> Result<RgbImage, Box<dyn Error>> {
    Ok(captured.clone().try_into_dynamic()?.into_rgb8())
}

/// A picture as a file.
fn png(picture: &RgbImage) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut png = Cursor::new(Vec::new());
    picture.write_to(&mut png, ImageFormat::Png)?;
    Ok(png.into_inner())
}
