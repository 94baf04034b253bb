//! wasm-opt, if it is there: it takes a third off a module that the compiler made small already.

use crate::failure::{Failure, OrFail};
use std::{
    env, fmt, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The first release that is known to survive `-Oz` with what Rust compiles today; older ones get `-Os`.
const THOROUGH_SINCE: u32 = 116;

/// What Rust's compiler uses in every module for browsers. Older releases don't read it from the module.
const FEATURES: [&str; 6] = [
    "--enable-bulk-memory",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

/// A wasm-opt that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Optimiser {
    program: PathBuf,
    version: u32,
}

impl Optimiser {
    /// The program that `WASM_OPT` names, or `wasm-opt` in the path.
    pub fn find() -> Option<Self> {
        let program = PathBuf::from(env::var_os("WASM_OPT").unwrap_or_else(|| "wasm-opt".into()));
        let told = Command::new(&program).arg("--version").stdin(Stdio::null()).output().ok()?;
        let version = version(&String::from_utf8_lossy(&told.stdout))?;
        Some(Self { program, version })
    }

    /// Rewrites the module to a smaller one that does the same.
    pub fn shrink(&self, module: &Path) -> Result<(), Failure> {
        let smaller = module.with_extension("smaller");
        let mut command = Command::new(&self.program);
        command.arg(self.level()).args(FEATURES).arg(module).arg("-o").arg(&smaller);
        let status = command.status().map_err(|error| Failure::Start { program: self.program.clone(), error })?;
        if !status.success() {
            return Err(Failure::Ended { program: "wasm-opt", status });
        }
        fs::rename(&smaller, module).or_fail(module)
    }

    fn level(&self) -> &'static str {
        if self.version >= THOROUGH_SINCE { "-Oz" } else { "-Os" }
    }
}

impl fmt::Display for Optimiser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "wasm-opt {} {}", self.version, self.level())
    }
}

/// The number in `wasm-opt version 132 (version_132)`.
fn version(told: &str) -> Option<u32> {
    told.strip_prefix("wasm-opt version ")?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn called(told: &str) -> String {
        let version = version(told).expect("it is a version");
        Optimiser { program: "wasm-opt".into(), version }.to_string()
    }

    #[test]
    fn new_releases_are_thorough_and_old_ones_careful() {
        assert_eq!(called("wasm-opt version 132 (version_132)\n"), "wasm-opt 132 -Oz");
        assert_eq!(called("wasm-opt version 108\n"), "wasm-opt 108 -Os");
    }

    #[test]
    fn what_is_no_version_is_no_optimiser() {
        assert_eq!(version("command not found"), None);
        assert_eq!(version("wasm-opt version unknown"), None);
    }
}
