//! Which part of the endless board the window shows.

use bevy::{camera::ScalingMode, prelude::*};

/// The smallest and the largest zoom.
pub const ZOOM_RANGE: (f32, f32) = (0.1, 8.0);

/// The part of the board in sight. Board coordinates are pixels at 100 %, `y` grows downwards, as on screen.
#[derive(Resource, Clone, Copy, Debug, PartialEq)]
pub struct View {
    /// The place of the board at the window's top left corner.
    pub corner: Vec2,
    /// Screen pixels per board pixel.
    pub zoom: f32,
}

impl Default for View {
    fn default() -> Self {
        Self { corner: Vec2::ZERO, zoom: 1.0 }
    }
}

impl View {
    /// The place on the board under a place on screen.
    pub fn to_board(self, screen: Vec2) -> Vec2 {
        self.corner + screen / self.zoom
    }

    /// Where a place of the board is on screen.
    pub fn to_screen(self, board: Vec2) -> Vec2 {
        (board - self.corner) * self.zoom
    }

    /// Moves the board with a hand that moved by so much on screen.
    pub fn pan(&mut self, screen_delta: Vec2) {
        self.corner -= screen_delta / self.zoom;
    }

    /// Zooms by a factor, so that what is under `screen` stays there.
    pub fn zoom_at(&mut self, screen: Vec2, factor: f32) {
        let fixed = self.to_board(screen);
        self.zoom = (self.zoom * factor).clamp(ZOOM_RANGE.0, ZOOM_RANGE.1);
        self.corner = fixed - screen / self.zoom;
    }
}

/// The camera of the window, which shows what the view says.
#[derive(Component)]
pub struct ViewCamera;

/// The camera that shows the board.
pub fn spawn_camera(mut commands: Commands) {
    let projection = OrthographicProjection {
        scaling_mode: ScalingMode::WindowSize,
        viewport_origin: Vec2::new(0.0, 1.0),
        ..OrthographicProjection::default_2d()
    };
    commands.spawn((ViewCamera, Camera2d, Msaa::Sample4, Projection::Orthographic(projection)));
}

/// Points the camera where the view says.
pub fn follow_view(view: Res<View>, mut cameras: Query<(&mut Transform, &mut Projection), With<ViewCamera>>) {
    for (mut transform, mut projection) in &mut cameras {
        if let Projection::Orthographic(projection) = &mut *projection {
            projection.scale = view.zoom.recip();
        }
        transform.translation = Vec3::new(view.corner.x, -view.corner.y, transform.translation.z);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zooming_keeps_the_place_under_the_pointer() {
        let mut view = View { corner: Vec2::new(-70.0, 33.0), zoom: 0.8 };
        let (screen, before) = (Vec2::new(400.0, 300.0), view.to_board(Vec2::new(400.0, 300.0)));
        for factor in [1.25, 3.0, 100.0, 0.01, 0.001] {
            view.zoom_at(screen, factor);
            assert!(view.to_board(screen).distance(before) < 0.01);
            assert!((ZOOM_RANGE.0..=ZOOM_RANGE.1).contains(&view.zoom));
        }
    }

    #[test]
    fn panning_moves_the_board_with_the_hand() {
        let mut view = View { corner: Vec2::ZERO, zoom: 2.0 };
        let place = view.to_board(Vec2::new(10.0, 10.0));
        view.pan(Vec2::new(30.0, -4.0));
        assert_eq!(view.to_screen(place), Vec2::new(40.0, 6.0));
    }
}
