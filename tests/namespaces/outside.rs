//! Outside of the namespaces: whether they can be had, and a trial inside of them.

use crate::{
    Plan, mending,
    trial::{self, FOLDER},
};
use libtest_mimic::Failed;
use std::{
    env,
    process::{Command, Output, Stdio},
};

/// A program in namespaces of its own: processes, mounts and networks, all gone with its first process. The user
/// is root in there and only there, so that none needs to be root outside.
fn inside(program: &[&str]) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--net", "--pid", "--mount-proc", "--fork", "--kill-child"]);
    command.args(program);
    command
}

/// What the system lacks for it, in words.
pub fn missing() -> Option<String> {
    let needs = [
        (&["true"][..], "`unshare` (util-linux) must be granted namespaces"),
        (&["mount", "-t", "tmpfs", "world", "/run"], "`mount` must mount what only the tests see"),
        (&["ip", "link", "add", "one", "type", "veth", "peer", "name", "other"], "`ip` (iproute2) must link networks"),
        (&["nft", "add", "table", "bridge", "faults"], "`nft` (nftables) must filter a bridge"),
    ];
    needs.into_iter().find_map(|(program, need)| match inside(program).output() {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(format!("{need}: {}", String::from_utf8_lossy(&output.stderr).trim())),
        Err(error) => Some(format!("{need}: {error}")),
    })
}

/// Whether it is an error if they can't be had: so it is in CI.
pub fn required() -> bool {
    env::var("BEVY_QUORUM_NAMESPACES").is_ok_and(|value| value == "required")
}

/// Holds one trial, on the seed that the environment names, or else on its own.
pub fn hold(plan: Plan) -> Result<(), Failed> {
    let seed = number("BEVY_QUORUM_SEED").unwrap_or(plan.seed);
    hold_on(Plan { seed, ..plan })
}

/// Holds trials of all sizes on many seeds.
pub fn hold_many() -> Result<(), Failed> {
    let first = number("BEVY_QUORUM_SEED").unwrap_or(1_000);
    for seed in first..first + number("BEVY_QUORUM_TRIALS").unwrap_or(10) {
        let size = [crate::TWO, crate::THREE, crate::FIVE][usize::try_from(seed % 3)?];
        hold_on(Plan { seed, ..size })?;
    }
    Ok(())
}

fn number(variable: &str) -> Option<u64> {
    env::var(variable).ok().map(|value| value.parse().unwrap_or_else(|_| panic!("{variable} is no number: {value}")))
}

fn hold_on(plan: Plan) -> Result<(), Failed> {
    let again =
        format!("BEVY_QUORUM_SEED={} cargo test --all-features --test namespaces -- {}", plan.seed, name_of(plan));
    run_inside(trial::MARK, &plan.arguments(), &again)
}

/// Holds the story of a link that is cut.
pub fn hold_mending() -> Result<(), Failed> {
    run_inside(mending::MARK, &[], "cargo test --all-features --test namespaces -- mended")
}

/// Runs this program in namespaces of its own. Its folder, with what every process said on standard error, is kept if it
/// fails.
fn run_inside(mark: &str, arguments: &[String], again: &str) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let program = env::current_exe()?;
    let mut command = inside(&[program.to_str().unwrap(), mark]);
    command.args(arguments).env(FOLDER, folder.path());
    let mut child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    // Held until its end: whatever ends this process ends the trial.
    let _lifeline = child.stdin.take();
    let output = child.wait_with_output()?;
    if output.status.success() {
        eprint!("{}", String::from_utf8_lossy(&output.stderr));
        return Ok(());
    }
    Err(complaint(again, &output, &folder.keep()).into())
}

fn name_of(plan: Plan) -> &'static str {
    match plan.peers {
        2 => "two",
        3 => "three",
        _ => "five",
    }
}

fn complaint(again: &str, output: &Output, folder: &std::path::Path) -> String {
    format!(
        "{}{}\nThis was: {again}\nIts stores and logs are in {}",
        String::from_utf8_lossy(&output.stderr),
        output.status,
        folder.display(),
    )
}
