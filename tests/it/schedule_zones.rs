//! When schedules are due, in every time zone there is and at every change of its clocks from 2016 to 2040 (row 34), and
//! what is to be done after an outage (row 36) or with state that cannot be right (rows 33, 79). No program is started:
//! these are pure values. The expectation is always worked out from the readings of the clock, minute by minute.

use std::collections::{BTreeMap, HashSet};

use chrono::{
    DateTime, Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Timelike, Utc, Weekday,
};
use chrono_tz::{TZ_VARIANTS, Tz};
use dokku_backups::domain::{DueWork, Frequency, MOST_BACKUPS, Progress, Run, RunState, Schedule, Timing};
use proptest::prelude::*;

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

fn time(hour: u32, minute: u32) -> NaiveTime {
    NaiveTime::from_hms_opt(hour, minute, 0).expect("a time of day")
}

fn schedule(timing: Timing, timezone: Tz) -> Schedule {
    let created_by = "test".to_owned();
    Schedule { timing, timezone, retention_days: 1, created_at: utc("2000-01-01T00:00:00Z"), created_by }
}

/// Everything due in `from..to`.
fn due(schedule: &Schedule, from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let mut all = Vec::new();
    let mut next = schedule.due_after(from - TimeDelta::seconds(1));
    while next < to {
        all.push(next);
        next = schedule.due_after(next);
    }
    all
}

fn clock(zone: Tz, at: DateTime<Utc>) -> NaiveDateTime {
    zone.from_utc_datetime(&at.naive_utc()).naive_local()
}

/// The readings of a clock, a minute each, around a moment.
struct Readings {
    from: DateTime<Utc>,
    each: Vec<NaiveDateTime>,
}

impl Readings {
    fn around(zone: Tz, at: DateTime<Utc>, hours: i64) -> Readings {
        let from = at - TimeDelta::hours(hours);
        let each = (0..hours * 120).map(|minute| clock(zone, from + TimeDelta::minutes(minute))).collect();
        Readings { from, each }
    }

    fn at(&self, index: usize) -> DateTime<Utc> {
        self.from + TimeDelta::minutes(i64::try_from(index).expect("small"))
    }

    fn end(&self) -> DateTime<Utc> {
        self.at(self.each.len())
    }

    /// When the clock first shows `reading` or more: what "due at the first occurrence, or after the gap" comes to.
    fn reached(&self, reading: NaiveDateTime) -> Option<DateTime<Utc>> {
        let index = self.each.iter().position(|shown| *shown >= reading)?;
        (index > 0).then(|| self.at(index))
    }

    /// Every instant that shows `minute`, and every change that skips it without another hour being complete by then.
    fn minutes(&self, minute: u32) -> Vec<DateTime<Utc>> {
        let mut found = Vec::new();
        for (index, pair) in self.each.windows(2).enumerate() {
            let gap = pair[1] - pair[0] > TimeDelta::minutes(1);
            let shown = |from: usize, to: usize| self.each[from..to].iter().any(|shown| shown.minute() == minute);
            if pair[1].minute() == minute {
                found.push(self.at(index + 1));
            } else if gap && index >= 60 && index + 61 < self.each.len() {
                // More than an hour without it, counted from the last time it was shown.
                let last = (0..=index).rev().find(|at| self.each[*at].minute() == minute).expect("within an hour");
                if !shown(index + 1, last + 61) {
                    found.push(self.at(index + 1));
                }
            }
        }
        found
    }
}

/// Zones that differ, with the moments at which their clocks change, to the minute.
fn zones() -> Vec<(Tz, Vec<DateTime<Utc>>)> {
    let (from, days) = (utc("2015-12-30T00:00:00Z"), 25 * 366);
    let offset = |zone: Tz, at: DateTime<Utc>| clock(zone, at) - at.naive_utc();
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for zone in TZ_VARIANTS {
        let mut changes = Vec::new();
        for half in 0..days * 2 {
            let (mut low, mut high) = (from + TimeDelta::hours(12 * half), from + TimeDelta::hours(12 * (half + 1)));
            if offset(zone, low) == offset(zone, high) {
                continue;
            }
            while high - low > TimeDelta::minutes(1) {
                let middle = low + TimeDelta::minutes((high - low).num_minutes() / 2);
                if offset(zone, middle) == offset(zone, low) { low = middle } else { high = middle }
            }
            changes.push(high);
        }
        let signature: Vec<_> = [from].iter().chain(&changes).map(|at| (*at, offset(zone, *at))).collect();
        if seen.insert(signature) {
            found.push((zone, changes));
        }
    }
    found
}

#[test]
fn fault_034_every_zone_at_every_change_of_its_clocks() {
    let zones = zones();
    assert!(zones.len() > 100, "{} zones differ", zones.len());
    let changes: usize = zones.iter().map(|(_, changes)| changes.len()).sum();
    assert!(changes > 1000, "{changes} changes");
    for (zone, changes) in &zones {
        for change in changes {
            let readings = Readings::around(*zone, *change, 60);
            let date = clock(*zone, *change).date();
            daily_and_weekly(*zone, date, &readings);
            for minute in [0, 1, 15, 29, 30, 31, 45, 59] {
                let hourly = schedule(Timing::Hourly { minute }, *zone);
                let (from, to) = (readings.from + TimeDelta::hours(3), readings.end() - TimeDelta::hours(3));
                let expected = readings.minutes(minute);
                let expected: Vec<_> = expected.into_iter().filter(|at| *at >= from && *at < to).collect();
                assert_eq!(due(&hourly, from, to), expected, "{zone} :{minute:02} around {change}");
            }
        }
    }
}

/// The three days around a change, at every quarter of an hour and beside it.
fn daily_and_weekly(zone: Tz, date: NaiveDate, readings: &Readings) {
    let days = [date - Days::new(1), date, date + Days::new(1)];
    for quarter in 0..96 {
        for beside in [0, 1] {
            let time = time(quarter / 4, quarter % 4 * 15 + beside);
            let daily = schedule(Timing::Daily { time }, zone);
            let expected: Vec<_> =
                days.iter().map(|day| readings.reached(day.and_time(time)).expect("in sight")).collect();
            let from = expected[0];
            assert_eq!(due(&daily, from, expected[2] + TimeDelta::minutes(1)), expected, "{zone} {time} at {date}");
            assert_eq!(daily.last_due(expected[1]), Some(expected[1]), "{zone} {time} at {date}");
            assert_eq!(
                daily.last_due(expected[1] - TimeDelta::seconds(1)),
                Some(expected[0]),
                "{zone} {time} at {date}"
            );
            if beside == 0 && quarter % 2 == 0 {
                let weekly = schedule(Timing::Weekly { day: date.weekday(), time }, zone);
                assert_eq!(weekly.last_due(expected[2]), Some(expected[1]), "{zone} {time} at {date}");
                let next = weekly.due_after(expected[1]);
                assert_eq!(clock(zone, next).date(), date + Days::new(7), "{zone} {time} at {date}");
            }
        }
    }
}

#[test]
fn fault_034_every_local_day_and_week_has_exactly_one_run() {
    let (from, to) = (utc("2016-01-01T00:00:00Z"), utc("2040-01-01T00:00:00Z"));
    for (number, (zone, _)) in (0u32..).zip(zones()) {
        let time = time(number * 7 % 24, number * 13 % 60);
        let all = due(&schedule(Timing::Daily { time }, zone), from, to);
        let days: Vec<_> = all.iter().map(|at| clock(zone, *at).date()).collect();
        assert!(days.windows(2).all(|pair| pair[1] - pair[0] == TimeDelta::days(1)), "{zone} {time}");
        assert!((8765..=8767).contains(&all.len()), "{zone}: {} days", all.len());
        let day = Weekday::try_from(u8::try_from(number % 7).expect("small")).expect("a day");
        let weekly = due(&schedule(Timing::Weekly { day, time }, zone), from, to);
        let mine: Vec<_> = all.into_iter().filter(|at| clock(zone, *at).weekday() == day).collect();
        assert_eq!(weekly, mine, "{zone} {day} {time}");
    }
}

#[test]
fn fault_034_a_day_that_a_zone_left_out_has_no_run_and_one_that_it_had_twice_has_one() {
    // Samoa crossed the date line: no 30 December 2011. Kwajalein had no 21 August 1993.
    let mut samoa = schedule(Timing::Daily { time: time(2, 30) }, Tz::Pacific__Apia);
    samoa.created_at = utc("2011-12-28T00:00:00Z");
    let days: Vec<_> = due(&samoa, utc("2011-12-28T00:00:00Z"), utc("2012-01-02T00:00:00Z"));
    let shown: Vec<_> = days.iter().map(|at| clock(Tz::Pacific__Apia, *at).format("%m-%d %H:%M").to_string()).collect();
    assert_eq!(shown, ["12-28 02:30", "12-29 02:30", "12-31 02:30", "01-01 02:30", "01-02 02:30"]);
    // Half an hour forward (Lord Howe): :15 is skipped, and would be an hour and a half apart.
    let howe = schedule(Timing::Hourly { minute: 15 }, Tz::Australia__Lord_Howe);
    let times = due(&howe, utc("2026-10-03T14:00:00Z"), utc("2026-10-03T17:00:00Z"));
    assert_eq!(times, ["2026-10-03T14:45:00Z", "2026-10-03T15:30:00Z", "2026-10-03T16:15:00Z"].map(utc));
}

#[test]
fn row_065_the_longest_retentions_of_all_three_hold_at_most_500() {
    for (zone, changes) in zones() {
        for end in changes.iter().step_by(7).map(|change| *change + TimeDelta::days(3)) {
            let timings = [
                Timing::Hourly { minute: 15 },
                Timing::Daily { time: time(2, 15) },
                Timing::Weekly { day: Weekday::Sun, time: time(2, 15) },
            ];
            let held = timings.map(|timing| {
                let days = timing.frequency().longest_retention();
                let count = due(&schedule(timing, zone), end - TimeDelta::days(days.into()), end).len();
                assert!(count <= timing.frequency().held(days).into(), "{zone} {timing:?} until {end}: {count}");
                count
            });
            assert!(held.iter().sum::<usize>() <= MOST_BACKUPS.into(), "{zone} until {end}: {held:?}");
        }
    }
}

#[test]
fn fault_035_dates_that_only_some_years_have() {
    let daily = schedule(Timing::Daily { time: time(3, 0) }, Tz::UTC);
    let leap = due(&daily, utc("2028-02-28T00:00:00Z"), utc("2028-03-02T00:00:00Z"));
    assert_eq!(leap, ["2028-02-28T03:00:00Z", "2028-02-29T03:00:00Z", "2028-03-01T03:00:00Z"].map(utc));
    for (at, next) in [
        ("2038-01-19T03:14:07Z", Some("2038-01-20T03:00:00Z")),
        ("2016-12-31T23:59:59Z", Some("2017-01-01T03:00:00Z")),
        ("9999-12-31T23:59:59Z", None),
    ] {
        let found = daily.due_after(utc(at));
        next.map_or_else(|| assert!(found > utc(at)), |next| assert_eq!(found, utc(next)));
    }
    let mut old = daily.clone();
    old.created_at = utc("1970-01-01T00:00:00Z");
    assert_eq!(old.due_after(utc("1969-12-31T00:00:00Z")), utc("1970-01-01T03:00:00Z"));
    // The ends of the calendar are no reason to fall over.
    let _ =
        (daily.due_after(DateTime::<Utc>::MAX_UTC - TimeDelta::days(20)), daily.last_due(utc("1970-01-01T00:00:00Z")));
}

#[test]
fn nothing_before_a_schedule_was_made_is_due() {
    let mut daily = schedule(Timing::Daily { time: time(3, 0) }, Tz::UTC);
    daily.created_at = utc("2026-04-08T03:00:01Z");
    assert_eq!(daily.last_due(utc("2026-04-09T02:59:59Z")), None);
    assert_eq!(daily.last_due(utc("2026-04-09T03:00:00Z")), Some(utc("2026-04-09T03:00:00Z")));
    assert_eq!(daily.due_after(utc("2020-01-01T00:00:00Z")), utc("2026-04-09T03:00:00Z"));
}

fn run(due: &str, outcome: Progress) -> Run {
    let due = utc(due);
    Run { due, started_at: due, finished_at: None, outcome, id: None, reason: None }
}

fn state(runs: &[(Frequency, Run)]) -> RunState {
    RunState { runs: runs.iter().cloned().collect(), owed: Vec::new() }
}

#[test]
fn fault_036_an_outage_of_any_length_is_caught_up_with_once() {
    for (timing, step) in [
        (Timing::Hourly { minute: 20 }, TimeDelta::hours(1)),
        (Timing::Daily { time: time(3, 20) }, TimeDelta::days(1)),
        (Timing::Weekly { day: Weekday::Wed, time: time(3, 20) }, TimeDelta::days(7)),
    ] {
        let schedules = [schedule(timing, Tz::UTC)];
        let frequency = timing.frequency();
        let last = utc("2026-04-08T03:20:00Z");
        for missed in [1, 2, 400] {
            let mut memory = state(&[(frequency, run("2026-04-08T03:20:00Z", Progress::Success))]);
            let newest = last + step * missed;
            let back = newest + TimeDelta::minutes(7);
            let todo = DueWork::at(back, &schedules, &memory);
            assert_eq!(todo.due, BTreeMap::from([(frequency, newest)]), "{missed} missed");
            memory.begin(&todo, back, Progress::Running, None);
            memory.runs.get_mut(&frequency).expect("claimed").outcome = Progress::Success;
            // Back on the grid: nothing more until the next due time.
            assert!(DueWork::at(newest + step - TimeDelta::seconds(1), &schedules, &memory).is_empty());
            assert_eq!(
                DueWork::at(newest + step, &schedules, &memory).due,
                BTreeMap::from([(frequency, newest + step)])
            );
        }
    }
}

#[test]
fn fault_033_079_state_that_is_lost_or_from_the_future_costs_one_run() {
    let schedules = [schedule(Timing::Daily { time: time(3, 0) }, Tz::UTC)];
    let now = utc("2026-04-08T12:00:00Z");
    let due = BTreeMap::from([(Frequency::Daily, utc("2026-04-08T03:00:00Z"))]);
    for memory in [RunState::default(), state(&[(Frequency::Daily, run("2031-01-01T03:00:00Z", Progress::Success))])] {
        let todo = DueWork::at(now, &schedules, &memory);
        assert_eq!(todo.due, due);
        let mut memory = memory;
        memory.begin(&todo, now, Progress::Success, None);
        assert!(DueWork::at(now + TimeDelta::hours(14), &schedules, &memory).is_empty(), "a second extra run");
    }
    // A clock set back by a little after the run is no reason for another.
    let ran = state(&[(Frequency::Daily, run("2026-04-08T03:00:00Z", Progress::Success))]);
    assert!(DueWork::at(utc("2026-04-08T02:59:55Z"), &schedules, &ran).is_empty());
}

#[test]
fn a_busy_service_is_waited_for_until_the_next_due_time_or_an_hour() {
    let hourly = [schedule(Timing::Hourly { minute: 0 }, Tz::UTC)];
    let daily = [schedule(Timing::Daily { time: time(3, 0) }, Tz::UTC)];
    let waiting = |frequency| state(&[(frequency, run("2026-04-08T03:00:00Z", Progress::Waiting))]);
    let at = |now: &str, schedules: &[Schedule], frequency| DueWork::at(utc(now), schedules, &waiting(frequency));
    let todo = at("2026-04-08T03:59:59Z", &hourly, Frequency::Hourly);
    assert_eq!((todo.due.len(), todo.given_up.len()), (1, 0));
    let todo = at("2026-04-08T04:00:00Z", &hourly, Frequency::Hourly);
    assert_eq!(todo.due[&Frequency::Hourly], utc("2026-04-08T04:00:00Z"));
    assert_eq!(todo.given_up, [Frequency::Hourly]);
    let todo = at("2026-04-08T03:59:00Z", &daily, Frequency::Daily);
    assert_eq!(todo.due[&Frequency::Daily], utc("2026-04-08T03:00:00Z"));
    let todo = at("2026-04-08T04:00:00Z", &daily, Frequency::Daily);
    assert_eq!((todo.due.len(), todo.given_up), (0, vec![Frequency::Daily]));
}

proptest! {
    #[test]
    fn due_times_are_on_the_grid_and_in_order(
        zone in 0..TZ_VARIANTS.len(), which in 0..3, hour in 0u32..24, minute in 0u32..60, day in 0u8..7,
        second in 1_451_606_400i64..2_208_988_800,
    ) {
        let (zone, at) = (TZ_VARIANTS[zone], DateTime::from_timestamp(second, 0).unwrap());
        let day = Weekday::try_from(day).unwrap();
        let timing = match which {
            0 => Timing::Hourly { minute },
            1 => Timing::Daily { time: time(hour, minute) },
            _ => Timing::Weekly { day, time: time(hour, minute) },
        };
        let schedule = schedule(timing, zone);
        let (last, next) = (schedule.last_due(at).unwrap(), schedule.due_after(at));
        prop_assert!(last <= at && at < next);
        prop_assert_eq!(schedule.due_after(last), next);
        prop_assert_eq!(schedule.due_after(last - TimeDelta::nanoseconds(1)), last);
    }
}
