//! Which compiler builds for browsers, and how it is asked to.
//!
//! Rust's own toolchains download the standard library for browsers. Debian's don't have it, but bring its
//! source, and can build it when they are allowed to do what only nightly compilers may.

use super::{Profile, TARGET, manifest::Example};
use crate::failure::Failure;
use std::{
    env,
    ffi::OsString,
    fmt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Where Debian's compiler is, whatever other one comes first.
const DISTRIBUTION: &str = "/usr/bin";

/// How the standard library for browsers is come by.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The compiler in use has it, or rustup fetches it.
    Installed,
    /// Debian's compiler builds it from its source.
    Distribution,
}

/// A compiler that can build for browsers.
#[derive(Debug)]
pub struct Compiler {
    kind: Kind,
    target_directory: PathBuf,
}

impl Compiler {
    /// The wanted compiler, or the first that works.
    pub fn find(wanted: Option<Kind>, target_directory: &Path) -> Result<Self, Failure> {
        let kind = match wanted {
            None => [Kind::Installed, Kind::Distribution].into_iter().find(|kind| kind.works()),
            Some(kind) => kind.works().then_some(kind),
        };
        let kind = kind.ok_or(Failure::NoCompiler)?;
        Ok(Self { kind, target_directory: kind.target_directory(target_directory) })
    }

    /// Compiles `examples`, and tells where their modules are.
    pub fn build(&self, profile: Profile, examples: &[Example]) -> Result<Vec<PathBuf>, Failure> {
        let mut command = self.command();
        let program = PathBuf::from(command.get_program());
        command.args(["build", "--target", TARGET, "--profile", profile.name()]);
        command.args(examples.iter().flat_map(|example| ["--example", example.name.as_str()]));
        let status = command.status().map_err(|error| Failure::Start { program, error })?;
        if !status.success() {
            return Err(Failure::Ended { program: "cargo build", status });
        }
        let folder = self.target_directory.join(TARGET).join(profile.name()).join("examples");
        Ok(examples.iter().map(|example| folder.join(&example.name).with_extension("wasm")).collect())
    }

    /// Cargo, with what this compiler needs.
    fn command(&self) -> Command {
        let mut command = match self.kind {
            Kind::Installed => Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into())),
            Kind::Distribution => {
                let mut command = Command::new(Path::new(DISTRIBUTION).join("cargo"));
                command.arg("-Zbuild-std=std,panic_abort");
                distribution_environment(&mut command);
                command
            }
        };
        command.env("CARGO_TARGET_DIR", &self.target_directory);
        command
    }
}

impl Kind {
    fn works(self) -> bool {
        match self {
            Self::Installed => has_standard_library() || (add_target() && has_standard_library()),
            Self::Distribution => has_source_and_linker(),
        }
    }

    /// Two compilers in one folder would build everything anew whenever they take turns.
    fn target_directory(self, target_directory: &Path) -> PathBuf {
        match self {
            Self::Installed => target_directory.to_path_buf(),
            Self::Distribution => {
                let mut name = OsString::from(target_directory);
                name.push("-web");
                name.into()
            }
        }
    }
}

impl fmt::Display for Compiler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Installed => write!(f, "the compiler in use"),
            Kind::Distribution => write!(f, "{DISTRIBUTION}/rustc, its standard library built from source"),
        }
    }
}

/// What makes Debian's cargo find its own compiler, and lets that build the standard library.
fn distribution_environment(command: &mut Command) {
    let path = env::var_os("PATH").unwrap_or_default();
    let first = env::join_paths([PathBuf::from(DISTRIBUTION)].into_iter().chain(env::split_paths(&path)));
    command
        .env("PATH", first.unwrap_or(path))
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", "wasm-ld")
        // The cargo that runs us points at its own toolchain with these.
        .env_remove("RUSTUP_TOOLCHAIN")
        .env_remove("RUSTC")
        .env_remove("LD_LIBRARY_PATH");
}

/// Whether the compiler in use has what browsers need. Rustup names the folder before it exists.
fn has_standard_library() -> bool {
    let folder = answer(Command::new("rustc").args(["--print", "target-libdir", "--target", TARGET]));
    let Some(files) = folder.and_then(|folder| std::fs::read_dir(folder).ok()) else { return false };
    files.flatten().any(|file| file.file_name().to_string_lossy().starts_with("libstd-"))
}

fn add_target() -> bool {
    let mut rustup = Command::new("rustup");
    rustup.args(["target", "add", TARGET]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    rustup.status().is_ok_and(|status| status.success())
}

fn has_source_and_linker() -> bool {
    let folder = Path::new(DISTRIBUTION);
    let mut rustc = Command::new(folder.join("rustc"));
    distribution_environment(&mut rustc);
    let sysroot = answer(rustc.args(["--print", "sysroot"]));
    let source = sysroot.map(|sysroot| sysroot.join("lib/rustlib/src/rust/library/std/Cargo.toml"));
    source.is_some_and(|source| source.exists()) && ["cargo", "wasm-ld"].iter().all(|name| folder.join(name).exists())
}

/// The one path that a command prints.
fn answer(command: &mut Command) -> Option<PathBuf> {
    let told = command.stderr(Stdio::null()).output().ok().filter(|told| told.status.success())?;
    Some(PathBuf::from(String::from_utf8(told.stdout).ok()?.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debians_compiler_builds_in_a_folder_of_its_own() {
        let target = Path::new("/target");
        assert_eq!(Kind::Installed.target_directory(target), Path::new("/target"));
        assert_eq!(Kind::Distribution.target_directory(target), Path::new("/target-web"));
    }

    #[test]
    fn debians_compiler_comes_first_and_may_build_the_standard_library() {
        let compiler = Compiler { kind: Kind::Distribution, target_directory: "/target-web".into() };
        let command = compiler.command();
        let variable = |name: &str| command.get_envs().find(|(key, _)| *key == name).and_then(|(_, value)| value);
        assert!(variable("PATH").is_some_and(|path| path.to_string_lossy().starts_with("/usr/bin")));
        assert_eq!(variable("RUSTC_BOOTSTRAP"), Some("1".as_ref()));
        assert_eq!(variable("CARGO_TARGET_DIR"), Some("/target-web".as_ref()));
    }
}
