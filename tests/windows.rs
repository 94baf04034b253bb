//! Windows of one board show the same picture, and it is the picture of its strokes.

#![cfg(unix)]
#![allow(missing_docs)]
#![allow(clippy::unwrap_used)]

mod support;

use serde_json::{Value, json};
use std::path::Path;
use support::{Place, Screen, StrokeFile, Whiteboard};
use tiny_skia::{
    Color, FillRule, LineCap, LineJoin, Paint, PathBuilder, Pixmap, PremultipliedColorU8, Stroke, Transform,
};

/// The window's size.
const SIZE: (u32, u32) = (1280, 800);
/// How many times larger the other rasteriser draws, in each direction.
const SCALE: u32 = 4;
/// When the pictures are taken, in seconds after the start of a window.
const AFTER: &str = "20";
/// How much a channel of a pixel may be off before the pixel counts as different.
const CHANNEL_TOLERANCE: u8 = 16;

/// A full board: 200 thin strokes, a few wide ones with bends, and a dot.
fn drawing() -> Vec<Value> {
    let colors = ["#1971c2", "#e03131", "#2f9e44", "#f08c00", "#1e1e1e"];
    let stroke = |number: usize, left: f64, top: f64, width: usize| {
        let points: Vec<[f64; 2]> = (0..16)
            .map(|step| {
                let t = f64::from(step);
                [left + t * 12.0, top + 25.0 * (t * 0.7 + number as f64).sin() + 25.0]
            })
            .collect();
        json!({ "color": colors[number % 5], "width": width, "points": points })
    };
    let thin = (0..200).map(|n| stroke(n, (n * 67 % 1080) as f64, (n * 41 % 740) as f64, 2));
    let wide = (0..15).map(|n| stroke(n, 40.0 + (n % 5) as f64 * 240.0, 60.0 + (n / 5) as f64 * 220.0, 10 + n));
    let dot = json!({ "color": "#9c36b5", "width": 30, "points": [[1250, 770]] });
    thin.chain(wide).chain([dot]).collect()
}

/// The strokes as another rasteriser draws them, by the rules of `board/path.rs`. It tells sixteen grades of
/// coverage, too few to tell differences of as many grades of colour: so it draws large, and the mean is taken.
fn rasterised(strokes: &[Value]) -> Pixmap {
    let large = rasterised_large(strokes);
    let mut picture = Pixmap::new(SIZE.0, SIZE.1).unwrap();
    for (place, pixel) in picture.pixels_mut().iter_mut().enumerate() {
        let (x, y) = (place as u32 % SIZE.0 * SCALE, place as u32 / SIZE.0 * SCALE);
        let block = (0..SCALE * SCALE).map(|n| large.pixel(x + n % SCALE, y + n / SCALE).unwrap());
        let sum = block.fold([0; 3], |[r, g, b], pixel| {
            [r + u32::from(pixel.red()), g + u32::from(pixel.green()), b + u32::from(pixel.blue())]
        });
        let [red, green, blue] = sum.map(|sum| (sum / (SCALE * SCALE)) as u8);
        *pixel = PremultipliedColorU8::from_rgba(red, green, blue, 255).unwrap();
    }
    picture
}

fn rasterised_large(strokes: &[Value]) -> Pixmap {
    let mut picture = Pixmap::new(SIZE.0 * SCALE, SIZE.1 * SCALE).unwrap();
    picture.fill(Color::WHITE);
    for stroke in strokes {
        let points: Vec<(f32, f32)> = serde_json::from_value(stroke["points"].clone()).unwrap();
        let color = u32::from_str_radix(&stroke["color"].as_str().unwrap()[1..], 16).unwrap();
        let [_, red, green, blue] = color.to_be_bytes();
        let mut paint = Paint { anti_alias: true, ..Paint::default() };
        paint.set_color_rgba8(red, green, blue, 255);
        let width = stroke["width"].as_f64().unwrap() as f32;
        line(&mut picture, &points, width, &paint);
    }
    picture
}

fn line(picture: &mut Pixmap, points: &[(f32, f32)], width: f32, paint: &Paint) {
    let middle = |a: (f32, f32), b: (f32, f32)| ((a.0 + b.0) / 2.0, (a.1 + b.1) / 2.0);
    let mut path = PathBuilder::new();
    let (first, last) = (points[0], points[points.len() - 1]);
    if points.len() == 1 {
        path.push_circle(first.0, first.1, width / 2.0);
        picture.fill_path(&path.finish().unwrap(), paint, FillRule::Winding, enlarged(), None);
        return;
    }
    path.move_to(first.0, first.1);
    for pair in points[1..].windows(2) {
        let end = middle(pair[0], pair[1]);
        if pair[0] == points[1] {
            let start = middle(first, pair[0]);
            path.line_to(start.0, start.1);
        }
        path.quad_to(pair[0].0, pair[0].1, end.0, end.1);
    }
    path.line_to(last.0, last.1);
    let pen = Stroke { width, line_cap: LineCap::Round, line_join: LineJoin::Round, ..Stroke::default() };
    picture.stroke_path(&path.finish().unwrap(), paint, &pen, enlarged(), None);
}

fn enlarged() -> Transform {
    Transform::from_scale(SCALE as f32, SCALE as f32)
}

/// Which part of the pixels differs.
fn difference(a: &Pixmap, b: &Pixmap) -> f64 {
    assert_eq!((a.width(), a.height()), (b.width(), b.height()));
    let channels = |picture: &Pixmap| -> Vec<[u8; 3]> {
        picture.pixels().iter().map(|pixel| [pixel.red(), pixel.green(), pixel.blue()]).collect()
    };
    let differs = |(a, b): &(&[u8; 3], &[u8; 3])| a.iter().zip(*b).any(|(a, b)| a.abs_diff(*b) > CHANNEL_TOLERANCE);
    let (a, b) = (channels(a), channels(b));
    a.iter().zip(&b).filter(differs).count() as f64 / a.len() as f64
}

fn picture(path: &Path) -> Pixmap {
    Pixmap::load_png(path).unwrap()
}

#[test]
fn three_windows_show_the_drawn_strokes_alike() {
    let Some(screen) = Screen::start() else {
        eprintln!("not checked: this machine has no Xvfb");
        return;
    };
    let (place, strokes) = (Place::new(), drawing());
    let file = StrokeFile::write(place.path("strokes.json"), &strokes);
    let host = place.whiteboard("host", &["--listen", "127.0.0.1:0", "--draw", file.as_ref()]);
    let link = host.invitation();
    let mut windows: Vec<(Whiteboard, std::path::PathBuf)> = (0..3)
        .map(|number| {
            let (data, png) = (place.path(&format!("window {number}")), place.path(&format!("{number}.png")));
            let (data, shot) = (data.to_str().unwrap(), png.to_str().unwrap());
            let picture = ["--board-only", "--screenshot", shot, "--after", AFTER];
            let arguments = [&[&link, "--data", data, "--status-json"], &picture[..]].concat();
            (Whiteboard::start_on(Some(screen.display()), &arguments), png)
        })
        .collect();
    for (window, _) in &windows {
        window.wait("all strokes", |status| status.strokes == strokes.len());
    }
    let pictures: Vec<Pixmap> = windows
        .iter_mut()
        .map(|(window, png)| {
            let (code, complaints) = window.end();
            assert_eq!(code, Some(0), "{complaints}");
            picture(png)
        })
        .collect();

    let drawn = rasterised(&strokes);
    let mut blank = drawn.clone();
    blank.fill(Color::WHITE);
    assert!(difference(&drawn, &blank) > 0.05, "the drawing is too small to tell anything");
    for picture in &pictures {
        let (others, skia) = (difference(picture, &pictures[0]), difference(picture, &drawn));
        eprintln!(
            "differs from the first window by {:.3} %, from the strokes by {:.3} %",
            others * 100.0,
            skia * 100.0
        );
        assert!(others <= 0.01 && skia <= 0.01);
    }
}
