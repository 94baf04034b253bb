//! Addresses where peers meet.

use super::InvitationError;

/// The most addresses in one invitation.
pub const RENDEZVOUS_MAX: usize = 4;
/// The longest address, in bytes.
pub const RENDEZVOUS_BYTES_MAX: usize = 256;

/// How much of a bad address its error repeats, in characters.
const SHOWN_CHARS_MAX: usize = 80;

/// Checks that these are one to [`RENDEZVOUS_MAX`] addresses of signaling servers.
pub(super) fn check_all(addresses: &[String]) -> Result<(), InvitationError> {
    match addresses.len() {
        0 => Err(InvitationError::NoRendezvous),
        1..=RENDEZVOUS_MAX => addresses.iter().try_for_each(|address| check(address)),
        count => Err(InvitationError::TooManyRendezvous { count, limit: RENDEZVOUS_MAX }),
    }
}

/// The web address of the server at `address`: where a link points so that a browser can open it.
pub(super) fn origin(address: &str) -> String {
    let (secure, rest) = split_scheme(address).unwrap_or((false, address));
    let host = rest.split('/').next().unwrap_or(rest);
    format!("{}://{host}", if secure { "https" } else { "http" })
}

fn check(address: &str) -> Result<(), InvitationError> {
    if is_address(address) {
        return Ok(());
    }
    Err(InvitationError::BadRendezvous { address: address.chars().take(SHOWN_CHARS_MAX).collect() })
}

fn is_address(address: &str) -> bool {
    let Some((_, rest)) = split_scheme(address) else { return false };
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    address.len() <= RENDEZVOUS_BYTES_MAX && is_authority(authority) && path.bytes().all(is_path_byte)
}

/// Whether the address is encrypted on its way, and what follows its scheme.
fn split_scheme(address: &str) -> Option<(bool, &str)> {
    let secure = address.strip_prefix("wss://").map(|rest| (true, rest));
    secure.or_else(|| address.strip_prefix("ws://").map(|rest| (false, rest)))
}

/// Whether this is a host, and perhaps a port.
pub(crate) fn is_authority(authority: &str) -> bool {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((host, port)) if host.parse::<std::net::Ipv6Addr>().is_ok() => return is_port_suffix(port),
            _ => return false,
        },
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    !host.is_empty() && host.bytes().all(is_host_byte) && is_port_suffix(port)
}

/// Nothing, or a colon and a port.
fn is_port_suffix(suffix: &str) -> bool {
    let Some(port) = suffix.strip_prefix(':') else { return suffix.is_empty() };
    port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0)
}

fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_')
}

fn is_path_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'~' | b'/' | b'%')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_signaling_servers_are_taken() {
        for address in ["ws://127.0.0.1:3536", "wss://signal.example", "ws://[::1]:9/", "wss://a-b.example:443/x/y_z"] {
            assert!(is_address(address), "{address}");
        }
    }

    #[test]
    fn other_addresses_are_refused() {
        let long = format!("ws://{}", "a".repeat(RENDEZVOUS_BYTES_MAX));
        for address in [
            "",
            "ws://",
            "ws:///x",
            "http://a",
            "ws://a:0",
            "ws://a:65536",
            "ws://a:",
            "ws://a:+1",
            "ws://a b",
            "ws://u@a",
            "ws://a#b",
            "ws://a?b",
            "ws://[::1",
            "ws://[a]",
            "ws://a\n",
            "WS://a",
            "ws://ä",
            &long,
        ] {
            assert!(!is_address(address), "{address}");
        }
    }

    #[test]
    fn the_link_points_at_the_first_server() {
        assert_eq!(origin("ws://127.0.0.1:3536/room"), "http://127.0.0.1:3536");
        assert_eq!(origin("wss://signal.example"), "https://signal.example");
    }
}
