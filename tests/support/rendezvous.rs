//! A signaling server that belongs to none of the whiteboards.

use matchbox_signaling::SignalingServer;
use std::net::{Ipv4Addr, SocketAddr};
use tokio::runtime::{Builder, Runtime};

/// A server that ends, with all of its connections, when it is dropped.
pub struct Rendezvous {
    address: SocketAddr,
    runtime: Option<Runtime>,
}

impl Rendezvous {
    /// Listens at any free port of this machine.
    pub fn start() -> Self {
        let mut server = SignalingServer::full_mesh_builder((Ipv4Addr::LOCALHOST, 0)).build();
        let address = server.bind().unwrap();
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.spawn(async { server.serve().await.unwrap() });
        Self { address, runtime: Some(runtime) }
    }

    /// Where it is found.
    pub fn url(&self) -> String {
        format!("ws://{}", self.address)
    }
}

impl Drop for Rendezvous {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
