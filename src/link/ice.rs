//! Servers that help peers reach each other: STUN tells them how they look from outside, TURN relays between them.

use crate::wire::is_authority;
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// A STUN or TURN server, as a browser's `RTCIceServer` names it, and as a page's settings may hold it.
///
/// ```
/// use bevy_quorum::link::IceServer;
///
/// let (plain, relay) = (
///     IceServer::from("stun:stun.example:3478"),
///     IceServer::relay("turn:relay.example:3478", "ada", "secret"),
/// );
/// assert_eq!(relay.username.as_deref(), Some("ada"));
/// assert_eq!(plain.username, None);
/// ```
///
/// Browsers reach every kind of server; natively a relay is used over UDP only: `turns:` and `?transport=tcp` are passed
/// over.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IceServer {
    /// Its addresses: `stun:host:port`, `turn:host:port`, `turns:host:port`; a relay's may end in `?transport=udp` or
    /// `?transport=tcp`.
    #[serde(deserialize_with = "one_or_several")]
    pub urls: Vec<String>,
    /// The name by which a relay knows us.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The password that goes with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
}

/// Why servers can't be used; for people to read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IceServerError {
    /// An address is none.
    #[error("`{url}` is no address of a STUN or TURN server; it should look like stun:host:3478 or turn:host:3478")]
    BadUrl {
        /// The address.
        url: String,
    },
    /// A relay serves nobody without a name and a password.
    #[error("the relay {url} needs a username and a credential; add both")]
    NoCredential {
        /// The relay's address.
        url: String,
    },
    /// Only one pair of name and password can be given to WebRTC here.
    #[error("the relays have different credentials, and only one can be used; name relays that share one")]
    SeveralCredentials,
    /// Relays only were asked for, and there is none.
    #[error("only relays may be used, but none is named; add a turn: server, or allow other ways")]
    NoRelay,
}

impl IceServer {
    /// A relay, which asks for a name and a password.
    pub fn relay(url: impl Into<String>, username: impl Into<String>, credential: impl Into<String>) -> Self {
        Self { urls: vec![url.into()], username: Some(username.into()), credential: Some(credential.into()) }
    }

    /// Whether it can relay.
    pub fn relays(&self) -> bool {
        self.urls.iter().any(|url| is_relay(url))
    }

    /// All of these as one, which is as many as matchbox takes. The name and password are used by relays alone, so that
    /// other servers may stand beside one relay, or several that share them.
    ///
    /// # Errors
    /// If an address is none, or a relay's name and password are missing or differ from another's.
    pub fn merged<'a>(servers: impl IntoIterator<Item = &'a Self>) -> Result<Self, IceServerError> {
        let mut merged = Self::default();
        for server in servers {
            server.check()?;
            merged.urls.extend(server.urls.iter().cloned());
            if server.relays() {
                let credentials = (server.username.clone(), server.credential.clone());
                let taken = (merged.username.take(), merged.credential.take());
                if taken.0.is_some() && taken != credentials {
                    return Err(IceServerError::SeveralCredentials);
                }
                (merged.username, merged.credential) = credentials;
            }
        }
        Ok(merged)
    }

    fn check(&self) -> Result<(), IceServerError> {
        if let Some(url) = self.urls.iter().find(|url| !is_ice_url(url)) {
            return Err(IceServerError::BadUrl { url: url.clone() });
        }
        let given = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
        let complete = given(&self.username) && given(&self.credential);
        match self.urls.iter().find(|url| is_relay(url)) {
            // Browsers throw over such a relay, and nothing would ever connect.
            Some(url) if !complete => Err(IceServerError::NoCredential { url: url.clone() }),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for IceServer {
    /// Without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let credential = self.credential.as_ref().map(|_| "…");
        f.debug_struct("IceServer")
            .field("urls", &self.urls)
            .field("username", &self.username)
            .field("credential", &credential)
            .finish()
    }
}

impl From<String> for IceServer {
    fn from(url: String) -> Self {
        Self { urls: vec![url], ..Self::default() }
    }
}

impl From<&str> for IceServer {
    fn from(url: &str) -> Self {
        url.to_owned().into()
    }
}

impl From<&String> for IceServer {
    fn from(url: &String) -> Self {
        url.clone().into()
    }
}

fn one_or_several<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Urls {
        One(String),
        Several(Vec<String>),
    }

    Ok(match Urls::deserialize(deserializer)? {
        Urls::One(url) => vec![url],
        Urls::Several(urls) => urls,
    })
}

fn is_relay(url: &str) -> bool {
    url.starts_with("turn:") || url.starts_with("turns:")
}

fn is_ice_url(url: &str) -> bool {
    if let Some(authority) = url.strip_prefix("stun:") {
        return is_authority(authority);
    }
    let Some(rest) = url.strip_prefix("turn:").or_else(|| url.strip_prefix("turns:")) else { return false };
    let (authority, query) = rest.split_once('?').unwrap_or((rest, "transport=udp"));
    is_authority(authority) && matches!(query, "transport=udp" | "transport=tcp")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_ice_servers_are_told_from_others() {
        for url in ["stun:stun.example", "stun:10.0.0.1:3478", "turn:[::1]:7", "turns:a.example?transport=tcp"] {
            assert!(is_ice_url(url), "{url}");
        }
        for url in ["", "stun:", "stun://a", "stun:a?transport=udp", "turn:a?transport=dtls", "https://a", "turn:a:0"] {
            assert!(!is_ice_url(url), "{url}");
        }
    }

    #[test]
    fn a_relay_stands_beside_servers_without_a_password() {
        let relay = IceServer::relay("turn:relay.example", "ada", "secret");
        let merged = IceServer::merged(&["stun:stun.example".into(), relay.clone()]).unwrap();
        assert_eq!(merged.urls, ["stun:stun.example", "turn:relay.example"]);
        assert_eq!(merged.credential, relay.credential);
        assert!(!format!("{merged:?}").contains("secret"));
        assert!(merged.relays() && !IceServer::from("stun:stun.example").relays());
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_the_reason() {
        let refused = |servers: &[IceServer]| IceServer::merged(servers).unwrap_err().to_string();
        let relay = |credential: &str| IceServer::relay("turn:relay.example", "ada", credential);
        assert!(refused(&["http://a".into()]).contains("http://a"));
        assert!(refused(&["turn:relay.example".into()]).contains("username"));
        assert!(refused(&[relay("")]).contains("credential"));
        assert!(refused(&[relay("one"), relay("two")]).contains("share one"));
        assert!(IceServer::merged(&[relay("one"), relay("one")]).is_ok());
    }

    #[cfg(feature = "webrtc")]
    #[test]
    fn a_page_names_servers_as_browsers_do() {
        let read = |text: &str| serde_json::from_str::<IceServer>(text).unwrap();
        assert_eq!(read(r#"{"urls":"stun:a"}"#), "stun:a".into());
        let relay = read(r#"{"urls":["turn:a"],"username":"ada","credential":"secret"}"#);
        assert_eq!(relay, IceServer::relay("turn:a", "ada", "secret"));
    }
}
