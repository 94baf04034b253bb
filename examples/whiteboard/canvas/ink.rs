//! Strokes as triangles.

use super::brush;
use crate::board::{Pressure, path, path::Segment};
use bevy::{
    asset::RenderAssetUsages,
    mesh::{Indices, MeshVertexAttribute, PrimitiveTopology, VertexAttributeValues, VertexFormat},
    prelude::*,
};
use lyon_tessellation::{
    BuffersBuilder, LineCap, LineJoin, StrokeOptions, StrokeTessellator, StrokeVertex, VertexBuffers,
    math::{Point, point},
    path::Path,
};
use std::f32::consts::{PI, TAU};

/// How far the triangles may be from the exact line, in board pixels.
pub const TOLERANCE_PX: f32 = 0.025;

/// Colours in half the bytes that meshes otherwise spend on them, and still finer than a screen shows.
const COLOR: MeshVertexAttribute = MeshVertexAttribute { format: VertexFormat::Unorm16x4, ..Mesh::ATTRIBUTE_COLOR };

/// Triangles of one stroke, in board pixels with `y` downwards.
pub type Triangles = VertexBuffers<[f32; 2], u32>;

/// The triangles of a line through points, each with its pressure unless all are even.
pub fn line(points: &[(f32, f32)], pressures: &[Pressure], width: f32) -> Triangles {
    if pressures.is_empty() {
        tessellate(&path::through(points), width)
    } else {
        brush::paint(&path::dabs(points, pressures, width, brush::pieces))
    }
}

/// The triangles of a path of one width.
fn tessellate(path: &[Segment], width: f32) -> Triangles {
    let mut triangles = Triangles::new();
    let done = match *path {
        [] => Ok(()),
        [Segment::Start(center)] => return disc(center, width / 2.0),
        _ => {
            let mut output = BuffersBuilder::new(&mut triangles, |vertex: StrokeVertex| vertex.position().to_array());
            let options = StrokeOptions::tolerance(TOLERANCE_PX)
                .with_line_width(width)
                .with_line_cap(LineCap::Round)
                .with_line_join(LineJoin::Round);
            StrokeTessellator::new().tessellate_path(&lyon_path(path), &options, &mut output)
        }
    };
    if let Err(error) = done {
        warn!("a stroke could not be drawn: {error}");
    }
    triangles
}

/// A disc as a fan.
fn disc((x, y): (f32, f32), radius: f32) -> Triangles {
    let half_side = (1.0 - TOLERANCE_PX / radius).clamp(0.0, 1.0).acos();
    let sides = (PI / half_side).ceil().max(8.0) as u32;
    let corner = |side: u32| Vec2::from_angle(side as f32 / sides as f32 * TAU) * radius + Vec2::new(x, y);
    Triangles {
        vertices: (0..sides).map(|side| corner(side).to_array()).collect(),
        indices: (2..sides).flat_map(|side| [0, side - 1, side]).collect(),
    }
}

fn lyon_path(path: &[Segment]) -> Path {
    let mut builder = Path::builder();
    for segment in path {
        match *segment {
            Segment::Start(at) => builder.begin(place(at)),
            Segment::Line(to) => builder.line_to(place(to)),
            Segment::Curve(control, to) => builder.quadratic_bezier_to(place(control), place(to)),
        };
    }
    builder.end(false);
    builder.build()
}

fn place((x, y): (f32, f32)) -> Point {
    point(x, y)
}

/// A mesh without triangles.
pub fn empty_mesh() -> Mesh {
    Mesh::new(PrimitiveTopology::TriangleList, RenderAssetUsages::default())
        .with_inserted_attribute(Mesh::ATTRIBUTE_POSITION, Vec::<[f32; 3]>::new())
        .with_inserted_attribute(COLOR, VertexAttributeValues::Unorm16x4(Vec::new()))
        .with_inserted_indices(Indices::U32(Vec::new()))
}

/// Adds triangles of one colour to a mesh, above those it has.
pub fn append(mesh: &mut Mesh, triangles: &Triangles, color: Color) {
    let first = mesh.count_vertices() as u32;
    let color = color.to_linear().to_f32_array().map(|part| (part * f32::from(u16::MAX)).round() as u16);
    if let Some(VertexAttributeValues::Float32x3(positions)) = mesh.attribute_mut(Mesh::ATTRIBUTE_POSITION) {
        positions.extend(triangles.vertices.iter().map(|[x, y]| [*x, -*y, 0.0]));
    }
    if let Some(VertexAttributeValues::Unorm16x4(colors)) = mesh.attribute_mut(COLOR) {
        colors.extend(std::iter::repeat_n(color, triangles.vertices.len()));
    }
    if let Some(Indices::U32(indices)) = mesh.indices_mut() {
        indices.extend(triangles.indices.iter().map(|index| first + index));
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::board::Stroke;
    use tiny_skia::{FillRule, LineCap as Cap, LineJoin as Join, Paint, PathBuilder, Pixmap, Transform};

    /// The side of a picture in pixels, and how many samples each pixel has along it: sampling both pictures the same
    /// way leaves only what really differs.
    const SIZE: u32 = 320;
    const SAMPLES: u32 = 8;
    /// How close discs lie that show what a disc covers on its way.
    const DISCS_PER_PX: f32 = 4.0;

    struct Paper {
        samples: Pixmap,
        ink: Paint<'static>,
    }

    impl Paper {
        fn new() -> Self {
            let mut ink = Paint { anti_alias: false, ..Paint::default() };
            ink.set_color_rgba8(255, 255, 255, 255);
            Self { samples: Pixmap::new(SIZE * SAMPLES, SIZE * SAMPLES).unwrap(), ink }
        }

        fn zoom() -> Transform {
            Transform::from_scale(SAMPLES as f32, SAMPLES as f32)
        }

        fn fill(&mut self, path: &tiny_skia::Path) {
            self.samples.fill_path(path, &self.ink, FillRule::Winding, Self::zoom(), None);
        }

        /// How much of each pixel is inked, of 255.
        fn coverage(&self) -> Vec<u8> {
            let inked = |x: u32, y: u32| u32::from(self.samples.pixel(x, y).is_some_and(|sample| sample.alpha() > 0));
            let pixel = |x: u32, y: u32| {
                let samples =
                    (0..SAMPLES * SAMPLES).map(|i| inked(x * SAMPLES + i % SAMPLES, y * SAMPLES + i / SAMPLES));
                (samples.sum::<u32>() * 255 / (SAMPLES * SAMPLES)) as u8
            };
            (0..SIZE * SIZE).map(|i| pixel(i % SIZE, i / SIZE)).collect()
        }
    }

    /// The picture of the triangles, as their union.
    fn by_triangles(stroke: &Stroke) -> Vec<u8> {
        let mut paper = Paper::new();
        let triangles = line(&stroke.points().collect::<Vec<_>>(), stroke.pressures(), stroke.width());
        for corners in triangles.indices.chunks(3) {
            let mut triangle = PathBuilder::new();
            let mut corners = corners.iter().map(|&corner| triangles.vertices[corner as usize]);
            let [x, y] = corners.next().unwrap();
            triangle.move_to(x, y);
            corners.for_each(|[x, y]| triangle.line_to(x, y));
            triangle.close();
            if let Some(triangle) = triangle.finish() {
                paper.fill(&triangle);
            }
        }
        paper.coverage()
    }

    /// The picture of the path, stroked by another hand; of a pressed one, by discs close to each other.
    fn by_path(stroke: &Stroke) -> Vec<u8> {
        let mut paper = Paper::new();
        if !stroke.pressures().is_empty() {
            let points: Vec<_> = stroke.points().collect();
            let dabs = path::dabs(&points, stroke.pressures(), stroke.width(), |_| 64);
            let between = dabs.windows(2).flat_map(|pair| {
                let discs = (Vec2::from(pair[0].place).distance(pair[1].place.into()) * DISCS_PER_PX).ceil() as u32;
                (0..discs).map(move |i| (pair[0], pair[1], i as f32 / discs as f32))
            });
            let discs = between.map(|(a, b, t)| {
                let place = Vec2::from(a.place).lerp(b.place.into(), t);
                (place.x, place.y, a.radius + (b.radius - a.radius) * t)
            });
            for (x, y, radius) in discs.chain(dabs.last().map(|dab| (dab.place.0, dab.place.1, dab.radius))) {
                paper.fill(&PathBuilder::from_circle(x, y, radius).unwrap());
            }
            return paper.coverage();
        }
        if stroke.grid().len() == 1 {
            let (x, y) = stroke.points().next().unwrap();
            paper.fill(&PathBuilder::from_circle(x, y, stroke.width() / 2.0).unwrap());
            return paper.coverage();
        }
        let mut line = PathBuilder::new();
        for segment in path::through(&stroke.points().collect::<Vec<_>>()) {
            match segment {
                Segment::Start((x, y)) => line.move_to(x, y),
                Segment::Line((x, y)) => line.line_to(x, y),
                Segment::Curve((cx, cy), (x, y)) => line.quad_to(cx, cy, x, y),
            }
        }
        let pen = tiny_skia::Stroke {
            width: stroke.width(),
            line_cap: Cap::Round,
            line_join: Join::Round,
            ..tiny_skia::Stroke::default()
        };
        paper.samples.stroke_path(&line.finish().unwrap(), &paper.ink, &pen, Paper::zoom(), None);
        paper.coverage()
    }

    /// At most one in a hundred of the inked pixels differs by more than 16 of 255.
    fn assert_alike(name: &str, stroke: &Stroke) {
        let (ours, theirs) = (by_triangles(stroke), by_path(stroke));
        let differing = ours.iter().zip(&theirs).filter(|(a, b)| a.abs_diff(**b) > 16).count();
        let inked = theirs.iter().filter(|coverage| **coverage > 0).count();
        assert!(inked > 0, "{name}: nothing was drawn");
        assert!(differing * 100 <= inked, "{name}: {differing} pixels differ of {inked} that are inked");
    }

    fn stroke(width: f32, points: impl IntoIterator<Item = (f32, f32)>) -> Stroke {
        Stroke::new([0; 3], width, points).unwrap()
    }

    fn pressed(width: f32, places: impl IntoIterator<Item = ((f32, f32), u8)>) -> Stroke {
        Stroke::pressed([0; 3], width, places.into_iter().map(|(place, felt)| (place, Pressure(felt)))).unwrap()
    }

    #[test]
    fn the_triangles_of_a_pressed_stroke_cover_what_its_discs_do() {
        let spiral = (0..60).map(|i| {
            let (angle, radius) = (i as f32 * 0.5, 10.0 + i as f32 * 2.2);
            ((160.0 + radius * angle.cos(), 160.0 + radius * angle.sin()), (128.0 + 120.0 * (i as f32).sin()) as u8)
        });
        assert_alike("spiral", &pressed(6.0, spiral));
        assert_alike("wedge", &pressed(40.0, [((60.0, 60.0), 0), ((250.0, 220.0), 255)]));
        assert_alike("dot", &pressed(24.0, [((100.0, 100.0), 255)]));
        assert_alike("disc in a disc", &pressed(80.0, [((100.0, 100.0), 255), ((110.0, 100.0), 10)]));
        let zigzag =
            (0..14).map(|i| ((20.0 + 20.0 * i as f32, if i % 2 == 0 { 60.0 } else { 250.0 }), 20 + 15 * i as u8));
        assert_alike("zigzag", &pressed(6.0, zigzag));
        let back = [((50.0, 50.0), 20), ((250.0, 60.0), 200), ((50.0, 52.0), 90), ((250.0, 48.0), 255)];
        assert_alike("there and back", &pressed(10.0, back));
        let pulse = (0..40).map(|i| ((20.0 + 7.0 * i as f32, 160.0), if i % 4 == 0 { 255 } else { 10 }));
        assert_alike("pulse", &pressed(16.0, pulse));
    }

    #[test]
    fn the_triangles_cover_what_the_path_describes() {
        let spiral = (0..200).map(|i| {
            let (angle, radius) = (i as f32 * 0.15, 10.0 + i as f32 * 0.65);
            (160.0 + radius * angle.cos(), 160.0 + radius * angle.sin())
        });
        assert_alike("spiral", &stroke(4.0, spiral));
        assert_alike("line", &stroke(8.0, [(20.0, 30.0), (300.0, 220.0)]));
        assert_alike("dot", &stroke(24.0, [(100.0, 100.0)]));
        assert_alike("corner", &stroke(8.0, [(30.0, 30.0), (290.0, 30.0), (290.0, 290.0), (60.0, 120.0)]));
        let zigzag = (0..40).map(|i| (20.0 + 7.0 * i as f32, if i % 2 == 0 { 60.0 } else { 250.0 }));
        assert_alike("zigzag", &stroke(2.0, zigzag));
        assert_alike("there and back", &stroke(10.0, [(50.0, 50.0), (250.0, 60.0), (50.0, 52.0)]));
    }
}
