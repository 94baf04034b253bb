//! The websocket to a signaling server: text in, text out.

#[cfg(not(target_arch = "wasm32"))]
mod platform {
    use crate::link::LinkError;
    use async_tungstenite::{
        WebSocketStream,
        smol::{ConnectStream, connect_async_with_config},
        tungstenite::{Error, Message, protocol::WebSocketConfig},
    };
    use futures::StreamExt;

    /// The largest message taken from a signaling server, in bytes.
    const MESSAGE_BYTES_MAX: usize = 256 * 1024;

    pub(in crate::link::matchbox) struct WebSocket(WebSocketStream<ConnectStream>);

    impl WebSocket {
        pub(in crate::link::matchbox) async fn connect(url: &str) -> Result<Self, LinkError> {
            let config = WebSocketConfig::default()
                .max_message_size(Some(MESSAGE_BYTES_MAX))
                .max_frame_size(Some(MESSAGE_BYTES_MAX));
            let connected = connect_async_with_config(url, Some(config)).await;
            connected.map(|(socket, _)| Self(socket)).map_err(|error| in_words(url, error))
        }

        /// False if the connection is gone.
        pub(in crate::link::matchbox) async fn send(&mut self, text: String) -> bool {
            self.0.send(Message::Text(text.into())).await.is_ok()
        }

        /// Asks for a sign of life; false if the connection is gone.
        pub(in crate::link::matchbox) async fn ping(&mut self) -> bool {
            self.0.send(Message::Ping(Default::default())).await.is_ok()
        }

        /// The next message, empty if it isn't text; `None` if the connection is gone. Dropping the
        /// future loses nothing.
        pub(in crate::link::matchbox) async fn next(&mut self) -> Option<String> {
            match self.0.next().await? {
                Ok(Message::Text(text)) => Some(text.to_string()),
                Ok(Message::Close(_)) | Err(_) => None,
                Ok(_) => Some(String::new()),
            }
        }
    }

    fn in_words(url: &str, error: Error) -> LinkError {
        let url = url.to_owned();
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
    use crate::link::LinkError;
    use futures::{SinkExt, StreamExt};
    use std::io::ErrorKind;
    use ws_stream_wasm::{WsErr, WsMessage, WsMeta, WsStream};

    pub(in crate::link::matchbox) struct WebSocket(WsStream);

    impl WebSocket {
        pub(in crate::link::matchbox) async fn connect(url: &str) -> Result<Self, LinkError> {
            let url = url.to_owned();
            match WsMeta::connect(&url, None).await {
                Ok((_, socket)) => Ok(Self(socket)),
                Err(WsErr::InvalidUrl { .. }) => Err(LinkError::BadAddress { url }),
                // A browser doesn't tell why.
                Err(_) => Err(LinkError::Unreachable { url, kind: ErrorKind::NotConnected }),
            }
        }

        /// False if the connection is gone.
        pub(in crate::link::matchbox) async fn send(&mut self, text: String) -> bool {
            self.0.send(WsMessage::Text(text)).await.is_ok()
        }

        /// Browsers look after the connection themselves and let nobody ask.
        pub(in crate::link::matchbox) async fn ping(&mut self) -> bool {
            true
        }

        /// The next message, empty if it isn't text; `None` if the connection is gone. Dropping the
        /// future loses nothing.
        pub(in crate::link::matchbox) async fn next(&mut self) -> Option<String> {
            match self.0.next().await? {
                WsMessage::Text(text) => Some(text),
                WsMessage::Binary(_) => Some(String::new()),
            }
        }
    }
}

pub(super) use platform::WebSocket;
