//! Names of tables in SQL that anybody may have written.

/// A table's name as SQL means it: what is not quoted is folded to small letters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Name {
    pub(super) schema: Option<String>,
    pub(super) table: String,
}

/// The name at the start of `text`, and what follows it.
pub(super) fn name(text: &[u8]) -> Option<(Name, &[u8])> {
    let (first, rest) = identifier(text.trim_ascii_start())?;
    let after = rest.trim_ascii_start();
    match after.strip_prefix(b".").and_then(|after| identifier(after.trim_ascii_start())) {
        Some((table, rest)) => Some((Name { schema: Some(first), table }, rest)),
        None => Some((Name { schema: None, table: first }, rest)),
    }
}

fn identifier(text: &[u8]) -> Option<(String, &[u8])> {
    if let Some(quoted) = text.strip_prefix(b"\"") {
        let mut name = Vec::new();
        let mut rest = quoted;
        loop {
            let end = memchr::memchr(b'"', rest)?;
            name.extend_from_slice(&rest[..end]);
            rest = &rest[end + 1..];
            match rest.strip_prefix(b"\"") {
                Some(after) => (name.push(b'"'), rest = after).1,
                None => return Some((super::lossy(&name), rest)),
            }
        }
    }
    let part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') || !byte.is_ascii();
    let end = text.iter().position(|byte| !part(byte)).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    (!word.is_empty() && !word[0].is_ascii_digit()).then(|| (super::lossy(&word.to_ascii_lowercase()), rest))
}

/// `text` after `words`, which are compared without regard to case and to how they are spaced.
pub(super) fn after<'a>(text: &'a [u8], words: &str) -> Option<&'a [u8]> {
    let mut rest = text;
    for word in words.split(' ') {
        rest = rest.trim_ascii_start();
        let head = rest.get(..word.len())?;
        let next = rest.get(word.len());
        let ends = next.is_none_or(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_');
        if !head.eq_ignore_ascii_case(word.as_bytes()) || !ends {
            return None;
        }
        rest = &rest[word.len()..];
    }
    Some(rest)
}

/// The same where the words may be missing.
pub(super) fn perhaps<'a>(text: &'a [u8], words: &str) -> &'a [u8] {
    after(text, words).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full(text: &str) -> Option<(Option<String>, String)> {
        name(text.as_bytes()).map(|(name, _)| (name.schema, name.table))
    }

    #[test]
    fn names_are_read_as_the_server_reads_them() {
        let both = |schema: &str, table: &str| Some((Some(schema.to_owned()), table.to_owned()));
        assert_eq!(full(" Public . \"A\"\"b\" (x)"), both("public", "A\"b"));
        assert_eq!(full("Items(x)"), Some((None, "items".to_owned())));
        assert_eq!(full("\"a.b\""), Some((None, "a.b".to_owned())));
        assert_eq!((full("(select"), full("1a"), full("\"open")), (None, None, None));
        assert_eq!(after(b"create  Table x", "CREATE TABLE"), Some(&b" x"[..]));
        assert_eq!(after(b"createtable x", "CREATE TABLE"), None);
    }
}
