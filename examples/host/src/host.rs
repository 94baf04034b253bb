//! The host: everything together, behind one address or two.

use crate::{
    Failure, Settings, address,
    ice::Ice,
    kept::{Kept, KeptRoom, State as KeptState},
    metrics::Metrics,
    pages::{self, Pages},
    signaling::Signaling,
    tls::Certificate,
};
use axum::{
    Json, Router,
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware,
    response::{IntoResponse, Response},
    routing::get,
};
use axum_server::Handle;
use bevy_quorum::link::IceServer;
use hyper_util::rt::TokioTimer;
use serde::Serialize;
use std::{
    io,
    net::{SocketAddr, TcpListener},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};
use tokio::{
    sync::watch,
    task::{JoinHandle, spawn_blocking},
};

/// How long a client may take to say what it wants.
const REQUEST_PATIENCE: Duration = Duration::from_secs(10);
/// How long answers under way may take when the host stops.
const STOP_PATIENCE: Duration = Duration::from_secs(3);
/// The content type of metrics.
const METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// A host that runs.
pub struct Host {
    address: SocketAddr,
    admin_address: Option<SocketAddr>,
    certificate: Option<Certificate>,
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    listening: Handle<SocketAddr>,
    servers: Vec<JoinHandle<io::Result<()>>>,
}

/// What all answers are made from.
struct Shared {
    pages: Pages,
    signaling: Signaling,
    metrics: Arc<Metrics>,
    kept: Mutex<Option<Kept>>,
    ice: Ice,
    rendezvous: Vec<String>,
    behind_proxy: bool,
}

/// What a page is told.
#[derive(Serialize)]
struct Told<'a> {
    rendezvous: &'a [String],
    ice_servers: Vec<IceServer>,
}

/// How the host is.
#[derive(Serialize)]
struct Health {
    status: &'static str,
    rooms: usize,
    seats: usize,
    kept: Vec<KeptRoom>,
}

impl Host {
    /// Starts to listen, and then enters the rooms that it keeps: they may be found at its own address.
    ///
    /// # Errors
    /// If something of what it needs isn't there.
    pub async fn start(settings: Settings) -> Result<Self, Failure> {
        let pages = Pages::open(settings.pages.as_ref())?;
        let certificate = match settings.tls {
            Some(files) => Some(Certificate::read(files).await?),
            None => None,
        };
        let (listener, address) = listen(settings.listen, "--listen")?;
        let admin = settings.admin.map(|address| listen(address, "--admin")).transpose()?;
        let (stop, stopping) = watch::channel(false);
        let metrics = Arc::<Metrics>::default();
        let signaling = Signaling::new(settings.limits, metrics.clone(), stopping);
        let stun = settings.ice.stun.clone();
        let shared = Arc::new(Shared {
            pages,
            signaling,
            metrics,
            kept: Mutex::default(),
            ice: settings.ice,
            rendezvous: settings.rendezvous,
            behind_proxy: settings.behind_proxy,
        });
        let admin_address = admin.as_ref().map(|(_, address)| *address);
        let mut host =
            Self { address, admin_address, certificate, shared, stop, listening: Handle::new(), servers: Vec::new() };
        host.serve(listener, admin.map(|(listener, _)| listener))?;
        if !settings.keep.is_empty() {
            let entering = spawn_blocking(move || Kept::enter(settings.keep, &stun));
            match entering.await.map_err(|error| Failure::Runtime(io::Error::other(error))).flatten() {
                Ok(kept) => *host.shared.lock_kept() = Some(kept),
                Err(failure) => {
                    host.stop().await;
                    return Err(failure);
                }
            }
        }
        Ok(host)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where a browser on this machine finds it.
    pub fn url(&self) -> String {
        let scheme = if self.certificate.is_some() { "https" } else { "http" };
        format!("{scheme}://{}/", self.address)
    }

    /// Where it tells of itself, if that is elsewhere.
    pub fn admin_url(&self) -> Option<String> {
        self.admin_address.map(|address| format!("http://{address}/"))
    }

    /// Reads the certificate anew, if there is one.
    ///
    /// # Errors
    /// If it can't be used; the former one stays in use.
    pub async fn reload(&self) -> Result<(), Failure> {
        match &self.certificate {
            Some(certificate) => certificate.reload().await,
            None => Ok(()),
        }
    }

    /// Accepts nobody any more, leaves kept rooms in good order, and ends every connection.
    pub async fn stop(self) {
        self.listening.graceful_shutdown(Some(STOP_PATIENCE));
        let kept = self.shared.lock_kept().take();
        // Dropping it waits for hand-over and disk.
        let _left = spawn_blocking(move || drop(kept)).await;
        let _nobody_listens = self.stop.send(true);
        for server in self.servers {
            let _ended = server.await;
        }
    }

    fn serve(&mut self, listener: TcpListener, admin: Option<TcpListener>) -> Result<(), Failure> {
        let telling = Router::new().route("/health", get(health)).route("/metrics", get(metrics));
        let open = Router::new().route("/config.json", get(told)).fallback(enter_or_look);
        let open = if admin.is_some() { open } else { open.merge(telling.clone()) };
        let config = self.certificate.as_ref().map(|certificate| certificate.config.clone());
        let made = |router: Router<Arc<Shared>>| {
            let router = router.layer(middleware::map_response(pages::secure)).with_state(self.shared.clone());
            router.into_make_service_with_connect_info::<SocketAddr>()
        };
        let service = made(open);
        let listening = self.listening.clone();
        // The TLS acceptor makes another type of server.
        macro_rules! run {
            ($server:expr, $service:expr) => {{
                let mut server = $server.handle(listening.clone());
                server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(REQUEST_PATIENCE);
                let service = $service;
                self.servers.push(tokio::spawn(async move { server.serve(service).await }));
            }};
        }
        if let Some(listener) = admin {
            run!(axum_server::from_tcp(listener).map_err(Failure::Runtime)?, made(telling));
        }
        match config {
            Some(config) => run!(axum_server::from_tcp_rustls(listener, config).map_err(Failure::Runtime)?, service),
            None => run!(axum_server::from_tcp(listener).map_err(Failure::Runtime)?, service),
        }
        Ok(())
    }
}

impl Shared {
    fn lock_kept(&self) -> MutexGuard<'_, Option<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kept(&self) -> Vec<KeptRoom> {
        self.lock_kept().as_ref().map(|kept| kept.shown()).unwrap_or_default()
    }
}

/// Listens at once, so that nobody who reads the address comes too early.
fn listen(address: SocketAddr, flag: &'static str) -> Result<(TcpListener, SocketAddr), Failure> {
    let failure = |error| Failure::Listen { address, error, flag };
    let listener = TcpListener::bind(address).map_err(failure)?;
    listener.set_nonblocking(true).map_err(failure)?;
    let address = listener.local_addr().map_err(failure)?;
    Ok((listener, address))
}

/// Whoever comes with a websocket wants to meet others; whoever comes without one wants a file.
async fn enter_or_look(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    if is_websocket(request.headers()) {
        let from = address::of(from, request.headers(), shared.behind_proxy);
        shared.signaling.enter(from, request).await
    } else {
        shared.pages.answer(request).await
    }
}

fn is_websocket(headers: &HeaderMap) -> bool {
    headers.get(header::UPGRADE).is_some_and(|protocol| protocol.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

async fn told(State(shared): State<Arc<Shared>>) -> Response {
    let told = Told { rendezvous: &shared.rendezvous, ice_servers: shared.ice.servers(SystemTime::now()) };
    fresh(Json(told))
}

async fn health(State(shared): State<Arc<Shared>>) -> Response {
    let kept = shared.kept();
    let failed = kept.iter().any(|room| room.state == KeptState::Failed);
    let (rooms, seats) = shared.signaling.rooms.count();
    let (code, status) = if failed { (StatusCode::SERVICE_UNAVAILABLE, "failed") } else { (StatusCode::OK, "ok") };
    fresh((code, Json(Health { status, rooms, seats, kept })))
}

async fn metrics(State(shared): State<Arc<Shared>>) -> Response {
    match shared.metrics.text(shared.signaling.rooms.count(), &shared.kept()) {
        Ok(text) => fresh(([(header::CONTENT_TYPE, METRICS_TYPE)], text)),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// An answer that is true only now.
fn fresh(answer: impl IntoResponse) -> Response {
    let mut response = answer.into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
