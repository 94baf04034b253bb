//! Settings as they are given: by flags, or by the same names in a config file.

use crate::{Failure, failure::one_line};
use clap::Parser;
use serde::Deserialize;
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

/// Serves pages, introduces peers to each other, hands out settings of STUN and TURN servers, and keeps rooms.
#[derive(Parser, Deserialize, Clone, Debug, Default, PartialEq)]
#[command(name = "host", version)]
#[serde(default, deny_unknown_fields)]
pub struct Given {
    /// A TOML file with any of these settings; the name of a flag, with `_` for `-`, is a key. Flags win.
    #[arg(long, value_name = "FILE")]
    #[serde(skip)]
    pub config: Option<PathBuf>,
    /// Where to listen; port 0 is any free one [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<SocketAddr>,
    /// The folder of pages, as `cargo xtask web` builds it.
    #[arg(long, value_name = "DIR")]
    pub pages: Option<PathBuf>,
    /// A certificate and its key, both PEM, read anew at SIGHUP.
    #[arg(long, num_args = 2, value_names = ["CERT", "KEY"])]
    pub tls: Option<Vec<PathBuf>>,
    /// Tell of health and metrics at this address alone.
    #[arg(long, value_name = "ADDR")]
    pub admin: Option<SocketAddr>,
    /// Take clients' addresses from the last entry of X-Forwarded-For.
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_name = "BOOL")]
    pub behind_proxy: Option<bool>,
    /// Where pages shall meet, `wss://…`; the page's own origin if none is given.
    #[arg(long, value_name = "URL")]
    pub rendezvous: Vec<String>,
    /// A STUN server, `stun:host:port`.
    #[arg(long, value_name = "URL")]
    pub stun: Vec<String>,
    /// A TURN server, `turn:host:port?transport=udp`.
    #[arg(long, value_name = "URL")]
    pub turn: Vec<String>,
    /// A file with the secret that the TURN servers share with this program (coturn: `use-auth-secret`).
    #[arg(long, value_name = "FILE")]
    pub turn_secret_file: Option<PathBuf>,
    /// How long a credential made with that secret is good [default: 43200]
    #[arg(long, value_name = "SECONDS")]
    pub turn_lifetime_seconds: Option<u64>,
    /// A lasting user name at the TURN servers, if they share no secret.
    #[arg(long, value_name = "NAME")]
    pub turn_username: Option<String>,
    /// A file with that user's password.
    #[arg(long, value_name = "FILE")]
    pub turn_password_file: Option<PathBuf>,
    /// A room to keep, by its link for editing.
    #[arg(long, value_name = "INVITATION")]
    pub keep: Vec<String>,
    /// Where kept rooms are stored, each in a folder of its own [default: rooms]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Signaling connections from one address; of IPv6, from one /64 [default: 64]
    #[arg(long, value_name = "COUNT")]
    pub connections_per_address: Option<usize>,
    /// Signaling connections in one room; each peer brings two, in two rooms [default: 64]
    #[arg(long, value_name = "COUNT")]
    pub seats_per_room: Option<usize>,
    /// Rooms at once; a room of players counts twice [default: 20000]
    #[arg(long, value_name = "COUNT")]
    pub rooms: Option<usize>,
    /// The largest signal [default: 65536]
    #[arg(long, value_name = "BYTES")]
    pub signal_bytes: Option<usize>,
    /// Signals a second from one connection, after a burst of ten times as many [default: 50]
    #[arg(long, value_name = "COUNT")]
    pub signals_per_second: Option<u32>,
    /// After how long without a sign of life a connection is closed [default: 90]
    #[arg(long, value_name = "SECONDS")]
    pub idle_seconds: Option<u64>,
}

impl Given {
    /// The settings of a config file.
    ///
    /// # Errors
    /// If it can't be read, or makes no sense.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let text =
            std::fs::read_to_string(path).map_err(|error| Failure::ConfigFile { path: path.to_owned(), error })?;
        toml::from_str(&text).map_err(|error| Failure::Config {
            path: path.to_owned(),
            line: error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1),
            reason: one_line(error.message()),
        })
    }

    /// These settings, and for what they leave open, those of `other`.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            config: self.config,
            listen: self.listen.or(other.listen),
            pages: self.pages.or(other.pages),
            tls: self.tls.or(other.tls),
            admin: self.admin.or(other.admin),
            behind_proxy: self.behind_proxy.or(other.behind_proxy),
            rendezvous: filled(self.rendezvous, other.rendezvous),
            stun: filled(self.stun, other.stun),
            turn: filled(self.turn, other.turn),
            turn_secret_file: self.turn_secret_file.or(other.turn_secret_file),
            turn_lifetime_seconds: self.turn_lifetime_seconds.or(other.turn_lifetime_seconds),
            turn_username: self.turn_username.or(other.turn_username),
            turn_password_file: self.turn_password_file.or(other.turn_password_file),
            keep: filled(self.keep, other.keep),
            data: self.data.or(other.data),
            connections_per_address: self.connections_per_address.or(other.connections_per_address),
            seats_per_room: self.seats_per_room.or(other.seats_per_room),
            rooms: self.rooms.or(other.rooms),
            signal_bytes: self.signal_bytes.or(other.signal_bytes),
            signals_per_second: self.signals_per_second.or(other.signals_per_second),
            idle_seconds: self.idle_seconds.or(other.idle_seconds),
        }
    }
}

fn filled(first: Vec<String>, second: Vec<String>) -> Vec<String> {
    if first.is_empty() { second } else { first }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn file(text: &str) -> Result<Given, Failure> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("host.toml");
        std::fs::write(&path, text).unwrap();
        Given::read(&path)
    }

    #[test]
    fn flags_win_over_the_file() {
        let file = file("listen = \"127.0.0.1:1\"\nrooms = 7\nkeep = [\"a\", \"b\"]\nbehind_proxy = true").unwrap();
        let flags = Given::parse_from(["host", "--listen", "127.0.0.1:2", "--tls", "c.pem", "k.pem"]);
        let both = flags.or(file);
        assert_eq!(both.listen, Some(([127, 0, 0, 1], 2).into()));
        assert_eq!((both.rooms, both.behind_proxy, both.keep), (Some(7), Some(true), vec!["a".into(), "b".into()]));
        assert_eq!(both.tls, Some(vec!["c.pem".into(), "k.pem".into()]));
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_line() {
        let words = file("rooms = 7\n\nroom = 8\n").unwrap_err().to_string();
        assert!(words.contains("line 3") && words.contains("unknown field `room`"), "{words}");
    }

    #[test]
    fn a_value_of_another_kind_is_refused_with_its_line() {
        let words = file("rooms = 7\nlisten = \"here\"\n").unwrap_err().to_string();
        assert!(words.contains("line 2") && words.contains("address"), "{words}");
        assert!(file("rooms = ").unwrap_err().to_string().contains("line 1"));
    }

    #[test]
    fn a_flag_alone_says_yes() {
        assert_eq!(Given::parse_from(["host", "--behind-proxy"]).behind_proxy, Some(true));
    }
}
