//! Schedules for people and for programs.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Timelike, Utc};
use chrono_tz::Tz;
use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::{BackupId, Datastore, Frequency, Progress, Run, Schedule, Service, Timing, count};
use crate::ui::time;

/// One schedule; no field is ever absent. Times are UTC, and once more in the schedule's own zone.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Schedule")]
pub struct ScheduleJson<'a> {
    /// The service's name.
    service: &'a str,
    /// The datastore plugin.
    datastore: Datastore,
    /// How often.
    frequency: Frequency,
    /// Minute of the hour.
    minute: u32,
    /// Hour of the day; null for hourly.
    hour: Option<u32>,
    /// Day of the week, `mon` to `sun`; null unless weekly.
    day: Option<String>,
    /// The zone that minute, hour and day are meant in.
    timezone: &'static str,
    /// Days that what it makes is kept.
    retention_days: u16,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// By whom.
    created_by: &'a str,
    /// The last run; null before the first.
    last_run: Option<RunJson<'a>>,
    /// The next run; null where none will come.
    next_run: Option<NextJson>,
    #[serde(skip)]
    schedule: &'a Schedule,
}

/// How far a run has come.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RunStatus {
    /// The service is busy; it is tried again.
    Waiting,
    /// At work.
    InProgress,
    /// Ended with a good backup.
    Success,
    /// Ended without one.
    Failed,
}

impl From<Progress> for RunStatus {
    fn from(progress: Progress) -> RunStatus {
        match progress {
            Progress::Waiting => RunStatus::Waiting,
            Progress::Running => RunStatus::InProgress,
            Progress::Success => RunStatus::Success,
            Progress::Failed => RunStatus::Failed,
        }
    }
}

/// The word, as in JSON.
impl fmt::Display for RunStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// Several schedules.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Schedules<'a> {
    /// They.
    pub schedules: Vec<ScheduleJson<'a>>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Run")]
struct RunJson<'a> {
    /// The time it was due.
    due_at: DateTime<Utc>,
    /// When it began, or first found the service busy.
    started_at: DateTime<Utc>,
    /// The same in the schedule's zone.
    started_at_local: String,
    /// When it ended; null while it runs.
    finished_at: Option<DateTime<Utc>>,
    /// How far it has come.
    status: RunStatus,
    /// The backup, or the record of the failure.
    id: Option<&'a BackupId>,
    /// Why it failed.
    reason: Option<&'a str>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Next")]
struct NextJson {
    /// When it is due.
    due_at: DateTime<Utc>,
    /// The same in the schedule's zone.
    due_at_local: String,
}

impl<'a> ScheduleJson<'a> {
    /// The object of `schedule`, whose last run was `run`, and which is due `next`.
    pub fn new(service: &'a Service, schedule: &'a Schedule, run: Option<&'a Run>, next: DateTime<Utc>) -> Self {
        let zone = schedule.timezone;
        let (minute, hour, day) = match schedule.timing {
            Timing::Hourly { minute } => (minute, None, None),
            Timing::Daily { time } => (time.minute(), Some(time.hour()), None),
            Timing::Weekly { day, time } => (time.minute(), Some(time.hour()), Some(day.to_string().to_lowercase())),
        };
        let run = run.map(|run| RunJson {
            due_at: run.due,
            started_at: run.started_at,
            started_at_local: local(zone, run.started_at),
            finished_at: run.finished_at,
            status: RunStatus::from(run.outcome),
            id: run.id.as_ref(),
            reason: run.reason.as_deref(),
        });
        ScheduleJson {
            service: service.name.as_str(),
            datastore: service.datastore,
            frequency: schedule.frequency(),
            minute,
            hour,
            day,
            timezone: zone.name(),
            retention_days: schedule.retention_days,
            created_at: schedule.created_at,
            created_by: &schedule.created_by,
            last_run: run,
            // Past the end of all calendars there is none.
            next_run: (next < DateTime::<Utc>::MAX_UTC)
                .then(|| NextJson { due_at: next, due_at_local: local(zone, next) }),
            schedule,
        }
    }
}

fn local(zone: Tz, at: DateTime<Utc>) -> String {
    at.with_timezone(&zone).to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// `daily at 03:30 Europe/Berlin`.
pub fn timing(schedule: &Schedule) -> String {
    let (frequency, zone) = (schedule.frequency(), schedule.timezone.name());
    match schedule.timing {
        Timing::Hourly { minute } => format!("{frequency} at :{minute:02} {zone}"),
        Timing::Daily { time } => format!("{frequency} at {} {zone}", time.format("%H:%M")),
        Timing::Weekly { day, time } => format!("{frequency} on {day} at {} {zone}", time.format("%H:%M")),
    }
}

/// One schedule in the form of Dokku's reports.
pub fn schedule_report(json: &ScheduleJson) -> Vec<String> {
    let zone = json.schedule.timezone;
    let both = |at: DateTime<Utc>| match zone {
        Tz::UTC => time(at),
        zone => format!("{} ({})", at.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S %Z"), time(at)),
    };
    let (last, ended) = match &json.last_run {
        None => ("never".to_owned(), "-".to_owned()),
        Some(run) => {
            let what = run.id.map(|id| format!(" {id}")).unwrap_or_default();
            let why = run.reason.map(|why| format!(": {why}")).unwrap_or_default();
            (both(run.started_at), format!("{}{what}{why}", run.status))
        }
    };
    let rows = [
        ("When", timing(json.schedule)),
        ("Retention", count(json.retention_days, "day")),
        ("Last run", last),
        ("Ended", ended),
        ("Next run", json.next_run.as_ref().map_or_else(|| "never".to_owned(), |next| both(next.due_at))),
        ("Made by", format!("{} at {}", json.created_by, time(json.created_at))),
    ];
    let rows = rows.map(|(label, value)| format!("       {:<12} {value}", format!("{label}:")));
    std::iter::once(format!("=====> {} {} schedule", json.service, json.frequency)).chain(rows).collect()
}
