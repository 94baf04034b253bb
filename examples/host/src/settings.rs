//! Settings that make sense: checked, with everything that was left open filled in.

use crate::{
    Failure, Given,
    ice::{Ice, Turn},
};
use bevy_quorum::{raft::Permission, wire::Invitation};
use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

/// Where it listens unless it is told.
const LISTEN: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 8080);
/// Where kept rooms are stored.
const DATA: &str = "rooms";
/// How long a credential for a TURN server is good: longer than most visits, because browsers ask again only for new links.
const TURN_LIFETIME: Duration = Duration::from_secs(12 * 60 * 60);

/// All that a host is told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Where else it tells of health and metrics, instead of there.
    pub admin: Option<SocketAddr>,
    /// The folder of pages.
    pub pages: Option<PathBuf>,
    /// The files of a certificate and its key.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Whether a proxy in front tells clients' addresses.
    pub behind_proxy: bool,
    /// Where pages shall meet; at their own origin if there are none.
    pub rendezvous: Vec<String>,
    /// How peers find out how they are reached.
    pub ice: Ice,
    /// The rooms that are kept.
    pub keep: Vec<Keep>,
    /// What strangers may take up.
    pub limits: Limits,
}

/// A room to keep.
#[derive(Clone, Debug)]
pub struct Keep {
    /// The way into it.
    pub invitation: Invitation,
    /// Where it is stored.
    pub folder: PathBuf,
}

/// What strangers may take up.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Signaling connections from one address.
    pub connections_per_address: usize,
    /// Signaling connections in one room.
    pub seats_per_room: usize,
    /// Rooms at once.
    pub rooms: usize,
    /// The largest signal, in bytes.
    pub signal_bytes: usize,
    /// Signals a second from one connection.
    pub signals_per_second: u32,
    /// After how long without a sign of life a connection is closed.
    pub idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_per_address: 64,
            seats_per_room: 64,
            rooms: 20_000,
            signal_bytes: 64 * 1024,
            signals_per_second: 50,
            idle: Duration::from_secs(90),
        }
    }
}

impl Settings {
    /// What flags say, and the config file that they name.
    ///
    /// # Errors
    /// If something of it can't be read or makes no sense.
    pub fn of(flags: Given) -> Result<Self, Failure> {
        let given = match &flags.config {
            Some(path) => {
                let file = Given::read(path)?;
                flags.or(file)
            }
            None => flags,
        };
        Ok(Self {
            listen: given.listen.unwrap_or(LISTEN.into()),
            admin: given.admin,
            tls: pair(given.tls.clone())?,
            behind_proxy: given.behind_proxy.unwrap_or(false),
            rendezvous: addresses(&given.rendezvous)?,
            ice: ice(&given)?,
            keep: rooms(&given.keep, given.data.as_deref().unwrap_or(Path::new(DATA)))?,
            limits: limits(&given)?,
            pages: given.pages,
        })
    }
}

fn pair(files: Option<Vec<PathBuf>>) -> Result<Option<(PathBuf, PathBuf)>, Failure> {
    let Some(files) = files else { return Ok(None) };
    let pair: [PathBuf; 2] =
        files.try_into().map_err(|_| Failure::Usage("tls takes two files, a certificate and its key".into()))?;
    let [cert, key] = pair;
    Ok(Some((cert, key)))
}

/// Addresses are as invitations have them.
fn addresses(given: &[String]) -> Result<Vec<String>, Failure> {
    if !given.is_empty() {
        Invitation::new(given, Permission::Editor).map_err(|error| Failure::Usage(error.to_string()))?;
    }
    Ok(given.to_vec())
}

fn ice(given: &Given) -> Result<Ice, Failure> {
    let of_kind = |urls: &[String], kinds: [&str; 2]| match urls
        .iter()
        .find(|url| !kinds.iter().any(|kind| url.starts_with(kind)))
    {
        Some(url) => Err(Failure::Usage(format!("{url:?} doesn't begin with {} or {}", kinds[0], kinds[1]))),
        None => Ok(urls.to_vec()),
    };
    let stun = of_kind(&given.stun, ["stun:", "stuns:"])?;
    let urls = of_kind(&given.turn, ["turn:", "turns:"])?;
    let turn = match (&given.turn_secret_file, &given.turn_username, &given.turn_password_file) {
        (None, None, None) if urls.is_empty() => None,
        (Some(secret), None, None) if !urls.is_empty() => Some(Turn::Shared {
            urls,
            secret: secret_in(secret)?,
            lifetime: given.turn_lifetime_seconds.map_or(TURN_LIFETIME, Duration::from_secs),
        }),
        (None, Some(username), Some(password)) if !urls.is_empty() => {
            Some(Turn::Lasting { urls, username: username.clone(), password: secret_in(password)? })
        }
        _ => {
            let words = "turn goes with either turn-secret-file, or turn-username and turn-password-file";
            return Err(Failure::Usage(words.into()));
        }
    };
    Ok(Ice { stun, turn })
}

/// Editors put a line break at the end of files.
fn secret_in(path: &Path) -> Result<String, Failure> {
    let failed = |reason: String| Failure::TurnSecret { path: path.to_owned(), reason };
    let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.is_empty() { Err(failed("it is empty".into())) } else { Ok(secret.to_owned()) }
}

fn rooms(links: &[String], data: &Path) -> Result<Vec<Keep>, Failure> {
    let mut rooms: Vec<Keep> = Vec::new();
    for link in links {
        let invitation: Invitation = link.parse()?;
        let room = invitation.cluster.to_string();
        if invitation.permission() < Permission::Editor {
            return Err(Failure::OnlyViewing { room });
        }
        if rooms.iter().any(|other| other.invitation.cluster == invitation.cluster) {
            return Err(Failure::KeptTwice { room });
        }
        rooms.push(Keep { invitation, folder: data.join(room) });
    }
    Ok(rooms)
}

fn limits(given: &Given) -> Result<Limits, Failure> {
    let shipped = Limits::default();
    let limits = Limits {
        connections_per_address: given.connections_per_address.unwrap_or(shipped.connections_per_address),
        seats_per_room: given.seats_per_room.unwrap_or(shipped.seats_per_room),
        rooms: given.rooms.unwrap_or(shipped.rooms),
        signal_bytes: given.signal_bytes.unwrap_or(shipped.signal_bytes),
        signals_per_second: given.signals_per_second.unwrap_or(shipped.signals_per_second),
        idle: given.idle_seconds.map_or(shipped.idle, Duration::from_secs),
    };
    let none = limits.connections_per_address == 0
        || limits.seats_per_room == 0
        || limits.rooms == 0
        || limits.signal_bytes == 0
        || limits.signals_per_second == 0
        || limits.idle.is_zero();
    if none { Err(Failure::Usage("a limit of 0 lets nobody in".into())) } else { Ok(limits) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn refused(given: Given) -> String {
        Settings::of(given).unwrap_err().to_string()
    }

    fn link(permission: Permission) -> String {
        Invitation::new(["ws://a"], Permission::Editor).unwrap().with_permission(permission).unwrap().to_string()
    }

    #[test]
    fn what_makes_no_sense_is_refused_in_words() {
        let given = |change: fn(&mut Given)| {
            let mut given = Given::default();
            change(&mut given);
            refused(given)
        };
        assert!(given(|it| it.turn = vec!["turn:a".into()]).contains("turn-secret-file"));
        assert!(given(|it| it.turn_username = Some("me".into())).contains("turn-password-file"));
        assert!(given(|it| it.stun = vec!["turn:a".into()]).contains("stun:"));
        assert!(given(|it| it.rendezvous = vec!["http://a".into()]).contains("http://a"));
        assert!(given(|it| it.rooms = Some(0)).contains("nobody"));
        assert!(given(|it| it.tls = Some(vec!["one".into()])).contains("two files"));
        assert!(given(|it| it.keep = vec!["no link".into()]).contains("can't keep a room"));
        assert!(given(|it| it.config = Some("no/such/file".into())).contains("no/such/file"));
    }

    #[test]
    fn who_only_watches_keeps_no_room() {
        let keep = vec![link(Permission::Viewer)];
        assert!(refused(Given { keep, ..Given::default() }).contains("for viewing"));
    }

    #[test]
    fn a_room_is_kept_once_in_a_folder_of_its_own() {
        let (one, two) = (link(Permission::Editor), link(Permission::Editor));
        let keep = vec![one.clone(), two];
        let settings = Settings::of(Given { keep, ..Given::default() }).unwrap();
        assert_ne!(settings.keep[0].folder, settings.keep[1].folder);
        assert!(refused(Given { keep: vec![one.clone(), one], ..Given::default() }).contains("twice"));
    }
}
