//! The name of an SSH key, as `dokku ssh-keys:add NAME` gave it.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Longer names fit neither a screen nor the file that access plugins keep by that name.
const LONGEST: usize = 255;
/// What Dokku's entry could not pass on as it is (the name stands in double quotes of a shell), and what would be taken
/// for a pattern and is none.
const REFUSED: &[char] = &['"', '\\', '$', '`', '*', '?'];

/// A key's name. Dokku itself allows almost anything; several keys may have one name, and then hold the same rights.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct KeyName(String);

/// Why a word is no key's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongKeyName(String);

impl fmt::Display for WrongKeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: String = self.0.chars().take(64).collect();
        let dots = if shown.len() < self.0.len() { "..." } else { "" };
        write!(f, "not the name of an SSH key: {shown:?}{dots}; see: dokku ssh-keys:list")
    }
}

impl std::error::Error for WrongKeyName {}

impl KeyName {
    /// The name as typed.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyName {
    type Err = WrongKeyName;

    fn from_str(text: &str) -> Result<KeyName, WrongKeyName> {
        // Characters that are not seen, or turn the text around them, would make one name look like another.
        let hidden = |c: char| {
            c.is_control()
                || (c.is_whitespace() && c != ' ')
                || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
        };
        let fits = !text.is_empty()
            && text.len() <= LONGEST
            && text.trim() == text
            && !text.starts_with('-')
            && !text.contains(|c| hidden(c) || REFUSED.contains(&c));
        if fits { Ok(KeyName(text.to_owned())) } else { Err(WrongKeyName(text.to_owned())) }
    }
}

impl TryFrom<String> for KeyName {
    type Error = WrongKeyName;

    fn try_from(text: String) -> Result<KeyName, WrongKeyName> {
        text.parse()
    }
}

impl From<KeyName> for String {
    fn from(name: KeyName) -> String {
        name.0
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_a_key_can_be_called() {
        for good in ["alice", "alice@laptop", "ci (prod)", "Jörg", "default", "a/b", "o'brien", &"k".repeat(255)] {
            assert!(good.parse::<KeyName>().is_ok(), "{good}");
        }
        let long = "k".repeat(256);
        for bad in [
            "",
            " ",
            "-x",
            "--all",
            " a",
            "a ",
            "a\nb",
            "a\tb",
            "*",
            "a?",
            "$(id)",
            "`id`",
            "a\"b",
            "a\\",
            "a\u{202e}b",
            &long,
        ] {
            assert!(bad.parse::<KeyName>().is_err(), "{bad:?}");
        }
    }
}
