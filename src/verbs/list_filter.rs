//! Which backups `list` shows.

use chrono::{DateTime, TimeDelta, Utc};
use clap::Args;

use super::args::parse_time;
use crate::domain::{Listed, Status, made_at};

/// `--status`, `--source` and the like. All that are given have to fit.
#[derive(Debug, Clone, Args)]
pub struct Filter {
    /// Only backups with this status: in-progress, success or failed.
    #[arg(long, value_parser = ["in-progress", "success", "failed"])]
    pub status: Option<String>,
    /// Only those made so: manual, schedule, imported, safety, before-deploy, or elsewhere.
    #[arg(long, value_parser = ["manual", "schedule", "imported", "safety", "before-deploy", "elsewhere"])]
    pub source: Option<String>,
    /// Only those with this trust, by its word in JSON.
    #[arg(long, value_parser = ["validating", "created", "restorable", "verification-failed", "missing", "damaged"])]
    pub trust: Option<String>,
    /// Only those whose label has these words in it, in capitals or not.
    #[arg(long, value_name = "TEXT")]
    pub label: Option<String>,
    /// Only those made since then: an RFC 3339 time, or an age such as 90m, 12h, 7d or 4w.
    #[arg(long, value_name = "TIME", value_parser = parse_since)]
    pub since: Option<Since>,
    /// At most so many of each service, the newest ones.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: Option<u32>,
    /// Deleted ones too.
    #[arg(long)]
    pub deleted: bool,
}

/// A point in time, or how long before now it lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// That time.
    At(DateTime<Utc>),
    /// So long ago.
    Ago(TimeDelta),
}

impl Filter {
    /// Whether `listed` is wanted, whatever the limit.
    pub fn fits(&self, listed: &Listed, now: DateTime<Utc>) -> bool {
        let backup = &listed.backup;
        let is = |wanted: &Option<String>, word: &str| wanted.as_deref().is_none_or(|wanted| wanted == word);
        let source = if backup.is_stranger() { "elsewhere" } else { backup.source.name() };
        let trust = listed.trust().map_or("", |trust| trust.name());
        let has =
            |text: &String| backup.label.as_ref().is_some_and(|l| l.to_lowercase().contains(&text.to_lowercase()));
        let since = self.since.map(|since| match since {
            Since::At(at) => at,
            Since::Ago(age) => now.checked_sub_signed(age).unwrap_or(DateTime::<Utc>::MIN_UTC),
        });
        let is_deleted = backup.deleted_at.is_some() && listed.status != Status::InProgress;
        (self.deleted || !is_deleted)
            && is(&self.status, listed.status.name())
            && is(&self.source, source)
            && is(&self.trust, trust)
            && self.label.as_ref().is_none_or(has)
            && since.is_none_or(|since| made_at(backup) >= since)
    }

    /// How many of a service are shown at most.
    pub fn most(&self) -> usize {
        self.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX))
    }
}

fn parse_since(text: &str) -> Result<Since, String> {
    let (digits, unit) = text.split_at(text.len() - text.chars().next_back().map_or(0, char::len_utf8));
    let minutes = match unit {
        "m" => 1,
        "h" => 60,
        "d" => 24 * 60,
        "w" => 7 * 24 * 60,
        _ => return parse_time(text).map(Since::At).map_err(|error| format!("{error}; or an age: 90m, 12h, 7d, 4w")),
    };
    let count: i64 = digits.parse().ok().filter(|_| digits.bytes().all(|c| c.is_ascii_digit())).ok_or("not an age")?;
    let age = count.checked_mul(minutes).and_then(TimeDelta::try_minutes).filter(|age| age.num_days() < 100_000);
    age.map(Since::Ago).ok_or_else(|| "that long ago there was nothing".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ux_335_since_is_a_time_or_an_age() {
        assert_eq!(parse_since("90m"), Ok(Since::Ago(TimeDelta::minutes(90))));
        assert_eq!(parse_since("2w"), Ok(Since::Ago(TimeDelta::days(14))));
        assert_eq!(parse_since("2026-04-08T14:30:00Z"), Ok(Since::At("2026-04-08T14:30:00Z".parse().unwrap())));
        for wrong in ["", "m", "-3d", "+3d", "3", "yesterday", "99999999999999w", "3é", "1.5h"] {
            assert!(parse_since(wrong).is_err(), "{wrong}");
        }
    }
}
