//! Backups that this host cannot show to be its own. What such a record says about the dump is used to find and check it;
//! what it claims was shown about it is not believed.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Backup, Restore, Status};

/// Hex digits of a host's id.
const ID: usize = 16;

/// Why a backup is not this host's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Stranger {
    /// Its record bears no host's mark.
    Unmarked,
    /// Its record bears the mark of this other host.
    OtherHost(String),
    /// Its record names this host and does not bear its mark.
    FalseMark,
    /// Its record was lost, and nothing shows that this host made the dump.
    Lost,
    /// It was taken in from a folder.
    Adopted,
}

impl Stranger {
    /// Why, in words that complete "made elsewhere: ...".
    pub fn words(&self) -> String {
        match self {
            Stranger::Unmarked => "its record bears no host's mark".to_owned(),
            Stranger::OtherHost(host) => format!("its record bears the mark of the host {host}"),
            Stranger::FalseMark => "its record does not bear the mark that it claims".to_owned(),
            Stranger::Lost => "its record was lost, and nothing shows that this host made it".to_owned(),
            Stranger::Adopted => "it was taken in from a folder".to_owned(),
        }
    }

    /// Whom its record is taken over from.
    pub fn from_whom(&self) -> String {
        match self {
            Stranger::OtherHost(host) => format!("the host {host}"),
            Stranger::Unmarked | Stranger::FalseMark => "nobody who can be named: no host's mark is on it".to_owned(),
            Stranger::Lost => "this folder: its record was lost".to_owned(),
            Stranger::Adopted => "the folder that it was taken in from".to_owned(),
        }
    }
}

impl fmt::Display for Stranger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stranger::Unmarked => f.write_str("unmarked"),
            Stranger::OtherHost(host) => write!(f, "host {host}"),
            Stranger::FalseMark => f.write_str("false mark"),
            Stranger::Lost => f.write_str("record lost"),
            Stranger::Adopted => f.write_str("adopted"),
        }
    }
}

impl FromStr for Stranger {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match (text, text.strip_prefix("host ")) {
            ("unmarked", _) => Ok(Stranger::Unmarked),
            ("false mark", _) => Ok(Stranger::FalseMark),
            ("record lost", _) => Ok(Stranger::Lost),
            ("adopted", _) => Ok(Stranger::Adopted),
            (_, Some(host)) if host.len() == ID && host.bytes().all(|c| c.is_ascii_hexdigit()) => {
                Ok(Stranger::OtherHost(host.to_owned()))
            }
            _ => Err("not a reason for which a backup is somebody else's".to_owned()),
        }
    }
}

impl TryFrom<String> for Stranger {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Stranger> for String {
    fn from(stranger: Stranger) -> String {
        stranger.to_string()
    }
}

impl Backup {
    /// As much of the record as may be used when it is a stranger's: what finds and describes the dump. What it claims was
    /// shown, done or decided is left out, and so is where its copy lies: a stranger does not say what is fetched from
    /// where, and removed.
    #[must_use]
    pub fn of_stranger(self, why: Stranger) -> Backup {
        Backup {
            foreign: Some(why),
            verification: None,
            restores: Vec::new(),
            damage: None,
            destination: None,
            keep: false,
            expires_at: None,
            ..self
        }
    }

    /// It was not made here, or that cannot be shown.
    pub fn is_stranger(&self) -> bool {
        self.foreign.is_some()
    }

    /// Whether the copy at the destination is one that this host has put there, with its record. A stranger's is neither
    /// written to nor removed.
    pub fn has_own_copy(&self) -> bool {
        self.destination.as_ref().is_some_and(|copy| !self.is_stranger() || copy.record.is_some())
    }

    /// Whether anything may rest on it: it was made here, or it was shown here to restore, or was restored here into its
    /// service. Evidence in a stranger's record is this host's own: `of_stranger` leaves nothing else in it.
    pub fn counts(&self) -> bool {
        let here = |restore: &Restore| restore.status == Status::Success && restore.target == self.service.as_str();
        !self.is_stranger() || self.is_restorable() || self.is_good() && self.restores.iter().any(here)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_read_as_it_was_written() {
        let all = [
            Stranger::Unmarked,
            Stranger::OtherHost("0123456789abcdef".to_owned()),
            Stranger::FalseMark,
            Stranger::Lost,
            Stranger::Adopted,
        ];
        for reason in all {
            assert_eq!(reason.to_string().parse(), Ok(reason));
        }
        for bad in ["", "host ", "host 0123456789abcdeg", "host 0123456789abcdef\u{1b}", "none"] {
            assert!(bad.parse::<Stranger>().is_err(), "{bad}");
        }
    }
}
