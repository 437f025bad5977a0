//! Words from elsewhere, made fit to be seen. A name, a version or an error's text may hold characters that move the
//! cursor, colour what follows, turn the direction of reading or cannot be seen at all: each is shown as what it is.

use std::borrow::Cow;
use std::fmt::Write;

/// Whether a character does something else than to be seen.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            // Soft hyphen, joiners, fillers: nothing to see. Arabic letter mark, marks and embeddings: other directions.
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            // Separators of lines and paragraphs.
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            // Musical beams, tags, more selectors.
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// One line: everything hidden in it is shown as `\n`, `\t` or `\u{202e}`.
pub fn shown(text: &str) -> Cow<'_, str> {
    replaced(text, is_hidden, |into, c| match c {
        '\n' => into.push_str("\\n"),
        '\r' => into.push_str("\\r"),
        '\t' => into.push_str("\\t"),
        c => drop(write!(into, "\\u{{{:x}}}", u32::from(c))),
    })
}

/// JSON with everything hidden escaped, so that it can be printed. The values are the same: outside of its strings such
/// characters are not part of JSON at all.
pub fn shown_json(json: &str) -> Cow<'_, str> {
    replaced(json, is_hidden, |into, c| {
        for unit in c.encode_utf16(&mut [0; 2]) {
            let _ = write!(into, "\\u{unit:04x}");
        }
    })
}

fn replaced(text: &str, which: fn(char) -> bool, by: impl Fn(&mut String, char)) -> Cow<'_, str> {
    // Nearly every text is plain ASCII, and a list has many.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) || !text.contains(which) {
        return Cow::Borrowed(text);
    }
    let mut into = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if which(c) { by(&mut into, c) } else { into.push(c) }
    }
    Cow::Owned(into)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attack_418_nothing_hidden_stays_hidden() {
        let text = "a\u{1b}[31m\u{9b}b\r\n\t\u{202e}gpj\u{2066}\u{200b}\u{e0041}\u{7f}é字";
        let seen = "a\\u{1b}[31m\\u{9b}b\\r\\n\\t\\u{202e}gpj\\u{2066}\\u{200b}\\u{e0041}\\u{7f}é字";
        assert_eq!(shown(text), seen);
        assert!(matches!(shown("plain é字 😀"), Cow::Borrowed(_)));
        let json = serde_json::to_string(text).unwrap();
        let printed = shown_json(&json);
        assert!(!printed.contains(is_hidden), "{printed}");
        assert_eq!(serde_json::from_str::<String>(&printed).unwrap(), text);
    }
}
