//! The pages: files of one folder, compressed beforehand, each with what a browser has to know of it.

use crate::Failure;
use axum::{
    body::Body,
    extract::Request,
    http::{HeaderName, HeaderValue, header},
    response::{Html, IntoResponse, Response},
};
use std::path::PathBuf;
use tower::ServiceExt;
use tower_http::services::ServeDir;

/// Of how many hexadecimal digits a name's hash has at least.
const HASH_DIGITS_MIN: usize = 8;
/// What never changes under its name is asked for once.
const IMMUTABLE: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// Everything else is asked for each time, and mostly answered with "not modified".
const REVALIDATE: HeaderValue = HeaderValue::from_static("no-cache");

/// Pages run their own scripts and modules, compiled by the browser, with workers made of blobs; they speak with any
/// signaling server, and stand in nobody else's frame.
const POLICY: &str = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:; \
                      connect-src 'self' blob: data: ws: wss:; img-src 'self' blob: data:; font-src 'self' data:; \
                      style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

/// What goes with every answer.
const SECURITY: [(HeaderName, &str); 4] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
];

/// What a browser shows that opens an invitation to a host without pages.
const NO_PAGES: &str = include_str!("no_pages.html");

/// A folder of pages, or none.
#[derive(Clone, Debug)]
pub struct Pages(Option<ServeDir>);

impl Pages {
    /// The pages in a folder.
    ///
    /// # Errors
    /// If it isn't there, or holds no page.
    pub fn open(folder: Option<&PathBuf>) -> Result<Self, Failure> {
        let Some(folder) = folder else { return Ok(Self(None)) };
        let refused = |reason| Failure::Pages { folder: folder.clone(), reason };
        if !folder.is_dir() {
            return Err(refused("isn't there"));
        }
        if !folder.join("index.html").is_file() {
            return Err(refused("holds no pages"));
        }
        Ok(Self(Some(ServeDir::new(folder).precompressed_br().precompressed_gzip())))
    }

    /// Answers whoever asks for a file.
    pub async fn answer(&self, request: Request) -> Response {
        let immutable = is_hashed(request.uri().path());
        let mut response = match &self.0 {
            Some(files) => match files.clone().oneshot(request).await {
                Ok(response) => response.map(Body::new),
                Err(never) => match never {},
            },
            None => Html(NO_PAGES).into_response(),
        };
        let cached = if immutable && !response.status().is_client_error() { IMMUTABLE } else { REVALIDATE };
        response.headers_mut().insert(header::CACHE_CONTROL, cached);
        // A cache between must not give a browser what another one can read.
        response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        response
    }
}

/// Adds what goes with every answer.
pub async fn secure(mut response: Response) -> Response {
    for (name, value) in SECURITY {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Whether a path is named by a hash of its contents: `name-0123456789abcdef.js`, or all of a folder so named.
fn is_hashed(path: &str) -> bool {
    path.split('/')
        .filter_map(|part| part.split('.').next()?.rsplit_once('-'))
        .any(|(_, hash)| hash.len() >= HASH_DIGITS_MIN && hash.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_a_hash_is_told_from_others() {
        for path in ["/board-0123456789abcdef.js", "/a/board_bg-deadbeef.wasm", "/assets/x-01234567/y.d.ts"] {
            assert!(is_hashed(path), "{path}");
        }
        for path in ["/", "/index.html", "/board-face.js", "/board-notahash1.js", "/01234567.js"] {
            assert!(!is_hashed(path), "{path}");
        }
    }
}
