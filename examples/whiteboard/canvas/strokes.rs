//! The decided strokes on screen: tessellated once, many to a mesh, so that a full board stays cheap.

use super::{Shown, ink};
use crate::{
    board::{Board, Record, StrokeId, Version},
    theme::{ERASING_OPACITY, Theme},
};
use bevy::prelude::*;
use bevy_quorum::raft::LogIndex;
use std::collections::{BTreeMap, BTreeSet};

/// How many places of the log share a mesh.
const PLACES_PER_CHUNK: u64 = 64;
/// How far apart the chunks lie, so that later ones are above.
const CHUNK_DEPTH: f32 = 1.0 / 128.0;

/// What is on screen of the decided strokes.
#[derive(Resource, Default)]
pub struct Chunks {
    chunks: BTreeMap<u64, Chunk>,
    version: Version,
    theme: Theme,
    hidden: BTreeSet<StrokeId>,
    erasing: BTreeSet<StrokeId>,
}

struct Chunk {
    entity: Entity,
    mesh: Handle<Mesh>,
    /// What the mesh holds, from bottom to top.
    strokes: BTreeMap<LogIndex, StrokeId>,
}

/// The one material of all ink; colours are in the meshes.
#[derive(Resource)]
pub struct Ink(pub Handle<ColorMaterial>);

impl FromWorld for Ink {
    fn from_world(world: &mut World) -> Self {
        let mut materials = world.resource_mut::<Assets<ColorMaterial>>();
        Self(materials.add(ColorMaterial { alpha_mode: bevy::sprite_render::AlphaMode2d::Opaque, ..default() }))
    }
}

/// Brings the meshes up to date with the board, the preview, the eraser and the theme.
pub fn draw_strokes(
    mut commands: Commands,
    mut chunks: ResMut<Chunks>,
    mut meshes: ResMut<Assets<Mesh>>,
    (board, shown, theme, ink): (Res<Board>, Res<Shown>, Res<Theme>, Res<Ink>),
) {
    let dirty = chunks.take_changes(&board, &shown, *theme);
    for (number, changed) in dirty {
        let chunk =
            chunks.chunks.entry(number).or_insert_with(|| Chunk::spawn(&mut commands, &mut meshes, &ink, number));
        let Some(mut mesh) = meshes.get_mut(&chunk.mesh) else { continue };
        chunk.update(&mut mesh, &board, &shown, *theme, &changed);
        let visibility = if chunk.strokes.is_empty() { Visibility::Hidden } else { Visibility::Inherited };
        commands.entity(chunk.entity).insert(visibility);
    }
}

impl Chunks {
    /// The chunks that something changed in, with the strokes that did.
    fn take_changes(&mut self, board: &Board, shown: &Shown, theme: Theme) -> BTreeMap<u64, BTreeSet<StrokeId>> {
        let mut changed: BTreeMap<StrokeId, LogIndex> = BTreeMap::new();
        match board.changed_since(self.version) {
            Some(since) if self.theme == theme => changed.extend(since),
            _ => {
                changed.extend(self.chunks.values().flat_map(Chunk::places));
                changed.extend(board.shown().map(|(id, record)| (id, record.place)));
            }
        }
        let hidden = self.hidden.symmetric_difference(&shown.preview.hidden);
        let marked = hidden.chain(self.erasing.symmetric_difference(&shown.erasing));
        changed.extend(marked.filter_map(|id| Some((*id, board.get(*id)?.place))));
        self.version = board.version();
        self.theme = theme;
        self.hidden.clone_from(&shown.preview.hidden);
        self.erasing.clone_from(&shown.erasing);
        let mut dirty: BTreeMap<u64, BTreeSet<StrokeId>> = BTreeMap::new();
        for (id, place) in changed {
            dirty.entry(place.0 / PLACES_PER_CHUNK).or_default().insert(id);
        }
        dirty
    }
}

impl Chunk {
    fn spawn(commands: &mut Commands, meshes: &mut Assets<Mesh>, ink: &Ink, number: u64) -> Self {
        let mesh = meshes.add(ink::empty_mesh());
        let depth = Transform::from_xyz(0.0, 0.0, number as f32 * CHUNK_DEPTH);
        let entity = commands.spawn((Mesh2d(mesh.clone()), MeshMaterial2d(ink.0.clone()), depth)).id();
        Self { entity, mesh, strokes: BTreeMap::new() }
    }

    /// The strokes in it, with their places.
    fn places(&self) -> impl Iterator<Item = (StrokeId, LogIndex)> {
        self.strokes.iter().map(|(place, id)| (*id, *place))
    }

    /// Adds what is new on top; begins anew where something below changed.
    fn update(&mut self, mesh: &mut Mesh, board: &Board, shown: &Shown, theme: Theme, changed: &BTreeSet<StrokeId>) {
        let mut visible: BTreeMap<LogIndex, (StrokeId, &Record)> = BTreeMap::new();
        let mut begin_anew = false;
        for id in changed.iter().copied() {
            let Some(record) = board.get(id) else {
                begin_anew = true;
                continue;
            };
            let above_all = self.strokes.last_key_value().is_none_or(|(top, _)| *top < record.place);
            begin_anew |= !above_all;
            if record.is_shown() && shown.shows(id) {
                visible.insert(record.place, (id, record));
            }
        }
        if begin_anew {
            for (place, id) in std::mem::take(&mut self.strokes) {
                if let Some(record) = board.get(id).filter(|record| record.is_shown() && shown.shows(id)) {
                    visible.insert(place, (id, record));
                }
            }
            *mesh = ink::empty_mesh();
        }
        for (place, (id, record)) in visible {
            let opacity = if shown.erasing.contains(&id) { ERASING_OPACITY } else { 1.0 };
            let stroke = &record.stroke;
            let triangles = ink::line(&stroke.points().collect::<Vec<_>>(), stroke.pressures(), stroke.width());
            ink::append(mesh, &triangles, theme.faint_ink(stroke.color(), opacity));
            self.strokes.insert(place, id);
        }
    }
}
