//! The test restore: a proven dump is poured into a disposable server and compared. A failure is held against the dump only
//! as long as the server itself is well.

use std::time::Duration;

use super::again::Before;
use super::disposable::{Confinement, Disposable};
use super::server::{ADMIN, Server};
use crate::domain::DumpFormat;
use crate::engine::{Bound, Compared, Dump, RestoreOptions, Scratch, Shown};
use crate::error::{Failure, Kind, Result};
use crate::sys::child::{was_killed, was_killed_outright};
use crate::sys::docker::Docker;
use crate::sys::idle_timer::IdleTimer;

/// Name of the database inside the disposable server, where nothing depends on it.
const DATABASE: &str = "verification";
/// Name of the role that restores a dump made elsewhere there.
const ROLE: &str = "dokku_backups_role";
/// How long a server that lost a process may take to end.
const ENDING: Duration = Duration::from_secs(10);

impl Scratch for Disposable {
    fn restore_and_compare(
        &mut self,
        docker: &Docker,
        dump: Dump,
        bound: &Bound,
        how: RestoreOptions,
    ) -> Result<Shown> {
        let limit = how.timeout;
        let content = dump.content();
        let database = self.database(dump.origin().is_own().then_some(content.database.as_str()));
        let server = self.server(docker, &database, content.encoding.as_deref(), limit)?;
        let missing = server.missing_extensions(&content.extensions)?;
        if !missing.is_empty() {
            let text = format!("{} lacks the extensions {}", self.image(), missing.join(", "));
            let skip = format!("leave out what they bring: --skip-extension {}", missing.join(","));
            return Ok(Err(Failure::new(Kind::Damaged, text).hint(skip)));
        }
        // Whoever makes a dump elsewhere knows nothing of the service that it is for, which is UTF-8 as a rule.
        if content.is_not_utf8 && !dump.origin().is_own() {
            let text = "its text is of no encoding (SQL_ASCII) and not UTF-8";
            return Ok(Err(Failure::new(Kind::Damaged, text)
                .hint("what it was written in only its owner knows: pg_dump --encoding=LATIN1, for instance, and UTF8")
                .hint("or, of text: iconv -f LATIN1 -t UTF-8 < dump.sql")));
        }
        server.make_roles(&content.code.roles)?;
        let content = content.clone();
        let (is_own, is_whole) = (dump.origin().is_own(), dump.consent().skipped.is_empty());
        let session = dump.session().clone();
        let restore = || {
            server.pour(&database, Some(ROLE), dump, how)?;
            let before = Before { content: &content, is_own, session: &session };
            // SQL does not tell its objects one by one, and what was left out on purpose is not there.
            if content.format != DumpFormat::Custom || !is_whole {
                return server.with_timeout(limit).compare(&database, &content);
            }
            server.compare_again(&database, &before, limit)
        };
        self.bounded(bound, || judge(&server, &database, restore()))
    }

    fn note(&self) -> Option<String> {
        let image = self.image();
        let loose = (self.confinement() == Confinement::Loose).then(|| {
            format!("{image} does not come up as postgres on a read-only file system; it runs as it wants to")
        });
        let bare = self
            .is_without_settings()
            .then(|| format!("{image} runs without the service's own settings: with them it does not come up"));
        let notes: Vec<String> = loose.into_iter().chain(bare).collect();
        (!notes.is_empty()).then(|| notes.join("; "))
    }
}

impl Disposable {
    /// What the database in it is called: as the `own` one that was dumped, or as the one in which the server makes what is
    /// bound to a database's name.
    fn database(&self, own: Option<&str>) -> String {
        let name = own.or_else(|| self.setting("cron.database_name")).unwrap_or_default();
        let taken = ["", ADMIN, "template0", "template1"].contains(&name);
        if taken { DATABASE.to_owned() } else { name.to_owned() }
    }
}

/// A failure says something about the backup only as long as the server itself is well.
fn judge(server: &Server, database: &str, restored: Result<Compared>) -> Result<Shown> {
    match restored {
        Ok(compared) => Ok(Ok(compared)),
        Err(failure) if failure.reason().contains("No space left on device") => {
            Err(Failure::new(Kind::NoSpace, "no disk was left for the disposable database")
                .because(failure)
                .hint("make room where Docker keeps its data, and try again"))
        }
        Err(failure) => match failure.kind {
            Kind::Damaged | Kind::Timeout => Ok(Err(failure)),
            // The memory limit has taken `pg_restore` itself, as a rule: that is no judgement on the dump.
            _ if was_killed_outright(&failure) => {
                let text = format!("a program in {} was killed, as when it ran out of memory", server.container());
                Err(Failure::new(Kind::NoSpace, text).because(failure))
            }
            _ if was_killed(&failure) => Err(failure),
            Kind::Child if server.value(database, "SELECT 1").is_ok() => Ok(Err(failure)),
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
