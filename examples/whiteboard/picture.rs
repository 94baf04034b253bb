//! Pictures of the window, or of the board alone.

use crate::window::SIZE_PX;
use bevy::{
    camera::{RenderTarget, ScalingMode},
    image::TextureFormatPixelInfo,
    prelude::*,
    render::{
        render_resource::{Extent3d, TextureDimension, TextureFormat},
        view::screenshot::{Screenshot, ScreenshotCaptured},
    },
    window::RequestRedraw,
};
use bevy_quorum::prelude::*;
use image::ImageFormat;
#[cfg(not(target_arch = "wasm32"))]
use std::path::PathBuf;
use std::{error::Error, io::Cursor, time::Duration};
use web_time::Instant;

/// How many times larger than its picture the board is drawn, in each direction, before it is scaled down.
///
/// A window mixes the colours of an edge as light, from four samples a pixel. Pictures are compared with those of
/// other rasterisers, which mix them as numbers, by the area that is covered.
const OVERSAMPLING: u32 = 6;
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
        app.insert_resource(self.picture.clone()).init_resource::<Start>().init_resource::<Complete>().add_systems(
            Update,
            (look_at_board, draw_on_easel, take_picture).chain().run_if(resource_exists::<Picture>),
        );
        if self.board_only {
            app.add_systems(Startup, spawn_easel);
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
#[derive(Resource, Default)]
struct Complete(Option<Instant>);

/// Strokes come with the frames, and the frames for a picture are slow: it waits for the strokes, not they for it.
fn look_at_board(
    rooms: Query<(&Room, &RoomState)>,
    (start, picture): (Res<Start>, Res<Picture>),
    mut complete: ResMut<Complete>,
) {
    // A program takes its picture when it was told to, also of a board that it cannot reach; a page waits for the others.
    let waits = cfg!(target_arch = "wasm32");
    let is_behind = |(room, state): (&Room, &RoomState)| match state {
        RoomState::Opening | RoomState::Joining => waits,
        RoomState::Open => room.status().applied < room.status().commit || waits && room.status().leader.is_none(),
        RoomState::Failed(_) | RoomState::Closed => false,
    };
    if start.0.elapsed() + LEAD >= picture.after && complete.0.is_none() && !rooms.iter().any(is_behind) {
        complete.0 = Some(Instant::now());
    }
}

/// What the camera of the board's picture draws on.
#[derive(Component)]
struct Easel(Handle<Image>);

fn spawn_easel(mut commands: Commands, mut images: ResMut<Assets<Image>>) {
    let (width, height) = SIZE_PX;
    let format = TextureFormat::Rgba8UnormSrgb;
    let image = Image::new_target_texture(width * OVERSAMPLING, height * OVERSAMPLING, format, None);
    let image = images.add(image);
    let projection = OrthographicProjection {
        scaling_mode: ScalingMode::Fixed { width: width as f32, height: height as f32 },
        viewport_origin: Vec2::new(0.0, 1.0),
        ..OrthographicProjection::default_2d()
    };
    commands.spawn((
        Easel(image.clone()),
        Camera2d,
        Camera { is_active: false, ..default() },
        RenderTarget::Image(image.into()),
        Msaa::Off,
        Projection::Orthographic(projection),
    ));
}

fn draw_on_easel(complete: Res<Complete>, mut cameras: Query<&mut Camera, With<Easel>>) {
    for mut camera in &mut cameras {
        camera.is_active = complete.0.is_some();
    }
}

/// Asks for the picture when it is time.
fn take_picture(
    mut commands: Commands,
    (start, picture, complete): (Res<Start>, Res<Picture>, Res<Complete>),
    easel: Option<Single<&Easel>>,
    mut asked: Local<bool>,
    mut redraw: MessageWriter<RequestRedraw>,
) {
    redraw.write(RequestRedraw);
    let is_ready = complete.0.is_some_and(|since| since.elapsed() >= LEAD);
    if *asked || start.0.elapsed() < picture.after || !is_ready {
        return;
    }
    *asked = true;
    let (screenshot, shrink) = match easel {
        Some(easel) => (Screenshot::image(easel.0.clone()), OVERSAMPLING),
        None => (Screenshot::primary_window(), 1),
    };
    let picture = picture.clone();
    let finish = move |captured: On<ScreenshotCaptured>,
                       easels: Query<Entity, With<Easel>>,
                       mut commands: Commands,
                       mut exit: MessageWriter<AppExit>| {
        // A page goes on, and sleeps again as if it had never had to draw so much.
        commands.remove_resource::<Picture>();
        easels.iter().for_each(|easel| commands.entity(easel).despawn());
        let hung = png(&captured.image, shrink).and_then(|png| picture.hang(&png));
        if let Err(problem) = &hung {
            error!("{problem}");
        }
        if cfg!(not(target_arch = "wasm32")) {
            exit.write(if hung.is_ok() { AppExit::Success } else { AppExit::error() });
        }
    };
    commands.spawn(screenshot).observe(finish);
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

/// A picture, scaled down, as a file.
fn png(captured: &Image, shrink: u32) -> Result<Vec<u8>, Box<dyn Error>> {
    let picture = scaled_down(captured, shrink).ok_or("the renderer gave no pixels")?;
    let mut png = Cursor::new(Vec::new());
    // The alpha channel says nothing about a picture of an opaque window.
    picture.try_into_dynamic()?.to_rgb8().write_to(&mut png, ImageFormat::Png)?;
    Ok(png.into_inner())
}

/// Every `factor` × `factor` pixels become the one between them.
fn scaled_down(image: &Image, factor: u32) -> Option<Image> {
    let format = image.texture_descriptor.format;
    let bytes = format.pixel_size().ok()?;
    let data = image.data.as_ref()?;
    let (width, height) = (image.width() / factor, image.height() / factor);
    let sample = |x: u32, y: u32, byte: usize| {
        let pixel = (y * image.width() + x) as usize;
        u32::from(data[pixel * bytes + byte])
    };
    let mut scaled = Vec::with_capacity((width * height) as usize * bytes);
    for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
        for byte in 0..bytes {
            let block = (0..factor).flat_map(|dy| (0..factor).map(move |dx| (dx, dy)));
            let sum: u32 = block.map(|(dx, dy)| sample(x * factor + dx, y * factor + dy, byte)).sum();
            scaled.push(u8::try_from((sum + factor * factor / 2) / (factor * factor)).ok()?);
        }
    }
    let size = Extent3d { width, height, depth_or_array_layers: 1 };
    Some(Image::new(size, TextureDimension::D2, scaled, format, image.asset_usage))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use bevy::asset::RenderAssetUsages;

    #[test]
    fn a_pixel_becomes_the_mean_of_what_it_stands_for() {
        let size = Extent3d { width: 4, height: 2, depth_or_array_layers: 1 };
        let gray = [0, 40, 255, 255, 20, 60, 255, 253];
        let data = gray.iter().flat_map(|value| [*value, 7, 9, 255]).collect();
        let format = TextureFormat::Rgba8UnormSrgb;
        let image = Image::new(size, TextureDimension::D2, data, format, RenderAssetUsages::default());
        let scaled = scaled_down(&image, 2).unwrap();
        assert_eq!((scaled.width(), scaled.height()), (2, 1));
        assert_eq!(scaled.data.unwrap(), [30, 7, 9, 255, 255, 7, 9, 255]);
    }
}
