//! A real TURN server, coturn, in a process of its own.

use std::{
    net::{IpAddr, Ipv4Addr, UdpSocket},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(20);
pub const USERNAME: &str = "ada";
pub const CREDENTIAL: &str = "lovelace";

/// Where it relays: at another address than that of the peers, who would be let through to each other's relays by their own
/// address else, and find out about each other directly.
const RELAYS_AT: &str = "127.0.0.2";

/// A relay that ends when it is dropped.
pub struct Relay {
    address: IpAddr,
    port: u16,
    process: Child,
    _folder: TempDir,
}

impl Relay {
    /// Listens at this machine's own address; none where coturn isn't installed, unless it is required.
    pub fn start() -> Option<Self> {
        let address = own_address();
        let port = UdpSocket::bind((address, 0)).unwrap().local_addr().unwrap().port();
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let started = Command::new("turnserver")
            .args(["-n", "--no-tls", "--no-dtls", "--no-cli", "--lt-cred-mech", "--allow-loopback-peers"])
            .args(["--realm", "quorum", "--user", &format!("{USERNAME}:{CREDENTIAL}")])
            .args(["--listening-ip", &address.to_string(), "--relay-ip", RELAYS_AT])
            .args(["--listening-port", &port.to_string(), "--min-port", "49152", "--max-port", "65535"])
            .args(["--pidfile", &path("pid"), "--userdb", &path("users"), "--log-file", &path("log"), "--simple-log"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let process = match started {
            Ok(process) => process,
            Err(error) => {
                let required = std::env::var("BEVY_QUORUM_RELAY").is_ok_and(|value| value == "required");
                assert!(!required, "coturn (`turnserver`) can't be started: {error}");
                eprintln!("not tested: coturn (`turnserver`) can't be started: {error}");
                return None;
            }
        };
        let relay = Self { address, port, process, _folder: folder };
        relay.wait();
        Some(relay)
    }

    pub fn url(&self) -> String {
        format!("turn:{}:{}?transport=udp", self.address, self.port)
    }

    /// Asks it for anything until it answers.
    fn wait(&self) {
        const BINDING_REQUEST: [u8; 20] = *b"\x00\x01\x00\x00\x21\x12\xa4\x42quorum test.";
        let socket = UdpSocket::bind((self.address, 0)).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        let began = Instant::now();
        let mut answer = [0; 512];
        loop {
            assert!(began.elapsed() < PATIENCE, "coturn doesn't answer at {}", self.url());
            // Before it listens, sending fails.
            let _ = socket.send_to(&BINDING_REQUEST, (self.address, self.port));
            if socket.recv(&mut answer).is_ok() {
                return;
            }
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The address by which this machine reaches others: WebRTC passes loopback over.
fn own_address() -> IpAddr {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
    // Nothing is sent: it only asks which way it would go.
    socket.connect((Ipv4Addr::new(203, 0, 113, 1), 9)).unwrap();
    socket.local_addr().unwrap().ip()
}
