//! One HTTP client for whatever of ours speaks HTTP: rustls with the host's own certificates, bounded in time.

use std::time::Duration;

use reqwest::blocking::{Client, ClientBuilder, Response};
use reqwest::redirect::Policy;

use super::reach::{self, Reach};
use crate::error::{Failure, Kind, Result};

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(10);

const AGENT: &str = concat!("dokku-backups/", env!("CARGO_PKG_VERSION"));

/// A client whose whole exchange takes at most `total`, which follows no redirect and connects within `reach`. A proxy
/// would connect for us, wherever it likes.
fn client(total: Duration, reach: &Reach) -> ClientBuilder {
    provide_tls();
    let builder = Client::builder().user_agent(AGENT).connect_timeout(CONNECT).timeout(total);
    builder.redirect(Policy::none()).no_proxy().dns_resolver(reach.resolver())
}

/// The same for exchanges of many parts: `patience` bounds the wait for each answer and each of its pieces, not the whole.
pub fn asynchronous(patience: Duration, reach: &Reach) -> reqwest::ClientBuilder {
    provide_tls();
    reqwest::Client::builder()
        .user_agent(AGENT)
        .connect_timeout(CONNECT)
        .read_timeout(patience)
        .redirect(Policy::none())
        .no_proxy()
        .dns_resolver(reach.resolver())
        .http1_only()
}

/// Chooses rustls' cryptography for the process; every client needs it, asking twice does no harm.
pub fn provide_tls() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Longest reason that is passed on from an answer.
const LONGEST: usize = 200;

/// Asks `url` once and expects success (2xx). Nothing of the answer's body is read.
pub fn ping(url: &str, total: Duration, reach: &Reach) -> Result<()> {
    let client = opened(url, total, reach)?;
    conclude(url, client.get(url).send())
}

fn opened(url: &str, total: Duration, reach: &Reach) -> Result<Client> {
    let parsed = url::Url::parse(url).map_err(|e| Failure::new(Kind::Config, "the address").because(e.to_string()))?;
    reach.check(&parsed)?;
    client(total, reach).build().map_err(|error| failed(url, error))
}

/// Posts one JSON document and expects success (2xx).
pub fn post_json(url: &str, body: String, total: Duration, reach: &Reach) -> Result<()> {
    let client = opened(url, total, reach)?;
    conclude(url, client.post(url).header("content-type", "application/json").body(body).send())
}

fn conclude(url: &str, answer: reqwest::Result<Response>) -> Result<()> {
    let status = answer.map_err(|error| failed(url, error))?.status();
    if status.is_success() {
        return Ok(());
    }
    let text = format!("{} answered {status}", host(url));
    let text = if status.is_redirection() { format!("{text}; redirects are not followed") } else { text };
    Err(Failure::new(Kind::Io, text))
}

/// Addresses often carry a token in their path: only the host is ever told.
fn failed(url: &str, error: reqwest::Error) -> Failure {
    let error = error.without_url();
    if let Some(refusal) = reach::refusal(&error) {
        return refusal.into();
    }
    let mut reason = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        reason = format!("{reason}: {inner}");
        cause = inner.source();
    }
    Failure::new(Kind::Io, format!("{} could not be asked", host(url)))
        .because(reason.chars().take(LONGEST).collect::<String>())
}

fn host(url: &str) -> String {
    let parsed = url::Url::parse(url).ok();
    parsed.and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_else(|| "the address".to_owned())
}
