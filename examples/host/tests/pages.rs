//! Pages as a browser gets them.
#![allow(missing_docs)]
#![allow(clippy::unwrap_used)]

mod support;

use support::{folder, get, get_with, host, start};

const HASHED: &str = "board_bg-0123456789abcdef.wasm";

fn pages() -> tempfile::TempDir {
    folder(&[
        ("index.html", b"<!doctype html>"),
        (HASHED, b"plain"),
        ("board_bg-0123456789abcdef.wasm.br", b"brotli"),
        ("board-0123456789abcdef.js", b"export {}"),
        ("whiteboard/index.html", b"<p>board"),
    ])
}

#[tokio::test]
async fn a_page_is_asked_for_again_and_what_it_names_by_hash_is_not() {
    let pages = pages();
    let host = host(|given| given.pages = Some(pages.path().into())).await;
    let index = get(host.address(), "/").await;
    assert_eq!((index.status, index.text().as_str()), (200, "<!doctype html>"));
    assert_eq!((index.header("content-type"), index.header("cache-control")), ("text/html", "no-cache"));
    let script = get(host.address(), "/board-0123456789abcdef.js").await;
    assert_eq!(script.header("content-type"), "text/javascript");
    assert_eq!(script.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(get(host.address(), "/whiteboard/").await.text(), "<p>board");
    let same = format!("If-Modified-Since: {}\r\n", index.header("last-modified"));
    assert_eq!(get_with(host.address(), "/", &same).await.status, 304);
    host.stop().await;
}

#[tokio::test]
async fn who_understands_brotli_gets_it() {
    let pages = pages();
    let host = host(|given| given.pages = Some(pages.path().into())).await;
    let path = format!("/{HASHED}");
    let compressed = get_with(host.address(), &path, "Accept-Encoding: gzip, br\r\n").await;
    assert_eq!((compressed.text().as_str(), compressed.header("content-encoding")), ("brotli", "br"));
    assert_eq!((compressed.header("content-type"), compressed.header("vary")), ("application/wasm", "accept-encoding"));
    let plain = get(host.address(), &path).await;
    assert_eq!((plain.text().as_str(), plain.header("content-encoding")), ("plain", ""));
    assert_eq!(plain.header("content-type"), "application/wasm");
    host.stop().await;
}

#[tokio::test]
async fn every_answer_says_what_a_page_may_do() {
    let pages = pages();
    let host = host(|given| given.pages = Some(pages.path().into())).await;
    for path in ["/", "/nothing", "/config.json", "/health"] {
        let answer = get(host.address(), path).await;
        assert_eq!((answer.header("x-content-type-options"), answer.header("x-frame-options")), ("nosniff", "DENY"));
        let policy = answer.header("content-security-policy");
        for part in ["'wasm-unsafe-eval'", "worker-src 'self' blob:", "ws: wss:", "frame-ancestors 'none'"] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
    }
    host.stop().await;
}

#[tokio::test]
async fn what_is_not_there_is_not_kept_in_caches_and_nothing_outside_is_served() {
    let pages = pages();
    let inside = pages.path().join("whiteboard");
    let host = host(|given| given.pages = Some(inside)).await;
    let missing = get(host.address(), "/gone-0123456789abcdef.js").await;
    assert_eq!((missing.status, missing.header("cache-control")), (404, "no-cache"));
    for path in ["/../index.html", "/%2e%2e/index.html", "/..%2findex.html"] {
        let answer = get(host.address(), path).await;
        assert!(answer.status >= 400, "{path}: {answer:?}");
    }
    host.stop().await;
}

#[tokio::test]
async fn without_pages_a_browser_is_told_what_the_link_is_for() {
    let host = host(|_| {}).await;
    let answer = get(host.address(), "/").await;
    assert_eq!(answer.status, 200);
    assert!(answer.text().contains("whole link"));
    host.stop().await;
}

#[tokio::test]
async fn a_folder_without_pages_is_refused_with_what_builds_them() {
    let empty = tempfile::tempdir().unwrap();
    for folder in [empty.path().to_owned(), empty.path().join("nothing")] {
        let words = start(|given| given.pages = Some(folder)).await.err().unwrap().to_string();
        assert!(words.contains("cargo xtask web") && words.contains("--pages"), "{words}");
    }
}
