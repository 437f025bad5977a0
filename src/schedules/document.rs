//! The shape of `schedules.toml`: flat, and checked again when it is read.

use chrono::{DateTime, NaiveTime, Timelike, Utc, Weekday};
use serde::{Deserialize, Serialize};

use crate::domain::{Frequency, Schedule, Timing};

/// The whole document.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    #[serde(default)]
    schedules: Vec<Flat>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Flat {
    frequency: Frequency,
    minute: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hour: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    day: Option<String>,
    timezone: String,
    retention_days: u16,
    created_at: DateTime<Utc>,
    created_by: String,
}

impl Document {
    /// The document that says `schedules`.
    pub fn new(schedules: &[Schedule]) -> Document {
        Document { schedules: schedules.iter().map(Flat::from).collect() }
    }

    /// What it says, or why it cannot be.
    pub fn schedules(self) -> Result<Vec<Schedule>, String> {
        let mut all = self.schedules.into_iter().map(Schedule::try_from).collect::<Result<Vec<_>, _>>()?;
        all.sort_by_key(Schedule::frequency);
        match all.windows(2).find(|pair| pair[0].frequency() == pair[1].frequency()) {
            Some(pair) => Err(format!("two {} schedules", pair[0].frequency())),
            None => Ok(all),
        }
    }
}

impl From<&Schedule> for Flat {
    fn from(schedule: &Schedule) -> Flat {
        let (minute, hour, day) = match schedule.timing {
            Timing::Hourly { minute } => (minute, None, None),
            Timing::Daily { time } => (time.minute(), Some(time.hour()), None),
            Timing::Weekly { day, time } => (time.minute(), Some(time.hour()), Some(day.to_string().to_lowercase())),
        };
        Flat {
            frequency: schedule.frequency(),
            minute,
            hour,
            day,
            timezone: schedule.timezone.name().to_owned(),
            retention_days: schedule.retention_days,
            created_at: schedule.created_at,
            created_by: schedule.created_by.clone(),
        }
    }
}

impl TryFrom<Flat> for Schedule {
    type Error = String;

    fn try_from(flat: Flat) -> Result<Schedule, String> {
        let frequency = flat.frequency;
        let time = |hour| NaiveTime::from_hms_opt(hour, flat.minute, 0).ok_or("no such time of day".to_owned());
        let timing = match (frequency, flat.hour, &flat.day) {
            (Frequency::Hourly, None, None) => Timing::Hourly { minute: time(0)?.minute() },
            (Frequency::Daily, Some(hour), None) => Timing::Daily { time: time(hour)? },
            (Frequency::Weekly, Some(hour), Some(day)) => {
                let day: Weekday = day.parse().map_err(|_| format!("no such day: {day:?}"))?;
                Timing::Weekly { day, time: time(hour)? }
            }
            _ => return Err(format!("a {frequency} schedule with other fields than it has")),
        };
        let timezone = flat.timezone.parse().map_err(|_| format!("no such time zone: {:?}", flat.timezone))?;
        if !(1..=frequency.longest_retention()).contains(&flat.retention_days) {
            return Err(format!("a {frequency} schedule with a retention of {} days", flat.retention_days));
        }
        let (created_at, created_by, retention_days) = (flat.created_at, flat.created_by, flat.retention_days);
        Ok(Schedule { timing, timezone, retention_days, created_at, created_by })
    }
}
