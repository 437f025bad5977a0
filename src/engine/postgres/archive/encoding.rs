//! Encodings: which names PostgreSQL knows, and how names inside an archive become text.

/// The canonical names of PostgreSQL's encodings (`pg_enc2name_tbl` in `src/common/encnames.c`).
const ENCODINGS: [&str; 42] = [
    "SQL_ASCII",
    "EUC_JP",
    "EUC_CN",
    "EUC_KR",
    "EUC_TW",
    "EUC_JIS_2004",
    "UTF8",
    "MULE_INTERNAL",
    "LATIN1",
    "LATIN2",
    "LATIN3",
    "LATIN4",
    "LATIN5",
    "LATIN6",
    "LATIN7",
    "LATIN8",
    "LATIN9",
    "LATIN10",
    "WIN1256",
    "WIN1258",
    "WIN866",
    "WIN874",
    "KOI8R",
    "WIN1251",
    "WIN1252",
    "ISO_8859_5",
    "ISO_8859_6",
    "ISO_8859_7",
    "ISO_8859_8",
    "WIN1250",
    "WIN1253",
    "WIN1254",
    "WIN1255",
    "WIN1257",
    "KOI8U",
    "SJIS",
    "BIG5",
    "GBK",
    "UHC",
    "GB18030",
    "JOHAB",
    "SHIFT_JIS_2004",
];

/// The older names that 8.x servers and their dumps still use.
const ALIASES: [&str; 4] = ["UNICODE", "KOI8", "WIN", "ALT"];

/// The encoding named by an `ENCODING` entry: `SET client_encoding = 'UTF8';` and a line end.
pub(super) fn named(definition: &[u8]) -> Option<String> {
    let name = definition.strip_prefix(b"SET client_encoding = '")?.strip_suffix(b"';\n")?;
    let name = std::str::from_utf8(name).ok()?;
    let known = ENCODINGS.contains(&name) || ALIASES.contains(&name);
    known.then(|| name.to_owned())
}

/// The encoding that `psql`'s `\encoding` means by `name`, which is compared as PostgreSQL does: letters and digits only.
pub(in super::super) fn known(name: &str) -> Option<String> {
    let plain = |name: &str| name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_uppercase();
    let odd = name.chars().any(|letter| !(letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | ' ')));
    let named = ENCODINGS.iter().chain(&ALIASES).find(|known| !odd && plain(known) == plain(name));
    named.map(|known| (*known).to_owned())
}

/// Whether a `STDSTRINGS` entry says that backslashes in strings are ordinary characters.
pub(super) fn standard_strings(definition: &[u8]) -> Option<bool> {
    match definition.strip_prefix(b"SET standard_conforming_strings = ")? {
        b"'on';\n" => Some(true),
        b"'off';\n" => Some(false),
        _ => None,
    }
}

/// Names as text: LATIN1 is translated, anything else is UTF-8 or has its odd bytes written as `\xNN`, so that two
/// names never become one.
pub(super) fn text(bytes: &[u8], encoding: Option<&str>) -> String {
    if encoding == Some("LATIN1") {
        return bytes.iter().map(|&byte| char::from(byte)).collect();
    }
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02X}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoding_is_one_that_postgresql_knows() {
        assert_eq!(named(b"SET client_encoding = 'UTF8';\n").as_deref(), Some("UTF8"));
        for wrong in [&b"SET client_encoding = 'UTF9';\n"[..], b"SET client_encoding = 'UTF8'", b"", b"UTF8"] {
            assert_eq!(named(wrong), None);
        }
    }

    #[test]
    fn names_in_other_encodings_stay_apart() {
        assert_eq!(text(b"t\xe9st", Some("LATIN1")), "t\u{e9}st");
        assert_eq!(text(b"t\xe9st", Some("LATIN2")), "t\\xE9st");
        assert_eq!(text("t\u{e9}st".as_bytes(), Some("UTF8")), "t\u{e9}st");
    }
}
