//! `backups:schedules`: every schedule, how its last run ended, and when it runs next.

use clap::Args;

use super::conclude::conclude;
use crate::answers::{ScheduleJson, Schedules, schedule_report};
use crate::dokku::Dokku;
use crate::domain::{ABANDONED, Progress, RunState, Schedule, Service};
use crate::domain::{ServiceWord, count};
use crate::error::{Kind, Result};
use crate::operations::Context;
use crate::operations::select::{permitted, resolve};
use crate::schedules::Store;
use crate::ui::Format;

/// `backups:schedules`
#[derive(Debug, Args)]
pub struct SchedulesArgs {
    /// Only this service.
    pub service: Option<ServiceWord>,
    /// What to print.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Shows the schedules of one service or of all. A document that cannot be read hides only its own service.
pub fn run(context: &Context, args: &SchedulesArgs) -> Result<()> {
    let dokku = Dokku::find(&context.settings)?;
    let store = Store::look(&context.settings.config_root)?;
    let services = match (&args.service, &store) {
        (Some(word), _) => vec![resolve(context, &dokku, word)?],
        (None, Some(store)) => permitted(context, &dokku, store.services()?)?,
        (None, None) => Vec::new(),
    };
    let (mut found, mut broken) = (Vec::new(), Vec::new());
    for service in services {
        match store.as_ref().map_or_else(|| Ok(Default::default()), |store| read(store, &service)) {
            Ok((schedules, state)) => found.push((service, schedules, state)),
            Err(failure) if args.service.is_some() => return Err(failure),
            Err(failure) => broken.push(failure),
        }
    }
    print(context, args, &found)?;
    let summary = |failed| format!("the schedules of {} cannot be read", count(failed, "service"));
    conclude(context, usize::MAX, |_| Kind::Partial, summary, broken)
}

/// What is claimed and nobody works on has failed, and the next tick will say so too.
fn read(store: &Store, service: &Service) -> Result<(Vec<Schedule>, RunState)> {
    // Asked first: a run that ends meanwhile is then seen as it ended.
    let working = store.is_worked_on(service)?;
    let (schedules, mut state) = store.both(service)?;
    for run in state.runs.values_mut().filter(|run| run.outcome == Progress::Running && !working) {
        (run.outcome, run.reason) = (Progress::Failed, Some(ABANDONED.to_owned()));
    }
    Ok((schedules, state))
}

fn print(context: &Context, args: &SchedulesArgs, found: &[(Service, Vec<Schedule>, RunState)]) -> Result<()> {
    let now = context.settings.clock.now();
    let each = found.iter().flat_map(|(service, schedules, state)| {
        schedules.iter().map(move |schedule| {
            let run = state.runs.get(&schedule.frequency());
            ScheduleJson::new(service, schedule, run, schedule.due_after(now))
        })
    });
    let all: Vec<_> = each.collect();
    match args.format {
        Format::Json => context.ui.json(&Schedules { schedules: all })?,
        Format::Stdout if all.is_empty() => context.ui.data("No schedules")?,
        Format::Stdout => {
            context.ui.lines(all.iter().flat_map(schedule_report))?;
        }
    }
    Ok(())
}
