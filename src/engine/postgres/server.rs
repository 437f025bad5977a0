//! A PostgreSQL server in a container, spoken to with the programs in its own image: whatever its version, they fit.

use std::io::{Cursor, Read};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::archive;
use super::client::{Client, Question};
use super::explain::explained;
use super::quote::{ident, literal};
use super::restricted::Restricted;
use crate::domain::{DumpFormat, Session, Stage};
use crate::engine::Content;
use crate::error::{Failure, Kind, Result};
use crate::sys::child::{Child, failed};
use crate::sys::docker::Docker;
use crate::sys::random;
use crate::sys::stdin::Input;

/// Where SQL that is about databases runs: this one is always there.
pub const ADMIN: &str = "postgres";
/// How our sessions call themselves.
const APPLICATION: &str = "dokku-backups";
/// What our sessions set for themselves, whatever the server, a role or a database is set to: names mean the system's own
/// objects (a dump may have made others by the same name), and nothing ends or limits a statement but we.
const SESSION: &str = "PGOPTIONS=-c search_path=pg_catalog -c default_transaction_read_only=off -c statement_timeout=0 \
                       -c lock_timeout=0 -c row_security=off";
/// The same for the programs that restore a dump, which choose names for themselves.
const RESTORING: &str = "PGOPTIONS=-c default_transaction_read_only=off -c statement_timeout=0 -c lock_timeout=0";
/// Settings by which values and definitions are written and that `pg_dump` does not set.
pub(super) const WRITTEN_BY: [&str; 4] = ["TimeZone", "bytea_output", "lc_monetary", "quote_all_identifiers"];
/// Whom the programs in the container work as.
pub(super) const SUPERUSER: &str = "postgres";

/// How our questions' answers are written: unaligned, columns separated by a tab, nothing else said. The first error ends it.
/// A local socket is trusted in the official image and all built on it; `-w` never asks for a password.
const PSQL: [&str; 10] = ["psql", "-XqAt", "-F", "\t", "-w", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-d"];

/// A server, reached through its container.
#[derive(Debug, Clone)]
pub struct Server {
    docker: Docker,
    container: String,
    client: Arc<Client>,
}

impl Server {
    /// The server in `container`.
    pub fn new(docker: &Docker, container: impl Into<String>) -> Server {
        Server { docker: docker.clone(), container: container.into(), client: Arc::default() }
    }

    /// The same server, its answers not stopped by signals.
    #[must_use]
    pub fn uninterruptible(&self) -> Server {
        Server { docker: self.docker.uninterruptible(), ..self.clone() }
    }

    /// The same server, each of its answers awaited for at most `limit`.
    #[must_use]
    pub fn with_timeout(&self, limit: Duration) -> Server {
        Server { docker: self.docker.with_timeout(limit), ..self.clone() }
    }

    /// The same server, asked by a client of its own.
    pub(super) fn apart(&self) -> Server {
        Server { client: Arc::default(), ..self.clone() }
    }

    /// The client, and the container that it is reached through.
    pub(super) fn docker(&self) -> &Docker {
        &self.docker
    }

    /// The container's name.
    pub(super) fn container(&self) -> &str {
        &self.container
    }

    /// Runs statements in `database`, each in a transaction of its own, and returns their rows: unaligned, columns
    /// separated by a tab. The first error ends it. What is not ours in them is quoted.
    pub fn query(&self, database: &str, statements: &[&str]) -> Result<String> {
        let words: String = statements.iter().map(|statement| format!("{statement};\n")).collect();
        match self.tell(database, &words)? {
            Some(answer) => Ok(answer),
            None => self.query_once(database, statements),
        }
    }

    /// The same by a client that is told nothing but these statements, which may come from a dump.
    pub(super) fn query_once(&self, database: &str, statements: &[&str]) -> Result<String> {
        self.ask_once(SESSION, database, statements)
    }

    /// How many rows each of these `COPY` statements has copied.
    pub(super) fn copied(&self, database: &str, statements: &[&str]) -> Result<Vec<u64>> {
        let copies: String = statements.iter().map(|statement| format!("{statement};\n")).collect();
        let said = match self.tell(database, &format!("\\set QUIET off\n{copies}\\set QUIET on\n"))? {
            Some(said) => said,
            None => self.ask_once(SESSION, database, &[&["\\set QUIET off"], statements].concat())?,
        };
        Ok(said.lines().filter_map(|line| line.strip_prefix("COPY ")?.parse().ok()).collect())
    }

    /// Makes extensions in a `database` that holds nothing of a dump yet. Their scripts may look at the `search_path` that
    /// their session began with: postgis_topology's finds no type of PostGIS where that was not the usual one.
    pub(super) fn extend(&self, database: &str, statement: &str) -> Result<()> {
        self.ask_once(RESTORING, database, &[statement]).map(|_| ())
    }

    /// Says `words` to the client that stays open; none where that one has no ear for it.
    fn tell(&self, database: &str, words: &str) -> Result<Option<String>> {
        let name = format!("PGAPPNAME={APPLICATION}");
        let args = [&ours(SESSION, &name)[..], &PSQL[..PSQL.len() - 1]].concat();
        let first = super::session::UNLIMITED;
        self.client.ask(&self.docker, &Question { container: &self.container, args: &args, database, first, words })
    }

    fn ask_once(&self, session: &str, database: &str, statements: &[&str]) -> Result<String> {
        let name = format!("PGAPPNAME={APPLICATION}");
        let mut args = [&ours(session, &name)[..], &PSQL, &[database]].concat();
        for statement in std::iter::once(&super::session::UNLIMITED).chain(statements) {
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

    /// Fills `database` with a dump made elsewhere, by a role without privileges: what the dump says is passed on as far
    /// as it is on the list or was agreed to, and what needs a superuser is made by us. Nothing can log in by the role when this ends well.
    pub fn restore_restricted(
        &self,
        database: &str,
        as_who: &Restricted,
        content: &Content,
        dump: Box<dyn Read + Send>,
        limit: Duration,
    ) -> Result<()> {
        let code = &content.code;
        let in_between = code.privileged.iter().find(|item| item.stage == Stage::Middle);
        if let (DumpFormat::Plain, Some(item)) = (content.format, in_between) {
            let text = format!("{} ({}) is made by a superuser between definitions and data", item.item, item.place);
            return Err(Failure::new(Kind::Refused, text).hint("SQL has no such place; an archive has: pg_dump -Fc"));
        }
        self.admit(database, as_who, code, content.data_bytes.saturating_mul(2))?;
        let mut passed = super::passing(content.format, dump, code, &as_who.consent);
        match (content.format, in_between) {
            (DumpFormat::Plain, _) => self.psql(database, &as_who.role, Input::Stream(passed), limit)?,
            (DumpFormat::Custom, None) => self.pg_restore(database, &as_who.role, &[], Input::Stream(passed), limit)?,
            (DumpFormat::Custom, Some(_)) => {
                let head = archive::head(&mut passed).map_err(super::damaged)?;
                let definitions = Input::Stream(Box::new(Cursor::new(head.clone())));
                self.pg_restore(database, &as_who.role, &["--section=pre-data"], definitions, limit)?;
                self.make(database, as_who, code, Stage::Middle)?;
                self.await_role(&as_who.role)?;
                let rest = Input::Stream(Box::new(Cursor::new(head).chain(passed)));
                let sections = ["--section=data", "--section=post-data"];
                self.pg_restore(database, &as_who.role, &sections, rest, limit)?;
            }
        }
        self.make(database, as_who, code, Stage::After)?;
        self.retire(database, &as_who.role)
    }

    /// Waits until the server has seen the end of the role's last session: it may have one only.
    fn await_role(&self, role: &str) -> Result<()> {
        let sql = format!("SELECT count(*) FROM pg_stat_activity WHERE usename = {}", literal(role));
        for _ in 0..100 {
            if self.value(ADMIN, &sql)?.as_deref() == Some("0") {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Err(Failure::new(Kind::Busy, "a session of this restore does not end"))
    }

    /// Gives `dump` to `pg_restore`, which stops at the first error.
    pub(super) fn pg_restore(
        &self,
        database: &str,
        role: &str,
        more: &[&str],
        dump: Input,
        limit: Duration,
    ) -> Result<()> {
        let mut args = vec!["env", RESTORING, "pg_restore", "--exit-on-error", "--no-owner", "--no-acl", "-w"];
        args.extend(["-U", role, "-d", database]);
        args.extend(more);
        self.docker.pour(&self.container, &args, dump, limit)?.finish().map_err(explained)
    }

    /// Of plain SQL neither owners nor privileges are restored, and no meta-command reaches `psql`.
    fn psql(&self, database: &str, role: &str, dump: Input, limit: Duration) -> Result<()> {
        let name = format!("PGAPPNAME={APPLICATION}");
        let mut args = vec!["env", RESTORING, &name, "psql", "-Xq", "-o", "/dev/null", "-v", "ON_ERROR_STOP=1"];
        args.extend(["--single-transaction", "-w", "-U", role, "-d", database]);
        // A second fence, in psql itself: without it only our reading stands between the dump and commands of psql's, which
        // run in the container beside the live server. Nobody can write its word into a dump beforehand.
        if !self.has_fence()? {
            return Err(Failure::new(
                Kind::Refused,
                "the psql of this image is from before August 2025: it runs commands in SQL",
            )
            .hint("use a newer image of the same version: dokku postgres:upgrade SERVICE --image-version VERSION")
            .hint("or an archive instead: pg_dump -Fc"));
        }
        let fence = format!("\\restrict {}", random::word()?);
        args.extend(["-c", &fence]);
        args.extend(["-f", "-"]);
        self.docker.pour(&self.container, &args, dump, limit)?.finish().map_err(explained)
    }

    /// Runs a few words of shell in the container, with one argument.
    pub(super) fn shell(&self, script: &str, argument: &str) -> Result<()> {
        let answer = self.docker.exec(&self.container, &["sh", "-c", script, "sh", argument])?;
        if answer.status.success() {
            return Ok(());
        }
        Err(failed(&format!("sh in {}", self.container), answer.status, &answer.stderr))
    }

    /// Whether this `psql` knows `\restrict`: those since August 2025 do.
    fn has_fence(&self) -> Result<bool> {
        let args = ["psql", "-Xq", "-w", "-U", "postgres", "-d", ADMIN, "-c", "\\restrict a"];
        Ok(self.docker.exec(&self.container, &args)?.status.success())
    }

    /// Starts a dump of `database` as the plugin's export makes one, compressed by what costs the server least and passes
    /// fewest bytes through Docker: zstd where `pg_dump` knows it (16), else gzip at its lowest level.
    pub fn dump(&self, database: &str, idle: Duration, grants: bool) -> Result<Child> {
        let version = self.value(ADMIN, "SHOW server_version_num")?.and_then(|text| text.parse::<u32>().ok());
        let compress = if version.is_some_and(|version| version >= 160_000) { "zstd:1" } else { "1" };
        let compress = format!("--compress={compress}");
        let mut args = vec!["pg_dump", "--format=custom", &compress, "--no-owner", "--no-password"];
        args.extend((!grants).then_some("--no-acl"));
        args.extend(["--username=postgres", "--dbname", database]);
        self.docker.pour(&self.container, &args, Input::Nothing, idle)
    }

    /// What a dump of `database` waits for: the oldest transaction that holds a lock it needs.
    pub fn waits_for(&self, database: &str) -> Result<Option<String>> {
        let sql = "SELECT CASE WHEN l.relation IS NULL THEN 'a lock' ELSE 'the table ' || l.relation::regclass::text END \
                     || ', which process ' || b.pid || ' of ' || coalesce(nullif(b.application_name, ''), b.usename, 'somebody') \
                     || ' (' || coalesce(b.state, 'unknown') || ') has locked since ' \
                     || to_char(b.xact_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') || ' UTC' \
                   FROM pg_stat_activity a JOIN pg_locks l ON l.pid = a.pid AND NOT l.granted \
                   CROSS JOIN LATERAL unnest(pg_blocking_pids(a.pid)) AS x(pid) JOIN pg_stat_activity b ON b.pid = x.pid \
                   WHERE a.application_name = 'pg_dump' AND a.datname = current_database() \
                   ORDER BY b.xact_start LIMIT 1";
        self.value(database, sql)
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

    /// How many programs other than ours are restoring into `database` at the moment, and by which settings values are
    /// written there that `pg_dump` does not set for itself (`setup_connection` in `pg_dump.c`).
    pub fn moment(&self, database: &str) -> Result<(u64, Session)> {
        let restores = format!(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = {} AND application_name = 'pg_restore'",
            literal(database)
        );
        let values = WRITTEN_BY.map(|name| format!("'{name}', current_setting('{name}')")).join(", ");
        let answer = self.query(database, &[&restores, &format!("SELECT json_build_object({values})")])?;
        let mut rows = answer.lines();
        let restores = rows.next().and_then(|count| count.parse().ok()).unwrap_or(0);
        Ok((restores, rows.next().and_then(|row| serde_json::from_str(row).ok()).unwrap_or_default()))
    }

    /// Which of `extensions` the image does not have.
    pub fn missing_extensions(&self, extensions: &[String]) -> Result<Vec<String>> {
        if extensions.is_empty() {
            return Ok(Vec::new());
        }
        let available = self.query(ADMIN, &["SELECT name FROM pg_available_extensions"])?;
        Ok(extensions.iter().filter(|name| !available.lines().any(|have| have == *name)).cloned().collect())
    }

    /// Makes those of `roles` that are missing, so that nobody can log in by them.
    pub fn make_roles(&self, roles: &[String]) -> Result<()> {
        if roles.is_empty() {
            return Ok(());
        }
        let there = self.query(ADMIN, &["SELECT to_json(rolname) FROM pg_roles"])?;
        let there: Vec<String> = there.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let make = |role: &&String| !there.contains(role);
        let statements: Vec<String> =
            roles.iter().filter(make).map(|role| format!("CREATE ROLE {} NOLOGIN", ident(role))).collect();
        let statements: Vec<&str> = statements.iter().map(String::as_str).collect();
        if statements.is_empty() { Ok(()) } else { self.query(ADMIN, &statements).map(|_| ()) }
    }

    /// Drops roles that were made for a database that is gone. One that meanwhile owns something stays.
    pub fn drop_roles(&self, roles: &[String]) -> Result<()> {
        for role in roles {
            if let Err(failure) = self.query(ADMIN, &[&format!("DROP ROLE IF EXISTS {}", ident(role))]) {
                log::warn!("the role {role} stays: {}", failure.reason());
            }
        }
        Ok(())
    }

    /// Free bytes where the server keeps its data.
    pub fn free_bytes(&self) -> Result<u64> {
        let directory = self.value(ADMIN, "SHOW data_directory")?.unwrap_or_default();
        let answer = match directory.contains(|c: char| c == '\'' || c.is_control()) {
            false => self.tell(ADMIN, &format!("\\! df -Pk '{directory}'\n"))?,
            true => None,
        };
        let answer = match answer {
            Some(answer) => answer,
            None => self.docker.exec(&self.container, &["df", "-Pk", &directory])?.stdout,
        };
        let blocks = answer.lines().nth(1).and_then(|line| line.split_whitespace().nth(3)?.parse::<u64>().ok());
        let unknown = || Failure::new(Kind::Child, format!("could not learn the free space in {}", self.container));
        blocks.map(|kib| kib.saturating_mul(1024)).ok_or_else(unknown)
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

/// What a client of ours runs with.
fn ours<'a>(session: &'a str, name: &'a str) -> [&'a str; 4] {
    ["env", "PGCLIENTENCODING=UTF8", session, name]
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
