//! What the host tells: settings for pages, its health, and its figures.
#![allow(missing_docs)]
#![allow(clippy::unwrap_used)]

mod support;

use bevy_quorum_host::ice::credential;
use serde_json::json;
use std::time::{SystemTime, UNIX_EPOCH};
use support::{Peer, certificate, folder, get, host, start};

#[tokio::test]
async fn a_page_of_a_plain_host_meets_others_at_its_origin() {
    let host = host(|_| {}).await;
    let told = get(host.address(), "/config.json").await;
    assert_eq!((told.header("content-type"), told.header("cache-control")), ("application/json", "no-store"));
    assert_eq!(told.json(), json!({ "rendezvous": [], "ice_servers": [] }));
    host.stop().await;
}

#[tokio::test]
async fn a_page_gets_a_credential_that_ends() {
    let folder = folder(&[("secret", b"north\n")]);
    let host = host(|given| {
        given.rendezvous = vec!["wss://a.example".into(), "wss://b.example".into()];
        given.stun = vec!["stun:a.example:3478".into()];
        given.turn = vec!["turn:a.example:3478?transport=udp".into()];
        given.turn_secret_file = Some(folder.path().join("secret"));
        given.turn_lifetime_seconds = Some(600);
    })
    .await;
    let before = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let told = get(host.address(), "/config.json").await.json();
    assert_eq!(told["rendezvous"], json!(["wss://a.example", "wss://b.example"]));
    assert_eq!(told["ice_servers"][0], json!({ "urls": ["stun:a.example:3478"] }));
    let turn = &told["ice_servers"][1];
    let username = turn["username"].as_str().unwrap();
    assert_eq!(turn["urls"], json!(["turn:a.example:3478?transport=udp"]));
    assert_eq!(turn["credential"], credential("north", username));
    let end: u64 = username.split_once(':').unwrap().0.parse().unwrap();
    assert!((before + 600..before + 600 + 60).contains(&end), "{username}");
    host.stop().await;
}

#[tokio::test]
async fn health_and_metrics_count_rooms_seats_and_signals() {
    let host = host(|_| {}).await;
    let mut first = Peer::enter(host.address(), "a-c").await;
    let mut second = Peer::enter(host.address(), "a-c").await;
    first.signal(second.id, "call").await;
    second.hear().await;
    let health = get(host.address(), "/health").await;
    assert_eq!((health.status, health.text().lines().count()), (200, 1));
    assert_eq!(health.json(), json!({ "status": "ok", "rooms": 1, "seats": 2, "kept": [] }));
    let metrics = get(host.address(), "/metrics").await;
    assert!(metrics.header("content-type").starts_with("application/openmetrics-text"));
    for line in ["quorum_host_rooms 1\n", "quorum_host_seats 2\n", "quorum_host_signals_total 1\n"] {
        assert!(metrics.text().contains(line), "{}", metrics.text());
    }
    host.stop().await;
}

#[tokio::test]
async fn with_an_address_for_it_health_is_told_only_there() {
    let host = host(|given| given.admin = Some(([127, 0, 0, 1], 0).into())).await;
    let admin = host.admin_url().unwrap();
    let admin = admin.trim_start_matches("http://").trim_end_matches('/').parse().unwrap();
    for path in ["/health", "/metrics"] {
        assert_eq!(get(admin, path).await.status, 200, "{path}");
        // Without pages, every other path is the page that says so.
        assert_eq!(get(host.address(), path).await.header("content-type"), "text/html; charset=utf-8", "{path}");
    }
    assert_eq!(get(admin, "/config.json").await.status, 404);
    host.stop().await;
}

#[tokio::test]
async fn over_tls_the_same_is_told_and_a_new_certificate_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let first = certificate(folder.path());
    let files = vec![folder.path().join("cert.pem"), folder.path().join("key.pem")];
    let host = host(|given| given.tls = Some(files)).await;
    assert!(host.url().starts_with("https://"));
    assert!(asks_trusting(&host, &first).await);
    std::fs::write(folder.path().join("cert.pem"), "nonsense").unwrap();
    assert!(host.reload().await.is_err());
    assert!(asks_trusting(&host, &first).await, "what can't be used takes nothing away");
    let second = certificate(folder.path());
    host.reload().await.unwrap();
    assert!(!asks_trusting(&host, &first).await);
    assert!(asks_trusting(&host, &second).await);
    host.stop().await;
}

/// Whether a client that trusts only this certificate gets an answer.
async fn asks_trusting(host: &bevy_quorum_host::Host, certificate: &rcgen::Certificate) -> bool {
    use std::sync::Arc;
    use tokio_rustls::{
        TlsConnector,
        rustls::{ClientConfig, RootCertStore, crypto::ring},
    };

    let mut roots = RootCertStore::empty();
    roots.add(certificate.der().clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config =
        config.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots).with_no_client_auth();
    let stream = tokio::net::TcpStream::connect(host.address()).await.unwrap();
    let name = "localhost".try_into().unwrap();
    match TlsConnector::from(Arc::new(config)).connect(name, stream).await {
        Ok(stream) => support::ask(stream, "/config.json", "").await.status == 200,
        Err(_) => false,
    }
}

#[tokio::test]
async fn a_certificate_that_is_none_is_refused_with_both_names() {
    let folder = folder(&[("cert.pem", b"nonsense"), ("key.pem", b"nonsense")]);
    let files = vec![folder.path().join("cert.pem"), folder.path().join("key.pem")];
    let words = start(|given| given.tls = Some(files)).await.err().unwrap().to_string();
    assert!(words.contains("cert.pem") && words.contains("key.pem") && words.contains("PEM"), "{words}");
}

#[tokio::test]
async fn a_taken_address_is_refused_with_the_flag_that_chooses_another() {
    let first = host(|_| {}).await;
    let address = first.address();
    let words = start(|given| given.listen = Some(address)).await.err().unwrap().to_string();
    assert!(words.contains("--listen") && words.contains(&address.to_string()), "{words}");
    let words = start(|given| given.admin = Some(address)).await.err().unwrap().to_string();
    assert!(words.contains("--admin"), "{words}");
    first.stop().await;
}
