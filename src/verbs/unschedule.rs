//! `backups:unschedule`: stop backing up by a schedule.

use clap::Args;

use super::args::FrequencyArg;
use crate::answers::Unscheduled;
use crate::dokku::Dokku;
use crate::domain::Frequency;
use crate::domain::ServiceWord;
use crate::error::{Failure, Kind, Result};
use crate::operations::Context;
use crate::operations::schedule::renew_crontab;
use crate::operations::select::resolve;
use crate::schedules::Store;
use crate::ui::Format;

/// `backups:unschedule`
#[derive(Debug, Args)]
pub struct UnscheduleArgs {
    /// The service.
    pub service: ServiceWord,
    /// Which one.
    #[arg(value_enum, required_unless_present = "all")]
    pub frequency: Option<FrequencyArg>,
    /// All of them.
    #[arg(long, conflicts_with = "frequency")]
    pub all: bool,
    /// What to print.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Removes schedules. What they have made keeps its expiry.
pub fn run(context: &Context, args: &UnscheduleArgs) -> Result<()> {
    let dokku = Dokku::find(&context.settings)?;
    let service = resolve(context, &dokku, &args.service)?;
    let (store, clock) = (Store::open(&context.settings.config_root)?, context.settings.clock);
    let which = args.frequency.map(Frequency::from);
    if !store.knows(&service)? && args.all {
        return print(context, args, &service.to_string(), &[]);
    }
    let removed = store.edit(&service, clock, |schedules| {
        let (gone, stay): (Vec<_>, Vec<_>) = std::mem::take(schedules)
            .into_iter()
            .partition(|schedule| which.is_none_or(|frequency| schedule.frequency() == frequency));
        *schedules = stay;
        match which {
            Some(frequency) if gone.is_empty() => {
                Err(Failure::new(Kind::NotFound, format!("{service} has no {frequency} schedule"))
                    .remedy("see what there is", format!("dokku backups:schedules {service}")))
            }
            _ => Ok(gone.iter().map(|schedule| schedule.frequency()).collect::<Vec<_>>()),
        }
    })?;
    // A schedule made later by the same name begins anew.
    store.note(&service, clock, |state| state.runs.retain(|frequency, _| !removed.contains(frequency)))?;
    print(context, args, &service.to_string(), &removed)?;
    if removed.is_empty() { Ok(()) } else { renew_crontab(context) }
}

fn print(context: &Context, args: &UnscheduleArgs, service: &str, removed: &[Frequency]) -> Result<()> {
    for frequency in removed {
        context.ui.step(&format!("No longer backing up {service} {frequency}"));
    }
    if removed.is_empty() {
        context.ui.step(&format!("{service} has no schedules"));
    }
    if args.format == Format::Json {
        context.ui.json(&Unscheduled { service, removed })?;
    }
    Ok(())
}
