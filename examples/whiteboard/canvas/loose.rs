//! Strokes that are not decided yet, each in a mesh of its own: mine under the pen, mine that wait, and those that
//! others are drawing.

use super::{Shown, ink, strokes::Ink};
use crate::{
    board::{self, Board, Pressure, Rgb, StrokeId, simplify::Press},
    presence::People,
    theme::{ERASING_OPACITY, PENDING_OPACITY, Theme},
    tools::PenTip,
};
use bevy::prelude::*;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// How long a stroke may wait before it shows that it does.
pub const PENDING_PATIENCE: Duration = Duration::from_millis(400);
/// Above the decided strokes.
const DEPTH: f32 = 900.0;

/// What is on screen of the undecided strokes.
#[derive(Resource, Default)]
pub struct LooseStrokes(BTreeMap<StrokeId, Loose>);

struct Loose {
    entity: Entity,
    mesh: Handle<Mesh>,
    drawn: Look,
}

/// All that decides what a loose stroke looks like; equal looks are not drawn again.
#[derive(Clone, PartialEq)]
struct Look {
    points: Vec<(f32, f32)>,
    /// One for each point, or none.
    pressures: Vec<Pressure>,
    width: f32,
    color: Rgb,
    opacity: f32,
    theme: Theme,
    depth: usize,
}

/// Brings the meshes up to date.
pub fn draw_loose_strokes(
    mut commands: Commands,
    mut loose: ResMut<LooseStrokes>,
    mut meshes: ResMut<Assets<Mesh>>,
    (board, shown, people, tip): (Res<Board>, Res<Shown>, Res<People>, Res<PenTip>),
    (theme, ink): (Res<Theme>, Res<Ink>),
) {
    let wanted = wanted(&board, &shown, &people, &tip, *theme);
    let kept: BTreeSet<StrokeId> = wanted.iter().map(|(id, _)| *id).collect();
    loose.0.retain(|id, stroke| {
        let keep = kept.contains(id);
        if !keep {
            commands.entity(stroke.entity).despawn();
        }
        keep
    });
    for (id, look) in wanted {
        match loose.0.get_mut(&id) {
            Some(stroke) if stroke.drawn == look => {}
            Some(stroke) => {
                if let Some(mut mesh) = meshes.get_mut(&stroke.mesh) {
                    *mesh = look.mesh();
                }
                commands.entity(stroke.entity).insert(look.transform());
                stroke.drawn = look;
            }
            None => {
                let mesh = meshes.add(look.mesh());
                let bundle = (Mesh2d(mesh.clone()), MeshMaterial2d(ink.0.clone()), look.transform());
                let entity = commands.spawn(bundle).id();
                loose.0.insert(id, Loose { entity, mesh, drawn: look });
            }
        }
    }
}

/// The undecided strokes from bottom to top.
fn wanted(board: &Board, shown: &Shown, people: &People, tip: &PenTip, theme: Theme) -> Vec<(StrokeId, Look)> {
    let mut looks: Vec<(StrokeId, Look)> = Vec::new();
    let mut add = |id, (points, pressures): (Vec<_>, Vec<_>), width, color, opacity| {
        let depth = looks.len();
        looks.push((id, Look { points, pressures, width, color, opacity, theme, depth }));
    };
    for live in people.live_strokes().filter(|live| board.get(live.id).is_none()) {
        let presses = live.presses.iter().map(|(point, pressure)| (point.px(), *pressure));
        add(live.id, unzipped(presses), live.latest.width(), live.latest.color(), 1.0);
    }
    for (id, stroke, since) in &shown.preview.shown {
        let erasing = shown.erasing.contains(id);
        let waits_long = since.elapsed() >= PENDING_PATIENCE;
        let opacity = if erasing {
            ERASING_OPACITY
        } else if waits_long {
            PENDING_OPACITY
        } else {
            1.0
        };
        add(*id, (stroke.points().collect(), stroke.pressures().to_vec()), stroke.width(), stroke.color(), opacity);
    }
    if let Some(drawing) = &tip.0 {
        add(drawing.id, unzipped(drawing.to_pointer()), drawing.width, drawing.color, 1.0);
    }
    looks
}

/// Points, and their pressures unless nothing was felt.
fn unzipped(presses: impl IntoIterator<Item = Press>) -> (Vec<(f32, f32)>, Vec<Pressure>) {
    let (points, pressures) = presses.into_iter().unzip();
    (points, board::felt(pressures))
}

impl Look {
    fn mesh(&self) -> Mesh {
        let mut mesh = ink::empty_mesh();
        let triangles = ink::line(&self.points, &self.pressures, self.width);
        ink::append(&mut mesh, &triangles, self.theme.faint_ink(self.color, self.opacity));
        mesh
    }

    fn transform(&self) -> Transform {
        Transform::from_xyz(0.0, 0.0, DEPTH + self.depth as f32 / 128.0)
    }
}
