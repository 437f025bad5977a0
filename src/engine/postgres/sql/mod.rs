//! What one SQL statement of a dump is, read as the server reads it, and what becomes of it in a restore.
//!
//! A dump is restored by a role without privileges that owns the schema `public` and may create others. So a statement
//! is one of these: what dump programs write and that role may do ([`Class::Allowed`]); what a restore leaves out, as
//! `pg_restore --no-owner --no-acl` does; what only a superuser may do and is done by us, rewritten from what was
//! understood of it; what is on no list, which needs consent and then runs as that role; and what is never passed on.
//!
//! Whether what an allowed statement *evaluates* is harmless (a default, a check, the function in an INSERT) is not asked
//! here: the role protects.

mod alter;
mod comment;
mod copy;
mod create;
mod cursor;
mod extension;
mod foreign;
mod found;
mod function;
mod item;
mod publication;
mod roles;
mod select;
mod settings;
mod split;
#[cfg(test)]
mod table;
#[cfg(test)]
mod tests;
mod token;
mod unicode;

use std::collections::HashMap;

use crate::domain::{Need, Stage};

pub(super) use copy::{Copy, copy};
pub(super) use cursor::{Cursor, Qualified};
pub(super) use found::Found;
pub(super) use split::Statements;
pub(super) use token::{Token, in_word, space, starts_word};

/// What becomes of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Class {
    /// Given to the role.
    Allowed,
    /// Left out of every restore: owners, privileges, the database itself, what is there already.
    LeftOut,
    /// Only a superuser may, so we do.
    Privileged(Asked),
    /// On no list.
    Unlisted(Need),
    /// Never passed on, and why: "ends a transaction".
    Refused(&'static str),
}

/// What a superuser is asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    /// `extension:hstore`.
    pub(super) item: String,
    /// One statement, written anew.
    pub(super) sql: String,
    pub(super) stage: Stage,
    /// Why it has to be named, unless it is harmless.
    pub(super) danger: Option<String>,
    /// A schema that has to be there before, by name.
    pub(super) schema: Option<String>,
}

/// A statement that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Judged {
    pub(super) class: Class,
    /// What it does, in capitals: `CREATE TABLE`, `COMMENT`, `SELECT setval`. Entries of an archive carry certain ones.
    pub(super) does: String,
}

impl Judged {
    fn new(class: Class, does: impl Into<String>) -> Self {
        Judged { class, does: does.into() }
    }
}

/// What has to be known of the dump so far.
#[derive(Debug, Clone, Copy)]
pub(super) struct Context<'a> {
    /// Backslashes in ordinary strings escape.
    pub(super) backslashes: bool,
    /// Nothing was created so far, in a dump of `pg_dump`: what is dropped, is dropped by `--clean`.
    pub(super) clean: bool,
    /// What was asked of a superuser so far, by item, with its danger.
    pub(super) asked: &'a HashMap<String, Option<String>>,
}

const TRANSACTION: &str = "it begins, ends or divides a transaction";
const ROLES: &str = "it is about roles";
const SERVER: &str = "it is about the server, not the database";
const OTHERS: &str = "it is about other databases or sessions";

/// What a statement makes or changes, in small letters with its name: `index public.a_b`. `None` where that is not told.
pub(super) fn subject(statement: &[u8]) -> Option<String> {
    let mut cursor = Cursor::new(statement, false);
    cursor.one_of(&["create or replace", "create", "alter", "comment on", "drop", "refresh"])?;
    cursor.one_of(&["temporary", "temp", "unlogged"]);
    let object = item::object(&mut cursor)?.to_ascii_lowercase();
    cursor.words("concurrently");
    let _ = cursor.words("if not exists") || cursor.words("if exists");
    cursor.words("only");
    let Qualified { schema, name } = cursor.qualified()?;
    let schema = schema.map(|schema| format!("{schema}.")).unwrap_or_default();
    Some(format!("{object} {schema}{name}"))
}

/// Judges one statement, as [`Statements`] gives them.
pub(super) fn judge(statement: &[u8], context: &Context<'_>) -> Judged {
    let mut cursor = Cursor::new(statement, context.backslashes);
    let Some(Token::Word(word)) = cursor.peek() else {
        return Judged::new(Class::Unlisted(Need::Nothing), "");
    };
    let first = String::from_utf8_lossy(word).to_ascii_lowercase();
    let start = cursor.clone();
    cursor.take();
    let class = match first.as_str() {
        "create" => return create::judge(cursor, start),
        "alter" => return alter::judge(cursor, start, context),
        "drop" => return drop(cursor, context),
        "comment" => return Judged::new(comment::judge(cursor, context), "COMMENT"),
        "set" | "reset" => return settings::judge(&first, cursor),
        "select" => return select::judge(cursor),
        "copy" => copy(statement, context.backslashes)
            .map_or(Class::Refused("its COPY is not understood"), |copy| copy.class()),
        "insert" => insert(cursor),
        "begin" | "start" | "commit" | "end" => around(&first, cursor),
        "abort" | "rollback" | "savepoint" | "release" => Class::Refused(TRANSACTION),
        "prepare" if cursor.is("transaction") => Class::Refused(TRANSACTION),
        "security" => return security_label(cursor),
        "grant" | "revoke" | "vacuum" | "analyze" | "analyse" => Class::LeftOut,
        "delete" | "update" | "truncate" | "refresh" | "lock" | "cluster" => Class::Allowed,
        "reindex" if cursor.has_outside("database") || cursor.has_outside("system") => Class::Refused(SERVER),
        "reindex" => Class::Allowed,
        "checkpoint" | "load" => Class::Refused(SERVER),
        "listen" | "unlisten" | "notify" | "discard" => Class::Refused(OTHERS),
        "reassign" => Class::Refused(ROLES),
        _ => Class::Unlisted(Need::Nothing),
    };
    Judged::new(class, first.to_ascii_uppercase())
}

/// `INSERT INTO name ... VALUES ...`, or its `DEFAULT VALUES`, and no query beside it.
fn insert(mut cursor: Cursor<'_>) -> Class {
    let mut values = false;
    while !cursor.is_at_end() {
        values |= cursor.is("values");
        if ["select", "with", "table", "union", "intersect", "except"].iter().any(|word| cursor.is(word)) {
            return Class::Unlisted(Need::Nothing);
        }
        cursor.outer();
    }
    if values { Class::Allowed } else { Class::Unlisted(Need::Nothing) }
}

/// The transaction that tools write around a dump; ours is around it already.
fn around(first: &str, mut cursor: Cursor<'_>) -> Class {
    let begins = match first {
        "start" if !cursor.words("transaction") => return Class::Unlisted(Need::Nothing),
        "start" => true,
        "commit" if cursor.is("prepared") => return Class::Refused(TRANSACTION),
        _ => {
            cursor.one_of(&["work", "transaction"]);
            first == "begin"
        }
    };
    if begins || cursor.is_at_end() { Class::LeftOut } else { Class::Refused(TRANSACTION) }
}

fn security_label(mut cursor: Cursor<'_>) -> Judged {
    let does = "SECURITY LABEL";
    let named = cursor.words("label") && (!cursor.words("for") || cursor.name().is_some() || cursor.text().is_some());
    if !named || !cursor.words("on") {
        return Judged::new(Class::Unlisted(Need::Nothing), does);
    }
    let class = match cursor.one_of(&["database", "tablespace", "role", "event trigger", "subscription"]) {
        Some("database" | "event trigger" | "subscription") => Class::LeftOut,
        Some(_) => Class::Refused(ROLES),
        None => Class::Allowed,
    };
    Judged::new(class, does)
}

fn drop(mut cursor: Cursor<'_>, context: &Context<'_>) -> Judged {
    let object = item::object(&mut cursor).unwrap_or_default();
    let public = object == "SCHEMA" && {
        let mut ahead = cursor.clone();
        ahead.words("if exists");
        ahead.name().is_some_and(|name| name == "public")
    };
    let class = match object {
        "ROLE" | "USER" | "GROUP" | "OWNED" => Class::Refused(ROLES),
        "TABLESPACE" => Class::Refused(SERVER),
        "SUBSCRIPTION" if !context.clean => Class::Refused(OTHERS),
        "DATABASE" => Class::LeftOut,
        // It is there from the beginning, and what we made may lie in it.
        _ if public || context.clean || item::is_superusers(object) => Class::LeftOut,
        "" => Class::Unlisted(Need::Nothing),
        _ => Class::Allowed,
    };
    Judged::new(class, format!("DROP {object}"))
}
