//! `CREATE FUNCTION` and `CREATE PROCEDURE`: in which language, and whether only a superuser may.

use super::cursor::Cursor;
use super::extension::language_danger;
use super::item::item_in;
use super::{Asked, Class, Judged, Token};
use crate::domain::{Need, Stage};

/// Judges what follows `CREATE [OR REPLACE] FUNCTION`; `start` is the whole statement.
pub(super) fn judge(cursor: Cursor<'_>, start: Cursor<'_>, object: &'static str) -> Judged {
    let does = format!("CREATE {object}");
    let found = Found::of(cursor.clone());
    let does = match &found.language {
        Some(language) => format!("{does} {language}"),
        None => does,
    };
    let Some(danger) = found.danger() else { return Judged::new(Class::Allowed, does) };
    let class = asked(cursor, start, danger).unwrap_or(Class::Unlisted(Need::Nothing));
    Judged::new(class, does)
}

/// What matters of a function's clauses. A word that could be a clause is taken for one.
struct Found {
    language: Option<String>,
    danger: Option<String>,
    superusers: bool,
}

impl Found {
    fn of(mut cursor: Cursor<'_>) -> Self {
        let mut found = Found { language: None, danger: None, superusers: false };
        let mut not = false;
        while let Some(token) = cursor.outer() {
            let Token::Word(word) = token else { continue };
            let is = |known: &str| word.eq_ignore_ascii_case(known.as_bytes());
            found.superusers |= (is("leakproof") && !not) || is("support");
            not = is("not");
            if is("language") {
                let mut ahead = cursor.clone();
                let text = |text: std::borrow::Cow<'_, [u8]>| super::cursor::lossy(&text).to_ascii_lowercase();
                if let Some(name) = ahead.name().or_else(|| ahead.text().map(text)) {
                    found.danger = found.danger.or_else(|| language_danger(&name));
                    found.language = Some(name);
                }
            }
        }
        found
    }

    fn danger(&self) -> Option<String> {
        let trusted = || "it may see rows that others may not, or mislead the planner".to_owned();
        self.danger.clone().or_else(|| self.superusers.then(trusted))
    }
}

fn asked(mut cursor: Cursor<'_>, start: Cursor<'_>, danger: String) -> Option<Class> {
    let name = cursor.qualified()?;
    arguments(cursor.clone())?;
    cursor.group().then_some(())?;
    while !cursor.is_at_end() {
        clause(&mut cursor)?;
    }
    // Languages of the server and of libraries know nothing of the dump's own types, as a rule.
    let stage = if danger.starts_with("it is code") { Stage::Before } else { Stage::Middle };
    let schema = name.schema.clone();
    let item = item_in("FUNCTION", &name);
    Some(Class::Privileged(Asked { item, sql: start.rewritten()?, stage, danger: Some(danger), schema }))
}

/// Arguments without defaults: those could hold anything.
fn arguments(mut cursor: Cursor<'_>) -> Option<()> {
    cursor.sign(b'(').then_some(())?;
    let mut depth = 1_usize;
    while depth > 0 {
        if cursor.is("default") {
            return None;
        }
        match cursor.take()? {
            Token::Sign(b'(') => depth += 1,
            Token::Sign(b')') => depth -= 1,
            Token::Word(_) | Token::Name(_) | Token::Number(_) => {}
            Token::Sign(b',' | b'.' | b'[' | b']') | Token::Operator(b"%") => {}
            _ => return None,
        }
    }
    Some(())
}

/// One clause that is understood.
fn clause(cursor: &mut Cursor<'_>) -> Option<()> {
    const BARE: [&str; 15] = [
        "returns null on null input",
        "called on null input",
        "immutable",
        "stable",
        "volatile",
        "strict",
        "window",
        "leakproof",
        "not leakproof",
        "external security definer",
        "external security invoker",
        "security definer",
        "security invoker",
        "parallel safe",
        "parallel unsafe",
    ];
    if cursor.one_of(&BARE).is_some() || cursor.words("parallel restricted") {
        return Some(());
    }
    match cursor.one_of(&["returns table", "returns", "language", "cost", "rows", "support", "as", "set"])? {
        "returns table" => arguments(cursor.clone()).and_then(|()| cursor.group().then_some(())),
        "returns" => {
            cursor.words("setof");
            kind(cursor)
        }
        "language" => cursor.name().map(|_| ()).or_else(|| cursor.text().map(|_| ())),
        "cost" | "rows" => cursor.number().then_some(()),
        "support" => cursor.qualified().map(|_| ()),
        "set" => setting(cursor),
        _ => {
            cursor.text()?;
            if cursor.sign(b',') {
                cursor.text()?;
            }
            Some(())
        }
    }
}

fn setting(cursor: &mut Cursor<'_>) -> Option<()> {
    cursor.qualified()?;
    (cursor.words("to") || cursor.operator("=")).then_some(())?;
    loop {
        (cursor.text().is_some() || cursor.number() || cursor.name().is_some()).then_some(())?;
        if !cursor.sign(b',') {
            return Some(());
        }
    }
}

/// The name of a type.
pub(super) fn kind(cursor: &mut Cursor<'_>) -> Option<()> {
    cursor.qualified()?;
    cursor.one_of(&["precision", "varying"]);
    if cursor.sign(b'(') {
        loop {
            cursor.number().then_some(())?;
            if !cursor.sign(b',') {
                break;
            }
        }
        cursor.sign(b')').then_some(())?;
    }
    cursor.one_of(&["without time zone", "with time zone"]);
    if cursor.operator("%") {
        cursor.words("type").then_some(())?;
    }
    while cursor.sign(b'[') {
        cursor.number();
        cursor.sign(b']').then_some(())?;
    }
    Some(())
}
