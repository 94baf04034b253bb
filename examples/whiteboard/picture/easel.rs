//! Where the picture of the board alone is drawn, whatever the window's size and scale.

use super::{Complete, Picture, finish, is_time, pixels};
use crate::window::SIZE_PX;
use bevy::{
    camera::{RenderTarget, ScalingMode},
    prelude::*,
    render::{
        render_resource::TextureFormat,
        view::screenshot::{Screenshot, ScreenshotCaptured},
    },
};
use image::{GenericImage, RgbImage, imageops};
use std::error::Error;

/// How many times larger than its picture the board is drawn, in each direction, before it is scaled down.
///
/// A window mixes the colours of an edge as light, from four samples a pixel. Pictures are compared with those of
/// other rasterisers, which mix them as numbers, by the area that is covered.
const OVERSAMPLING: u32 = 6;
/// How much of the picture is drawn at once, in its pixels: a page without a graphics card draws the whole of it in
/// minutes, if at all.
const TILE_PX: UVec2 = UVec2::new(320, 200);
/// The tiles in a row and in a column.
const TILES: UVec2 = UVec2::new(SIZE_PX.0 / TILE_PX.x, SIZE_PX.1 / TILE_PX.y);
const _: () = assert!(TILES.x * TILE_PX.x == SIZE_PX.0 && TILES.y * TILE_PX.y == SIZE_PX.1, "tiles fill the picture");

/// Draws the board for its picture.
pub struct EaselPlugin;

impl Plugin for EaselPlugin {
    fn build(&self, app: &mut App) {
        app.add_systems(Startup, spawn_easel)
            .add_systems(Update, (warm_up.run_if(resource_exists::<Complete>), draw_tile.run_if(is_time)).chain());
    }
}

/// Draws the board on an image, tile by tile, and puts its picture together.
#[derive(Component)]
struct Easel {
    /// What its camera draws on.
    image: Handle<Image>,
    /// How many tiles were looked at.
    looked: u32,
    /// How many of them were seen, and are in the picture.
    painted: u32,
    /// The picture so far.
    picture: RgbImage,
}

fn spawn_easel(mut commands: Commands, mut images: ResMut<Assets<Image>>) {
    let size = TILE_PX * OVERSAMPLING;
    let image = images.add(Image::new_target_texture(size.x, size.y, TextureFormat::Rgba8UnormSrgb, None));
    let projection = OrthographicProjection {
        scaling_mode: ScalingMode::Fixed { width: TILE_PX.x as f32, height: TILE_PX.y as f32 },
        viewport_origin: Vec2::new(0.0, 1.0),
        ..OrthographicProjection::default_2d()
    };
    let easel = Easel { image: image.clone(), looked: 0, painted: 0, picture: RgbImage::new(SIZE_PX.0, SIZE_PX.1) };
    let camera = Camera { is_active: false, ..default() };
    let projection = Projection::Orthographic(projection);
    commands.spawn((easel, Camera2d, camera, RenderTarget::Image(image.into()), Msaa::Off, projection));
}

/// Draws before there is something to see, so that everything is ready then.
fn warm_up(camera: Single<&mut Camera, With<Easel>>) {
    camera.into_inner().is_active = true;
}

/// Looks at one tile in a frame.
fn draw_tile(easel: Single<(&mut Easel, &mut Transform)>, mut commands: Commands) {
    let (mut easel, mut camera) = easel.into_inner();
    if easel.looked == TILES.element_product() {
        return;
    }
    let corner = UVec2::new(easel.looked % TILES.x, easel.looked / TILES.x) * TILE_PX;
    easel.looked += 1;
    camera.translation = Vec3::new(corner.x as f32, -(corner.y as f32), camera.translation.z);
    let paint = move |captured: On<ScreenshotCaptured>,
                      easel: Option<Single<(Entity, &mut Easel)>>,
                      picture: Option<Res<Picture>>,
                      mut commands: Commands| {
        // It is gone when one of the tiles could not be painted.
        let (Some(easel), Some(picture)) = (easel, picture) else { return };
        let (entity, mut easel) = easel.into_inner();
        let painted = easel.paint(&captured.image, corner);
        if painted.is_ok() && easel.painted < TILES.element_product() {
            return;
        }
        // A page goes on, and sleeps again as if it had never had to draw so much.
        commands.entity(entity).despawn();
        finish(painted.map(|()| std::mem::take(&mut easel.picture)), &picture, &mut commands);
    };
    commands.spawn(Screenshot::image(easel.image.clone())).observe(paint);
}

impl Easel {
    /// Puts a tile into the picture.
    fn paint(&mut self, tile: &Image, corner: UVec2) -> Result<(), Box<dyn Error>> {
        let tile = imageops::thumbnail(&pixels(tile)?, TILE_PX.x, TILE_PX.y);
        self.picture.copy_from(&tile, corner.x, corner.y)?;
        self.painted += 1;
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use bevy::{
        asset::RenderAssetUsages,
        render::render_resource::{Extent3d, TextureDimension},
    };

    #[test]
    fn a_pixel_becomes_the_mean_of_what_it_stands_for_where_its_tile_belongs() {
        let drawn = TILE_PX * OVERSAMPLING;
        // What is half dark is grey in between; in the upper left corner, a half is rounded up.
        let gray = |x: u32, y: u32| {
            let is_corner = x < OVERSAMPLING && y < OVERSAMPLING;
            let (upper, lower) = if is_corner { (254, 255) } else { (40, 60) };
            if y % OVERSAMPLING < OVERSAMPLING / 2 { upper } else { lower }
        };
        let data = (0..drawn.y).flat_map(|y| (0..drawn.x).flat_map(move |x| [gray(x, y), 7, 9, 255])).collect();
        let size = Extent3d { width: drawn.x, height: drawn.y, depth_or_array_layers: 1 };
        let format = TextureFormat::Rgba8UnormSrgb;
        let tile = Image::new(size, TextureDimension::D2, data, format, RenderAssetUsages::default());
        let picture = RgbImage::new(SIZE_PX.0, SIZE_PX.1);
        let mut easel = Easel { image: Handle::default(), looked: 0, painted: 0, picture };
        let corner = TILE_PX * UVec2::new(1, 2);
        easel.paint(&tile, corner).unwrap();
        let pixel = |x, y| easel.picture.get_pixel(corner.x + x, corner.y + y).0;
        assert_eq!((pixel(0, 0), pixel(1, 0), pixel(0, 1)), ([255, 7, 9], [50, 7, 9], [50, 7, 9]));
        assert_eq!(pixel(TILE_PX.x - 1, TILE_PX.y - 1), [50, 7, 9]);
        assert_eq!((pixel(TILE_PX.x, 0), easel.picture.get_pixel(corner.x - 1, corner.y).0), ([0; 3], [0; 3]));
    }
}
