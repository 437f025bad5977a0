//! The four rights, and sets of them.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Something a key may do with the backups of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Right {
    /// Look at them, and take them out. Without it the service does not exist for the key.
    #[serde(rename = "backups.read")]
    Read,
    /// Make and prove them.
    #[serde(rename = "backups.create")]
    Create,
    /// Restore them, and change what is set and kept.
    #[serde(rename = "backups.update")]
    Update,
    /// Remove them.
    #[serde(rename = "backups.delete")]
    Delete,
}

impl Right {
    /// Every right there is.
    pub const ALL: &'static [Right] = &[Right::Read, Right::Create, Right::Update, Right::Delete];

    /// The long word: `backups.read`.
    pub fn name(self) -> &'static str {
        match self {
            Right::Read => "backups.read",
            Right::Create => "backups.create",
            Right::Update => "backups.update",
            Right::Delete => "backups.delete",
        }
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Right {
    type Err = String;

    /// Reads the long word or the short one: `backups.read`, `read`.
    fn from_str(text: &str) -> Result<Right, String> {
        let word = text.strip_prefix("backups.").unwrap_or(text);
        let found = Right::ALL.iter().find(|right| right.name().strip_prefix("backups.") == Some(word));
        found.copied().ok_or_else(|| {
            let shown: String = text.chars().take(64).collect();
            format!("{shown:?} is no right; rights are read, create, update, delete")
        })
    }
}

/// One or several rights, as typed: `read,create`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rights(pub BTreeSet<Right>);

impl FromStr for Rights {
    type Err = String;

    fn from_str(text: &str) -> Result<Rights, String> {
        text.split(',').map(str::parse).collect::<Result<_, _>>().map(Rights)
    }
}

impl fmt::Display for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<&str> = self.0.iter().map(|right| right.name()).collect();
        f.pad(&words.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_are_read_long_and_short_and_shown_long() {
        let rights: Rights = "create,backups.read,read".parse().unwrap();
        assert_eq!(rights.to_string(), "backups.read, backups.create");
        for wrong in ["", "read,", "Read", "backups.", "backups.backups.read", "write", "*", "read create"] {
            assert!(wrong.parse::<Rights>().is_err(), "{wrong:?}");
        }
    }
}
