//! The websocket to a signaling server: text in, text out.

#[cfg(not(target_arch = "wasm32"))]
mod platform {
    use super::ended;
    use crate::link::LinkError;
    use async_tungstenite::{
        WebSocketStream,
        smol::{ConnectStream, connect_async_with_config},
        tungstenite::{Error, Message, protocol::WebSocketConfig},
    };
    use futures::StreamExt;

    /// The largest message taken from a signaling server, in bytes.
    const MESSAGE_BYTES_MAX: usize = 256 * 1024;

    pub(in crate::link::matchbox) struct WebSocket {
        server: String,
        stream: WebSocketStream<ConnectStream>,
    }

    impl WebSocket {
        /// Connects to `url`, which errors call `server`.
        pub(in crate::link::matchbox) async fn connect(url: &str, server: &str) -> Result<Self, LinkError> {
            let config = WebSocketConfig::default()
                .max_message_size(Some(MESSAGE_BYTES_MAX))
                .max_frame_size(Some(MESSAGE_BYTES_MAX));
            let connected = connect_async_with_config(url, Some(config)).await;
            let (stream, _) = connected.map_err(|error| in_words(server, error))?;
            Ok(Self { server: server.to_owned(), stream })
        }

        /// False if the connection is gone.
        pub(in crate::link::matchbox) async fn send(&mut self, text: String) -> bool {
            self.stream.send(Message::Text(text.into())).await.is_ok()
        }

        /// Asks for a sign of life; false if the connection is gone.
        pub(in crate::link::matchbox) async fn ping(&mut self) -> bool {
            self.stream.send(Message::Ping(Default::default())).await.is_ok()
        }

        /// The next message, empty if it isn't text, or how the connection ended. Dropping the future loses nothing.
        pub(in crate::link::matchbox) async fn next(&mut self) -> Result<String, LinkError> {
            match self.stream.next().await {
                Some(Ok(Message::Text(text))) => Ok(text.to_string()),
                Some(Ok(Message::Close(Some(farewell)))) => {
                    Err(ended(&self.server, farewell.code.into(), &farewell.reason))
                }
                Some(Ok(Message::Close(None)) | Err(_)) | None => Err(LinkError::Gone { url: self.server.clone() }),
                Some(Ok(_)) => Ok(String::new()),
            }
        }
    }

    fn in_words(server: &str, error: Error) -> LinkError {
        let url = server.to_owned();
        match error {
            Error::Io(error) => LinkError::Unreachable { url, kind: error.kind() },
            Error::Http(response) => LinkError::NotSignaling { url, status: response.status().as_u16() },
            Error::Url(_) | Error::HttpFormat(_) => LinkError::BadAddress { url },
            _ => LinkError::Garbled { url },
        }
    }
}

#[cfg(target_arch = "wasm32")]
mod platform {
    use super::ended;
    use crate::link::LinkError;
    use futures::{
        SinkExt, StreamExt,
        future::{Either, select},
    };
    use futures_timer::Delay;
    use pharos::{Events, Filter, Observable};
    use std::{io::ErrorKind, time::Duration};
    use ws_stream_wasm::{WsErr, WsEvent, WsMessage, WsMeta, WsStream};

    /// How long the browser may take to say how a connection ended.
    const FAREWELL: Duration = Duration::from_secs(1);

    pub(in crate::link::matchbox) struct WebSocket {
        server: String,
        stream: WsStream,
        endings: Events<WsEvent>,
    }

    impl WebSocket {
        /// Connects to `url`, which errors call `server`.
        pub(in crate::link::matchbox) async fn connect(url: &str, server: &str) -> Result<Self, LinkError> {
            let server = server.to_owned();
            let (mut meta, stream) = match WsMeta::connect(url, None).await {
                Ok(connected) => connected,
                Err(WsErr::InvalidUrl { .. }) => return Err(LinkError::BadAddress { url: server }),
                // A browser doesn't tell why.
                Err(_) => return Err(LinkError::Unreachable { url: server, kind: ErrorKind::NotConnected }),
            };
            let endings = meta.observe(Filter::Pointer(WsEvent::is_closed).into()).await;
            Ok(Self { endings: endings.expect("nobody closes the list of those who listen"), server, stream })
        }

        /// False if the connection is gone.
        pub(in crate::link::matchbox) async fn send(&mut self, text: String) -> bool {
            self.stream.send(WsMessage::Text(text)).await.is_ok()
        }

        /// Browsers look after the connection themselves and let nobody ask.
        pub(in crate::link::matchbox) async fn ping(&mut self) -> bool {
            true
        }

        /// The next message, empty if it isn't text, or how the connection ended. Dropping the future loses nothing.
        pub(in crate::link::matchbox) async fn next(&mut self) -> Result<String, LinkError> {
            match self.stream.next().await {
                Some(WsMessage::Text(text)) => Ok(text),
                Some(WsMessage::Binary(_)) => Ok(String::new()),
                None => match select(self.endings.next(), Delay::new(FAREWELL)).await {
                    Either::Left((Some(WsEvent::Closed(farewell)), _)) => {
                        Err(ended(&self.server, farewell.code, &farewell.reason))
                    }
                    _ => Err(LinkError::Gone { url: self.server.clone() }),
                },
            }
        }
    }
}

use crate::link::LinkError;
pub(super) use platform::WebSocket;

/// The code of a server that closes a connection because it is full: "try again later", in the registry of RFC 6455.
const TRY_AGAIN_LATER: u16 = 1013;

/// How a connection ended that a server closed with this code and these words, which are at most 123 bytes (RFC 6455,
/// section 5.5).
fn ended(server: &str, code: u16, words: &str) -> LinkError {
    let url = server.to_owned();
    if code != TRY_AGAIN_LATER {
        return LinkError::Gone { url };
    }
    let reason = words.chars().filter(|character| !character.is_control()).collect();
    LinkError::Full { url, reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_told_to_come_later_knows_why() {
        let url = "wss://signal.example".to_owned();
        let full = LinkError::Full { url: url.clone(), reason: "no place[31m".into() };
        assert_eq!(ended(&url, 1013, "no place\x1b[31m\n"), full);
        assert_eq!(ended(&url, 1001, "the server stops"), LinkError::Gone { url });
    }
}
