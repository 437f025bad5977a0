//! From clock readings in a time zone to instants, past every change of the clocks.
//!
//! A reading that a change leaves out is due when the clocks have been put forward; one that occurs twice is due the
//! first time. So whatever is due once a local day or week is due exactly once.

use chrono::{DateTime, MappedLocalTime, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::{GapInfo, Tz};

const HOUR: i64 = 3600;

/// The first instant at which the clocks of `zone` have reached `time` on `date`; `None` for a date that the zone left out
/// (Samoa had no 30 December 2011).
pub fn reached(zone: Tz, date: NaiveDate, time: NaiveTime) -> Option<DateTime<Utc>> {
    let reading = date.and_time(time);
    match zone.from_local_datetime(&reading) {
        MappedLocalTime::Single(at) => Some(at.to_utc()),
        MappedLocalTime::Ambiguous(one, other) => Some(one.min(other).to_utc()),
        MappedLocalTime::None => {
            let gap = GapInfo::new(&reading, &zone)?;
            let (begins, ends) = (gap.begin?.0, gap.end?);
            let whole_day = begins <= date.and_time(NaiveTime::MIN) && ends.date_naive() > date;
            (!whole_day).then(|| ends.to_utc())
        }
    }
}

/// The first instant after `after` at which the clocks of `zone` show the minute `minute` of any hour; or at which they
/// are put forward past it, where that would make more than an hour from one to the next.
pub fn next_minute(zone: Tz, minute: u32, after: DateTime<Utc>) -> DateTime<Utc> {
    let offset = offset(zone, after);
    let plain = next_reading(offset, minute, after);
    if self::offset(zone, plain) == offset {
        return plain;
    }
    let change = change(zone, after, plain, offset);
    let offset_then = self::offset(zone, change);
    let then = next_reading(offset_then, minute, change - TimeDelta::seconds(1));
    // The one before: an hour before the one that the old clocks would have shown.
    let before = plain - TimeDelta::seconds(HOUR);
    let skipped = offset_then > offset && then - before > TimeDelta::seconds(HOUR);
    if skipped { change } else { then }
}

/// The first instant after `after` whose reading at a fixed `offset` has the minute `minute` and second 0.
fn next_reading(offset: i64, minute: u32, after: DateTime<Utc>) -> DateTime<Utc> {
    let reading = after.timestamp() + offset;
    let wait = (i64::from(minute) * 60 - reading).rem_euclid(HOUR);
    let wait = if wait == 0 { HOUR } else { wait };
    DateTime::from_timestamp(after.timestamp() + wait, 0).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// The second between `from` and `to` at which the offset is `offset` no more.
fn change(zone: Tz, from: DateTime<Utc>, to: DateTime<Utc>, offset: i64) -> DateTime<Utc> {
    let (mut before, mut after) = (from.timestamp(), to.timestamp());
    while after - before > 1 {
        let middle = before + (after - before) / 2;
        let at = DateTime::from_timestamp(middle, 0).unwrap_or(to);
        if self::offset(zone, at) == offset { before = middle } else { after = middle }
    }
    DateTime::from_timestamp(after, 0).unwrap_or(to)
}

fn offset(zone: Tz, at: DateTime<Utc>) -> i64 {
    zone.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc().into()
}

/// What the clocks of `zone` show at `at`.
pub fn reading(zone: Tz, at: DateTime<Utc>) -> NaiveDateTime {
    at.with_timezone(&zone).naive_local()
}
