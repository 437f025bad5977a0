//! Fetching a file from an address that somebody named: bounded in time, over TLS, and never from where only this host
//! can reach, see `reach`.

use std::io::{self, Read};
use std::pin::pin;
use std::time::Duration;

use reqwest::header::LOCATION;
use reqwest::redirect::Policy;
use reqwest::{Client, Response, Url};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use super::child::interrupted;
use super::idle_timer::IdleTimer;
use super::reach::{self, Reach};
use super::{failpoints, http, signals};
use crate::domain::Private;
use crate::error::{Failure, Kind, Result};

/// How often a waiting reader looks for signals.
const LOOK: Duration = Duration::from_millis(100);
/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(15);
/// Redirects followed; each is checked like the first address.
const REDIRECTS: usize = 5;
/// What a fetch may take, and where it may go.
#[derive(Debug, Clone)]
pub struct Bounds {
    /// How long nothing may come.
    pub idle: Duration,
    /// How long all of it may take.
    pub total: Duration,
    /// Which private addresses are allowed, and with them plain http.
    pub private: Private,
}

/// A file on its way; its end of file is proof as far as the server told its length.
#[derive(Debug)]
pub struct Download {
    runtime: Runtime,
    response: Response,
    piece: Vec<u8>,
    from: usize,
    host: String,
    idle: Duration,
    total: IdleTimer,
    /// Its length, where the server told it.
    pub size: Option<u64>,
}

/// Begins to fetch `address`; messages name its host and nothing else of it.
pub fn fetch(address: &str, bounds: &Bounds) -> Result<Download> {
    let mut url = Url::parse(address)
        .map_err(|error| Failure::new(Kind::Usage, "the address is not understood").because(error.to_string()))?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let mut total = IdleTimer::new(bounds.total);
    for _ in 0..=REDIRECTS {
        let client = client(&url, bounds)?;
        let host = host(&url);
        failpoints::pass("fetch")?;
        let response = runtime.block_on(send(&client, &url, bounds.idle, &mut total))?;
        let status = response.status();
        if status.is_success() {
            let (size, idle) = (response.content_length(), bounds.idle);
            return Ok(Download { runtime, response, piece: Vec::new(), from: 0, host, idle, total, size });
        }
        let to = response.headers().get(LOCATION).and_then(|to| to.to_str().ok()).and_then(|to| url.join(to).ok());
        match to.filter(|_| status.is_redirection()) {
            Some(to) => url = to,
            None => return Err(Failure::new(Kind::Io, format!("{host} answered {status}"))),
        }
    }
    Err(Failure::new(Kind::Io, format!("{} redirects more than {REDIRECTS} times", host(&url))))
}

fn client(url: &Url, bounds: &Bounds) -> Result<Client> {
    let private = bounds.private.clone();
    let reach = match url.scheme() {
        "https" => Reach::new(private),
        // In the clear only within one's own networks.
        "http" if private != Private::None => Reach::inside(private),
        "http" => return Err(Reach::in_the_clear(&host(url))),
        other => return Err(Failure::new(Kind::Usage, format!("an address begins with https://, not {other}:"))),
    };
    reach.check(url)?;
    http::provide_tls();
    let builder = Client::builder()
        .user_agent(concat!("dokku-backups/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT)
        .redirect(Policy::none())
        // A proxy would connect for us, wherever it likes.
        .no_proxy()
        .referer(false)
        .dns_resolver(reach.resolver());
    builder.build().map_err(|error| failed(&host(url), error))
}

async fn send(client: &Client, url: &Url, idle: Duration, total: &mut IdleTimer) -> Result<Response> {
    let mut sending = pin!(client.get(url.clone()).send());
    let mut patience = IdleTimer::new(idle);
    loop {
        match timeout(LOOK, &mut sending).await {
            Ok(answer) => return answer.map_err(|error| failed(&host(url), error)),
            Err(_) => look(&host(url), &mut patience, total)?,
        }
    }
}

/// Between two looks: a signal, or the end of patience.
fn look(host: &str, idle: &mut IdleTimer, total: &mut IdleTimer) -> Result<()> {
    if let Some(signal) = signals::received() {
        return Err(interrupted(signal));
    }
    match (idle.is_over(), total.is_over()) {
        (_, true) => Err(Failure::new(Kind::Timeout, format!("{host} takes longer than allowed"))
            .hint("allow more seconds: dokku backups:set SERVICE import-timeout SECONDS")),
        (true, _) => Err(Failure::new(Kind::Timeout, format!("nothing more comes from {host}"))),
        _ => Ok(()),
    }
}

impl Download {
    /// Where it comes from in the end.
    pub fn host(&self) -> &str {
        &self.host
    }

    fn next(&mut self) -> Result<usize> {
        let mut patience = IdleTimer::new(self.idle);
        loop {
            look(&self.host, &mut patience, &mut self.total)?;
            let response = &mut self.response;
            let came = self.runtime.block_on(async { timeout(LOOK, response.chunk()).await });
            match came {
                Err(_) => {}
                Ok(Ok(Some(piece))) if piece.is_empty() => {}
                Ok(Ok(Some(piece))) => {
                    self.piece.clear();
                    self.piece.extend_from_slice(&piece);
                    self.from = 0;
                    return Ok(self.piece.len());
                }
                Ok(Ok(None)) => return Ok(0),
                Ok(Err(error)) => return Err(failed(&self.host, error)),
            }
        }
    }
}

impl Read for Download {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.from == self.piece.len() && self.next()? == 0 {
            return Ok(0);
        }
        let count = into.len().min(self.piece.len() - self.from);
        into[..count].copy_from_slice(&self.piece[self.from..self.from + count]);
        self.from += count;
        Ok(count)
    }
}

/// Addresses often carry a token: only the host is ever told.
fn failed(host: &str, error: reqwest::Error) -> Failure {
    let error = error.without_url();
    if let Some(refusal) = reach::refusal(&error) {
        return refusal.into();
    }
    let mut reason = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        reason = inner.to_string();
        cause = inner.source();
    }
    Failure::new(Kind::Io, format!("{host} could not be read")).because(reason.chars().take(200).collect::<String>())
}

fn host(url: &Url) -> String {
    url.host_str().map_or_else(|| "the address".to_owned(), str::to_owned)
}
