//! What the name of a dump says that some other program made: when, perhaps. Coolify writes `pg-dump-shop-1716000000.dmp`,
//! Dokploy `2026-05-18T02:40:00.000Z.sql.gz`, people what they like.

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};

/// Whether it has the shape of our own names, `WORD-YYYY-MM-DD-HH-MM-SS.ENDING`, whatever the digits say.
pub(super) fn is_of_our_shape(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name);
    let shape = stem.len().checked_sub(20).and_then(|at| stem.as_bytes().get(at..));
    shape.is_some_and(|tail| {
        tail.iter()
            .zip(b"-0000-00-00-00-00-00")
            .all(|(c, form)| if *form == b'-' { c == form } else { c.is_ascii_digit() })
    })
}

/// The time that `name` tells, where it tells one between 1990 and `now`.
pub(super) fn time(name: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let numbers = numbers(name);
    let earliest = NaiveDate::from_ymd_opt(1990, 1, 1)?.and_hms_opt(0, 0, 0)?.and_utc();
    let told = calendar(&numbers).or_else(|| since_1970(&numbers));
    told.filter(|at| (earliest..=now).contains(at))
}

/// The runs of digits: their length and value.
fn numbers(name: &str) -> Vec<(usize, u64)> {
    let runs = name.split(|c: char| !c.is_ascii_digit()).filter(|run| !run.is_empty());
    runs.map(|run| (run.len(), run.parse().unwrap_or(u64::MAX))).collect()
}

/// `2026-05-18T02:40:00`, `2026_05_18_02_40`, `20260518_024000`, `20260518024000`, `2026-05-18`.
fn calendar(numbers: &[(usize, u64)]) -> Option<DateTime<Utc>> {
    for (at, (length, value)) in numbers.iter().enumerate() {
        let rest = &numbers[at + 1..];
        let small = |index: usize| rest.get(index).filter(|(length, _)| *length == 2).map(|(_, value)| *value);
        let (date, time) = match length {
            14 => (value / 1_000_000, Some(value % 1_000_000)),
            12 => (value / 10_000, Some(value % 10_000 * 100)),
            8 => (*value, rest.first().filter(|(length, _)| *length == 6).map(|(_, value)| *value)),
            4 => {
                let (Some(month), Some(day)) = (small(0), small(1)) else { continue };
                let second = small(4).unwrap_or(0);
                let time = small(2).zip(small(3)).map(|(hour, minute)| hour * 10_000 + minute * 100 + second);
                (value * 10_000 + month * 100 + day, time)
            }
            _ => continue,
        };
        if let Some(at) = moment(date, time.unwrap_or(0)) {
            return Some(at.and_utc());
        }
    }
    None
}

/// From `20260518` and `24000`.
fn moment(date: u64, time: u64) -> Option<NaiveDateTime> {
    let part = |value: u64| u32::try_from(value).ok();
    let date = NaiveDate::from_ymd_opt(i32::try_from(date / 10_000).ok()?, part(date / 100 % 100)?, part(date % 100)?)?;
    date.and_hms_opt(part(time / 10_000)?, part(time / 100 % 100)?, part(time % 100)?)
}

/// Seconds or milliseconds since 1970.
fn since_1970(numbers: &[(usize, u64)]) -> Option<DateTime<Utc>> {
    let (length, value) = numbers.iter().rev().find(|(length, _)| matches!(length, 10 | 13))?;
    let value = i64::try_from(*value).ok()?;
    if *length == 10 { DateTime::from_timestamp(value, 0) } else { DateTime::from_timestamp_millis(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn report_121_names_of_other_programs() {
        let now = "2026-11-26T00:00:00Z".parse().unwrap();
        for (name, at) in [
            ("pg-dump-shop-1716000000.dmp", "2024-05-18T02:40:00Z"),
            ("2024-05-18T02:40:00.000Z.sql.gz", "2024-05-18T02:40:00Z"),
            ("shop_2024-05-18_02-40-07.sql", "2024-05-18T02:40:07Z"),
            ("shop-20240518-024007.dump", "2024-05-18T02:40:07Z"),
            ("20240518024007_shop.backup", "2024-05-18T02:40:07Z"),
            ("db2_20240518.sql.gz", "2024-05-18T00:00:00Z"),
            ("dump-1716000000123.dump", "2024-05-18T02:40:00.123Z"),
            ("latest.dump", ""),
            ("a1b2c3.dump", ""),
            ("v1.2.3-99999999999.dump", ""),
            ("shop-2124-05-18.dump", ""),
            ("shop-2024-13-40.dump", ""),
        ] {
            let expected = (!at.is_empty()).then(|| at.parse::<DateTime<Utc>>().unwrap());
            assert_eq!(time(name, now), expected, "{name}");
            assert!(!is_of_our_shape(name), "{name}");
        }
        for name in ["shop-2025-02-30-00-00-00.dump", "shop-eu-2025-03-01-04-05-06.dump.gz", "x-2025-03-01-04-05-06"] {
            assert!(is_of_our_shape(name), "{name}");
        }
    }
}
