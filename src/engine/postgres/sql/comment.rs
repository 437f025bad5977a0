//! `COMMENT ON`: what a superuser made, only a superuser may comment on.

use super::cursor::Cursor;
use super::item::{is_superusers, item, item_in, object};
use super::{Asked, Class, Context, ROLES, Token, extension};
use crate::domain::{Need, Stage};

/// Judges what follows `COMMENT`.
pub(super) fn judge(mut cursor: Cursor<'_>, context: &Context<'_>) -> Class {
    let unlisted = Class::Unlisted(Need::Nothing);
    let start = cursor.clone();
    if !cursor.words("on") {
        return unlisted;
    }
    let Some(object) = object(&mut cursor) else { return unlisted };
    match object {
        "DATABASE" => return Class::LeftOut,
        "ROLE" | "TABLESPACE" => return Class::Refused(ROLES),
        _ => {}
    }
    let Some(item) = named(object, &mut cursor) else {
        return if is_superusers(object) { unlisted } else { Class::Allowed };
    };
    let made = context.asked.get(&item);
    if !is_superusers(object) && made.is_none() {
        return Class::Allowed;
    }
    if ["extension:plpgsql", "language:plpgsql"].contains(&item.as_str()) {
        return Class::LeftOut;
    }
    let danger = match (made, item.strip_prefix("extension:"), item.strip_prefix("language:")) {
        (Some(danger), ..) => danger.clone(),
        (None, Some(name), _) => extension::danger(name),
        (None, _, Some(name)) => extension::language_danger(name),
        _ => Some("it is about what only a superuser makes".to_owned()),
    };
    let understood = ends(cursor);
    match start.rewritten().filter(|_| understood) {
        Some(rest) => {
            let sql = format!("COMMENT {rest}");
            Class::Privileged(Asked { item, sql, stage: Stage::After, danger, schema: None })
        }
        None => unlisted,
    }
}

/// The item that a comment is on, and past its name.
fn named(object: &str, cursor: &mut Cursor<'_>) -> Option<String> {
    if object == "CAST" {
        return cast(cursor).map(|name| item("CAST", &name));
    }
    if object == "TRANSFORM" {
        cursor.words("for").then_some(())?;
        let kind = cursor.qualified()?;
        cursor.words("language").then_some(())?;
        return Some(item(object, &format!("{}.{}", kind.name, cursor.name()?)));
    }
    let name = cursor.qualified()?;
    Some(item_in(object, &name))
}

/// `(type AS type)`, as one name.
pub(super) fn cast(cursor: &mut Cursor<'_>) -> Option<String> {
    cursor.sign(b'(').then_some(())?;
    let mut name = String::new();
    loop {
        let word = match cursor.take()? {
            Token::Sign(b')') => return Some(name),
            Token::Word(word) => super::cursor::lossy(&word.to_ascii_lowercase()),
            Token::Name(word) => super::cursor::lossy(&word),
            Token::Sign(b'.') => ".".to_owned(),
            Token::Sign(b'[') => "[]".to_owned(),
            Token::Sign(b']') => continue,
            _ => return None,
        };
        if !name.is_empty() && word != "." && word != "[]" && !name.ends_with('.') {
            name.push('-');
        }
        name.push_str(&word);
    }
}

/// `[(arguments)] [USING method] IS 'text'`
fn ends(mut cursor: Cursor<'_>) -> bool {
    if matches!(cursor.peek(), Some(Token::Sign(b'('))) && !cursor.group() {
        return false;
    }
    if cursor.words("using") && cursor.name().is_none() {
        return false;
    }
    cursor.words("is") && (cursor.text().is_some() || cursor.words("null")) && cursor.is_at_end()
}
