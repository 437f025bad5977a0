//! What becomes of each entry of the table of contents in a restore by a role without privileges.
//!
//! `pg_restore` sends a definition to the server as it is, whatever kind the entry says it is of. So each statement in it
//! is judged, and each has to be one that entries of this kind carry.

use super::encoding;
use super::entry::{DEFINITION, Entry};
use super::kinds::{Kind, carries, kind};
use super::source::Long;
use crate::domain::{ForeignCode, Need};
use crate::engine::postgres::quote::ident;
use crate::engine::postgres::sql::{self, Class, Context, Cursor, Found, Judged, Statements};

/// Encodings in which a backslash or a quote may be half of a character.
const HALVED: [&str; 7] = ["SJIS", "SHIFT_JIS_2004", "BIG5", "GBK", "GB18030", "UHC", "JOHAB"];
/// The search path that `pg_dump` sets, sent by `pg_restore` as it is.
const SEARCH_PATH: &[u8] = b"SELECT pg_catalog.set_config('search_path', '', false);\n";

/// The definition that the role gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fate {
    /// As it is.
    Kept,
    /// This one; `pg_restore` passes over an entry with an empty one.
    Instead(Vec<u8>),
    /// This one, under a kind of our own: `pg_restore` makes its own statement for schemas.
    Schema(Vec<u8>),
    /// As it is, without its rows.
    NoData,
}

/// Judges entries in their order.
pub(super) struct Judge {
    found: Found,
    /// What is on no list is passed on.
    programs: bool,
    /// What the archive says of backslashes in strings, if it does.
    standard_strings: Option<bool>,
    /// What it means where it says nothing.
    assumed: bool,
    /// A definition with a backslash has gone by.
    backslash: bool,
    /// An entry with data has gone by.
    data: bool,
    halved: bool,
}

impl Judge {
    pub(super) fn new(format: (u8, u8, u8)) -> Self {
        let assumed = format >= (1, 12, 0);
        let found = Found::default();
        Judge { found, programs: false, standard_strings: None, assumed, backslash: false, data: false, halved: false }
    }

    /// The same, where what is on no list is passed on as `programs` says.
    pub(super) fn passing(format: (u8, u8, u8), programs: bool) -> Self {
        Judge { programs, ..Self::new(format) }
    }

    /// Whether backslashes in strings are ordinary characters.
    pub(super) fn standard_strings(&self) -> bool {
        self.standard_strings.unwrap_or(self.assumed)
    }

    /// Takes an entry; fails when it is what `pg_dump` never writes.
    pub(super) fn take(&mut self, entry: &Entry) -> Result<Fate, &'static str> {
        let place = || format!("entry {}", entry.id);
        if let Long::Beyond(_) = entry.definition {
            let words = format!("a definition of more than {} MiB is not looked into", DEFINITION >> 20);
            self.found.refused(&words, place, &entry.tag);
            return Ok(Fate::Instead(Vec::new()));
        }
        match kind(&entry.kind) {
            Kind::Encoding => {
                let named = encoding::named(entry.sql());
                self.halved |= named.is_some_and(|name| HALVED.contains(&name.as_str()));
                Ok(Fate::Kept)
            }
            Kind::Strings => self.strings(entry.sql()),
            Kind::SearchPath => {
                if self.is_search_path(entry.sql()) {
                    return Ok(Fate::Kept);
                }
                self.found.refused("a search path that pg_dump does not write", place, entry.sql());
                Ok(Fate::Instead(SEARCH_PATH.to_vec()))
            }
            Kind::LeftOut if entry.sql().is_empty() => Ok(Fate::Kept),
            Kind::LeftOut => Ok(Fate::Instead(Vec::new())),
            // Numbers of large objects, each checked as one.
            Kind::Numbers => Ok(Fate::Kept),
            Kind::Data => {
                self.data = true;
                Ok(self.definition(entry))
            }
            Kind::Sql => Ok(self.definition(entry)),
        }
    }

    fn strings(&mut self, definition: &[u8]) -> Result<Fate, &'static str> {
        let on = encoding::standard_strings(definition).ok_or("an impossible string setting")?;
        if self.standard_strings.replace(on).is_some() {
            return Err("a second string setting");
        }
        // `pg_restore` takes it for the whole archive, whatever came before.
        if self.backslash || self.data { Err("a string setting behind strings") } else { Ok(Fate::Kept) }
    }

    fn is_search_path(&self, definition: &[u8]) -> bool {
        let mut statements = Statements::new(definition, !self.standard_strings());
        let (Some(Some(text)), None) = (statements.next(), statements.next()) else { return false };
        // What a backslash in it means is not known yet.
        memchr::memchr(b'\\', definition).is_none() && self.judge(text).does == "SELECT set_config"
    }

    fn judge(&self, text: &[u8]) -> Judged {
        let context = Context { backslashes: !self.standard_strings(), clean: false, asked: self.found.asked() };
        sql::judge(text, &context)
    }

    fn definition(&mut self, entry: &Entry) -> Fate {
        let place = || format!("entry {}", entry.id);
        let text = entry.sql();
        let backslash = memchr::memchr(b'\\', text).is_some();
        self.backslash |= backslash;
        let unsure = (backslash && self.standard_strings.is_none()) || (self.halved && !text.is_ascii());
        let (mut given, mut all) = (Vec::new(), true);
        for statement in Statements::new(text, !self.standard_strings()) {
            let Some(statement) = statement else {
                self.found.refused("only the server can tell where it ends", place, text);
                return Fate::Instead(Vec::new());
            };
            let mut judged = self.judge(statement);
            if unsure || !carries(&entry.kind, &judged.does) {
                judged.class = stranger(judged.class);
            }
            self.found.take(&judged, place, statement);
            let gives = match judged.class {
                Class::Allowed => true,
                Class::Unlisted(_) => self.programs,
                Class::LeftOut | Class::Privileged(_) | Class::Refused(_) => false,
            };
            all &= gives;
            if gives {
                given.extend_from_slice(statement);
                given.extend_from_slice(b";\n");
            }
        }
        match all {
            true if entry.kind == b"SCHEMA" && !given.is_empty() => schema(&given, !self.standard_strings()),
            true => Fate::Kept,
            false => Fate::Instead(given),
        }
    }

    /// What was found in all entries.
    pub(super) fn finish(self) -> ForeignCode {
        self.found.finish()
    }
}

/// The class of a statement in an entry of another kind, or one of which only the server can tell what it means.
fn stranger(class: Class) -> Class {
    match class {
        Class::Allowed | Class::Unlisted(Need::Nothing) => Class::Unlisted(Need::Nothing),
        Class::Unlisted(needs) => Class::Unlisted(needs),
        Class::LeftOut | Class::Privileged(_) => Class::Refused("an entry of another kind"),
        refused @ Class::Refused(_) => refused,
    }
}

/// `CREATE SCHEMA` of one that may be there for an extension's sake.
fn schema(definition: &[u8], backslashes: bool) -> Fate {
    let mut cursor = Cursor::new(definition, backslashes);
    cursor.words("create schema");
    cursor.words("if not exists");
    match cursor.name() {
        Some(name) => Fate::Schema(format!("CREATE SCHEMA IF NOT EXISTS {};\n", ident(&name)).into_bytes()),
        None => Fate::Instead(Vec::new()),
    }
}

/// Whether a text of PostgreSQL 8.x is what it says: comments on large objects. `pg_restore` sends it as it is, whatever
/// backslashes mean in it.
pub(super) fn comments_on_large_objects(text: &[u8]) -> bool {
    let comments = |backslashes: bool| {
        Statements::new(text, backslashes).all(|statement| {
            statement.is_some_and(|statement| Cursor::new(statement, backslashes).words("comment on large object"))
        })
    };
    text.len() < DEFINITION && comments(false) && comments(true)
}
