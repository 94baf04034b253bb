//! The icons, drawn as lines in a square of 18 pixels around their middle.

use bevy_egui::egui::{Color32, Painter, Pos2, Rect, Shape, Stroke, StrokeKind, Vec2, pos2, vec2};
use std::f32::consts::TAU;

/// A picture on a button.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Icon {
    /// Draw.
    Pen,
    /// Erase.
    Eraser,
    /// Move about.
    Hand,
    /// Take back.
    Undo,
    /// Do again.
    Redo,
    /// Closer.
    Plus,
    /// Farther.
    Minus,
    /// Invite.
    Share,
    /// Explain.
    Help,
    /// To the light.
    Sun,
    /// To the dark.
    Moon,
    /// Close.
    Close,
    /// Copy.
    Copy,
    /// Done.
    Check,
    /// Something is wrong.
    Alert,
}

/// Draws an icon.
pub fn paint(painter: &Painter, middle: Pos2, icon: Icon, color: Color32) {
    let pen = Pen { painter, middle, stroke: Stroke::new(1.6, color) };
    match icon {
        Icon::Pen => pen.pencil(),
        Icon::Eraser => pen.eraser(),
        Icon::Hand => pen.hand(),
        Icon::Undo => pen.arrow_back(1.0),
        Icon::Redo => pen.arrow_back(-1.0),
        Icon::Plus => pen.lines(&[&[(-6.0, 0.0), (6.0, 0.0)], &[(0.0, -6.0), (0.0, 6.0)]]),
        Icon::Minus => pen.lines(&[&[(-6.0, 0.0), (6.0, 0.0)]]),
        Icon::Share => pen.share(),
        Icon::Help => pen.help(),
        Icon::Sun => pen.sun(),
        Icon::Moon => pen.moon(),
        Icon::Close => pen.lines(&[&[(-5.0, -5.0), (5.0, 5.0)], &[(5.0, -5.0), (-5.0, 5.0)]]),
        Icon::Copy => pen.copy(),
        Icon::Check => pen.lines(&[&[(-6.0, 0.5), (-2.0, 4.5), (6.0, -4.5)]]),
        Icon::Alert => pen.alert(),
    }
}

struct Pen<'a> {
    painter: &'a Painter,
    middle: Pos2,
    stroke: Stroke,
}

impl Pen<'_> {
    fn at(&self, (x, y): (f32, f32)) -> Pos2 {
        self.middle + vec2(x, y)
    }

    fn line(&self, points: &[(f32, f32)]) {
        let points: Vec<_> = points.iter().map(|&point| self.at(point)).collect();
        for end in [points[0], points[points.len() - 1]] {
            self.painter.circle_filled(end, self.stroke.width / 2.0, self.stroke.color);
        }
        self.painter.add(Shape::line(points, self.stroke));
    }

    fn lines(&self, lines: &[&[(f32, f32)]]) {
        lines.iter().for_each(|line| self.line(line));
    }

    fn closed(&self, points: &[(f32, f32)]) {
        self.painter.add(Shape::closed_line(points.iter().map(|&point| self.at(point)).collect(), self.stroke));
    }

    fn arc(&self, center: (f32, f32), radius: f32, from: f32, to: f32) {
        let points: Vec<_> = (0..=24)
            .map(|i| (from + (to - from) * i as f32 / 24.0) * TAU)
            .map(|angle| (center.0 + radius * angle.cos(), center.1 + radius * angle.sin()))
            .collect();
        self.line(&points);
    }

    fn dot(&self, at: (f32, f32), radius: f32) {
        self.painter.circle_filled(self.at(at), radius, self.stroke.color);
    }

    fn pencil(&self) {
        self.closed(&[(-7.5, 7.5), (-6.5, 3.2), (3.8, -7.1), (7.1, -3.8), (-3.2, 6.5)]);
        self.line(&[(1.2, -4.5), (4.5, -1.2)]);
    }

    fn eraser(&self) {
        self.closed(&[(-7.5, 2.2), (1.2, -6.5), (6.5, -1.2), (-0.6, 6.0), (-3.7, 6.0)]);
        self.line(&[(-3.6, -1.7), (1.8, 3.7)]);
        self.line(&[(-0.6, 7.2), (7.5, 7.2)]);
    }

    fn hand(&self) {
        self.lines(&[
            &[(-3.4, 1.0), (-3.4, -4.6)],
            &[(-0.2, -0.6), (-0.2, -6.8)],
            &[(3.0, -0.6), (3.0, -5.8)],
            &[(6.2, 0.4), (6.2, -3.4)],
            &[(6.2, 0.0), (6.2, 3.2), (4.6, 6.4), (2.0, 7.6), (-0.8, 7.2), (-2.8, 5.6), (-7.0, 0.6), (-5.6, -0.6)],
            &[(-5.6, -0.6), (-3.4, 1.4)],
        ]);
    }

    fn arrow_back(&self, way: f32) {
        let mirrored = |points: &[(f32, f32)]| points.iter().map(|&(x, y)| (x * way, y)).collect::<Vec<_>>();
        self.line(&mirrored(&[(-3.2, -6.6), (-7.0, -2.8), (-3.2, 1.0)]));
        let bow = (0..=16).map(|i| (i as f32 / 16.0 - 0.5) * TAU / 2.0);
        let bow: Vec<_> = bow.map(|angle| (2.6 + 4.2 * angle.cos(), 1.4 + 4.2 * angle.sin())).collect();
        let path = [vec![(-7.0, -2.8)], bow, vec![(-2.0, 5.6)]].concat();
        self.line(&mirrored(&path));
    }

    fn share(&self) {
        self.lines(&[&[(-3.4, -1.3), (3.4, -4.9)], &[(-3.4, 1.3), (3.4, 4.9)]]);
        for place in [(-5.4, 0.0), (5.4, -6.0), (5.4, 6.0)] {
            self.painter.circle_stroke(self.at(place), 2.4, self.stroke);
        }
    }

    fn help(&self) {
        self.arc((0.0, -3.2), 3.6, 0.5, 1.12);
        self.line(&[(2.6, -0.7), (0.0, 1.6), (0.0, 3.0)]);
        self.dot((0.0, 6.6), 1.2);
    }

    fn sun(&self) {
        self.painter.circle_stroke(self.middle, 3.4, self.stroke);
        for turn in 0..8 {
            let way = Vec2::angled(turn as f32 / 8.0 * TAU);
            self.painter.line_segment([self.middle + way * 5.8, self.middle + way * 8.0], self.stroke);
        }
    }

    fn moon(&self) {
        let outer = (0..=24).map(|i| (0.11 + 0.78 * i as f32 / 24.0) * TAU - 0.9);
        let inner = (0..=24).rev().map(|i| (0.17 + 0.66 * i as f32 / 24.0) * TAU - 0.9);
        let outer = outer.map(|angle| (-0.6 + 7.0 * angle.cos(), 0.6 + 7.0 * angle.sin()));
        let inner = inner.map(|angle| (2.5 + 5.4 * angle.cos(), -3.2 + 5.4 * angle.sin()));
        self.closed(&outer.chain(inner).collect::<Vec<_>>());
    }

    fn copy(&self) {
        let sheet = Rect::from_min_size(self.middle + vec2(-2.5, -2.5), Vec2::splat(9.5));
        self.painter.rect_stroke(sheet, 2.0, self.stroke, StrokeKind::Middle);
        self.lines(&[&[
            (-4.6, 3.0),
            (-6.5, 3.0),
            (-7.0, 2.5),
            (-7.0, -6.5),
            (-6.5, -7.0),
            (2.5, -7.0),
            (3.0, -6.5),
            (3.0, -4.6),
        ]]);
    }

    fn alert(&self) {
        self.closed(&[(0.0, -7.0), (8.0, 6.8), (-8.0, 6.8)]);
        self.line(&[(0.0, -2.2), (0.0, 1.8)]);
        self.dot((0.0, 4.4), 1.0);
    }
}

/// A pointer like those of the system, in somebody's colour.
pub fn pointer(painter: &Painter, tip: Pos2, color: Color32) {
    let corner = |x: f32, y: f32| pos2(tip.x + x, tip.y + y);
    let shape = vec![corner(0.0, 0.0), corner(4.6, 15.0), corner(7.6, 9.0), corner(14.0, 6.6)];
    painter.add(Shape::convex_polygon(vec![shape[0], shape[1], shape[2]], color, Stroke::NONE));
    painter.add(Shape::convex_polygon(vec![shape[0], shape[2], shape[3]], color, Stroke::NONE));
    painter.add(Shape::closed_line(shape, Stroke::new(1.3, Color32::WHITE)));
}
