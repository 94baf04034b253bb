//! How hard a pen was pressed at a point of a stroke, and how wide that makes the line there.

/// How wide the line is where the pen hardly touches, in widths of its stroke.
const WIDENING_MIN: f32 = 0.25;
/// What pressure adds to that, from none to all of it.
const WIDENING_SPAN: f32 = 1.5;
/// One more than the hardest press.
const LEVELS: f32 = 256.0;

/// How hard a pen was pressed, from 0 to 255.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pressure(pub u8);

impl Pressure {
    /// As hard as makes the line as wide as its stroke says. Whatever can't feel presses so: mice, fingers, and pens of
    /// browsers whose hardware has no sensor, which say one half.
    pub const EVEN: Self = Self(128);

    /// The pressure that browsers write as a number from 0 to 1.
    pub fn of_share(share: f32) -> Self {
        Self((share * LEVELS).round().clamp(0.0, LEVELS - 1.0) as u8)
    }

    /// The same as a number from 0 to 1.
    pub fn share(self) -> f32 {
        f32::from(self.0) / LEVELS
    }

    /// How many times its stroke's width the line is wide here.
    pub fn widening(self) -> f32 {
        WIDENING_MIN + WIDENING_SPAN * self.share()
    }
}

/// The pressures that say something: none at all if all are even, as a mouse's are.
pub fn felt(pressures: Vec<Pressure>) -> Vec<Pressure> {
    if pressures.iter().all(|pressure| *pressure == Pressure::EVEN) { Vec::new() } else { pressures }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_even_press_changes_no_width_and_a_harder_one_widens() {
        assert_eq!(Pressure::EVEN.widening(), 1.0);
        assert_eq!(Pressure::of_share(0.5), Pressure::EVEN);
        assert!(Pressure(0).widening() < 0.5 && Pressure(255).widening() > 1.5);
    }

    #[test]
    fn every_share_is_a_pressure_and_every_pressure_a_share() {
        for (share, pressure) in [(-1.0, 0), (0.0, 0), (1.0, 255), (7.0, 255), (f32::NAN, 0)] {
            assert_eq!(Pressure::of_share(share), Pressure(pressure));
        }
        assert!((0..=255).map(Pressure).all(|pressure| Pressure::of_share(pressure.share()) == pressure));
    }
}
