//! The role that restores a dump made elsewhere. A dump is code; what that code may do is decided by the server, not by
//! words that we look for: the role is no superuser, may make no roles and no databases, is a member of nothing, may log in
//! over one connection only, and owns nothing but the schema `public` of the fresh database and what it makes there.
//!
//! Everything in the database that only a superuser can make is made by us, statement by statement, from what the reader
//! of the dump took out of it. When all is filled the objects go to the owner that a restore of one's own backup gives
//! them, and the role is gone before the database takes the live one's place.

use super::quote::{ident, literal};
use super::server::{ADMIN, Server, end_sessions};
use crate::domain::{Consent, ForeignCode, Need, Privileged, Stage, Swap};
use crate::error::{Failure, Kind, Result};

/// `public` of a database made from template0 (PostgreSQL's `PG_PUBLIC_NAMESPACE`). One that a dump has dropped and made
/// anew has another number.
const PUBLIC: u32 = 2200;

/// Extensions whose tables hold nothing but data that users add to.
const LENT: [&str; 3] = ["postgis", "postgis_topology", "postgis_tiger_geocoder"];

/// What a dump made elsewhere may do while it is restored.
#[derive(Debug, Clone)]
pub struct Restricted {
    /// The role's name.
    pub role: String,
    /// What was agreed to.
    pub consent: Consent,
}

impl Server {
    /// Makes the role and lets it into the empty `database`, and nobody else. `scratch` is how many bytes its sorts may take
    /// on disk at a time.
    pub fn admit(&self, database: &str, as_who: &Restricted, code: &ForeignCode, scratch: u64) -> Result<()> {
        let (role, quoted) = (ident(&as_who.role), ident(database));
        let mut shared = vec![
            format!(
                "CREATE ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS CONNECTION LIMIT 1"
            ),
            format!("ALTER ROLE {role} SET temp_file_limit TO '{}kB'", (scratch / 1024).clamp(1 << 20, 1 << 30)),
            format!("REVOKE CONNECT ON DATABASE {quoted} FROM PUBLIC"),
            format!("GRANT CONNECT, CREATE, TEMPORARY ON DATABASE {quoted} TO {role}"),
        ];
        let needs = |need| as_who.consent.programs && code.unlisted.iter().any(|unlisted| unlisted.needs == need);
        if needs(Need::Programs) {
            shared.push(format!("GRANT pg_execute_server_program TO {role}"));
        }
        if needs(Need::ServerFiles) {
            shared.push(format!("GRANT pg_read_server_files, pg_write_server_files TO {role}"));
        }
        self.run(ADMIN, &shared)?;
        self.run(database, &[format!("ALTER SCHEMA public OWNER TO {role}")])?;
        self.make(database, as_who, code, Stage::Before)?;
        self.lend_tables(database, as_who)
    }

    /// Makes what only a superuser can make at this `stage`: what is harmless, and what was named.
    pub fn make(&self, database: &str, as_who: &Restricted, code: &ForeignCode, stage: Stage) -> Result<()> {
        for item in code.privileged.iter().filter(|item| item.stage == stage) {
            if item.danger.is_some() && !as_who.consent.names(item) {
                return Err(Failure::new(Kind::Refused, format!("{} was not agreed to", item.item)));
            }
            self.make_one(database, as_who, item)?;
        }
        Ok(())
    }

    fn make_one(&self, database: &str, as_who: &Restricted, item: &Privileged) -> Result<()> {
        let of_item =
            |failure: Failure| Failure::new(failure.kind, format!("{} ({})", item.item, item.place)).because(failure);
        if item.stage == Stage::Before && item.item.starts_with("extension:") {
            return self.extend(database, &item.sql).map_err(of_item);
        }
        // A schema that is made for an extension may be filled by the dump as well; one that was there is not the dump's.
        let there = |schema: &str| {
            let sql = format!("SELECT 1 FROM pg_namespace WHERE nspname = {}", literal(schema));
            self.value(database, &sql).map(|found| found.is_some())
        };
        let made = match item.item.strip_prefix("schema:") {
            Some(schema) if !there(schema)? => Some(schema),
            _ => None,
        };
        self.query_once(database, &[&item.sql]).map_err(of_item)?;
        if let Some(schema) = made {
            let given = format!("ALTER SCHEMA {} OWNER TO {}", ident(schema), ident(&as_who.role));
            self.run(database, &[given]).map_err(of_item)?;
        }
        Ok(())
    }

    /// Tables of extensions belong to the superuser; rows that users added to them are in dumps all the same.
    fn lend_tables(&self, database: &str, as_who: &Restricted) -> Result<()> {
        let role = ident(&as_who.role);
        // Rows of others may say what is to be run, and as whom.
        let agreed = as_who.consent.superuser.iter().filter_map(|item| item.strip_prefix("extension:"));
        let lent: Vec<String> = LENT.iter().copied().chain(agreed).map(literal).collect();
        let sql = format!(
            "SELECT format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO {}', c.oid::regclass) FROM pg_depend d \
             JOIN pg_class c ON c.oid = d.objid JOIN pg_extension e ON e.oid = d.refobjid AND c.oid = ANY (e.extconfig) \
             WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' \
             AND c.relkind IN ('r', 'p') AND e.extname IN ({})",
            role.replace('%', "%%").replace('\'', "''"),
            lent.join(", ")
        );
        let grants: Vec<String> = self.query(database, &[&sql])?.lines().map(str::to_owned).collect();
        if grants.is_empty() { Ok(()) } else { self.run(database, &grants) }
    }

    /// The database is filled: nothing logs in by the role any more, and others may as before. Its objects stay its own
    /// until they are in the live database's place: autovacuum runs an index expression as whoever owns the table.
    pub fn retire(&self, database: &str, role: &str) -> Result<()> {
        // While it was filled nobody else was let in.
        let open = format!("GRANT CONNECT ON DATABASE {} TO PUBLIC", ident(database));
        self.run(ADMIN, &[format!("ALTER ROLE {} NOLOGIN", ident(role)), end_sessions(database), open])?;
        self.end_prepared(database)
    }

    /// Takes the role away: its objects go to the superuser, as those of one's own restored backup do, and what was lent is
    /// taken back. Twice changes nothing.
    pub fn dismiss(&self, database: &str, role: &str) -> Result<()> {
        let there = format!("SELECT 1 FROM pg_roles WHERE rolname = {}", literal(role));
        if self.value(ADMIN, &there)?.is_none() {
            return Ok(());
        }
        let quoted = ident(role);
        // `public` of the template belongs to pg_database_owner from PostgreSQL 15 on, to the superuser before.
        let owner = format!(
            "SELECT COALESCE((SELECT quote_ident(rolname) FROM pg_roles WHERE rolname = 'pg_database_owner'), \
             quote_ident(current_user)) FROM pg_namespace WHERE oid = {PUBLIC} AND nspowner = {}::regrole",
            literal(&quoted)
        );
        let public = self.value(database, &owner)?;
        let name = format!("SELECT quote_ident(nspname) FROM pg_namespace WHERE oid = {PUBLIC}");
        let mut statements = Vec::new();
        if let (Some(owner), Some(name)) = (public, self.value(database, &name)?) {
            statements.push(format!("ALTER SCHEMA {name} OWNER TO {owner}"));
        }
        statements.push(format!("REASSIGN OWNED BY {quoted} TO CURRENT_USER"));
        statements.push(format!("DROP OWNED BY {quoted}"));
        self.run(database, &statements)?;
        self.run(ADMIN, &[format!("DROP ROLE {quoted}")])
    }

    /// Removes what is left of the role of a swap.
    pub(super) fn drop_role(&self, swap: &Swap) -> Result<()> {
        let Some(role) = &swap.role else { return Ok(()) };
        let there = format!("SELECT 1 FROM pg_roles WHERE rolname = {}", literal(role));
        if self.value(ADMIN, &there)?.is_none() {
            return Ok(());
        }
        self.run(ADMIN, &[format!("DROP OWNED BY {}", ident(role)), format!("DROP ROLE IF EXISTS {}", ident(role))])
    }

    fn run(&self, database: &str, statements: &[String]) -> Result<()> {
        let statements: Vec<&str> = statements.iter().map(String::as_str).collect();
        self.query(database, &statements).map(|_| ())
    }

    /// Ends the role's processes from outside, by their titles: a dump can take all locks of the server, so that no new
    /// session gets in to end it.
    pub(super) fn kill_role(&self, role: &str) -> Result<()> {
        const SCRIPT: &str = "for f in /proc/[0-9]*/cmdline; do if grep -aq \"^postgres: .*$1 \" \"$f\" 2>/dev/null; then \
                              f=${f#/proc/}; kill -TERM \"${f%/cmdline}\" 2>/dev/null; fi; done; true";
        self.shell(SCRIPT, role)
    }
}
