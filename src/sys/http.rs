//! One HTTP client for whatever of ours speaks HTTP: rustls with the host's own certificates, bounded in time.

use std::time::Duration;

use reqwest::blocking::{Client, ClientBuilder};
use reqwest::redirect::Policy;

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(10);

/// A client whose whole exchange takes at most `total`, and which follows no redirect unless told otherwise.
pub fn client(total: Duration) -> ClientBuilder {
    provide_tls();
    Client::builder()
        .user_agent(concat!("dokku-backups/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT)
        .timeout(total)
        .redirect(Policy::none())
}

/// Chooses rustls' cryptography for the process; every client needs it, asking twice does no harm.
pub fn provide_tls() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}
