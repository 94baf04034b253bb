//! What rooms cost in which nothing happens: `cargo bench -p bevy_quorum_host --bench idle_rooms -- [ROOMS] [SECONDS]`.
//!
//! Prints what the host's process takes with two sockets in each room, as Linux tells it in `/proc`.
#![allow(missing_docs)]
#![allow(clippy::unwrap_used)]

use futures::StreamExt;
use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tokio::{net::TcpStream, runtime::Runtime};
use tokio_tungstenite::{client_async_with_config, tungstenite::protocol::WebSocketConfig};

/// How many connections are made at the same time.
const AT_ONCE: usize = 64;
/// How many ticks the kernel counts a second.
const TICKS_PER_SECOND: f64 = 100.0;

struct Host(Child);

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Host {
    fn start() -> (Self, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_host"));
        command.args(["--listen", "127.0.0.1:0", "--connections-per-address", "1000000", "--rooms", "1000000"]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().trim_start_matches("serving: http://").trim_end_matches('/').to_owned();
        (Self(child), address)
    }

    fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    fn cpu_seconds(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0.id())).unwrap();
        let fields: Vec<_> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        let ticks: f64 = fields[11..13].iter().map(|field| field.parse::<f64>().unwrap()).sum();
        ticks / TICKS_PER_SECOND
    }
}

fn main() {
    let numbers: Vec<u64> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    let (rooms, seconds) = (numbers.first().copied().unwrap_or(500), numbers.get(1).copied().unwrap_or(60));
    let (host, address) = Host::start();
    let empty = host.resident_kib();
    let start = Instant::now();
    Runtime::new().unwrap().block_on(async {
        let names: Vec<_> = (0..rooms).flat_map(|room| std::iter::repeat_n(format!("{room:064x}-c"), 2)).collect();
        for names in names.chunks(AT_ONCE) {
            let entering = names.iter().map(|name| enter(&address, name));
            futures::future::join_all(entering).await;
        }
        println!("{} sockets in {rooms} rooms after {:.1} s", names.len(), start.elapsed().as_secs_f64());
        let (full, before) = (host.resident_kib(), host.cpu_seconds());
        println!("memory: {empty} KiB empty, {full} KiB full, {:.1} KiB a room", (full - empty) as f64 / rooms as f64);
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        let busy = host.cpu_seconds() - before;
        println!("idle for {seconds} s: {busy:.2} s of CPU, {:.2} % of a core", 100.0 * busy / seconds as f64);
        println!("memory afterwards: {} KiB", host.resident_kib());
    });
}

/// Comes into a room, and stays: reading answers pings.
async fn enter(address: &str, room: &str) {
    let stream = TcpStream::connect(address).await.unwrap();
    let config = WebSocketConfig::default().read_buffer_size(1_024).write_buffer_size(0);
    let request = format!("ws://{address}/{room}");
    let (mut socket, _) = client_async_with_config(request, stream, Some(config)).await.unwrap();
    tokio::spawn(async move { while socket.next().await.is_some() {} });
}
