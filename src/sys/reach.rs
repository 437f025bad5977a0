//! Which addresses may be connected to, by whatever of ours speaks with an address that somebody named: the public ones,
//! and of this host and its networks those that are allowed. What is judged is the very address that is connected to, so
//! a name that changes its mind gains nothing.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use crate::domain::{Private, is_public};
use crate::error::{Failure, Kind, Result};

/// What allows private addresses.
const ALLOW: &str = "root can allow addresses of this host and its networks: \
                     dokku backups:set --global private-addresses ADDRESS, or a network such as 10.0.0.0/24, or on";
/// How long the question what a name stands for may take, where nothing depends on the answer.
const ASKING: Duration = Duration::from_secs(5);

/// Which addresses may be connected to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    public: bool,
    private: Private,
}

impl Reach {
    /// Every public address, and these others.
    pub fn new(private: Private) -> Reach {
        Reach { public: true, private }
    }

    /// Only these, and no public one: for what goes in the clear.
    pub fn inside(private: Private) -> Reach {
        Reach { public: false, private }
    }

    /// The refusal of an address in the clear, where only private ones could be asked so and none is allowed.
    pub fn in_the_clear(host: &str) -> Failure {
        Failure::new(Kind::Refused, format!("{host} would be asked in the clear: https:// only")).hint(ALLOW)
    }

    fn allows(&self, address: IpAddr) -> bool {
        if is_public(address) { self.public } else { self.private.holds(address) }
    }

    /// Those of `found` that may be connected to, for the connection to `host`.
    fn allowed(&self, host: &str, found: impl Iterator<Item = SocketAddr>) -> Result<Vec<SocketAddr>, Forbidden> {
        let allowed: Vec<SocketAddr> = found.filter(|address| self.allows(address.ip())).collect();
        if allowed.is_empty() { Err(self.forbidden(host)) } else { Ok(allowed) }
    }

    fn forbidden(&self, host: &str) -> Forbidden {
        Forbidden(match self.public {
            true => format!("{host} is an address of this host or of its own networks"),
            false => format!("{host} is public and would be asked in the clear: https:// only"),
        })
    }

    /// Refuses an address whose host is a number that is not allowed: a number is connected to without being resolved.
    pub fn check(&self, url: &Url) -> Result<()> {
        let number = match url.host() {
            Some(Host::Ipv4(number)) => IpAddr::V4(number),
            Some(Host::Ipv6(number)) => IpAddr::V6(number),
            Some(Host::Domain(_)) => return Ok(()),
            None => return Err(Failure::new(Kind::Usage, "the address names no host")),
        };
        if self.allows(number) { Ok(()) } else { Err(self.forbidden(&words(url)).into()) }
    }

    /// The same also for a name that stands for nothing else now. What it stands for later is judged then; one that
    /// nobody knows yet is let pass.
    pub fn check_now(&self, url: &Url) -> Result<()> {
        self.check(url)?;
        let Some(Host::Domain(name)) = url.host() else { return Ok(()) };
        let (name, (tell, told)) = (name.to_owned(), mpsc::channel());
        std::thread::Builder::new().spawn(move || tell.send(resolve(&name)))?;
        match told.recv_timeout(ASKING) {
            Ok(Ok(found)) if !found.is_empty() => self.allowed(&words(url), found.into_iter()).map(|_| ())?,
            _ => {}
        }
        Ok(())
    }

    /// The addresses of `host`, a name or a number, that may be connected to. `None` where nobody knows it.
    pub fn addresses(&self, host: &str) -> Result<Option<Vec<IpAddr>>> {
        let Ok(found) = resolve(host) else { return Ok(None) };
        if found.is_empty() {
            return Ok(None);
        }
        let mut allowed = Vec::new();
        for address in self.allowed(host, found.into_iter())? {
            if !allowed.contains(&address.ip()) {
                allowed.push(address.ip());
            }
        }
        Ok(Some(allowed))
    }

    /// As what a client asks for the addresses of names.
    pub fn resolver(&self) -> Arc<Reach> {
        Arc::new(self.clone())
    }
}

fn resolve(host: &str) -> io::Result<Vec<SocketAddr>> {
    Ok((host, 0).to_socket_addrs()?.collect())
}

fn words(url: &Url) -> String {
    url.host_str().map_or_else(|| "the address".to_owned(), str::to_owned)
}

impl Resolve for Reach {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.clone();
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let asked = host.clone();
            let found = tokio::task::spawn_blocking(move || resolve(&asked)).await??;
            Ok(Box::new(reach.allowed(&host, found.into_iter())?.into_iter()) as Addrs)
        })
    }
}

/// An address that must not be connected to; finds its way out of a client's own error.
#[derive(Debug, Clone)]
pub struct Forbidden(String);

impl std::fmt::Display for Forbidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Forbidden {}

impl From<Forbidden> for Failure {
    fn from(forbidden: Forbidden) -> Failure {
        Failure::new(Kind::Refused, forbidden.0).hint(ALLOW)
    }
}

/// The refusal of a connection somewhere in `error`, where that is what it is about.
pub fn refusal(error: &(dyn std::error::Error + 'static)) -> Option<Forbidden> {
    let mut cause = Some(error);
    while let Some(inner) = cause {
        if let Some(forbidden) = inner.downcast_ref::<Forbidden>() {
            return Some(forbidden.clone());
        }
        cause = inner.source();
    }
    None
}
