//! The words that several verbs take.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Datelike, Utc, Weekday};
use chrono_tz::Tz;
use clap::{Args, ValueEnum};

use crate::domain::{BackupId, Compression, Consent, Frequency, Which, is_hidden, shown};
use crate::error::{Failure, Kind};

/// How often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FrequencyArg {
    /// Every hour.
    Hourly,
    /// Once a day.
    Daily,
    /// Once a week.
    Weekly,
}

impl From<FrequencyArg> for Frequency {
    fn from(word: FrequencyArg) -> Frequency {
        match word {
            FrequencyArg::Hourly => Frequency::Hourly,
            FrequencyArg::Daily => Frequency::Daily,
            FrequencyArg::Weekly => Frequency::Weekly,
        }
    }
}

/// `HH:MM`, or `:MM` for every hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeArg {
    /// 0 to 23; none for every hour.
    pub hour: Option<u32>,
    /// 0 to 59.
    pub minute: u32,
}

/// Reads `HH:MM` or `:MM`.
pub fn parse_time_of_day(text: &str) -> Result<TimeArg, String> {
    let number = |text: &str, below: u32| {
        let digits = text.len() == 2 && text.bytes().all(|c| c.is_ascii_digit());
        text.parse().ok().filter(|number| digits && *number < below)
    };
    let read = || {
        let (hour, minute) = text.split_once(':')?;
        let hour = if hour.is_empty() { None } else { Some(number(hour, 24)?) };
        Some(TimeArg { hour, minute: number(minute, 60)? })
    };
    read().ok_or_else(|| "not a time such as 03:30, or :30 for every hour".to_owned())
}

/// Reads a day of the week.
pub fn parse_weekday(text: &str) -> Result<Weekday, String> {
    text.parse().map_err(|_| "not a day: mon, tue, wed, thu, fri, sat, sun".to_owned())
}

/// Reads the name of a time zone.
pub fn parse_timezone(text: &str) -> Result<Tz, String> {
    text.parse().map_err(|_| "not an IANA time zone, such as Europe/Berlin or UTC".to_owned())
}

/// Exactly one backup of a service.
#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = false)]
pub struct Selector {
    /// The newest good one, safety backups apart.
    #[arg(long)]
    pub latest: bool,
    /// The one with this id.
    #[arg(long, value_name = "ID")]
    pub id: Option<BackupId>,
}

/// Exactly one backup of a service, to be looked at.
#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = false)]
pub struct Looked {
    /// The newest good one, safety backups apart.
    #[arg(long)]
    pub latest: bool,
    /// The newest of all, be it failed, in the making or a safety backup.
    #[arg(long)]
    pub last: bool,
    /// The one with this id.
    #[arg(long, value_name = "ID")]
    pub id: Option<BackupId>,
}

impl Looked {
    /// The same without its words.
    pub fn which(&self) -> Which {
        if self.last { Which::Last } else { Which::of(self.id.clone()) }
    }
}

impl Selector {
    /// The same without its words.
    pub fn which(&self) -> Which {
        Which::of(self.id.clone())
    }
}

/// The private key for an encrypted backup.
#[derive(Debug, Clone, Default, Args)]
pub struct IdentityArg {
    /// File with the private keys that open an encrypted backup; - reads them from stdin.
    #[arg(long, value_name = "FILE")]
    pub identity: Option<PathBuf>,
}

impl IdentityArg {
    /// The file that was named.
    pub fn path(&self) -> Option<&Path> {
        self.identity.as_deref()
    }

    /// Who gives the key on stdin cannot be asked anything there.
    pub fn leaves_stdin(&self, force: bool) -> Result<(), Failure> {
        if force || self.identity.as_deref() != Some(Path::new("-")) {
            return Ok(());
        }
        Err(Failure::new(Kind::Usage, "with the key on stdin nobody can be asked to confirm").hint("say --force"))
    }
}

/// What a dump made elsewhere may do beyond making and filling its own objects, and what is left out of any.
#[derive(Debug, Clone, Default, Args)]
pub struct ConsentArg {
    /// Pass on what no dump program writes, to a role without privileges: only when whoever made the dump is trusted.
    #[arg(long)]
    pub allow_programs: bool,
    /// Make these as a superuser, named as the refusal names them (extension:file_fdw, event-trigger:audit): they can do
    /// whatever the database server can.
    #[arg(long, value_name = "ITEM", value_delimiter = ',')]
    pub as_superuser: Vec<String>,
    /// Leave these extensions out, with the rows that they keep in tables of their own: where the image lacks them, or the
    /// server makes them in one database only.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub skip_extension: Vec<String>,
}

impl ConsentArg {
    /// What was agreed to.
    pub fn consent(&self) -> Consent {
        Consent {
            programs: self.allow_programs,
            superuser: self.as_superuser.clone(),
            skipped: self.skip_extension.clone(),
        }
    }
}

/// How a file is compressed.
pub fn parse_compression(word: &str) -> Result<Compression, String> {
    word.parse()
}

/// An RFC 3339 time.
pub fn parse_time(text: &str) -> Result<DateTime<Utc>, String> {
    let time = DateTime::parse_from_rfc3339(text)
        .map_err(|_| "not an RFC 3339 time, such as 2026-04-08T14:30:00Z".to_owned())?
        .with_timezone(&Utc);
    // chrono reads second 60 as a leap second; no clock of ours ever shows one.
    if time.timestamp_subsec_nanos() >= 1_000_000_000 {
        return Err("second 60 has no name".to_owned());
    }
    // Years that an id can spell.
    if !(1970..=9999).contains(&time.year()) {
        return Err("not a time of the years 1970 to 9999".to_owned());
    }
    Ok(time)
}

/// Free words, all of which can be seen. None at all stand for no label.
pub fn parse_label(text: &str) -> Result<String, String> {
    if text.chars().count() > 200 {
        return Err("a label has at most 200 characters".to_owned());
    }
    match text.chars().find(|c| is_hidden(*c)) {
        Some(c) => Err(format!("a label has no characters that cannot be seen, such as {}", shown(&c.to_string()))),
        None => Ok(text.trim().to_owned()),
    }
}
