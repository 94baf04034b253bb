//! `cargo xtask web`: every example that runs in a browser, as one folder of static files.
//!
//! ```text
//! index.html                          the front page
//! whiteboard/index.html               one page for each example
//! assets/whiteboard-1f0c…/            what it loads: the module, and the script around it
//! assets/page-93ab…/                  what all pages share
//! ```
//! Folders under `assets` are named by the hash of what went into them: a server may tell browsers to keep
//! them for ever, and everything else not at all. Beside each file lie its compressed forms: `.br`, and
//! `.gz`, which is all that browsers take over plain http.

mod assets;
mod bindings;
mod compiler;
mod manifest;
mod pages;
mod serve;
mod shrink;
mod sizes;

use crate::failure::Failure;
use std::{net::SocketAddr, path::PathBuf};

/// What browsers run.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// What the command takes.
#[derive(clap::Args)]
pub struct Arguments {
    /// How much to optimise.
    #[arg(long, value_enum, default_value_t = Profile::Web)]
    profile: Profile,
    /// Where the pages go; `web` in the target directory, if not said.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Only these examples.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    examples: Vec<String>,
    /// Which compiler to use; the first that there is, if not said.
    #[arg(long, value_enum)]
    compiler: Option<compiler::Kind>,
    /// Serves the pages when they are built, with signaling, until Ctrl+C.
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1, default_missing_value = "127.0.0.1:8080")]
    serve: Option<SocketAddr>,
}

/// The profiles of the root manifest that are meant for pages.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Small, as pages are published; takes its time.
    Web,
    /// Built in minutes, for tests and while one works on it.
    WebTest,
}

impl Profile {
    /// As cargo calls it.
    fn name(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::WebTest => "web-test",
        }
    }
}

/// Builds the pages, says how large they are, and serves them if asked.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let manifest = manifest::Manifest::read()?;
    let examples = manifest.select(&arguments.examples)?;
    let compiler = compiler::Compiler::find(arguments.compiler, &manifest.target_directory)?;
    println!("building for browsers with {compiler}");
    let modules = compiler.build(arguments.profile, &examples)?;

    let out = arguments.out.clone().unwrap_or_else(|| manifest.target_directory.join("web"));
    let assets = assets::Assets::new(&out, arguments.profile);
    let shell = assets.shell()?;
    let mut built = Vec::new();
    for (example, module) in examples.iter().zip(&modules) {
        let folder = assets.example(&example.name, module)?;
        pages::write_example(&out, example, &manifest.version, &shell, &folder, arguments.profile)?;
        built.push(folder);
    }
    // Those that were built before are still there.
    let shown = |example: &manifest::Example| !example.hidden && out.join(&example.name).exists();
    let pages: Vec<_> = manifest.examples.into_iter().filter(shown).collect();
    if !pages.is_empty() {
        pages::write_front(&out, &pages, &shell, arguments.profile)?;
    }

    print!("{}", sizes::Table::of(&shell, &built)?);
    println!("pages: {}", out.display());
    match arguments.serve {
        Some(address) => serve::serve(&out, address),
        None => Ok(()),
    }
}
