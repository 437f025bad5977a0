//! Values in the words of a database's error: whatever is quoted there and is not the name of something.

/// What stands in the place of a value.
const HIDDEN: &str = "********";
/// What stands before the quoted name of a thing.
const NOUNS: &[&str] = &[
    "aggregate",
    "attribute",
    "class",
    "collation",
    "column",
    "configuration",
    "constraint",
    "conversion",
    "database",
    "dictionary",
    "directory",
    "domain",
    "encoding",
    "engine",
    "extension",
    "file",
    "function",
    "host",
    "index",
    "key",
    "language",
    "library",
    "method",
    "module",
    "object",
    "operator",
    "option",
    "parameter",
    "plugin",
    "policy",
    "procedure",
    "publication",
    "relation",
    "role",
    "rule",
    "schema",
    "sequence",
    "server",
    "socket",
    "subscription",
    "table",
    "tablespace",
    "trigger",
    "type",
    "user",
    "variable",
    "view",
];
/// What may follow a value; the names behind it are kept.
const TAILS: &[&str] = &["\" for type ", "\" is out of range", "' for key '", "' for column '"];
/// What stands directly before a value without quotes.
const BEFORE: &[&str] = &["invalid command \\", "dup key: "];

/// Without what stands in double quotes and is no name.
pub fn without(text: &str) -> String {
    hide(&without_documents(&without_bytes(text)), '"')
}

/// The same where values are quoted with apostrophes.
pub fn without_quoted(text: &str) -> String {
    hide(&without(text), '\'')
}

/// Without what follows words after which only a value comes.
pub fn without_documents(text: &str) -> String {
    match BEFORE.iter().find_map(|before| text.find(before).map(|at| at + before.len())) {
        Some(at) => format!("{}{HIDDEN}", &text[..at]),
        None => text.to_owned(),
    }
}

/// Without the bytes of a text that is not in its encoding: `0xe4 0x62`.
fn without_bytes(text: &str) -> String {
    let hidden = |word: &str| {
        let bare = word.trim_end();
        match bare.strip_prefix("0x") {
            Some(digits) if digits.starts_with(|c: char| c.is_ascii_hexdigit()) => {
                format!("{HIDDEN}{}", &word[bare.len()..])
            }
            _ => word.to_owned(),
        }
    };
    text.split_inclusive(' ').map(hidden).collect()
}

/// From the first quote that opens no name on, up to the last one: a value may hold quotes itself.
fn hide(text: &str, quote: char) -> String {
    let mut from = 0;
    while let Some(open) = text[from..].find(quote).map(|at| from + at) {
        let inside = open + quote.len_utf8();
        let apostrophe = quote == '\'' && text[..open].ends_with(char::is_alphanumeric);
        if apostrophe {
            from = inside;
        } else if is_name(&text[..open]) {
            let Some(close) = text[inside..].find(quote) else { return text.to_owned() };
            from = inside + close + quote.len_utf8();
        } else {
            let tail =
                TAILS.iter().filter(|tail| tail.starts_with(quote)).filter_map(|tail| text[inside..].rfind(tail)).max();
            let close = tail.or_else(|| text[inside..].rfind(quote));
            let rest = close.map_or("", |close| &text[inside + close..]);
            return format!("{}{HIDDEN}{rest}", &text[..inside]);
        }
    }
    text.to_owned()
}

fn is_name(before: &str) -> bool {
    let Some(before) = before.strip_suffix(' ') else { return false };
    let mut words = before.rsplit(|c: char| !c.is_alphanumeric());
    let last = words.next().unwrap_or_default().to_lowercase();
    NOUNS.contains(&last.as_str()) || last == "at" && words.next() == Some("server")
}
