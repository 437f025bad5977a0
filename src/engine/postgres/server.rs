//! A PostgreSQL server in a container, spoken to with the programs in its own image: whatever its version, they fit.

use std::io::Read;
use std::time::{Duration, Instant};

use super::plain;
use super::quote::literal;
use crate::domain::{DumpFormat, Service};
use crate::engine::Content;
use crate::error::{Failure, Kind, Result};
use crate::sys::child::failed;
use crate::sys::docker::Docker;
use crate::sys::feed::Input;
use crate::sys::random;

/// Where SQL that is about databases runs: this one is always there.
pub const ADMIN: &str = "postgres";
/// How our sessions call themselves.
const APPLICATION: &str = "dokku-backups";

/// A server, reached through its container.
#[derive(Debug, Clone)]
pub struct Server {
    docker: Docker,
    container: String,
}

impl Server {
    /// The server in `container`.
    pub fn new(docker: &Docker, container: impl Into<String>) -> Server {
        Server { docker: docker.clone(), container: container.into() }
    }

    /// The server of `service`, in the container that the datastore plugin names after it.
    pub fn of(docker: &Docker, service: &Service) -> Server {
        Server::new(docker, format!("dokku.{}.{}", service.datastore, service.name))
    }

    /// The same server, its answers not stopped by signals.
    #[must_use]
    pub fn deaf(&self) -> Server {
        Server { docker: self.docker.deaf(), container: self.container.clone() }
    }

    /// The same server, each of its answers awaited for at most `limit`.
    #[must_use]
    pub fn within(&self, limit: Duration) -> Server {
        Server { docker: self.docker.within(limit), container: self.container.clone() }
    }

    /// Runs statements in `database`, each in a transaction of its own, and returns their rows: unaligned, columns
    /// separated by a tab. The first error ends it.
    pub fn query(&self, database: &str, statements: &[&str]) -> Result<String> {
        // A local socket is trusted in the official image and all built on it; `-w` never asks for a password.
        let name = format!("PGAPPNAME={APPLICATION}");
        let mut args = vec!["env", "PGCLIENTENCODING=UTF8", "PGOPTIONS=", &name, "psql", "-XqAt", "-F", "\t", "-w"];
        args.extend(["-v", "ON_ERROR_STOP=1", "-U", "postgres", "-d", database]);
        for statement in statements {
            args.extend(["-c", statement]);
        }
        let answer = self.docker.exec(&self.container, &args)?;
        if answer.status.success() {
            return Ok(answer.stdout);
        }
        Err(failed(&format!("psql in {}", self.container), answer.status, &answer.stderr))
    }

    /// One value, or nothing.
    pub fn value(&self, database: &str, statement: &str) -> Result<Option<String>> {
        let rows = self.query(database, &[statement])?;
        Ok(rows.lines().next().map(str::to_owned))
    }

    /// Restores a dump into `database`, which must be new and empty; stops at the first error. Of plain SQL neither
    /// owners nor privileges are restored, and no meta-command reaches `psql` but those that `content` names.
    pub fn restore(&self, database: &str, content: &Content, dump: Input, limit: Duration) -> Result<()> {
        if content.format == DumpFormat::Custom {
            let args =
                ["pg_restore", "--exit-on-error", "--no-owner", "--no-acl", "-w", "-U", "postgres", "-d", database];
            return self.docker.pour(&self.container, &args, dump, limit)?.finish();
        }
        let programs = !content.programs.is_empty();
        let name = format!("PGAPPNAME={APPLICATION}");
        let mut args = vec!["env", "PGOPTIONS=", &name, "psql", "-Xq", "-o", "/dev/null", "-v", "ON_ERROR_STOP=1"];
        args.extend(["--single-transaction", "-w", "-U", "postgres", "-d", database]);
        // A second fence, in psql itself, where it has one. Nobody can write its word into a dump beforehand.
        let fence = format!("\\restrict {}", random::word()?);
        match content.ambiguous {
            _ if programs => {}
            _ if self.has_fence()? => args.extend(["-c", &fence]),
            Some(line) => {
                let text = format!("from line {line} on only the server can tell what is quoted in this SQL");
                return Err(Failure::new(Kind::Refused, text)
                    .hint("use an image of August 2025 or later, whose psql keeps commands out by itself")
                    .hint("or an archive instead: pg_dump -Fc"));
            }
            None => {}
        }
        args.extend(["-f", "-"]);
        let given: Box<dyn Read + Send> = match dump {
            Input::Nothing => return Ok(()),
            Input::File(file) => Box::new(plain::Given::new(file, programs)),
            Input::Stream(stream) => Box::new(plain::Given::new(stream, programs)),
        };
        self.docker.pour(&self.container, &args, Input::Stream(given), limit)?.finish()
    }

    /// Whether this `psql` knows `\restrict`: those since August 2025 do.
    fn has_fence(&self) -> Result<bool> {
        let args = ["psql", "-Xq", "-w", "-U", "postgres", "-d", ADMIN, "-c", "\\restrict a"];
        Ok(self.docker.exec(&self.container, &args)?.status.success())
    }

    /// Ends every session in `database` but our own. Also what a killed client has left behind in the container.
    pub fn end_sessions(&self, database: &str) -> Result<()> {
        self.query(ADMIN, &[&end_sessions(database)]).map(|_| ())
    }

    /// Ends what is left in `database` of a dump that we started between the two moments and that was killed on the
    /// host: `pg_dump` goes on in the container by itself.
    pub fn end_dumps(
        &self,
        database: &str,
        from: chrono::DateTime<chrono::Utc>,
        to: chrono::DateTime<chrono::Utc>,
    ) -> Result<()> {
        let sql = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {} AND application_name = 'pg_dump' \
             AND backend_start BETWEEN '{}' AND '{}'",
            literal(database),
            from.to_rfc3339(),
            to.to_rfc3339()
        );
        self.query(ADMIN, &[&sql]).map(|_| ())
    }

    /// Names of the programs other than ours that are restoring into `database` at the moment.
    pub fn foreign_restores(&self, database: &str) -> Result<u64> {
        let sql = format!(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = {} AND application_name = 'pg_restore'",
            literal(database)
        );
        Ok(self.value(ADMIN, &sql)?.and_then(|count| count.parse().ok()).unwrap_or(0))
    }

    /// Which of `extensions` the image does not have.
    pub fn missing_extensions(&self, extensions: &[String]) -> Result<Vec<String>> {
        if extensions.is_empty() {
            return Ok(Vec::new());
        }
        let available = self.query(ADMIN, &["SELECT name FROM pg_available_extensions"])?;
        Ok(extensions.iter().filter(|name| !available.lines().any(|have| have == *name)).cloned().collect())
    }

    /// Free bytes where the server keeps its data.
    pub fn free_bytes(&self) -> Result<u64> {
        let directory = self.value(ADMIN, "SHOW data_directory")?.unwrap_or_default();
        let answer = self.docker.exec(&self.container, &["df", "-Pk", &directory])?;
        let blocks = answer.stdout.lines().nth(1).and_then(|line| line.split_whitespace().nth(3)?.parse::<u64>().ok());
        blocks.map(|kib| kib.saturating_mul(1024)).ok_or_else(|| {
            Failure::new(Kind::Child, format!("could not learn the free space in {}", self.container))
                .because(answer.stderr)
        })
    }

    /// The server's major version.
    pub fn major(&self) -> Result<u32> {
        let number = self.value(ADMIN, "SHOW server_version_num")?.unwrap_or_default();
        number.trim().parse::<u32>().map(|number| number / 10_000).map_err(|_| {
            Failure::new(Kind::Child, format!("the server in {} does not tell its version", self.container))
        })
    }

    /// Why the server is gone, where its container has ended.
    pub fn gone(&self) -> Option<Failure> {
        self.docker.ended(&self.container)
    }

    /// Waits until the server itself answers, not the one that the image's entry point starts while it sets up: that one
    /// listens on no address.
    pub fn wait_until_ready(&self, limit: Duration) -> Result<()> {
        let since = Instant::now();
        loop {
            let answer =
                self.docker.exec(&self.container, &["pg_isready", "-q", "-h", "localhost", "-U", "postgres"])?;
            if answer.status.success() {
                return Ok(());
            }
            // A container that ended while it set itself up never answers.
            if let Some(gone) = self.gone() {
                return Err(gone);
            }
            if since.elapsed() > limit {
                return Err(Failure::new(Kind::Timeout, format!("the server in {} did not come up", self.container))
                    .because(self.docker.last_words(&self.container)));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

/// The statement that ends every other session of ours and says how many there were.
pub fn end_own_sessions() -> String {
    format!(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = '{APPLICATION}' \
         AND pid <> pg_backend_pid()"
    )
}

/// The statement behind `end_sessions`.
pub fn end_sessions(database: &str) -> String {
    format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {} AND pid <> pg_backend_pid()",
        literal(database)
    )
}
