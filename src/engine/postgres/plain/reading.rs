//! What the pieces of a plain dump mean: its comments, statements, meta-commands and COPY blocks, one after another.

use super::super::archive::{ArchiveError, DamageKind};
use super::super::sql::{self, Class, Context, Cursor, Found, Judged, Statements};
use super::meta::{self, Meta};
use super::rows::CopyBlock;
use super::tables::Tables;
use super::{Maker, PlainSummary, damage, lossy};
use crate::domain::Need;

/// A statement without its `;`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Statement<'a> {
    /// As it is written, without the words of comments; of an INSERT only its beginning.
    pub(super) text: &'a [u8],
    pub(super) is_insert: bool,
    /// An INSERT with VALUES, and no query beside them.
    pub(super) has_values: bool,
    /// Rows of its VALUES.
    pub(super) tuples: Option<u64>,
    /// It was too long to be kept whole.
    pub(super) unmatched_quote: bool,
    /// Line of its start, from 1.
    pub(super) line: u64,
    /// Where it ends, in bytes.
    pub(super) byte: u64,
}

/// What follows a statement.
#[derive(Debug)]
pub(super) struct Next {
    /// COPY data begin at the next line.
    pub(super) data: Option<Box<CopyBlock>>,
    pub(super) class: Class,
    /// What is given in its place.
    pub(super) instead: Option<String>,
}

#[derive(Debug, Default)]
pub(super) struct Reading {
    maker: Option<Maker>,
    ended: bool,
    appended: bool,
    /// Something was created.
    created: bool,
    /// Something was created, changed or filled.
    makes: bool,
    pub(super) backslashes: bool,
    wrong: Option<ArchiveError>,
    databases: Vec<String>,
    server_version: Option<String>,
    dump_tool_version: Option<String>,
    encoding: Option<String>,
    tables: Tables,
    extensions: Vec<String>,
    large_objects: u64,
    inserts: u64,
    found: Found,
    ambiguous: Option<u64>,
}

/// Encodings in which a backslash may be half of a character.
const HALVED: [&str; 7] = ["SJIS", "SHIFT_JIS", "BIG5", "GBK", "GB18030", "UHC", "JOHAB"];
/// Extensions that are asked about. No image has as many.
const EXTENSIONS: usize = 1000;
/// Databases of `\connect`s that are told apart; more than one is too many already.
const DATABASES: usize = 10;

impl Reading {
    /// Something that is neither comment nor statement yet follows the maker's last words, unless it is the first sign of
    /// a comment.
    pub(super) fn goes_on_with(&mut self, byte: u8) {
        self.appended |= self.ended && byte != b'-';
    }

    /// From this line on only the server can tell what is quoted.
    pub(super) fn ambiguous(&mut self, line: u64) {
        self.ambiguous.get_or_insert(line);
    }

    /// From this byte on it is not what a dump may be.
    pub(super) fn wrong(&mut self, words: &str, byte: u64) {
        self.wrong.get_or_insert_with(|| damage(DamageKind::Structure, byte, words.to_owned()));
    }

    /// Why it cannot be read on, once.
    pub(super) fn failure(&mut self) -> Option<ArchiveError> {
        self.wrong.take()
    }

    /// Takes a meta-command; `alone` says that it does not stand in the middle of a statement. Says what it is.
    pub(super) fn meta(&mut self, text: &[u8], alone: bool, line: u64) -> Meta {
        let meta = meta::judge(text, alone);
        let fence = [&b"\\restrict"[..], b"\\unrestrict"].iter().any(|fence| text.starts_with(fence));
        self.appended |= self.ended && !(fence && meta == Meta::LeftOut);
        match &meta {
            Meta::LeftOut => {}
            Meta::Connect(database) => {
                let known = database.is_empty() || self.databases.contains(database);
                if !known && self.databases.len() < DATABASES {
                    self.databases.push(database.clone());
                }
            }
            Meta::Encoding(name) => self.encoded(name.clone(), line),
            Meta::Refused => self.found.refused("a command for psql", || format!("line {line}"), text),
        }
        meta
    }

    /// Takes a comment: `pg_dump`'s say who wrote the dump and where it ends.
    pub(super) fn comment(&mut self, text: &[u8]) {
        let maker = match text {
            b"PostgreSQL database dump" => Maker::PgDump,
            b"PostgreSQL database cluster dump" => Maker::PgDumpall,
            b"PostgreSQL database dump complete" if self.maker == Some(Maker::PgDump) => return self.ended = true,
            b"PostgreSQL database cluster dump complete" => return self.ended = true,
            _ => {
                let after = |words: &[u8]| text.strip_prefix(words).map(lossy);
                let (server, tool) = (after(b"Dumped from database version "), after(b"Dumped by pg_dump version "));
                self.server_version = self.server_version.take().or(server);
                self.dump_tool_version = self.dump_tool_version.take().or(tool);
                return;
            }
        };
        self.maker.get_or_insert(maker);
    }

    fn judge(&self, statement: &Statement<'_>) -> Judged {
        let judged = |class| Judged { class, does: "INSERT".to_owned() };
        if statement.is_insert {
            let listed = statement.has_values;
            return judged(if listed { Class::Allowed } else { Class::Unlisted(Need::Nothing) });
        }
        if statement.unmatched_quote {
            return judged(Class::Refused("a statement of more than 16 MiB is not looked into"));
        }
        let mut statements = Statements::new(statement.text, self.backslashes);
        match (statements.next(), statements.next()) {
            (None, _) => Judged { class: Class::Allowed, does: String::new() },
            (Some(Some(text)), None) => {
                let clean = !self.created && self.maker == Some(Maker::PgDump);
                let context = Context { backslashes: self.backslashes, clean, asked: self.found.asked() };
                sql::judge(text, &context)
            }
            _ => judged(Class::Refused("only the server can tell where it ends")),
        }
    }

    /// Takes a statement.
    pub(super) fn statement(&mut self, statement: Statement<'_>) -> Next {
        let Statement { text, tuples, line, byte, .. } = statement;
        self.maker.get_or_insert(Maker::Other);
        self.appended |= self.ended;
        let judged = self.judge(&statement);
        self.found.take(&judged, || format!("line {line}"), text);
        self.created |= judged.does.starts_with("CREATE ") && judged.class != Class::LeftOut;
        let mut next = Next { data: None, class: judged.class, instead: None };
        let makes = ["CREATE ", "ALTER ", "COPY", "COMMENT ", "SELECT lo_", "SELECT setval"];
        self.makes |= statement.is_insert || makes.iter().any(|does| judged.does.starts_with(does));
        if judged.does == "COPY" {
            next.data = self.copy(text, byte);
            return next;
        }
        if next.class != Class::LeftOut {
            self.inserts += u64::from(statement.is_insert);
            if !self.tables.statement(text, tuples, self.backslashes) {
                self.wrong("more than 200,000 tables", byte);
            }
            self.object(&judged.does, &next.class);
        }
        match judged.does.as_str() {
            "SET" => self.setting(text, line),
            "CREATE SCHEMA" => next.instead = if_not_exists(text, self.backslashes),
            _ => {}
        }
        next
    }

    /// Whether rows follow a COPY. Of one that is not understood the server would say so; nothing after it is believed.
    fn copy(&mut self, text: &[u8], byte: u64) -> Option<Box<CopyBlock>> {
        match sql::copy(text, self.backslashes) {
            Some(copy) if copy.has_data() => Some(Box::new(CopyBlock::new(text, &copy))),
            Some(_) => None,
            None => {
                self.wrong("a COPY that is not understood", byte);
                None
            }
        }
    }

    fn encoded(&mut self, name: String, line: u64) {
        if HALVED.iter().any(|halved| name.to_ascii_uppercase().contains(halved)) {
            self.ambiguous(line);
        }
        self.encoding.get_or_insert(name);
    }

    fn setting(&mut self, text: &[u8], line: u64) {
        let mut cursor = Cursor::new(text, self.backslashes);
        let reset = cursor.words("reset");
        cursor.words("set");
        cursor.one_of(&["session", "local"]);
        let name = if cursor.words("names") { Some("client_encoding".to_owned()) } else { cursor.name() };
        cursor.words("to");
        cursor.operator("=");
        let value = cursor.text().map(|text| lossy(&text)).or_else(|| cursor.name()).unwrap_or_default();
        match name.unwrap_or_default().to_ascii_lowercase().as_str() {
            "client_encoding" if !value.is_empty() => self.encoded(value, line),
            "standard_conforming_strings" => {
                let value = value.to_ascii_lowercase();
                let off = ["of", "off", "f", "fa", "fal", "fals", "false", "n", "no", "0"].contains(&value.as_str());
                let on = ["on", "t", "tr", "tru", "true", "y", "ye", "yes", "1", "default"].contains(&value.as_str());
                // A number is not a name, and `RESET` is what the server's own settings say.
                if !(off || on) || reset {
                    self.ambiguous(line);
                }
                self.backslashes = off;
            }
            _ => {}
        }
    }

    fn object(&mut self, does: &str, class: &Class) {
        match class {
            Class::Privileged(asked) => {
                let named = asked.item.strip_prefix("extension:").filter(|_| does == "CREATE EXTENSION");
                let room = self.extensions.len() < EXTENSIONS;
                if let Some(name) = named.filter(|name| room && !self.extensions.iter().any(|known| known == name)) {
                    self.extensions.push(name.to_owned());
                }
            }
            _ => self.large_objects += u64::from(does == "SELECT lo_create"),
        }
    }

    /// Takes a COPY block that has ended; `bytes` is where.
    pub(super) fn end_of_data(&mut self, block: CopyBlock, bytes: u64) {
        if !block.adds_up() && self.wrong.is_none() {
            let words = format!("the rows of {} do not have as many columns as the table", block.words());
            self.wrong = Some(damage(DamageKind::Rows, bytes, words));
        }
        match block.name {
            Some(name) if block.lines_are_rows => self.tables.add(name, block.rows),
            Some(name) => self.tables.copied_otherwise(name),
            None => {}
        }
    }

    /// All that was read, where the text ended as it may.
    pub(super) fn finish(mut self, bytes: u64, open: Option<String>) -> Result<PlainSummary, ArchiveError> {
        if let Some(wrong) = self.wrong.take() {
            return Err(wrong);
        }
        let maker = self.maker.unwrap_or(Maker::Other);
        if let Some(open) = open {
            return Err(damage(DamageKind::Cut, bytes, format!("the dump ends inside {open}")));
        }
        if maker != Maker::Other && !self.ended {
            let words = "the dump ends too early: pg_dump's last words are missing".to_owned();
            return Err(damage(DamageKind::Cut, bytes, words));
        }
        Ok(PlainSummary {
            maker,
            makes: self.makes || maker != Maker::Other,
            complete: maker != Maker::Other && !self.appended,
            databases: self.databases,
            server_version: self.server_version,
            dump_tool_version: self.dump_tool_version,
            encoding: self.encoding,
            is_not_utf8: false,
            tables: self.tables.counted(),
            extensions: self.extensions,
            large_objects: self.large_objects,
            inserts: self.inserts,
            code: self.found.finish(),
            ambiguous: self.ambiguous,
            bytes,
        })
    }
}

/// `CREATE SCHEMA` of one that may be there for an extension's sake.
fn if_not_exists(text: &[u8], backslashes: bool) -> Option<String> {
    let mut cursor = Cursor::new(text, backslashes);
    cursor.words("create schema");
    cursor.words("if not exists");
    let name = cursor.name()?;
    cursor.is_at_end().then(|| format!("CREATE SCHEMA IF NOT EXISTS {};", super::super::quote::ident(&name)))
}
