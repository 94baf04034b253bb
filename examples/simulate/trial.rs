//! One seed put to the test: its world runs, and its history is judged.

use super::linearizability::judge;
use bevy_quorum::playtest::{Outcome, Simulation};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs a world, and judges what its clients saw.
///
/// # Errors
/// What did not hold; it begins with the name of the check.
pub fn run(simulation: Simulation) -> Result<Outcome, String> {
    let outcome = catch_unwind(AssertUnwindSafe(|| simulation.run())).map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        text.unwrap_or("a panic without words").to_owned()
    })?;
    judge(&outcome.history)?;
    Ok(outcome)
}
