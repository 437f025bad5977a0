//! How often the newest good backup of a service with schedules is verified by itself, and which one is due.

use chrono::{DateTime, Datelike, NaiveTime, TimeDelta, Utc};

use super::{GRACE, Listed, Trust};

/// How often. A day begins at midnight UTC, a week on Monday: so a night's first backup is verified right after it was
/// made, and nothing drifts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rhythm {
    /// Each time there is a new one.
    Every,
    /// The first new one of a day.
    Daily,
    /// The first new one of a week.
    Weekly,
}

impl Rhythm {
    /// What `word` stands for; `off` is none.
    pub fn parse(word: &str) -> Option<Rhythm> {
        match word {
            "every" => Some(Rhythm::Every),
            "daily" => Some(Rhythm::Daily),
            "weekly" => Some(Rhythm::Weekly),
            _ => None,
        }
    }

    /// The word.
    pub fn name(self) -> &'static str {
        match self {
            Rhythm::Every => "every",
            Rhythm::Daily => "daily",
            Rhythm::Weekly => "weekly",
        }
    }

    /// When the day or the week began of which one verification is enough; none where every backup is verified.
    fn began(self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let day = match self {
            Rhythm::Every => return None,
            Rhythm::Daily => now.date_naive(),
            Rhythm::Weekly => {
                now.date_naive() - TimeDelta::days(i64::from(now.date_naive().weekday().num_days_from_monday()))
            }
        };
        Some(day.and_time(NaiveTime::MIN).and_utc())
    }

    /// When the next one begins. Where every backup is verified: when it is worth to look for one that no schedule made.
    pub fn next(self, now: DateTime<Utc>) -> DateTime<Utc> {
        match (self, self.began(now)) {
            (Rhythm::Weekly, Some(began)) => began + TimeDelta::days(7),
            (_, Some(began)) => began + TimeDelta::days(1),
            (_, None) => now + TimeDelta::hours(1),
        }
    }

    /// So long a good backup may be there, and neither it nor a newer one be verified, before that is worth a word.
    pub fn patience(self) -> TimeDelta {
        match self {
            Rhythm::Every => GRACE,
            Rhythm::Daily => TimeDelta::days(1) + GRACE,
            Rhythm::Weekly => TimeDelta::days(7) + GRACE,
        }
    }

    /// Whether `newest`, the newest good one of `backups`, is to be verified now. One that was tried is not tried again:
    /// its bytes are the same.
    pub fn is_due(self, newest: &Listed, backups: &[Listed], now: DateTime<Utc>) -> bool {
        let tried = |listed: &Listed| listed.backup.verification.as_ref().map(|verification| verification.at);
        // What was noted by a clock that ran ahead says nothing.
        let lately = |at: DateTime<Utc>| self.began(now).is_some_and(|began| (began..=now).contains(&at));
        newest.trust() == Some(Trust::Created)
            && tried(newest).is_none()
            && !backups.iter().filter_map(tried).any(lately)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_begin_at_midnight_and_weeks_on_monday() {
        let now: DateTime<Utc> = "2026-04-08T14:30:00Z".parse().unwrap();
        assert_eq!(Rhythm::Daily.began(now), Some("2026-04-08T00:00:00Z".parse().unwrap()));
        assert_eq!(Rhythm::Weekly.began(now), Some("2026-04-06T00:00:00Z".parse().unwrap()));
        assert_eq!(Rhythm::Weekly.next(now), "2026-04-13T00:00:00Z".parse::<DateTime<Utc>>().unwrap());
        assert_eq!(Rhythm::Daily.next(now), "2026-04-09T00:00:00Z".parse::<DateTime<Utc>>().unwrap());
        for word in ["every", "daily", "weekly"] {
            assert_eq!(Rhythm::parse(word).unwrap().name(), word);
        }
        assert_eq!(Rhythm::parse("off"), None);
    }
}
