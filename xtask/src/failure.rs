//! What can go wrong while pages are built, each in words that say what to do.

use std::{error::Error, io, path::PathBuf, process::ExitStatus};

/// Why there are no pages.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A program that has to be there isn't.
    #[error("can't start {program}: {error}")]
    Start {
        /// Which one.
        program: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// A program told that it failed, after it said why.
    #[error("{program} failed ({status}); what it said is above")]
    Ended {
        /// Which one.
        program: &'static str,
        /// How it ended.
        status: ExitStatus,
    },
    /// `cargo metadata` says something else than expected.
    #[error("can't read what `cargo metadata` says: {0}")]
    Metadata(#[from] serde_json::Error),
    /// The manifest lists nothing to build, or not in the way it should.
    #[error(
        "the manifest says nothing of use about {what}; `[package.metadata.web]` should hold \
         `examples = [{{ name = \"...\", title = \"...\", about = \"...\" }}]`"
    )]
    Manifest {
        /// What is missing.
        what: &'static str,
    },
    /// Somebody asked for an example that isn't a page.
    #[error("no example for browsers is called {name}; there are: {}", known.join(", "))]
    UnknownExample {
        /// What was asked for.
        name: String,
        /// What could have been.
        known: Vec<String>,
    },
    /// Nothing here compiles for browsers.
    #[error(
        "no compiler here builds for browsers (target {target}). Any one of these helps:\n\
         \x20 with rustup:          rustup target add {target}\n\
         \x20 on Debian or Ubuntu:  apt install rustc-web cargo-web rust-web-src lld\n\
         \x20 elsewhere:            your distribution's package of Rust's standard library for {target}",
        target = crate::web::TARGET
    )]
    NoCompiler,
    /// wasm-bindgen doesn't like the module.
    #[error("wasm-bindgen can't use {}: {reason:#}", module.display())]
    Bindings {
        /// The module.
        module: PathBuf,
        /// What it says.
        reason: Box<dyn Error + Send + Sync>,
    },
    /// A file or folder can't be used.
    #[error("can't use {}: {error}; `--out` chooses another folder", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
}

/// What to do with a path, as in `fs::read(path).or_fail(path)`.
pub trait OrFail<T> {
    /// Says which file it was.
    fn or_fail(self, path: &std::path::Path) -> Result<T, Failure>;
}

impl<T> OrFail<T> for io::Result<T> {
    fn or_fail(self, path: &std::path::Path) -> Result<T, Failure> {
        self.map_err(|error| Failure::File { path: path.to_path_buf(), error })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_compiler_one_reads_what_to_install() {
        let words = Failure::NoCompiler.to_string();
        assert!(words.contains("rustup target add wasm32-unknown-unknown"), "{words}");
        assert!(words.contains("apt install rustc-web cargo-web rust-web-src lld"), "{words}");
    }

    #[test]
    fn an_unknown_example_names_those_there_are() {
        let known = vec!["whiteboard".into(), "chess".into()];
        let words = Failure::UnknownExample { name: "chest".into(), known }.to_string();
        assert_eq!(words, "no example for browsers is called chest; there are: whiteboard, chess");
    }
}
