//! The command line.

use crate::errors::Failure;
use clap::Parser;
use std::{net::SocketAddr, path::PathBuf, time::Duration};

/// Draw together. Without a link it opens a board, or comes back to the one in DIR, and prints
/// `invite: LINK`; with a link it joins that board.
#[derive(Parser, Clone, Debug, PartialEq)]
#[command(name = "whiteboard", version)]
pub struct Arguments {
    /// The link of the board to join
    pub invitation: Option<String>,
    /// How the others see you
    #[arg(long)]
    pub name: Option<String>,
    /// Where the board is kept on this machine; a folder of yours if left out
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Where this machine's signaling server listens for those who join
    #[arg(long, value_name = "ADDR:PORT")]
    pub listen: Option<SocketAddr>,
    /// A signaling server to use: ws://host:port or wss://host. Several may be named, and one's own beside them by --listen:
    /// whoever is invited comes in by any of them
    #[arg(long, value_name = "URL", value_parser = websocket_url)]
    pub signal: Vec<String>,
    /// A server that helps to reach the others: stun:host:port, turn:host:port; several may be named
    #[arg(long, value_name = "URL")]
    pub ice_server: Vec<String>,
    /// The name by which a turn: server knows us
    #[arg(long, value_name = "NAME", requires = "ice_credential")]
    pub ice_username: Option<String>,
    /// The password that goes with it
    #[arg(long, value_name = "PASSWORD", requires = "ice_username")]
    pub ice_credential: Option<String>,
    /// Reaches the others through a turn: server alone, so that they don't learn this machine's address
    #[arg(long)]
    pub relay_only: bool,
    /// Continues the board in --data as a new one in DIR, with a new link and without the others; the old one stays
    #[arg(long, value_name = "DIR")]
    pub continue_as_new: Option<PathBuf>,
    /// Takes part without a window, until SIGINT or SIGTERM
    #[arg(long)]
    pub headless: bool,
    /// Prints one JSON object a line on standard output whenever something changes
    #[arg(long)]
    pub status_json: bool,
    /// Draws the strokes of a JSON file: [{"color":"#rrggbb","width":2,"points":[[x,y],…]},…], each with
    /// "pressures":[…] from 0 to 1 if a pen felt them
    #[arg(long, value_name = "FILE")]
    pub draw: Option<PathBuf>,
    /// Saves the window's picture as PNG, then exits
    #[arg(long, value_name = "FILE", requires = "after", conflicts_with = "headless")]
    pub screenshot: Option<PathBuf>,
    /// How long after the start the picture is taken
    #[arg(long, value_name = "SECONDS", requires = "screenshot", value_parser = seconds)]
    pub after: Option<Duration>,
    /// Shows the board alone at a fixed camera, without panels and cursors
    #[arg(long, conflicts_with = "headless")]
    pub board_only: bool,
}

impl Arguments {
    /// Reads the process's own command line. Help and version are printed, and end the process.
    pub fn read() -> Result<Self, Failure> {
        Self::try_parse().map_err(|error| match error.kind() {
            clap::error::ErrorKind::DisplayHelp | clap::error::ErrorKind::DisplayVersion => error.exit(),
            _ => usage(&error),
        })
    }
}

/// What clap found wrong, without its several lines of usage.
fn usage(error: &clap::Error) -> Failure {
    let text = error.to_string();
    let what = text.split("\n\n").next().unwrap_or_default();
    Failure::Usage(what.trim_start_matches("error: ").split_whitespace().collect::<Vec<_>>().join(" "))
}

fn websocket_url(text: &str) -> Result<String, &'static str> {
    let host = text.strip_prefix("ws://").or_else(|| text.strip_prefix("wss://"));
    match host {
        Some(host) if !host.is_empty() && !host.starts_with('/') => Ok(text.trim_end_matches('/').into()),
        _ => Err("a signaling server's address begins with ws:// or wss:// and names a host"),
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "that is no number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Arguments, Failure> {
        Arguments::try_parse_from(std::iter::once("whiteboard").chain(line.split_whitespace()))
            .map_err(|error| usage(&error))
    }

    fn refusal(line: &str) -> String {
        let text = parse(line).unwrap_err().to_string();
        assert!(!text.contains('\n'), "{text}");
        text
    }

    #[test]
    fn no_argument_is_needed() {
        assert_eq!(parse("").unwrap().invitation, None);
    }

    #[test]
    fn every_option_is_understood() {
        let arguments = parse(
            "http://10.0.0.1:7/#x --name Ada --data d --signal wss://s.example/ --status-json --draw f.json \
             --continue-as-new n --screenshot p.png --after 1.5 --board-only",
        )
        .unwrap();
        assert_eq!(arguments.invitation.as_deref(), Some("http://10.0.0.1:7/#x"));
        assert_eq!(arguments.name.as_deref(), Some("Ada"));
        assert_eq!(arguments.signal, ["wss://s.example"]);
        assert_eq!(arguments.continue_as_new, Some("n".into()));
        assert_eq!(arguments.after, Some(Duration::from_millis(1500)));
        assert!(arguments.status_json && arguments.board_only && !arguments.headless);
        let arguments = parse("--headless --listen 0.0.0.0:3536").unwrap();
        assert_eq!(arguments.listen, Some(SocketAddr::from(([0, 0, 0, 0], 3536))));
        let arguments = parse("--signal ws://a --listen 0.0.0.0:1 --signal ws://b").unwrap();
        assert_eq!((arguments.signal.len(), arguments.listen.is_some()), (2, true));
    }

    #[test]
    fn a_wrong_argument_is_named_in_one_line() {
        assert!(refusal("--color red").contains("'--color'"));
        assert!(refusal("--listen here").contains("'here'"));
        assert!(refusal("--signal http://s.example").contains("ws://"));
        assert!(refusal("--after soon --screenshot p.png").contains("'soon'"));
        assert!(refusal("--after -1 --screenshot p.png").contains("'-1'"));
        assert!(refusal("--after=-1 --screenshot p.png").contains("'-1'"));
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        assert!(refusal("--headless --screenshot p.png --after 1").contains("cannot be used with"));
        assert!(refusal("--screenshot p.png").contains("--after"));
    }
}
