//! Serves pages, introduces peers to each other, and keeps rooms.
//!
//! `cargo run -p bevy_quorum_host -- --help`; deployment is described in `examples/host/README.md`.

use bevy_quorum_host::{Failure, Given, Host, Settings};
use clap::Parser;
use std::{io::Write, process::ExitCode};
use tracing_subscriber::EnvFilter;

/// What is logged unless `RUST_LOG` says otherwise.
const LOG_FILTER: &str = "info,webrtc=warn,webrtc_ice=error,matchbox_socket=warn";

fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(LOG_FILTER));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn run() -> Result<(), Failure> {
    let settings = Settings::of(Given::parse())?;
    let runtime = tokio::runtime::Runtime::new().map_err(Failure::Runtime)?;
    runtime.block_on(async {
        // Whoever reads the address may send a signal at once.
        let signals = Signals::listen().map_err(Failure::Runtime)?;
        let host = Host::start(settings).await?;
        announce(&host);
        signals.until_stopped(&host).await;
        host.stop().await;
        Ok(())
    })
}

/// Who starts this program reads from standard output where it listens.
fn announce(host: &Host) {
    let mut out = std::io::stdout().lock();
    // Nobody may be reading.
    let _ = writeln!(out, "serving: {}", host.url());
    if let Some(url) = host.admin_url() {
        let _ = writeln!(out, "admin: {url}");
    }
    let _ = out.flush();
}

/// What the operating system tells this program.
#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hang_up: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};

        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Reads certificates anew at SIGHUP; returns at SIGINT and SIGTERM.
    async fn until_stopped(mut self, host: &Host) {
        loop {
            tokio::select! {
                _ = self.interrupt.recv() => return,
                _ = self.terminate.recv() => return,
                _ = self.hang_up.recv() => match host.reload().await {
                    Ok(()) => tracing::info!("read the certificate anew, if there is one"),
                    Err(failure) => tracing::error!("keeps the certificate it has: {failure}"),
                },
            }
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self)
    }

    /// Returns at control-C.
    async fn until_stopped(self, _: &Host) {
        let _ = tokio::signal::ctrl_c().await;
    }
}
