//! What of a dump's statements is more than its own objects, gathered as they go by, within bounds.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::{Asked, Class, Judged};
use crate::domain::{ForeignCode, Need, Privileged, Stage, Unlisted};
use crate::engine::postgres::quote::ident;

/// What is named one by one; more is only counted.
const NAMED: usize = 1000;
/// Bytes of SQL that a superuser is asked to run, at most.
const SQL: usize = 1024 * 1024;
/// Letters shown of a statement.
const WORDS: usize = 80;

/// Gathers a dump's foreign code.
#[derive(Debug, Default)]
pub(in super::super) struct Found {
    code: ForeignCode,
    /// What was asked of a superuser so far, by item, with its danger.
    asked: HashMap<String, Option<String>>,
    schemas: HashSet<String>,
    sql: usize,
    refused_more: u64,
    unlisted_more: u64,
    lives_on: BTreeMap<&'static str, u64>,
    roles: BTreeSet<String>,
}

impl Found {
    /// What was asked of a superuser so far.
    pub(in super::super) fn asked(&self) -> &HashMap<String, Option<String>> {
        &self.asked
    }

    /// Takes a statement that was judged; `place` is its place, as in `line 6`.
    pub(in super::super) fn take(&mut self, judged: &Judged, place: impl Fn() -> String, text: &[u8]) {
        if ["CREATE POLICY", "ALTER POLICY", "CREATE USER MAPPING"].contains(&judged.does.as_str())
            && self.roles.len() < NAMED
        {
            // In a role's name no backslash means anything.
            self.roles.extend(super::roles::named(text, false));
        }
        match &judged.class {
            Class::Allowed | Class::LeftOut => {}
            Class::Refused(why) => return self.refused(why, place, text),
            Class::Unlisted(needs) => return self.unlisted(*needs, place, text),
            Class::Privileged(asked) => return self.privileged(asked, place, text),
        }
        if judged.class == Class::Allowed
            && let Some(kind) = lives_on(&judged.does)
        {
            *self.lives_on.entry(kind).or_default() += 1;
        }
    }

    /// Takes what is never passed on.
    pub(in super::super) fn refused(&mut self, why: &str, place: impl Fn() -> String, text: &[u8]) {
        if self.code.refused.len() == NAMED {
            self.refused_more += 1;
        } else {
            self.code.refused.push(format!("{}: {why}: {}", place(), shown(text)));
        }
    }

    fn unlisted(&mut self, needs: Need, place: impl Fn() -> String, text: &[u8]) {
        // Programs and files are named even where there are too many to name all.
        let known = self.code.unlisted.iter().any(|other| other.needs == needs);
        if self.code.unlisted.len() >= NAMED && known {
            self.unlisted_more += 1;
            return;
        }
        let what = format!("{}: {}{}", place(), needs_words(needs), shown(text));
        self.code.unlisted.push(Unlisted { what, needs });
    }

    fn privileged(&mut self, asked: &Asked, place: impl Fn() -> String, text: &[u8]) {
        self.sql += asked.sql.len();
        if self.sql > SQL || self.code.privileged.len() >= NAMED {
            return self.refused("a superuser would have to do too much of this", place, text);
        }
        if let Some(schema) = asked.schema.as_ref().filter(|_| asked.stage == Stage::Before) {
            self.schema(schema, &place);
        }
        let Asked { item, sql, stage, danger, .. } = asked.clone();
        if let Some(kind) = made_by_us(&item).filter(|_| !self.asked.contains_key(&item)) {
            *self.lives_on.entry(kind).or_default() += 1;
        }
        self.asked.insert(item.clone(), danger.clone());
        self.code.privileged.push(Privileged { item, place: place(), sql, stage, danger });
    }

    /// A schema in which a superuser makes something before the dump makes its own; the dump's own statement finds it there.
    fn schema(&mut self, schema: &str, place: &impl Fn() -> String) {
        if ["public", "pg_catalog"].contains(&schema) || !self.schemas.insert(schema.to_owned()) {
            return;
        }
        let sql = format!("CREATE SCHEMA IF NOT EXISTS {}", ident(schema));
        let item = super::item::item("SCHEMA", schema);
        self.code.privileged.push(Privileged { item, place: place(), sql, stage: Stage::Before, danger: None });
    }

    /// All that was found.
    pub(in super::super) fn finish(mut self) -> ForeignCode {
        if self.refused_more > 0 {
            self.code.refused.push(format!("and {} more", self.refused_more));
        }
        if self.unlisted_more > 0 {
            let what = format!("and {} more", self.unlisted_more);
            self.code.unlisted.push(Unlisted { what, needs: Need::Nothing });
        }
        self.code.roles = self.roles.into_iter().collect();
        self.code.lives_on = self.lives_on.iter().map(|(kind, count)| plural(kind, *count)).collect();
        self.code
    }
}

fn needs_words(needs: Need) -> &'static str {
    match needs {
        Need::Nothing => "",
        Need::Programs => "it runs a program: ",
        Need::ServerFiles => "it reads or writes a file of the server: ",
    }
}

/// The first words of a statement on one line.
fn shown(text: &[u8]) -> String {
    let head = &text[..text.len().min(WORDS * 4)];
    let text = super::cursor::lossy(head);
    let words: Vec<&str> = text.split_whitespace().collect();
    let all = words.join(" ");
    let mut shown: String =
        all.chars().take(WORDS).map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    if shown.len() < all.len() || head.len() < text.len() {
        shown.push_str("...");
    }
    shown
}

/// What stays in the database and runs later, by what made it.
fn lives_on(does: &str) -> Option<&'static str> {
    Some(match does {
        "CREATE TRIGGER" => "trigger",
        "CREATE RULE" => "rule",
        "CREATE POLICY" => "policy",
        "CREATE VIEW" => "view",
        "CREATE MATERIALIZED VIEW" => "materialized view",
        "CREATE INDEX expression" => "index on an expression",
        "CREATE FUNCTION sql" | "CREATE PROCEDURE sql" | "CREATE FUNCTION" | "CREATE PROCEDURE" => "function in sql",
        "CREATE FUNCTION plpgsql" | "CREATE PROCEDURE plpgsql" => "function in plpgsql",
        does if does.starts_with("CREATE FUNCTION") || does.starts_with("CREATE PROCEDURE") => {
            "function in another language"
        }
        _ => return None,
    })
}

fn made_by_us(item: &str) -> Option<&'static str> {
    match item.split(':').next() {
        Some("event-trigger") => Some("event trigger"),
        Some("function") => Some("function in a language without limits"),
        _ => None,
    }
}

fn plural(kind: &str, count: u64) -> String {
    if count == 1 {
        return format!("1 {kind}");
    }
    match kind {
        "policy" => format!("{count} policies"),
        "index on an expression" => format!("{count} indexes on expressions"),
        _ => match kind.split_once(" in ") {
            Some((first, rest)) => format!("{count} {first}s in {rest}"),
            None => format!("{count} {kind}s"),
        },
    }
}
