//! Dumping a database of a server elsewhere with the `pg_dump` of the service's own image, in a container of its own.
//!
//! The password goes in through stdin, into a file that has no name any more by the time anybody could look: it is in no
//! program's arguments, in no environment, and in nothing that `docker inspect` shows.

use std::io::{self, Cursor, Read};
use std::time::Duration;

use super::Dsn;
use crate::domain::Service;
use crate::engine::Remote;
use crate::error::{Failure, Kind, Result};
use crate::sys::child::Child;
use crate::sys::docker::Docker;
use crate::sys::stdin::Input;

/// Label by which these containers are known, with the data root as its value.
const LABEL: &str = "dokku-backups.elsewhere";
/// Label that names the service whose lock we hold.
const SERVICE: &str = "dokku-backups.service";
/// libpq wants a regular file; this one is open, and has lost its name. `/dev/shm` is memory.
const SCRIPT: &str = "set -e; umask 077; f=$(mktemp -p /dev/shm); exec 3>\"$f\" 4<\"$f\"; rm -f \"$f\"; cat >&3; exec 3>&-; \
                      PGPASSFILE=/proc/self/fd/4 exec pg_dump \"$@\"";

/// A dump on its way; its end of file is proof. Dropping it removes the container.
#[derive(Debug)]
pub struct RemoteDump {
    docker: Docker,
    labels: [String; 2],
    words: String,
    child: Option<Child>,
}

impl RemoteDump {
    /// Starts `pg_dump` of `image` against `dsn`, for a dump of `service`, whose lock is held. `root` tells our host's
    /// containers from another's. First removes what a crash has left.
    pub fn dump(
        docker: &Docker,
        image: &str,
        dsn: &Dsn,
        root: &str,
        service: &Service,
        idle: Duration,
        total: Duration,
    ) -> Result<RemoteDump> {
        let mut elsewhere = RemoteDump::none(docker, root, service, dsn.words());
        elsewhere.remove()?;
        let name = format!("dokku-backups.elsewhere.{service}.{}", std::process::id());
        let mut args = vec!["run", "--rm", "--interactive", "--init", "--name", &name];
        elsewhere.labels.iter().for_each(|label| args.extend(["--label", label]));
        // Docker would keep a copy of all that is written, the dump itself, in its log.
        args.extend([
            "--log-driver",
            "none",
            "--pids-limit",
            "64",
            "--cap-drop",
            "ALL",
            "--security-opt",
            "no-new-privileges",
        ]);
        let conninfo = dsn.conninfo();
        args.extend(["--user", "postgres", image, "sh", "-c", SCRIPT, "sh", "--format=custom"]);
        args.extend(["--no-owner", "--no-acl", "--no-password", "--dbname", &conninfo]);
        let password = Input::Stream(Box::new(Cursor::new(dsn.password_line().into_bytes())));
        elsewhere.child = Some(
            docker
                .run(format!("pg_dump of {}", elsewhere.words), &args, password, idle)?
                .with_timeout(total)
                .hung_hint(super::HUNG),
        );
        Ok(elsewhere)
    }

    /// Removes what a crash has left of a dump for `service`, whose lock is held.
    pub fn sweep(docker: &Docker, root: &str, service: &Service) -> Result<()> {
        RemoteDump::none(docker, root, service, String::new()).remove()
    }

    fn none(docker: &Docker, root: &str, service: &Service, words: String) -> RemoteDump {
        let labels = [format!("{LABEL}={root}"), format!("{SERVICE}={}:{service}", service.datastore)];
        RemoteDump { docker: docker.clone(), labels, words, child: None }
    }

    /// Removes the containers that carry our labels; only the holder of the service's lock starts any.
    fn remove(&self) -> Result<()> {
        let filters: Vec<String> = self.labels.iter().map(|label| format!("label={label}")).collect();
        let docker = self.docker.uninterruptible();
        let mut list = vec!["ps", "--all", "--no-trunc", "--format", "{{.ID}}"];
        filters.iter().for_each(|filter| list.extend(["--filter", filter]));
        let ids = docker.call(&list)?;
        ids.lines().try_for_each(|id| docker.call(&["rm", "--force", "--volumes", id]).map(|_| ()))
    }
}

impl Read for RemoteDump {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let Some(child) = &mut self.child else { return Ok(0) };
        child.read(into).map_err(|error| explained(&self.words, error.into()).into())
    }
}

/// The commonest failures in plain words.
fn explained(words: &str, failure: Failure) -> Failure {
    if failure.kind != Kind::Child {
        return failure;
    }
    let reason = failure.reason();
    let says = |fragment: &str| reason.contains(fragment);
    let text = if says("could not translate host name") {
        "its host is not known"
    } else if says("Connection refused") || says("No route to host") {
        "its server does not answer"
    } else if says("password authentication failed") || says("no password supplied") {
        "its server refuses the user or the password"
    } else if says("server version mismatch") {
        "its server is newer than the service's image"
    } else if says("does not exist") {
        "its server has no such database"
    } else {
        return failure;
    };
    let short = Failure::new(Kind::Child, format!("{words} could not be dumped: {text}")).because(failure);
    if says("server version mismatch") {
        return short.hint("take a service of that version: dokku postgres:create NAME --image-version VERSION");
    }
    short
}

impl Drop for RemoteDump {
    fn drop(&mut self) {
        // Nothing was started.
        if self.child.take().is_none() {
            return;
        }
        if let Err(failure) = self.remove() {
            log::warn!("{}", failure.reason());
        }
    }
}

impl Remote for Dsn {
    fn words(&self) -> String {
        Dsn::words(self)
    }

    fn has_password(&self) -> bool {
        Dsn::has_password(self)
    }

    fn host(&self) -> &str {
        Dsn::host(self)
    }

    fn at(&self, addresses: Vec<std::net::IpAddr>) -> Box<dyn Remote> {
        Box::new(Dsn::at(self, addresses))
    }

    fn dump(
        &self,
        docker: &Docker,
        image: &str,
        root: &str,
        service: &Service,
        idle: Duration,
        total: Duration,
    ) -> Result<Box<dyn Read + Send>> {
        Ok(Box::new(RemoteDump::dump(docker, image, self, root, service, idle, total)?))
    }
}
