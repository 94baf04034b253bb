//! Figures for people and for scripts.

use std::fmt;

/// The middle of some measurements, and how far they lie apart.
#[derive(Clone, Copy, Debug)]
pub struct Spread {
    pub least: f64,
    pub median: f64,
    pub most: f64,
}

impl Spread {
    pub fn of(figures: &[f64]) -> Self {
        let mut sorted = figures.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        Self { least: sorted[0], median: sorted[sorted.len() / 2], most: sorted[sorted.len() - 1] }
    }

    /// In thousands.
    pub fn thousands(self) -> String {
        format!("{:.0} ({:.0} to {:.0})", self.median / 1e3, self.least / 1e3, self.most / 1e3)
    }

    /// With two decimals.
    pub fn precisely(self) -> String {
        format!("{:.2} ({:.2} to {:.2})", self.median, self.least, self.most)
    }
}

/// How many times as fast the core is: the median over the pairs of runs that followed one another.
pub struct Ratio {
    than: &'static str,
    case: String,
    ratio: f64,
}

impl Ratio {
    pub fn of_rates(than: &'static str, case: &dyn fmt::Display, core: &[f64], theirs: &[f64]) -> Self {
        let ratios: Vec<f64> = core.iter().zip(theirs).map(|(core, theirs)| core / theirs).collect();
        Self { than, case: case.to_string(), ratio: Spread::of(&ratios).median }
    }

    pub fn of_times(than: &'static str, case: &dyn fmt::Display, core: &[f64], theirs: &[f64]) -> Self {
        Self::of_rates(than, case, theirs, core)
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ratio core/{} {}: {:.2}", self.than, self.case, self.ratio)
    }
}
