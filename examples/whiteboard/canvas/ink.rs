//! Strokes as triangles.

use crate::board::path::Segment;
use bevy::{
    asset::RenderAssetUsages,
    mesh::{Indices, PrimitiveTopology, VertexAttributeValues},
    prelude::*,
};
use lyon_tessellation::{
    BuffersBuilder, FillOptions, FillTessellator, FillVertex, LineCap, LineJoin, StrokeOptions, StrokeTessellator,
    StrokeVertex, VertexBuffers,
    math::{Point, point},
    path::Path,
};

/// How far the triangles may be from the exact line, in board pixels.
const TOLERANCE_PX: f32 = 0.05;

/// Triangles of one stroke, in board pixels with `y` downwards.
pub type Triangles = VertexBuffers<[f32; 2], u32>;

/// The triangles of a path.
pub fn tessellate(path: &[Segment], width: f32) -> Triangles {
    let mut triangles = Triangles::new();
    let done = match *path {
        [] => Ok(()),
        [Segment::Start(center)] => {
            let mut output = BuffersBuilder::new(&mut triangles, |vertex: FillVertex| vertex.position().to_array());
            let options = FillOptions::tolerance(TOLERANCE_PX);
            FillTessellator::new().tessellate_circle(place(center), width / 2.0, &options, &mut output)
        }
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
        .with_inserted_attribute(Mesh::ATTRIBUTE_COLOR, Vec::<[f32; 4]>::new())
        .with_inserted_indices(Indices::U32(Vec::new()))
}

/// Adds triangles of one colour to a mesh, above those it has.
pub fn append(mesh: &mut Mesh, triangles: &Triangles, color: Color) {
    let first = mesh.count_vertices() as u32;
    let color = color.to_linear().to_f32_array();
    if let Some(VertexAttributeValues::Float32x3(positions)) = mesh.attribute_mut(Mesh::ATTRIBUTE_POSITION) {
        positions.extend(triangles.vertices.iter().map(|[x, y]| [*x, -*y, 0.0]));
    }
    if let Some(VertexAttributeValues::Float32x4(colors)) = mesh.attribute_mut(Mesh::ATTRIBUTE_COLOR) {
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
    use crate::board::{Stroke, path};
    use tiny_skia::{FillRule, LineCap as Cap, LineJoin as Join, Paint, PathBuilder, Pixmap, Transform};

    const SIZE: u32 = 320;

    fn paper() -> (Pixmap, Paint<'static>) {
        let mut paper = Pixmap::new(SIZE, SIZE).unwrap();
        paper.fill(tiny_skia::Color::WHITE);
        let mut ink = Paint::default();
        ink.set_color_rgba8(0, 0, 0, 255);
        (paper, ink)
    }

    /// The picture of the triangles, as their union.
    fn by_triangles(stroke: &Stroke) -> Pixmap {
        let (mut paper, ink) = paper();
        let triangles = tessellate(&path::of(stroke), stroke.width());
        let mut union = PathBuilder::new();
        for corners in triangles.indices.chunks(3) {
            let mut corners: Vec<_> = corners.iter().map(|&corner| triangles.vertices[corner as usize]).collect();
            // Nonzero winding makes a union of what turns the same way.
            let [a, b, c] = [corners[0], corners[1], corners[2]];
            if (b[0] - a[0]) * (c[1] - a[1]) < (b[1] - a[1]) * (c[0] - a[0]) {
                corners.reverse();
            }
            union.move_to(corners[0][0], corners[0][1]);
            corners[1..].iter().for_each(|[x, y]| union.line_to(*x, *y));
            union.close();
        }
        paper.fill_path(&union.finish().unwrap(), &ink, FillRule::Winding, Transform::identity(), None);
        paper
    }

    /// The picture of the path, stroked by another hand.
    fn by_path(stroke: &Stroke) -> Pixmap {
        let (mut paper, ink) = paper();
        let mut line = PathBuilder::new();
        for segment in path::of(stroke) {
            match segment {
                Segment::Start((x, y)) => line.move_to(x, y),
                Segment::Line((x, y)) => line.line_to(x, y),
                Segment::Curve((cx, cy), (x, y)) => line.quad_to(cx, cy, x, y),
            }
        }
        if stroke.grid().len() == 1 {
            let (x, y) = stroke.points().next().unwrap();
            let disc = PathBuilder::from_circle(x, y, stroke.width() / 2.0).unwrap();
            paper.fill_path(&disc, &ink, FillRule::Winding, Transform::identity(), None);
            return paper;
        }
        let pen = tiny_skia::Stroke {
            width: stroke.width(),
            line_cap: Cap::Round,
            line_join: Join::Round,
            ..tiny_skia::Stroke::default()
        };
        paper.stroke_path(&line.finish().unwrap(), &ink, &pen, Transform::identity(), None);
        paper
    }

    fn assert_alike(name: &str, stroke: &Stroke) {
        let (ours, theirs) = (by_triangles(stroke), by_path(stroke));
        let pixels = ours.pixels().iter().zip(theirs.pixels());
        let differing = pixels.filter(|(a, b)| a.red().abs_diff(b.red()) > 16).count();
        let inked = theirs.pixels().iter().filter(|pixel| pixel.red() < 250).count();
        assert!(inked > 0, "{name}: nothing was drawn");
        assert!(differing * 100 <= inked, "{name}: {differing} pixels differ of {inked} that are inked");
    }

    fn stroke(width: f32, points: impl IntoIterator<Item = (f32, f32)>) -> Stroke {
        Stroke::new([0; 3], width, points).unwrap()
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
