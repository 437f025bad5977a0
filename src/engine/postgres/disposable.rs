//! A database that is thrown away: a container of the service's own image and version, without network, with bounded
//! memory, fast rather than durable. It is removed whatever happens; what a crash leaves, the next command removes.

use std::time::Duration;

use super::Server;
use super::quote::{ident, literal};
use super::server::ADMIN;
use crate::error::Result;
use crate::sys::docker::Docker;

/// Label by which our containers are known, with the data root as its value: names prove nothing.
const LABEL: &str = "dokku-backups.disposable";
/// Label that names the backup being verified.
const BACKUP: &str = "dokku-backups.backup";

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
    "max_wal_size=4GB",
];

/// A running disposable server; dropping it removes the container.
#[derive(Debug)]
pub struct Disposable {
    docker: Docker,
    name: String,
    /// The labels that only this one has. Its name proves nothing: somebody else's container may have it.
    labels: Vec<String>,
}

impl Disposable {
    /// Starts one of `image` for `backup`. `root` tells our host's containers from another's, `memory` is Docker's word.
    pub fn start(docker: &Docker, image: &str, root: &str, backup: &str, memory: &str) -> Result<Disposable> {
        let name = format!("dokku-backups.{backup}.{}", std::process::id());
        let (ours, whose) = (format!("{LABEL}={root}"), format!("{BACKUP}={backup}"));
        let mut args =
            vec!["run", "--detach", "--name", &name, "--label", &ours, "--label", &whose, "--network", "none"];
        args.extend(["--memory", memory, "--memory-swap", memory, "--pids-limit", "256", "--restart", "no"]);
        args.extend(["--env", "POSTGRES_HOST_AUTH_METHOD=trust", "--env", "POSTGRES_INITDB_ARGS=--no-sync", image]);
        for setting in SETTINGS {
            args.extend(["-c", setting]);
        }
        // Made before the call: should it be interrupted half-way, dropping this still removes the container.
        let labels = vec![ours.clone(), whose.clone()];
        let disposable = Disposable { docker: docker.clone(), name: name.clone(), labels };
        docker.call(&args)?;
        Ok(disposable)
    }

    /// Its server, once it answers (within `limit`), with an empty database `name` of this encoding.
    pub fn server(&self, docker: &Docker, name: &str, encoding: Option<&str>, limit: Duration) -> Result<Server> {
        let server = Server::new(docker, &self.name);
        server.wait_until_ready(limit.min(Duration::from_secs(120)))?;
        let default = server.value(ADMIN, "SHOW server_encoding")?;
        let mut sql = format!("CREATE DATABASE {} TEMPLATE template0", ident(name));
        if let Some(encoding) = encoding.filter(|encoding| Some(*encoding) != default.as_deref()) {
            // The default locale fits the default encoding only; C fits every one.
            sql.push_str(&format!(" ENCODING {} LC_COLLATE 'C' LC_CTYPE 'C'", literal(encoding)));
        }
        server.query(ADMIN, &[&sql])?;
        Ok(server)
    }

    /// Removes the containers of `root` whose backup nobody works on any more, as `is_worked_on` says.
    pub fn sweep(docker: &Docker, root: &str, is_worked_on: &dyn Fn(&str) -> bool) -> Result<usize> {
        let filter = format!("label={LABEL}={root}");
        let format = format!("{{{{.ID}}}} {{{{.Label \"{BACKUP}\"}}}}");
        let list = docker.call(&["ps", "--all", "--no-trunc", "--filter", &filter, "--format", &format])?;
        let mut removed = 0;
        for (id, backup) in list.lines().filter_map(|line| line.split_once(' ')) {
            if !is_worked_on(backup) {
                docker.call(&["rm", "--force", "--volumes", id])?;
                removed += 1;
            }
        }
        Ok(removed)
    }
}

impl Drop for Disposable {
    fn drop(&mut self) {
        let docker = self.docker.deaf();
        let filters: Vec<String> = self.labels.iter().map(|label| format!("label={label}")).collect();
        let mut list = vec!["ps", "--all", "--no-trunc", "--format", "{{.ID}}"];
        filters.iter().for_each(|filter| list.extend(["--filter", filter]));
        let removed = docker.call(&list).and_then(|ids| {
            ids.lines().try_for_each(|id| docker.call(&["rm", "--force", "--volumes", id]).map(|_| ()))
        });
        if let Err(failure) = removed {
            log::warn!("{}", failure.reason());
        }
    }
}
