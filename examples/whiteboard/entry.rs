//! Coming in: which board, from which folder, found through which signaling server.

use crate::{cli::Arguments, continuation::Continuation, errors::Failure, folder::Folder, signaling::Signaling};
use bevy_quorum::{
    prelude::{IceServer, Room},
    wire::Invitation,
};
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
    /// How the board would be continued as a new one.
    pub continuation: Continuation,
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
        let wanted = match &arguments.continue_as_new {
            Some(_) if !folder.holds_a_board() => {
                return Err(Failure::NothingToContinue { folder: folder.path().to_owned() });
            }
            Some(path) => Some(Folder::choose(Some(path), None)?),
            None => None,
        };
        if let Some(newer) = folder.continued() {
            eprintln!("whiteboard: this board was continued as a new one in {newer}");
        }
        let (room, signaling, needed) = match (invitation, folder.holds_a_board()) {
            (None, false) => open(arguments)?,
            (None, true) => resume(arguments, &folder)?,
            (Some(invitation), false) => join(arguments, invitation)?,
            (Some(invitation), true) => come_back(&folder, &invitation)?,
        };
        let rendezvous = arguments.signal.iter().cloned().chain(signaling.as_ref().map(Signaling::url)).collect();
        let room = helped(room.store(folder.path()), arguments);
        Ok(Self { room, signaling, continuation: Continuation { folder, wanted, rendezvous }, needed })
    }
}

/// The room, with the servers that help to reach the others.
fn helped(room: Room, arguments: &Arguments) -> Room {
    let room = room.ice_servers((!arguments.ice_server.is_empty()).then(|| IceServer {
        urls: arguments.ice_server.clone(),
        username: arguments.ice_username.clone(),
        credential: arguments.ice_credential.clone(),
    }));
    if arguments.relay_only { room.relay_only() } else { room }
}

/// The room, our own signaling server, and the one that is needed.
type Way = (Room, Option<Signaling>, Option<String>);

/// To a new board.
fn open(arguments: &Arguments) -> Result<Way, Failure> {
    let Some((first, others)) = arguments.signal.split_first() else {
        let signaling = listen(arguments.listen.unwrap_or(anywhere()))?;
        return Ok((Room::open(signaling.url()), Some(signaling), None));
    };
    let room = others.iter().fold(Room::open(first), Room::also_at);
    let Some(address) = arguments.listen else {
        return Ok((room, None, Some(check(&arguments.signal)?)));
    };
    let signaling = listen(address)?;
    Ok((room.also_at(signaling.url()), Some(signaling), None))
}

/// To somebody else's board, for the first time.
fn join(arguments: &Arguments, invitation: Invitation) -> Result<Way, Failure> {
    let invitation = match &arguments.signal[..] {
        [] => invitation,
        urls => invitation.with_rendezvous(urls)?,
    };
    let needed = check(invitation.rendezvous())?;
    let room = Room::join(invitation.to_string());
    let Some(address) = arguments.listen else { return Ok((room, None, Some(needed))) };
    let signaling = listen(address)?;
    Ok((room.also_at(signaling.url()), Some(signaling), Some(needed)))
}

/// To the board in the folder, by its link.
fn come_back(folder: &Folder, invitation: &Invitation) -> Result<Way, Failure> {
    let room = Room::join(invitation.to_string());
    let Some(address) = folder.listened_at() else { return Ok((room, None, None)) };
    let signaling = listen_again(address)?;
    Ok((moved(room, folder, &signaling), Some(signaling), None))
}

/// To the board in the folder, at the address it had if that is free.
fn resume(arguments: &Arguments, folder: &Folder) -> Result<Way, Failure> {
    let room = match arguments.signal.split_first() {
        Some((first, others)) => others.iter().fold(Room::resume(folder.path()).rendezvous(first), Room::also_at),
        None => Room::resume(folder.path()),
    };
    let signaling = match (arguments.listen, folder.listened_at()) {
        (Some(address), _) => listen(address)?,
        (None, Some(address)) if arguments.signal.is_empty() => listen_again(address)?,
        _ => return Ok((room, None, None)),
    };
    Ok((moved(room, folder, &signaling), Some(signaling), None))
}

/// The room is found at our own signaling server, and no longer where that was before.
fn moved(room: Room, folder: &Folder, signaling: &Signaling) -> Room {
    let room = folder.found_at().into_iter().fold(room, Room::no_longer_at);
    room.also_at(signaling.url())
}

/// Every interface, any free port.
fn anywhere() -> SocketAddr {
    (Ipv4Addr::UNSPECIFIED, 0).into()
}

fn listen(address: SocketAddr) -> Result<Signaling, Failure> {
    Signaling::start(address).map_err(|error| Failure::Listen { address, error })
}

/// Listens where the link says, or, if somebody else does by now, elsewhere.
fn listen_again(address: SocketAddr) -> Result<Signaling, Failure> {
    listen(address).or_else(|_| listen(SocketAddr::new(address.ip(), 0))).or_else(|_| listen(anywhere()))
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
    fn a_board_comes_back_to_its_address_unless_it_is_taken() {
        let first = listen((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let second = listen_again(first.address()).unwrap();
        assert_ne!(second.address(), first.address());
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
        assert_eq!(listen_again(free).unwrap().address(), free);
    }
}
