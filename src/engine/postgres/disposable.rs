//! A database that is thrown away: a container of the service's own image and version that may do nothing but that. No
//! network, no privileges, its own file system read-only, memory, processes and disk bounded; fast rather than durable.
//! It is removed whatever happens; what a crash leaves, the scheduler or the next verification removes.

use std::fmt;
use std::time::Duration;

use super::Server;
use super::quote::{ident, literal};
use super::server::ADMIN;
use crate::domain::{BackupId, Datastore, Service};
use crate::engine::Owner;
use crate::error::{Failure, Kind, Result};
use crate::sys::docker::Docker;

/// Label by which our containers are known, with the data root as its value: names prove nothing.
const LABEL: &str = "dokku-backups.disposable";
/// Label that names the backup being verified.
const BACKUP: &str = "dokku-backups.backup";
/// Label with the full name of the service whose backup that is.
const SERVICE: &str = "dokku-backups.service";

/// Durability costs time and protects nothing here. A server that loses a process, to the memory limit for instance, ends
/// instead of recovering: else its failure would look like the backup's.
const SETTINGS: [&str; 8] = [
    "restart_after_crash=off",
    "fsync=off",
    "full_page_writes=off",
    "synchronous_commit=off",
    "autovacuum=off",
    "wal_level=minimal",
    "max_wal_senders=0",
    "max_wal_size=1GB",
];

/// What holds for every one of them. Docker would keep all that is said, which is as much as a dump wants.
const ALWAYS: [&str; 14] = [
    "--network=none",
    "--pids-limit=256",
    "--restart=no",
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges",
    "--ulimit=core=0",
    "--shm-size=256m",
    "--log-driver=json-file",
    "--log-opt=max-size=1m",
    "--log-opt=max-file=1",
    "--env",
    "POSTGRES_HOST_AUTH_METHOD=trust",
    "--env",
    "POSTGRES_INITDB_ARGS=--no-sync",
];
/// The official image comes up like this. What is in memory counts towards its limit.
const STRICT: [&str; 4] = [
    "--user=postgres",
    "--read-only",
    "--tmpfs=/tmp:size=64m,mode=1777",
    "--tmpfs=/var/run/postgresql:size=1m,mode=1777",
];
/// What the entry point of the official image needs to give the data to its user and to become that user.
const LOOSE: [&str; 5] =
    ["--cap-add=CHOWN", "--cap-add=DAC_OVERRIDE", "--cap-add=FOWNER", "--cap-add=SETGID", "--cap-add=SETUID"];

/// How tightly a container is confined beyond what holds for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confinement {
    /// As the user `postgres`, without any capability, its own file system read-only.
    Strict,
    /// As the image's own user, with few capabilities, its own file system open: for images that do not come up else.
    Loose,
}

/// A running disposable server; dropping it removes the container.
pub struct Disposable {
    docker: Docker,
    name: String,
    image: String,
    memory: String,
    confinement: Confinement,
    /// Settings of the service's own server, and whether it is started with them.
    settings: Vec<String>,
    as_service: bool,
    /// The labels that only this one has. Its name proves nothing: somebody else's container may have it.
    labels: Vec<String>,
    removed: Option<Box<dyn FnOnce() + Send + Sync>>,
}

impl Disposable {
    /// Starts one of `image` for `owner`, with these `settings` of the service's own server (`NAME=VALUE`). `memory` is
    /// Docker's word. `removed` is called when nothing of it is left.
    pub fn start(
        docker: &Docker,
        image: &str,
        owner: &Owner,
        memory: &str,
        settings: Vec<String>,
        removed: Box<dyn FnOnce() + Send + Sync>,
    ) -> Result<Disposable> {
        let labels = vec![
            format!("{LABEL}={}", owner.root),
            format!("{BACKUP}={}", owner.backup),
            format!("{SERVICE}={}", owner.service.full_name()),
        ];
        // Made before the call: should it be interrupted half-way, dropping this still removes the container.
        let mut disposable = Disposable {
            docker: docker.clone(),
            name: format!("dokku-backups.{}.{}", owner.backup, std::process::id()),
            image: image.to_owned(),
            memory: memory.to_owned(),
            confinement: Confinement::Strict,
            as_service: !settings.is_empty(),
            settings,
            labels,
            removed: Some(removed),
        };
        loop {
            match disposable.run(docker) {
                // Made, and not to be started like this: the image has no such user, for instance.
                Err(failure) if failure.kind == Kind::Child && disposable.remove()? > 0 => {
                    disposable.try_otherwise(failure)?;
                }
                answer => return answer.map(|()| disposable),
            }
        }
    }

    /// Its server, once it answers (within `limit`), with an empty database `name` of this encoding.
    pub fn server(&mut self, docker: &Docker, name: &str, encoding: Option<&str>, limit: Duration) -> Result<Server> {
        let limit = limit.min(Duration::from_secs(120));
        let server = Server::new(docker, &self.name);
        loop {
            match server.wait_until_ready(limit) {
                // It ended by itself, and not for want of memory.
                Err(failure) if failure.kind == Kind::Child => {
                    self.remove()?;
                    self.try_otherwise(failure)?;
                    self.run(docker)?;
                }
                answer => break answer?,
            }
        }
        let default = server.value(ADMIN, "SHOW server_encoding")?;
        let mut sql = format!("CREATE DATABASE {} TEMPLATE template0", ident(name));
        if let Some(encoding) = encoding.filter(|encoding| Some(*encoding) != default.as_deref()) {
            // The default locale fits the default encoding only; C fits every one.
            sql.push_str(&format!(" ENCODING {} LC_COLLATE 'C' LC_CTYPE 'C'", literal(encoding)));
        }
        server.query(ADMIN, &[&sql])?;
        Ok(server)
    }

    /// The image that it was made of.
    pub(super) fn image(&self) -> &str {
        &self.image
    }

    /// The value of a setting that it has from the service's own server.
    pub(super) fn setting(&self, name: &str) -> Option<&str> {
        let settings = self.settings.iter().rev().filter(|_| self.as_service);
        settings.filter_map(|setting| setting.split_once('=')).find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// Whether it has to do without the service's own settings, because it does not come up with them.
    pub(super) fn is_without_settings(&self) -> bool {
        !self.as_service && !self.settings.is_empty()
    }

    /// How tightly it is confined.
    pub fn confinement(&self) -> Confinement {
        self.confinement
    }

    /// The client that it was started with.
    pub(super) fn docker(&self) -> &Docker {
        &self.docker
    }

    /// The container's name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    fn run(&self, docker: &Docker) -> Result<()> {
        let mut args = vec!["run", "--detach", "--name", &self.name];
        self.labels.iter().for_each(|label| args.extend(["--label", label]));
        args.extend(["--memory", &self.memory, "--memory-swap", &self.memory]);
        args.extend(ALWAYS);
        match self.confinement {
            Confinement::Strict => args.extend(STRICT),
            Confinement::Loose => args.extend(LOOSE),
        }
        args.push(&self.image);
        // Ours come last: of two the later one holds.
        let own = self.settings.iter().filter(|_| self.as_service).map(String::as_str);
        for setting in own.chain(SETTINGS) {
            args.extend(["-c", setting]);
        }
        docker.call(&args).map(|_| ())
    }

    /// The next way to start it, after `failure` of this one: without the service's settings, then less confined. Fails
    /// with `failure` when there is none.
    fn try_otherwise(&mut self, failure: Failure) -> Result<()> {
        log::info!("{}", failure.reason());
        if self.as_service {
            self.as_service = false;
            return Ok(());
        }
        if self.confinement == Confinement::Loose {
            return Err(failure);
        }
        self.confinement = Confinement::Loose;
        self.as_service = !self.settings.is_empty();
        Ok(())
    }

    /// Removes the container with its data. Returns how many there were: one, or none any more.
    pub(super) fn remove(&self) -> Result<usize> {
        let docker = self.docker.uninterruptible();
        let filters: Vec<String> = self.labels.iter().map(|label| format!("label={label}")).collect();
        let mut list = vec!["ps", "--all", "--no-trunc", "--format", "{{.ID}}"];
        filters.iter().for_each(|filter| list.extend(["--filter", filter]));
        let ids = docker.call(&list)?;
        for id in ids.lines() {
            docker.call(&["rm", "--force", "--volumes", id])?;
        }
        Ok(ids.lines().count())
    }

    /// Removes the containers of `root` whose backup nobody works on any more, as `is_worked_on` says. One that names a
    /// service of another datastore is left to that.
    pub fn sweep(docker: &Docker, root: &str, is_worked_on: &dyn Fn(&Service, &BackupId) -> bool) -> Result<usize> {
        let filter = format!("label={LABEL}={root}");
        let format = format!("{{{{.ID}}}} {{{{.Label \"{BACKUP}\"}}}} {{{{.Label \"{SERVICE}\"}}}}");
        let list = docker.call(&["ps", "--all", "--no-trunc", "--filter", &filter, "--format", &format])?;
        let mut removed = 0;
        for line in list.lines() {
            let mut words = line.split(' ');
            let (Some(id), Some(backup)) = (words.next(), words.next()) else { continue };
            let Ok(backup) = backup.parse::<BackupId>() else { continue };
            // Those of earlier versions do not say, and were all of this datastore.
            let service = match words.next().unwrap_or_default() {
                "" => Some(Service { datastore: Datastore::Postgres, name: backup.service().clone() }),
                name => Service::from_full_name(name),
            };
            let ours = service.filter(|service| service.datastore == Datastore::Postgres);
            if ours.is_some_and(|service| !is_worked_on(&service, &backup)) {
                docker.call(&["rm", "--force", "--volumes", id])?;
                removed += 1;
            }
        }
        Ok(removed)
    }
}

impl Drop for Disposable {
    fn drop(&mut self) {
        match self.remove() {
            Ok(_) => self.removed.take().into_iter().for_each(|removed| removed()),
            Err(failure) => log::warn!("{}", failure.reason()),
        }
    }
}

impl fmt::Debug for Disposable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}
