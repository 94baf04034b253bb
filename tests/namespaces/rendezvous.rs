//! One process: a signaling server.

use matchbox_signaling::SignalingServer;
use std::net::SocketAddr;
use tokio::runtime::Builder;

/// The first argument of such a process; the second is the address it listens at.
pub const MARK: &str = "--rendezvous";

pub fn run(arguments: &[String]) {
    let [address] = arguments else { panic!("{MARK} takes an address") };
    let address: SocketAddr = address.parse().unwrap();
    let server = SignalingServer::full_mesh_builder(address).build();
    Builder::new_current_thread().enable_all().build().unwrap().block_on(server.serve()).unwrap();
}
