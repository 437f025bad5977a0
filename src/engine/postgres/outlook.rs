//! What it would mean to replace a database: what cannot be taken, what ties the old one, what goes with it, and what has
//! to be made. Asked in one session, in the live database.

use std::collections::HashSet;
use std::fmt::Display;

use serde::Deserialize;

use super::quote::literal;
use super::server::Server;
use crate::domain::{Consent, DumpFormat, Service, count, shown};
use crate::engine::{Content, Outlook};
use crate::error::{Failure, Kind, Remedy, Result};

/// Names that are told; more are counted.
const NAMED: usize = 5;
const VERSION: &str = "SHOW server_version_num";
/// `pg_cron` can be made in this setting's database only.
const CRON: &str = "pg_cron";

/// What a database answers about itself. Lists that are empty are null in SQL.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Answer {
    available: Option<Vec<String>>,
    roles: Option<Vec<String>>,
    subscriptions: Option<Vec<Subscription>>,
    slots: Option<Vec<String>>,
    prepared: u64,
    owners: Option<Vec<(String, u64)>>,
    grants: Option<Vec<(String, u64)>>,
    tables: Option<Vec<(String, String, f64)>>,
    cron_database: Option<String>,
    encoding: String,
}

#[derive(Debug, Deserialize)]
struct Subscription {
    name: String,
    /// It runs, or has a place kept for it at the publisher: nothing of that may be lost without its owner's word.
    tied: bool,
}

impl Server {
    /// The outlook for `database` of `service`; `ask_in` is where it is asked, another database where that one is gone.
    pub(super) fn outlook(
        &self,
        service: &Service,
        ask_in: &str,
        content: Option<&Content>,
        consent: &Consent,
    ) -> Result<Outlook> {
        let asked = self.query(ask_in, &[VERSION, &question(content, true)]);
        let rows = match asked {
            // Before PostgreSQL 10 there were no subscriptions, and nothing to ask them in.
            Err(failure) if failure.reason().contains("pg_subscription") => {
                self.query(ask_in, &[VERSION, &question(content, false)])?
            }
            answer => answer?,
        };
        let mut rows = rows.lines();
        let version = rows.next().and_then(|number| number.parse::<u32>().ok());
        if let (Some(content), Some(version)) = (content, version) {
            fits(service, content, version / 10_000)?;
        }
        let answer: Answer = serde_json::from_str(rows.next().unwrap_or_default()).map_err(|error| {
            Failure::new(Kind::Child, "what the live database holds is not understood").because(error)
        })?;
        answer.is_free(service)?;
        let mut outlook = Outlook { lost: answer.lost(content), ..Outlook::default() };
        if let Some(content) = content {
            answer.can_make(service, content)?;
            if content.is_not_utf8 && answer.encoding == "UTF8" {
                outlook.dangers.push(format!(
                    "its text is of no encoding (SQL_ASCII) and not UTF-8, as {service} is: the database would hold text \
                     that no later backup of it can bring back"
                ));
            }
            let known = answer.roles.unwrap_or_default();
            outlook.roles = content.code.roles.iter().filter(|role| !known.contains(role)).cloned().collect();
        }
        outlook.notes.extend(consent.skipped.iter().map(|name| format!("{name} is left out, with the rows it keeps")));
        Ok(outlook)
    }
}

/// The archive format that `pg_dump` of a major version writes, and the newest one its `pg_restore` reads.
fn archive_format(major: u32) -> u32 {
    match major {
        ..=11 => 13,
        12..=15 => 14,
        16 => 15,
        _ => 16,
    }
}

pub(super) fn major_of(version: &str) -> Option<u32> {
    version.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// Refuses what is too new for this server and its programs.
fn fits(service: &Service, content: &Content, to: u32) -> Result<()> {
    let upgrade = |version: u32| {
        let datastore = service.datastore;
        Remedy::noted(
            format!("use an image of {version} or newer"),
            format!("dokku {datastore}:upgrade {service} --image-version {version}"),
        )
    };
    if let Some(from) = major_of(&content.server_version).filter(|from| *from > to) {
        let text = format!("the dump is from PostgreSQL {from}, {service} is PostgreSQL {to}");
        return Err(Failure::new(Kind::Refused, text).hint(upgrade(from)));
    }
    let tool = major_of(&content.dump_tool_version).filter(|tool| archive_format(*tool) > archive_format(to));
    if let Some(tool) = tool.filter(|_| content.format == DumpFormat::Custom) {
        let text = format!(
            "the archive was made by pg_dump {tool}; {service} is PostgreSQL {to}, whose pg_restore cannot read it"
        );
        return Err(Failure::new(Kind::Refused, text)
            .hint(upgrade(tool))
            .hint(format!("or dump it again with pg_dump {to}, or as SQL: pg_dump without -Fc")));
    }
    Ok(())
}

impl Answer {
    /// Refuses where the old database could not be removed afterwards.
    fn is_free(&self, service: &Service) -> Result<()> {
        let tied = self.subscriptions.iter().flatten().filter(|subscription| subscription.tied);
        let names: Vec<String> = tied.map(|subscription| shown(&subscription.name).into_owned()).collect();
        let Some(first) = names.first() else { return Ok(()) };
        let text = format!(
            "{service} has the {} {}: a database that subscribes to another one cannot be replaced",
            if names.len() == 1 { "subscription" } else { "subscriptions" },
            names.join(", ")
        );
        Err(Failure::new(Kind::Refused, text)
            .hint(format!("end it first, in dokku {}:connect {service}: DROP SUBSCRIPTION {first}", service.datastore))
            .hint(format!(
                "where the publisher is gone: ALTER SUBSCRIPTION {first} DISABLE, then ALTER SUBSCRIPTION {first} SET \
                 (slot_name = NONE), then DROP SUBSCRIPTION {first}"
            ))
            .hint("the backup holds its definition; create it again afterwards"))
    }

    /// Refuses extensions that the server does not have, or makes in another database only.
    fn can_make(&self, service: &Service, content: &Content) -> Result<()> {
        let skip =
            |names: &str| format!("or leave out what it brings, where nothing else needs it: --skip-extension {names}");
        let available = self.available.as_deref().unwrap_or_default();
        let missing: Vec<&str> =
            content.extensions.iter().filter(|name| !available.contains(name)).map(String::as_str).collect();
        if !missing.is_empty() {
            let text = format!("the image of {service} lacks what the dump needs: {}", missing.join(", "));
            return Err(Failure::new(Kind::Refused, text)
                .hint(format!("use an image that has it: dokku {}:upgrade {service} --image IMAGE", service.datastore))
                .hint(skip(&missing.join(","))));
        }
        // A restore fills a database beside the live one, which has another name until the exchange.
        if let Some(only) = self.cron_database.as_ref().filter(|_| content.extensions.iter().any(|name| name == CRON)) {
            let text = format!("{CRON} can be made in the database {only} only, and a restore fills another one first");
            return Err(Failure::new(Kind::Refused, text)
                .hint(format!("leave it out: --skip-extension {CRON}; then CREATE EXTENSION {CRON} in {service}, and schedule its jobs again"))
                .hint("its jobs are in the backup: dokku backups:download SERVICE --id ID > FILE; pg_restore --data-only --schema=cron -f - FILE"));
        }
        Ok(())
    }

    fn lost(&self, content: Option<&Content>) -> Vec<String> {
        let mut lost = Vec::new();
        lost.extend(content.and_then(|content| self.absent(content)));
        // What the dump holds of them comes back; whether all of it, the restore says.
        let given =
            |role: &String| content.is_some_and(|content| content.grants.iter().any(|g| g.roles.contains(role)));
        for (role, objects) in self.owners.iter().flatten().filter(|(role, _)| !given(role)) {
            let objects = count(*objects, "object");
            lost.push(format!("the owner of {objects} of {}: all will belong to the superuser", shown(role)));
        }
        for (role, grants) in self.grants.iter().flatten().filter(|(role, _)| !given(role)) {
            lost.push(format!("{} to {}", count(*grants, "grant"), shown(role)));
        }
        let slots = self.slots.as_deref().unwrap_or_default();
        if !slots.is_empty() {
            let (many, names) = (count(slots.len(), "logical replication slot"), named(slots));
            lost.push(format!("{many}: {names}; whoever reads it has to begin anew"));
        }
        if self.prepared > 0 {
            lost.push(format!("{}: rolled back", count(self.prepared, "prepared transaction")));
        }
        let subscriptions: Vec<&str> = self.subscriptions.iter().flatten().map(|one| one.name.as_str()).collect();
        if !subscriptions.is_empty() {
            let many = count(subscriptions.len(), "subscription");
            lost.push(format!("{many}: {}; what the dump has of it comes back disabled", named(&subscriptions)));
        }
        lost
    }

    /// The live tables that the dump does not hold.
    fn absent(&self, content: &Content) -> Option<String> {
        let known: HashSet<(&str, &str)> =
            content.tables.iter().map(|table| (table.schema.as_str(), table.name.as_str())).collect();
        let is_absent = |table: &&(String, String, f64)| !known.contains(&(table.0.as_str(), table.1.as_str()));
        let absent: Vec<_> = self.tables.iter().flatten().filter(is_absent).collect();
        // Plain SQL does not always tell which tables it fills.
        if absent.is_empty() || content.format == DumpFormat::Plain {
            return None;
        }
        let names: Vec<String> = absent.iter().map(|(schema, name, _)| format!("{schema}.{name}")).collect();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // an estimate, never below zero
        let rows = absent.iter().map(|(_, _, rows)| rows.max(0.0)).sum::<f64>() as u64;
        let many = count(absent.len(), "table");
        let rows = if rows > 0 { format!(" (about {})", count(rows, "row")) } else { String::new() };
        Some(format!("{many} that the backup does not hold{rows}: {}", named(&names)))
    }
}

fn named(names: &[impl Display]) -> String {
    let first: Vec<String> = names.iter().take(NAMED).map(|name| shown(&name.to_string()).into_owned()).collect();
    let more = names.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    first.join(", ") + &more
}

/// Objects that an extension brings, `kind` being their catalogue: they come and go with it.
fn own(kind: &str, oid: &str) -> String {
    format!(
        "{oid} >= 16384 AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = '{kind}'::regclass AND e.objid = {oid} \
         AND e.deptype = 'e')"
    )
}

/// One question, one row of JSON.
fn question(content: Option<&Content>, subscribes: bool) -> String {
    let list = |names: &[String]| {
        let quoted: Vec<String> = names.iter().map(|name| literal(name)).collect();
        format!("ARRAY[{}]::text[]", quoted.join(", "))
    };
    let (extensions, roles) = content.map_or((&[][..], &[][..]), |content| (&content.extensions, &content.code.roles));
    let relations = own("pg_class", "c.oid");
    let functions = own("pg_proc", "p.oid");
    let schemas = own("pg_namespace", "n.oid");
    let types = own("pg_type", "t.oid");
    let subscriptions = if subscribes {
        "(SELECT json_agg(json_build_object('name', subname, 'tied', subenabled OR subslotname IS NOT NULL)) \
         FROM pg_subscription WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database()))"
    } else {
        "NULL"
    };
    format!(
        "WITH mine AS (SELECT oid FROM pg_roles WHERE rolname = current_user), \
         owned AS (\
           SELECT c.relowner AS owner FROM pg_class c WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND {relations} \
           UNION ALL SELECT p.proowner FROM pg_proc p WHERE {functions} \
           UNION ALL SELECT n.nspowner FROM pg_namespace n WHERE n.nspname !~ '^pg_' AND {schemas} \
           UNION ALL SELECT t.typowner FROM pg_type t WHERE t.typtype IN ('e', 'd', 'r') AND {types}), \
         granted AS (\
           SELECT 1 AS kind, c.oid, 0 AS part, c.relowner AS owner, c.relacl AS acl FROM pg_class c WHERE {relations} \
           UNION ALL SELECT 2, p.oid, 0, p.proowner, p.proacl FROM pg_proc p WHERE {functions} \
           UNION ALL SELECT 3, n.oid, 0, n.nspowner, n.nspacl FROM pg_namespace n \
             WHERE n.nspname = 'public' OR (n.nspname !~ '^pg_' AND {schemas}) \
           UNION ALL SELECT 4, t.oid, 0, t.typowner, t.typacl FROM pg_type t WHERE {types} \
           UNION ALL SELECT 5, c.oid, a.attnum::int, c.relowner, a.attacl FROM pg_attribute a JOIN pg_class c \
             ON c.oid = a.attrelid WHERE a.attacl IS NOT NULL AND {relations} \
           UNION ALL SELECT 6, d.oid, 0, d.defaclrole, d.defaclacl FROM pg_default_acl d \
           UNION ALL SELECT 7, l.oid, 0, l.lomowner, l.lomacl FROM pg_largeobject_metadata l WHERE l.lomacl IS NOT NULL) \
         SELECT json_build_object(\
           'available', (SELECT json_agg(name) FROM pg_available_extensions WHERE name = ANY ({})), \
           'roles', (SELECT json_agg(rolname) FROM pg_roles WHERE rolname = ANY ({})), \
           'subscriptions', {subscriptions}, \
           'slots', (SELECT json_agg(slot_name) FROM pg_replication_slots WHERE database = current_database()), \
           'prepared', (SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database()), \
           'owners', (SELECT json_agg(json_build_array(pg_get_userbyid(owner), many) ORDER BY many DESC) FROM \
             (SELECT owner, count(*) AS many FROM owned WHERE owner NOT IN (SELECT oid FROM mine) GROUP BY owner) o), \
           'grants', (SELECT json_agg(json_build_array(grantee, many) ORDER BY many DESC) FROM \
             (SELECT pg_get_userbyid(a.grantee) AS grantee, count(DISTINCT (kind, g.oid, part)) AS many FROM granted g, \
               aclexplode(g.acl) a WHERE a.grantee NOT IN (0, g.owner) AND a.grantee NOT IN (SELECT oid FROM mine) \
               AND pg_get_userbyid(a.grantee) <> 'pg_database_owner' GROUP BY 1) g), \
           'tables', (SELECT json_agg(json_build_array(n.nspname, c.relname, c.reltuples) ORDER BY c.reltuples DESC, 1) FROM pg_class c \
             JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND n.nspname !~ '^pg_' \
             AND n.nspname <> 'information_schema' AND c.relpersistence <> 't' AND {relations}), \
           'encoding', current_setting('server_encoding'), \
           'cron_database', current_setting('cron.database_name', true))",
        list(extensions),
        list(roles),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(server: &str, tool: &str) -> Content {
        Content {
            format: DumpFormat::Custom,
            programs: Vec::new(),
            code: crate::domain::ForeignCode::default(),
            ambiguous: None,
            tables: Vec::new(),
            server_version: server.to_owned(),
            dump_tool_version: tool.to_owned(),
            database: String::new(),
            encoding: None,
            is_not_utf8: false,
            extensions: Vec::new(),
            extension_tables: Vec::new(),
            large_objects: 0,
            large_object_digest: None,
            objects: Vec::new().into(),
            grants: Vec::new().into(),
            data_bytes: 0,
        }
    }

    #[test]
    fn report_116_what_a_server_can_read() {
        let service = Service::from_full_name("postgres:shop").expect("a service");
        for (server, tool, to, fit) in [
            ("15.18 (Debian)", "15.18", 15, true),
            ("12.1", "15.2", 12, true),
            ("12.1", "16.2", 12, false),
            ("15.1", "17.2", 15, false),
            ("16.1", "16.2", 15, false),
            ("16.1", "17.0", 17, true),
            ("9.6.24", "9.6.24", 15, true),
            ("", "", 15, true),
        ] {
            assert_eq!(fits(&service, &content(server, tool), to).is_ok(), fit, "{server} {tool} {to}");
        }
    }
}
