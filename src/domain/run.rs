//! The last run of each schedule, and the decision what is to be done for a service now.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::{BackupId, Frequency, Schedule};

/// How long a run waits for a service that is busy.
const PATIENCE: TimeDelta = TimeDelta::hours(1);
/// A due time further ahead than this was noted by a clock that was wrong: it is not believed.
const AHEAD: TimeDelta = TimeDelta::hours(2);

/// Why a run that was claimed, and that nobody works on, has failed.
pub const ABANDONED: &str = "abandoned: the run ended without a word";

/// How far a run has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Progress {
    /// The service is busy; it is tried again.
    Waiting,
    /// Claimed. Without anybody working on it: abandoned.
    Running,
    /// Ended with a good backup.
    Success,
    /// Ended without one.
    Failed,
}

impl Progress {
    /// The word in lists and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Progress::Waiting => "waiting",
            Progress::Running => "in-progress",
            Progress::Success => "success",
            Progress::Failed => "failed",
        }
    }
}

/// The last run of one schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// The time it was due: this one is dealt with.
    pub due: DateTime<Utc>,
    /// When it was claimed, or first found the service busy.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<DateTime<Utc>>,
    /// How far it has come.
    pub outcome: Progress,
    /// The backup, or the record of the failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<BackupId>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A failed run that the list of backups does not show yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnrecordedFailure {
    /// The schedules it was for.
    pub schedules: Vec<Frequency>,
    /// When it was claimed, or first found the service busy.
    pub started_at: DateTime<Utc>,
    /// When it was given up.
    pub finished_at: DateTime<Utc>,
    /// Why.
    pub reason: String,
}

/// The last run of each schedule of a service.
pub type Runs = BTreeMap<Frequency, Run>;

/// What is remembered of a service's runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunState {
    /// The last one of each schedule.
    #[serde(default)]
    pub runs: Runs,
    /// Failures that are to be recorded among the backups.
    #[serde(default)]
    pub owed: Vec<UnrecordedFailure>,
}

/// More failures than this are not owed: the oldest are forgotten.
const MOST_OWED: usize = 50;

impl RunState {
    /// Ends the runs of `schedules` without a backup.
    pub fn fail(&mut self, schedules: &[Frequency], now: DateTime<Utc>, reason: &str) {
        let mut started_at = now;
        for (_, run) in self.runs.iter_mut().filter(|(frequency, _)| schedules.contains(frequency)) {
            started_at = started_at.min(run.started_at);
            run.outcome = Progress::Failed;
            run.finished_at = Some(now);
            run.reason = Some(reason.to_owned());
            run.id = None;
        }
        let schedules = schedules.to_vec();
        self.owed.push(UnrecordedFailure { schedules, started_at, finished_at: now, reason: reason.to_owned() });
        let forgotten = self.owed.len().saturating_sub(MOST_OWED);
        self.owed.drain(..forgotten);
    }

    /// Notes that what `todo` finds due is in the state `outcome`; runs that wait already have waited since then.
    pub fn begin(&mut self, todo: &DueWork, now: DateTime<Utc>, outcome: Progress, reason: Option<String>) {
        for (frequency, due) in &todo.due {
            let waits = |run: &&Run| run.outcome == Progress::Waiting && run.due == *due;
            let since = self.runs.get(frequency).filter(waits).map(|run| run.started_at);
            let started_at = since.filter(|_| outcome == Progress::Waiting).unwrap_or(now);
            let run = Run { due: *due, started_at, finished_at: None, outcome, id: None, reason: reason.clone() };
            self.runs.insert(*frequency, run);
        }
    }

    /// Notes the record that stands for the runs of `schedules` that began at `started_at`: of a good backup that was
    /// finished `now`, or of a failure.
    pub fn settle(
        &mut self,
        schedules: &[Frequency],
        started_at: DateTime<Utc>,
        id: &BackupId,
        good: bool,
        now: DateTime<Utc>,
    ) {
        for (_, run) in self.runs.iter_mut().filter(|(frequency, _)| schedules.contains(frequency)) {
            if run.started_at == started_at {
                run.id = Some(id.clone());
                if good {
                    (run.outcome, run.reason, run.finished_at) = (Progress::Success, None, Some(now));
                }
            }
        }
    }
}

/// What is to be done for one service.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct DueWork {
    /// Schedules that are due, with their due times: one backup serves them all.
    pub due: BTreeMap<Frequency, DateTime<Utc>>,
    /// Runs that have waited too long for a busy service.
    pub given_up: Vec<Frequency>,
    /// Runs that nobody works on any more.
    pub abandoned: Vec<Frequency>,
    /// Whether failures are to be recorded among the backups.
    pub owed: bool,
}

impl DueWork {
    /// What `schedules` and the `state` of their runs ask for at `now`, where nobody works on them.
    ///
    /// Only the last due time counts: whatever was missed is caught up with by one run.
    pub fn at(now: DateTime<Utc>, schedules: &[Schedule], state: &RunState) -> DueWork {
        let mut todo = DueWork { owed: !state.owed.is_empty(), ..DueWork::default() };
        for schedule in schedules {
            let frequency = schedule.frequency();
            let last = schedule.last_due(now);
            let Some(run) = state.runs.get(&frequency).filter(|run| run.due <= now + AHEAD) else {
                todo.due.extend(last.map(|due| (frequency, due)));
                continue;
            };
            let newer = last.filter(|due| *due > run.due);
            todo.due.extend(newer.map(|due| (frequency, due)));
            match run.outcome {
                Progress::Waiting if newer.is_some() || now - run.started_at >= PATIENCE => {
                    todo.given_up.push(frequency);
                }
                Progress::Waiting => drop(todo.due.insert(frequency, run.due)),
                Progress::Running => todo.abandoned.push(frequency),
                Progress::Success | Progress::Failed => {}
            }
        }
        todo
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.due.is_empty() && self.given_up.is_empty() && self.abandoned.is_empty() && !self.owed
    }

    /// The schedules that are due.
    pub fn schedules(&self) -> Vec<Frequency> {
        self.due.keys().copied().collect()
    }
}
