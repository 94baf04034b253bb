//! Serves the pages with the host program, which also is the server at which their visitors meet.

use crate::failure::Failure;
use std::{env, net::SocketAddr, path::Path, path::PathBuf, process::Command};

/// Runs the host until it ends.
pub fn serve(pages: &Path, address: SocketAddr) -> Result<(), Failure> {
    let cargo = PathBuf::from(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let mut command = Command::new(&cargo);
    command.args(["run", "--package", "bevy_quorum_host", "--", "--pages"]).arg(pages);
    command.arg("--listen").arg(address.to_string());
    let status = command.status().map_err(|error| Failure::Start { program: cargo, error })?;
    match status.success() {
        true => Ok(()),
        false => Err(Failure::Ended { program: "the host", status }),
    }
}
