//! Coming in: which board, from which folder, found through which signaling server.

use crate::{cli::Arguments, errors::Failure, folder::Folder, signaling::Signaling};
use bevy_quorum::{prelude::Room, wire::Invitation};
use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpStream, ToSocketAddrs},
    time::Duration,
};

/// How long a signaling server may take to answer at all.
const ANSWER_PATIENCE: Duration = Duration::from_secs(5);

/// Everything decided and started that the room needs.
pub struct Entry {
    /// The room, not entered yet.
    pub room: Room,
    /// Our own signaling server, if this board has one here.
    pub signaling: Option<Signaling>,
    /// The signaling server without which this entry makes no sense: set on a first visit, not on a return.
    pub needed: Option<String>,
}

impl Entry {
    /// Decides by the command line and by what the folder holds.
    pub fn prepare(arguments: &Arguments) -> Result<Self, Failure> {
        let invitation = match &arguments.invitation {
            Some(link) => Some(link.parse::<Invitation>()?),
            None => None,
        };
        let folder = Folder::choose(arguments.data.as_deref(), invitation.as_ref())?;
        match (invitation, folder.holds_a_board()) {
            (None, false) => Self::open(arguments, &folder),
            (None, true) => Self::resume(arguments, &folder),
            (Some(invitation), false) => Self::join(arguments, &folder, invitation),
            (Some(invitation), true) => Self::come_back(&folder, &invitation),
        }
    }

    /// A new board.
    fn open(arguments: &Arguments, folder: &Folder) -> Result<Self, Failure> {
        let signaling = match &arguments.signal {
            Some(url) => {
                check(std::slice::from_ref(url))?;
                None
            }
            None => Some(listen(arguments.listen.unwrap_or(anywhere()), folder)?),
        };
        let url = arguments.signal.clone().or_else(|| signaling.as_ref().map(Signaling::url)).unwrap_or_default();
        let needed = arguments.signal.clone();
        Ok(Self { room: Room::open(url).store(folder.path()), signaling, needed })
    }

    /// Somebody else's board, for the first time.
    fn join(arguments: &Arguments, folder: &Folder, invitation: Invitation) -> Result<Self, Failure> {
        let invitation = match &arguments.signal {
            Some(url) => invitation.with_rendezvous(vec![url.clone()])?,
            None => invitation,
        };
        let needed = check(invitation.rendezvous())?;
        if arguments.listen.is_some() {
            tracing::warn!("--listen is not used: the link names a signaling server");
        }
        let room = Room::join(invitation.to_string()).store(folder.path());
        Ok(Self { room, signaling: None, needed: Some(needed) })
    }

    /// The board in the folder, as its link has it.
    fn come_back(folder: &Folder, invitation: &Invitation) -> Result<Self, Failure> {
        let signaling = folder.listened_at().map(|address| listen_again(address, folder)).transpose()?;
        let room = Room::join(invitation.to_string()).store(folder.path());
        Ok(Self { room, signaling, needed: None })
    }

    /// The board in the folder, at the address it had if that is free.
    fn resume(arguments: &Arguments, folder: &Folder) -> Result<Self, Failure> {
        let room = Room::resume(folder.path());
        if let Some(url) = &arguments.signal {
            return Ok(Self { room: room.rendezvous(url), signaling: None, needed: None });
        }
        let signaling = match (arguments.listen, folder.listened_at()) {
            (Some(address), _) => Some(listen(address, folder)?),
            (None, Some(address)) => Some(listen_again(address, folder)?),
            (None, None) => None,
        };
        let room = match &signaling {
            Some(signaling) => room.rendezvous(signaling.url()),
            None => room,
        };
        Ok(Self { room, signaling, needed: None })
    }
}

/// Every interface, any free port.
fn anywhere() -> SocketAddr {
    (Ipv4Addr::UNSPECIFIED, 0).into()
}

fn listen(address: SocketAddr, folder: &Folder) -> Result<Signaling, Failure> {
    let signaling = Signaling::start(address).map_err(|error| Failure::Listen { address, error })?;
    folder
        .remember(signaling.address())
        .map_err(|error| Failure::Folder { folder: folder.path().to_owned(), error })?;
    Ok(signaling)
}

/// Listens where the link says, or, if somebody else does by now, elsewhere.
fn listen_again(address: SocketAddr, folder: &Folder) -> Result<Signaling, Failure> {
    listen(address, folder).or_else(|_| {
        let elsewhere = listen(SocketAddr::new(address.ip(), 0), folder).or_else(|_| listen(anywhere(), folder))?;
        eprintln!(
            "whiteboard: another program listens at {address}; newcomers need the new link, at {}",
            elsewhere.address()
        );
        Ok(elsewhere)
    })
}

/// The first of these signaling servers that answers.
fn check(urls: &[String]) -> Result<String, Failure> {
    let mut failure = None;
    for url in urls {
        match knock(url) {
            Ok(()) => return Ok(url.clone()),
            Err(error) => {
                failure.get_or_insert(Failure::Unreachable { url: url.clone(), reason: error.to_string() });
            }
        }
    }
    Err(failure.expect("an invitation names at least one signaling server"))
}

/// Whether anything listens there.
fn knock(url: &str) -> io::Result<()> {
    let (host, port) = host_and_port(url).ok_or(io::Error::other("that is no address of a server"))?;
    let mut last = io::Error::other("its name leads nowhere");
    for address in (host.as_str(), port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, ANSWER_PATIENCE) {
            Ok(_) => return Ok(()),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn host_and_port(url: &str) -> Option<(String, u16)> {
    let uri: axum::http::Uri = url.parse().ok()?;
    let port = if uri.scheme_str() == Some("wss") { 443 } else { 80 };
    let host = uri.host()?.trim_start_matches('[').trim_end_matches(']');
    Some((host.to_owned(), uri.port_u16().unwrap_or(port)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn folder() -> (tempfile::TempDir, Folder) {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::choose(Some(root.path()), None).unwrap();
        (root, folder)
    }

    #[test]
    fn addresses_of_servers_are_understood() {
        let understood = |url: &str| host_and_port(url).map(|(host, port)| format!("{host} {port}"));
        assert_eq!(understood("ws://10.0.0.1:3536").as_deref(), Some("10.0.0.1 3536"));
        assert_eq!(understood("wss://signal.example").as_deref(), Some("signal.example 443"));
        assert_eq!(understood("ws://[::1]:7/").as_deref(), Some("::1 7"));
        assert_eq!(understood("ws://"), None);
    }

    #[test]
    fn a_server_that_does_not_answer_is_named() {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
        let url = format!("ws://{free}");
        let failure = check(std::slice::from_ref(&url)).unwrap_err().to_string();
        assert!(failure.contains(&url), "{failure}");
    }

    #[test]
    fn one_answering_server_is_enough() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let url = format!("ws://{}", listener.local_addr().unwrap());
        assert_eq!(check(&["ws://".into(), url.clone()]).unwrap(), url);
    }

    #[test]
    fn a_board_comes_back_to_its_address_if_it_is_free() {
        let (_root, folder) = folder();
        let first = listen((Ipv4Addr::LOCALHOST, 0).into(), &folder).unwrap();
        let address = first.address();
        let second = listen_again(address, &folder).unwrap();
        assert_ne!(second.address(), address, "two servers can't have one address");
        assert_eq!(folder.listened_at(), Some(second.address()));
        let taken = folder.listened_at().unwrap();
        drop((first, second));
        let listener = loop {
            // The system frees an address only once the server's thread has let go of it.
            if let Ok(listener) = TcpListener::bind(taken) {
                break listener;
            }
        };
        drop(listener);
        assert_eq!(listen_again(taken, &folder).unwrap().address(), taken);
    }
}
