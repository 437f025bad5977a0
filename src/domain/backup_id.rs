//! The id of a backup: `<service>-YYYY-MM-DD-HH-MM-SS`, UTC. It is the dump's file name without ending.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, NaiveDate, Timelike, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ServiceName;

/// Width of `-YYYY-MM-DD-HH-MM-SS`.
const TAIL: usize = 20;

/// Names one backup, and the file that holds it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("pattern" = "^[A-Za-z0-9_][A-Za-z0-9_-]{0,62}-[0-9]{4}(-[0-9]{2}){5}$"))]
pub struct BackupId {
    service: ServiceName,
    at: DateTime<Utc>,
}

/// Why a word is no backup id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongId(String);

impl fmt::Display for WrongId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: String = self.0.chars().take(100).collect();
        write!(f, "not a backup id: {shown:?} (an id looks like my-db-2026-04-08-14-30-00)")
    }
}

impl std::error::Error for WrongId {}

impl BackupId {
    /// The id of the backup of `service` made at `at`, to the second. Years 1970 to 9999 have an id.
    pub fn new(service: ServiceName, at: DateTime<Utc>) -> Result<Self, WrongId> {
        match at.with_nanosecond(0) {
            Some(second) if (1970..=9999).contains(&at.year()) => Ok(BackupId { service, at: second }),
            _ => Err(WrongId(format!("{service}-{at}"))),
        }
    }

    /// The service in the name.
    pub fn service(&self) -> &ServiceName {
        &self.service
    }

    /// The second in the name.
    pub fn at(&self) -> DateTime<Utc> {
        self.at
    }
}

impl FromStr for BackupId {
    type Err = WrongId;

    /// Parsed from the right: the service's name may itself look like a date.
    fn from_str(text: &str) -> Result<Self, WrongId> {
        let wrong = || WrongId(text.to_owned());
        if !text.is_ascii() || text.len() <= TAIL {
            return Err(wrong());
        }
        let (service, tail) = text.split_at(text.len() - TAIL);
        let service = service.parse().map_err(|_| wrong())?;
        let at = second(tail.as_bytes()).ok_or_else(wrong)?;
        BackupId::new(service, at).map_err(|_| wrong())
    }
}

/// The second spelled `-YYYY-MM-DD-HH-MM-SS`. By hand: chrono's patterns also take second 60, signs and short fields,
/// and are slow enough to show in a list of thousands.
fn second(tail: &[u8]) -> Option<DateTime<Utc>> {
    let number = |from: usize, to: usize| {
        let digit = |value: u32, c: &u8| c.is_ascii_digit().then(|| value * 10 + u32::from(c - b'0'));
        tail[from..to].iter().try_fold(0, digit)
    };
    if ![0, 5, 8, 11, 14, 17].iter().all(|at| tail[*at] == b'-') {
        return None;
    }
    let year = i32::try_from(number(1, 5)?).ok()?;
    let day = NaiveDate::from_ymd_opt(year, number(6, 8)?, number(9, 11)?)?;
    Some(day.and_hms_opt(number(12, 14)?, number(15, 17)?, number(18, 20)?)?.and_utc())
}

/// `at` with its digits, from the year to the second, in place of the zeros of `pattern`. By hand for the same reason.
pub fn spell(at: DateTime<Utc>, pattern: &str) -> String {
    let mut number = i64::from(at.year());
    for part in [at.month(), at.day(), at.hour(), at.minute(), at.second()] {
        number = number * 100 + i64::from(part);
    }
    let mut text = pattern.as_bytes().to_vec();
    for place in text.iter_mut().rev().filter(|c| **c == b'0') {
        *place += u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
    }
    String::from_utf8(text).unwrap_or_default()
}

impl TryFrom<String> for BackupId {
    type Error = WrongId;

    fn try_from(text: String) -> Result<Self, WrongId> {
        text.parse()
    }
}

impl From<BackupId> for String {
    fn from(id: BackupId) -> String {
        id.to_string()
    }
}

impl fmt::Display for BackupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (service, time) = (self.service.as_str(), spell(self.at, "-0000-00-00-00-00-00"));
        // A list has thousands, none of which is padded.
        if f.width().is_none() && f.precision().is_none() {
            f.write_str(service)?;
            return f.write_str(&time);
        }
        f.pad(&(service.to_owned() + &time))
    }
}

impl PartialOrd for BackupId {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for BackupId {
    /// By time, then by service.
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, &self.service).cmp(&(other.at, &other.service))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn fault_035_only_real_calendar_seconds_parse() {
        for good in [
            "my-db-2026-04-08-14-30-00",
            "a-2024-02-29-00-00-00",
            "x-2026-01-01-00-00-00-1970-01-01-00-00-00",
            "a-9999-12-31-23-59-59",
        ] {
            let id: BackupId = good.parse().unwrap_or_else(|e| panic!("{e}"));
            assert_eq!(id.to_string(), good);
        }
        for bad in [
            "a-2023-02-29-00-00-00",
            "a-2016-12-31-23-59-60",
            "a-1969-12-31-23-59-59",
            "a-2026-4-08-14-30-00",
            "-2026-04-08-14-30-00",
            "a-2026-04-08-24-00-00",
            "a-2026-04-08-14-30-00.dump",
            "a-+026-04-08-14-30-00",
            "a/b-2026-04-08-14-30-00",
            "",
        ] {
            assert!(bad.parse::<BackupId>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn every_second_round_trips(service in "[A-Za-z0-9_][A-Za-z0-9_-]{0,62}", second in 0i64..253_402_300_800) {
            let id = BackupId::new(service.parse().unwrap(), DateTime::from_timestamp(second, 0).unwrap()).unwrap();
            prop_assert_eq!(id.to_string().parse::<BackupId>().unwrap(), id);
        }
    }
}
