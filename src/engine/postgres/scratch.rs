//! The test restore: a proven dump is poured into a disposable server and compared. A failure is held against the dump only
//! as long as the server itself is well.

use std::time::Duration;

use super::disposable::{Confinement, Disposable};
use super::server::Server;
use crate::engine::{Bound, Compared, Dump, Scratch, Shown};
use crate::error::{Failure, Kind, Result};
use crate::sys::child::was_killed;
use crate::sys::docker::Docker;
use crate::sys::idle_timer::IdleTimer;

/// Name of the database inside the disposable server.
const DATABASE: &str = "verification";
/// Name of the role that restores a dump made elsewhere there.
const ROLE: &str = "dokku_backups_role";
/// How long a server that lost a process may take to end.
const ENDING: Duration = Duration::from_secs(10);

impl Scratch for Disposable {
    fn restore_and_compare(&mut self, docker: &Docker, dump: Dump, bound: &Bound, limit: Duration) -> Result<Shown> {
        let content = dump.content();
        let server = self.server(docker, DATABASE, content.encoding.as_deref(), limit)?;
        let missing = server.missing_extensions(&content.extensions)?;
        if !missing.is_empty() {
            return Ok(Err(format!("{} lacks the extensions {}", self.image(), missing.join(", "))));
        }
        self.bounded(bound, || judge(&server, server.fill(DATABASE, Some(ROLE), dump, limit)))
    }

    fn note(&self) -> Option<String> {
        let text =
            format!("{} does not come up as postgres on a read-only file system; it runs as it wants to", self.image());
        (self.confinement() == Confinement::Loose).then_some(text)
    }
}

/// A failure says something about the backup only as long as the server itself is well.
fn judge(server: &Server, restored: Result<Compared>) -> Result<Shown> {
    match restored {
        Ok(compared) => Ok(Ok(compared)),
        Err(failure) if failure.reason().contains("No space left on device") => {
            Err(Failure::new(Kind::NoSpace, "no disk was left for the disposable database")
                .because(failure)
                .hint("make room where Docker keeps its data, and try again"))
        }
        Err(failure) => match failure.kind {
            Kind::Damaged | Kind::Timeout => Ok(Err(failure.reason())),
            // The memory limit may have taken `pg_restore` itself: that is no judgement on the dump.
            _ if was_killed(&failure) => Err(failure),
            Kind::Child if server.value(DATABASE, "SELECT 1").is_ok() => Ok(Err(failure.reason())),
            Kind::Child => Err(why_it_ended(server).unwrap_or(failure)),
            _ => Err(failure),
        },
    }
}

/// A server ends some moments after it has lost a process.
fn why_it_ended(server: &Server) -> Option<Failure> {
    let mut patience = IdleTimer::new(ENDING);
    loop {
        match server.gone() {
            None if !patience.is_over() => std::thread::sleep(Duration::from_millis(100)),
            answer => return answer,
        }
    }
}
