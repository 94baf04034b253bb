//! The dots behind the board; they give a sense of place, and thin out as one zooms away.

use super::{camera::View, ink};
use crate::theme::Theme;
use bevy::{camera::visibility::NoFrustumCulling, prelude::*, window::PrimaryWindow};

/// The distance between dots at 100 %, in board pixels.
const SPACING_PX: f32 = 24.0;
/// The size of a dot on screen, in pixels.
const DOT_PX: f32 = 1.6;
/// Behind everything.
const DEPTH: f32 = -10.0;

/// The dots' entity and what they were last laid out for.
#[derive(Component)]
pub struct Grid(Option<Layout>);

#[derive(Clone, Copy, PartialEq)]
struct Layout {
    zoom: f32,
    size: Vec2,
    theme: Theme,
}

/// Puts the dots there.
pub fn spawn_grid(mut commands: Commands, mut meshes: ResMut<Assets<Mesh>>, mut inks: ResMut<Assets<ColorMaterial>>) {
    let mesh = meshes.add(ink::empty_mesh());
    commands.spawn((
        Grid(None),
        Mesh2d(mesh),
        MeshMaterial2d(inks.add(ColorMaterial::default())),
        Transform::from_xyz(0.0, 0.0, DEPTH),
        NoFrustumCulling,
    ));
}

/// Lays the dots out anew when zoom, window or theme change, and moves them along otherwise.
pub fn lay_out_grid(
    view: Res<View>,
    theme: Res<Theme>,
    window: Single<&Window, With<PrimaryWindow>>,
    grid: Single<(&mut Grid, &Mesh2d, &mut Transform)>,
    mut meshes: ResMut<Assets<Mesh>>,
) {
    let (mut grid, mesh, mut transform) = grid.into_inner();
    let (spacing, fading) = spacing(view.zoom);
    let pair = 2.0 * spacing;
    let first = (view.corner / pair).floor() * pair;
    transform.translation = Vec3::new(first.x, -first.y, DEPTH);
    let layout = Layout { zoom: view.zoom, size: window.size(), theme: *theme };
    if grid.0 == Some(layout) {
        return;
    }
    grid.0 = Some(layout);
    if let Some(mut mesh) = meshes.get_mut(&mesh.0) {
        *mesh = dots(layout, spacing, fading);
    }
}

/// The distance of the dots in board pixels at a zoom, and how much is left of every second one.
fn spacing(zoom: f32) -> (f32, f32) {
    let coarser = (-zoom.log2()).ceil().max(0.0);
    let spacing = SPACING_PX * coarser.exp2();
    let on_screen = spacing * zoom / SPACING_PX;
    (spacing, if coarser == 0.0 { 1.0 } else { (on_screen - 1.0).clamp(0.0, 1.0) })
}

fn dots(layout: Layout, spacing: f32, fading: f32) -> Mesh {
    let Layout { zoom, size, theme } = layout;
    let tokens = theme.tokens();
    let opaque = |color: bevy_egui::egui::Color32| Color::srgb_u8(color.r(), color.g(), color.b());
    let (canvas, grid) = (opaque(tokens.canvas), opaque(tokens.grid));
    let faint = canvas.to_srgba().mix(&grid.to_srgba(), fading).into();
    let half = DOT_PX / zoom / 2.0;
    let count = (size / (spacing * zoom)).ceil().as_ivec2() + IVec2::splat(3);
    let mut mesh = ink::empty_mesh();
    for (row, column) in (0..count.y).flat_map(|row| (0..count.x).map(move |column| (row, column))) {
        let every_second = row % 2 != 0 || column % 2 != 0;
        if every_second && fading < 0.05 {
            continue;
        }
        let (x, y) = (column as f32 * spacing, row as f32 * spacing);
        let dot = ink::Triangles {
            vertices: vec![[x - half, y - half], [x + half, y - half], [x + half, y + half], [x - half, y + half]],
            indices: vec![0, 1, 2, 0, 2, 3],
        };
        ink::append(&mut mesh, &dot, if every_second { faint } else { grid });
    }
    mesh
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_never_crowd_and_never_jump() {
        let mut zoom = 0.1;
        while zoom < 8.0 {
            let (distance, fading) = spacing(zoom);
            assert!(distance * zoom >= SPACING_PX * 0.999, "crowded at {zoom}");
            let (next, next_fading) = spacing(zoom * 1.001);
            assert!(next == distance && (next_fading - fading).abs() < 0.02 || next_fading < 0.02, "a jump at {zoom}");
            zoom *= 1.001;
        }
    }
}
