//! How peers find out how they are reached: STUN servers, and TURN servers with credentials.

use base64::{Engine, engine::general_purpose::STANDARD};
use bevy_quorum::link::IceServer;
use hmac::{Hmac, Mac};
use sha1::Sha1;
use std::{
    fmt,
    time::{Duration, SystemTime},
};

/// Who a TURN server takes everybody for; its log shows it.
const TURN_USER: &str = "quorum";

/// The servers that are handed out.
#[derive(Clone, Debug, Default)]
pub struct Ice {
    /// STUN servers.
    pub stun: Vec<String>,
    /// TURN servers.
    pub turn: Option<Turn>,
}

/// TURN servers, and how one is let in.
#[derive(Clone)]
pub enum Turn {
    /// They share a secret with this program, which makes credentials that end.
    Shared {
        /// Where they are.
        urls: Vec<String>,
        /// The secret.
        secret: String,
        /// How long a credential is good.
        lifetime: Duration,
    },
    /// They know a user for good.
    Lasting {
        /// Where they are.
        urls: Vec<String>,
        /// The user.
        username: String,
        /// Its password.
        password: String,
    },
}

impl fmt::Debug for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Shared { urls, .. } | Self::Lasting { urls, .. }) = self;
        f.debug_struct("Turn").field("urls", urls).finish_non_exhaustive()
    }
}

impl Ice {
    /// What a page gets that asks at `now`.
    pub fn servers(&self, now: SystemTime) -> Vec<IceServer> {
        let stun = IceServer { urls: self.stun.clone(), ..IceServer::default() };
        let stun = Some(stun).filter(|stun| !stun.urls.is_empty());
        stun.into_iter().chain(self.turn.as_ref().map(|turn| turn.server(now))).collect()
    }
}

impl Turn {
    fn server(&self, now: SystemTime) -> IceServer {
        let (urls, username, credential) = match self {
            Self::Shared { urls, secret, lifetime } => {
                let end = (now + *lifetime).duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
                let username = format!("{}:{TURN_USER}", end.as_secs());
                let credential = credential(secret, &username);
                (urls, username, credential)
            }
            Self::Lasting { urls, username, password } => (urls, username.clone(), password.clone()),
        };
        IceServer { urls: urls.clone(), username: Some(username), credential: Some(credential) }
    }
}

/// The password of a user name that begins with the moment of its end, as coturn's `use-auth-secret` computes it.
pub fn credential(secret: &str, username: &str) -> String {
    let mut code = Hmac::<Sha1>::new_from_slice(secret.as_bytes()).expect("a key of any length is taken");
    code.update(username.as_bytes());
    STANDARD.encode(code.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(seconds: u64) -> Ice {
        let urls = vec!["turn:a:3478".to_owned()];
        let turn = Turn::Shared { urls, secret: "north".into(), lifetime: Duration::from_secs(seconds) };
        Ice { stun: vec!["stun:a:3478".into()], turn: Some(turn) }
    }

    /// `printf '%s' 1700003600:quorum | openssl dgst -sha1 -hmac north -binary | base64`
    #[test]
    fn a_credential_is_what_coturn_expects() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let servers = turn(3_600).servers(now);
        assert_eq!(servers[1].username.as_deref(), Some("1700003600:quorum"));
        assert_eq!(servers[1].credential.as_deref(), Some("H474PfNFSZU5D4kiuHQJFZOBBr8="));
        assert_eq!((servers[0].username.as_deref(), servers[0].credential.as_deref()), (None, None));
    }

    #[test]
    fn without_servers_none_are_told() {
        assert_eq!(Ice::default().servers(SystemTime::UNIX_EPOCH), []);
    }

    #[test]
    fn no_secret_is_shown() {
        assert!(!format!("{:?}", turn(1)).contains("north"));
    }
}
