//! The certificate, and reading it anew.

use crate::Failure;
use axum_server::tls_rustls::RustlsConfig;
use std::path::PathBuf;

/// A certificate and its key in use, and where they came from.
pub struct Certificate {
    /// What connections are accepted with.
    pub config: RustlsConfig,
    cert: PathBuf,
    key: PathBuf,
}

impl Certificate {
    /// Reads both.
    ///
    /// # Errors
    /// If one can't be read, or they don't belong together.
    pub async fn read((cert, key): (PathBuf, PathBuf)) -> Result<Self, Failure> {
        // Whoever embeds this may have chosen another one already.
        let _chosen = rustls::crypto::ring::default_provider().install_default();
        match RustlsConfig::from_pem_file(&cert, &key).await {
            Ok(config) => Ok(Self { config, cert, key }),
            Err(error) => Err(Failure::Tls { cert, key, error }),
        }
    }

    /// Reads both anew; connections that stand go on as they are.
    ///
    /// # Errors
    /// As [`read`](Self::read); what was in use stays in use.
    pub async fn reload(&self) -> Result<(), Failure> {
        let failure = |error| Failure::Tls { cert: self.cert.clone(), key: self.key.clone(), error };
        self.config.reload_from_pem_file(&self.cert, &self.key).await.map_err(failure)
    }
}
