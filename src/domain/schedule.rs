//! A schedule: when a service is to be backed up, and how long what it makes is kept. A service has at most one of each
//! frequency.

use std::fmt;
use std::ops::Range;

use chrono::{DateTime, Datelike, NaiveTime, TimeDelta, Utc, Weekday};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::calendar;

/// How often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Frequency {
    /// Every hour.
    Hourly,
    /// Once a local day.
    Daily,
    /// Once a local week.
    Weekly,
}

impl Frequency {
    /// All of them, the most frequent first.
    pub const ALL: [Frequency; 3] = [Frequency::Hourly, Frequency::Daily, Frequency::Weekly];

    /// The word on the command line, in records and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Frequency::Hourly => "hourly",
            Frequency::Daily => "daily",
            Frequency::Weekly => "weekly",
        }
    }

    /// Days that backups are kept where nothing else is said.
    pub const fn default_retention(self) -> u16 {
        match self {
            Frequency::Hourly => 2,
            Frequency::Daily => 6,
            Frequency::Weekly => 30,
        }
    }

    /// Days that backups may be kept at most.
    pub const fn longest_retention(self) -> u16 {
        match self {
            Frequency::Hourly => 7,
            Frequency::Daily => 60,
            Frequency::Weekly => 120,
        }
    }

    /// How many backups `days` of retention hold at most; a day in which the clocks are put back has 25 hours.
    pub const fn held(self, days: u16) -> u16 {
        match self {
            Frequency::Hourly => 25 * days + 1,
            Frequency::Daily => days + 1,
            Frequency::Weekly => days.div_ceil(7) + 1,
        }
    }
}

/// A service never holds more scheduled backups than this, because the longest retentions together do not.
pub const MOST_BACKUPS: u16 = 500;
const _: () = {
    let (h, d, w) = (Frequency::Hourly, Frequency::Daily, Frequency::Weekly);
    let most = h.held(h.longest_retention()) + d.held(d.longest_retention()) + w.held(w.longest_retention());
    assert!(most <= MOST_BACKUPS);
};

impl fmt::Display for Frequency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// When: the clock reading that makes it due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timing {
    /// At this minute of every hour.
    Hourly {
        /// 0 to 59.
        minute: u32,
    },
    /// At this time of every day.
    Daily {
        /// To the minute.
        time: NaiveTime,
    },
    /// At this time of this day of every week.
    Weekly {
        /// The day.
        day: Weekday,
        /// To the minute.
        time: NaiveTime,
    },
}

/// One schedule of one service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// When it is due.
    pub timing: Timing,
    /// Whose clocks count.
    pub timezone: Tz,
    /// Days that its backups are kept.
    pub retention_days: u16,
    /// Nothing before this is ever due.
    pub created_at: DateTime<Utc>,
    /// Who made it.
    pub created_by: String,
}

impl Timing {
    /// How often it is due.
    pub fn frequency(&self) -> Frequency {
        match self {
            Timing::Hourly { .. } => Frequency::Hourly,
            Timing::Daily { .. } => Frequency::Daily,
            Timing::Weekly { .. } => Frequency::Weekly,
        }
    }
}

impl Schedule {
    /// How often it is due.
    pub fn frequency(&self) -> Frequency {
        self.timing.frequency()
    }

    /// How long its backups are kept.
    pub fn retention(&self) -> TimeDelta {
        TimeDelta::days(self.retention_days.into())
    }

    /// The first due time after `after`, and not before the schedule was made.
    pub fn due_after(&self, after: DateTime<Utc>) -> DateTime<Utc> {
        let after = after.max(self.created_at - TimeDelta::nanoseconds(1));
        let found = match self.timing {
            Timing::Hourly { minute } => Some(calendar::next_minute(self.timezone, minute, after)),
            // From two dates before, because at a change of the clocks the date of an instant may go back as well.
            Timing::Daily { .. } => self.on_dates(after, -2..6).find(|at| *at > after),
            Timing::Weekly { .. } => self.on_dates(after, -2..18).find(|at| *at > after),
        };
        found.unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    /// The last due time up to `now`; `None` where nothing was due yet.
    pub fn last_due(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let found = match self.timing {
            Timing::Hourly { .. } => {
                // Two of them are less than two hours apart, also where the clocks are put back.
                let mut due = vec![self.due_after(now - TimeDelta::hours(2))];
                while let Some(last) = due.last().filter(|last| **last <= now) {
                    due.push(self.due_after(*last));
                }
                due.into_iter().rev().nth(1)
            }
            Timing::Daily { .. } => self.on_dates(now, -4..2).rev().find(|at| *at <= now),
            Timing::Weekly { .. } => self.on_dates(now, -16..2).rev().find(|at| *at <= now),
        };
        found.filter(|at| *at >= self.created_at)
    }

    /// When it is due on the dates around the one of `at`, in order.
    fn on_dates(&self, at: DateTime<Utc>, around: Range<i64>) -> impl DoubleEndedIterator<Item = DateTime<Utc>> {
        let (zone, timing) = (self.timezone, self.timing);
        let date = calendar::reading(zone, at).date();
        around.filter_map(move |days| {
            let date = date.checked_add_signed(TimeDelta::days(days))?;
            match timing {
                Timing::Daily { time } => calendar::reached(zone, date, time),
                Timing::Weekly { day, time } if date.weekday() == day => calendar::reached(zone, date, time),
                Timing::Weekly { .. } | Timing::Hourly { .. } => None,
            }
        })
    }
}
