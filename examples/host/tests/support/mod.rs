//! A host of a test, and clients that see every byte of what it answers.

// Each test file uses a part of it.
#![allow(dead_code, missing_docs)]
#![allow(clippy::unwrap_used)]

use bevy_quorum_host::{Failure, Given, Host, Settings};
use futures::{SinkExt, StreamExt};
use matchbox_protocol::{JsonPeerEvent, JsonPeerRequest, PeerId};
use std::{collections::BTreeMap, net::SocketAddr, path::Path, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{self, Message, client::IntoClientRequest},
};

/// Far more than anything here takes; only a failure waits so long.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A host at any free port.
pub async fn host(change: impl FnOnce(&mut Given)) -> Host {
    start(change).await.unwrap()
}

pub async fn start(change: impl FnOnce(&mut Given)) -> Result<Host, Failure> {
    let mut given = Given { listen: Some(([127, 0, 0, 1], 0).into()), ..Given::default() };
    change(&mut given);
    Host::start(Settings::of(given)?).await
}

/// A folder with these files in it.
pub fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, contents) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, contents).unwrap();
    }
    folder
}

/// An answer as it came.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

pub async fn get(address: SocketAddr, path: &str) -> Answer {
    get_with(address, path, "").await
}

/// Asks with more lines of headers.
pub async fn get_with(address: SocketAddr, path: &str, headers: &str) -> Answer {
    ask(TcpStream::connect(address).await.unwrap(), path, headers).await
}

pub async fn ask(mut stream: impl AsyncRead + AsyncWrite + Unpin, path: &str, headers: &str) -> Answer {
    let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.expect("an answer").unwrap();
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("the end of the headers");
    let head = std::str::from_utf8(&bytes[..end]).unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines.map(|line| line.split_once(": ").unwrap());
    let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
    Answer { status, headers, body: bytes[end + 4..].to_vec() }
}

/// A peer at the signaling server.
pub struct Peer {
    pub id: PeerId,
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Peer {
    /// Comes into a room and is told its name.
    pub async fn enter(address: SocketAddr, room: &str) -> Self {
        Self::try_enter(address, room, "").await.unwrap()
    }

    /// Comes into a room, from `forwarded_for` if that isn't empty, or hears why not.
    pub async fn try_enter(address: SocketAddr, room: &str, forwarded_for: &str) -> Result<Self, String> {
        let mut request = format!("ws://{address}/{room}").into_client_request().unwrap();
        if !forwarded_for.is_empty() {
            request.headers_mut().insert("x-forwarded-for", forwarded_for.parse().unwrap());
        }
        let (mut socket, _) = match connect_async(request).await {
            Ok(connected) => connected,
            Err(tungstenite::Error::Http(response)) => return Err(response.status().to_string()),
            Err(error) => panic!("{error}"),
        };
        match next(&mut socket).await?.parse() {
            Ok(JsonPeerEvent::IdAssigned(id)) => Ok(Self { id, socket }),
            other => panic!("a name was expected: {other:?}"),
        }
    }

    /// What it is told next.
    pub async fn hear(&mut self) -> JsonPeerEvent {
        next(&mut self.socket).await.unwrap().parse().unwrap()
    }

    /// Why it is sent away, after whatever else it is told.
    pub async fn farewell(&mut self) -> String {
        loop {
            if let Err(reason) = next(&mut self.socket).await {
                return reason;
            }
        }
    }

    pub async fn signal(&mut self, to: PeerId, data: impl Into<serde_json::Value>) {
        let request = JsonPeerRequest::Signal { receiver: to, data: data.into() };
        self.say(&request.to_string()).await;
    }

    pub async fn say(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.unwrap();
    }
}

/// The next text, or why there is none.
async fn next(socket: &mut WebSocketStream<MaybeTlsStream<TcpStream>>) -> Result<String, String> {
    loop {
        match timeout(PATIENCE, socket.next()).await.expect("a message") {
            Some(Ok(Message::Text(text))) => return Ok(text.to_string()),
            Some(Ok(Message::Close(Some(frame)))) => return Err(frame.reason.to_string()),
            Some(Ok(Message::Close(None)) | Err(_)) | None => return Err(String::new()),
            Some(Ok(_)) => {}
        }
    }
}

/// A certificate for `localhost` and its key in two files; gives the certificate.
pub fn certificate(folder: &Path) -> rcgen::Certificate {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(folder.join("cert.pem"), made.cert.pem()).unwrap();
    std::fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    made.cert
}
