//! TLS of our own: certificate and key from files, read again when they change.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject as _};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig};
use tracing::{error, info};

use crate::config;

/// How often the files' times are looked at; a renewal a minute late is none too late.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("cannot read {path}: {source}; check the path and its permissions")]
    Read { path: PathBuf, source: pem::Error },
    #[error("there is no certificate in {0}; it must hold the chain in PEM, the server's own first")]
    NoCertificate(PathBuf),
    #[error("the key {0} can be read by everybody; run `chmod o-rwx {0}`")]
    Exposed(PathBuf),
    #[error("certificate and key do not serve: {0}; check that they belong together")]
    Unusable(#[from] rustls::Error),
    #[error("cannot look at {path}: {source}")]
    Io { path: PathBuf, source: io::Error },
}

/// The certificate in force.
#[derive(Clone)]
pub struct Certificate {
    files: config::Tls,
    config: Arc<watch::Sender<Arc<ServerConfig>>>,
}

impl Certificate {
    /// # Errors
    /// See [`TlsError`].
    pub fn load(files: &config::Tls) -> Result<Self, TlsError> {
        let config = Arc::new(watch::Sender::new(Arc::new(read(files)?)));
        Ok(Self { files: files.clone(), config })
    }

    /// For the next connection.
    pub fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.config.borrow()))
    }

    /// Reads the files again when they change, for as long as the server runs. Files that do not serve leave the old
    /// certificate in force.
    pub async fn keep_up(self) {
        let mut seen = look(&self.files);
        loop {
            sleep(LOOK_EVERY).await;
            let now = look(&self.files);
            if now == seen {
                continue;
            }
            match read(&self.files) {
                Ok(config) => {
                    self.config.send_replace(Arc::new(config));
                    seen = now;
                    info!("the certificate was read again");
                }
                // Certificate and key are seldom replaced in the same moment: tried again.
                Err(error) => error!(%error, "the new certificate does not serve; the old one stays"),
            }
        }
    }
}

fn read(files: &config::Tls) -> Result<ServerConfig, TlsError> {
    let unreadable = |path: &Path| {
        let path = path.to_owned();
        move |source| TlsError::Read { path, source }
    };
    let path = &files.cert_file;
    let chain: Vec<CertificateDer<'static>> =
        CertificateDer::pem_file_iter(path).and_then(Iterator::collect).map_err(unreadable(path))?;
    if chain.is_empty() {
        return Err(TlsError::NoCertificate(path.clone()));
    }
    let path = &files.key_file;
    let mode = std::fs::metadata(path).map_err(|source| TlsError::Io { path: path.clone(), source })?.permissions();
    if mode.mode() & 0o007 != 0 {
        return Err(TlsError::Exposed(path.clone()));
    }
    let key = PrivateKeyDer::from_pem_file(path).map_err(unreadable(path))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn look(files: &config::Tls) -> [Option<SystemTime>; 2] {
    [&files.cert_file, &files.key_file].map(|path| std::fs::metadata(path).and_then(|file| file.modified()).ok())
}
