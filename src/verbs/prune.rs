//! `backups:prune`: remove what retention takes, or show what it would take.

use std::num::NonZero;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::conclude::conclude;
use crate::answers::{DecisionJson, ErrorJson, PrunedJson, Prunes};
use crate::dokku::Dokku;
use crate::domain::{Decision, Service};
use crate::domain::{ServiceWord, choose, count};
use crate::error::{Failure, Kind, Result};
use crate::operations::Context;
use crate::operations::retention::{Origins, Pruned, prune, prune_plan};
use crate::operations::select::{all_known, resolve};
use crate::ui::{self, Format};
use clap::Args;

/// `backups:prune`
#[derive(Debug, Args)]
pub struct PruneArgs {
    /// Only this service.
    pub service: Option<ServiceWord>,
    /// Remove nothing: show what would be removed and what would stay, each with its reason.
    #[arg(long)]
    pub dry_run: bool,
    /// Wait this long when a service is busy.
    #[arg(long, value_name = "SECONDS", default_value_t = 0, hide_default_value = true)]
    pub wait: u32,
    /// What to print.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Prunes one service or all of them; one service's trouble does not stop the next.
pub fn run(context: &Context, args: &PruneArgs) -> Result<()> {
    let dokku = Dokku::find(&context.settings)?;
    let services = match &args.service {
        Some(word) => vec![resolve(context, &dokku, word)?],
        None => all_known(context, &dokku)?,
    };
    let pruned = if args.dry_run { plan_all(context, &services)? } else { prune_all(context, args, &services) };
    match args.format {
        Format::Json => print_json(context, args, &pruned)?,
        Format::Stdout => print_tables(context, args, &pruned)?,
    }
    let done = pruned.iter().filter(|one| one.failure.is_none()).count();
    let (asked, failures) = (services.len(), pruned.into_iter().filter_map(|one| one.failure).collect());
    let kind = |last| if done > 0 { Kind::Partial } else { last };
    let summary =
        |failed| format!("{failed} of {} {} not pruned", count(asked, "service"), choose(failed, "was", "were"));
    conclude(context, asked, kind, summary, failures)
}

fn prune_all(context: &Context, args: &PruneArgs, services: &[Service]) -> Vec<Pruned> {
    let mut all = Vec::new();
    for service in services {
        let pruned = prune(context, service, args.wait);
        let over = matches!(pruned.failure, Some(Failure { kind: Kind::Interrupted(_), .. }));
        all.push(pruned);
        if over {
            break;
        }
    }
    all
}

/// Plans only read, so that several may be made at once.
fn plan_all(context: &Context, services: &[Service]) -> Result<Vec<Pruned>> {
    let origins = Origins::read(context)?;
    let workers = std::thread::available_parallelism().map_or(1, NonZero::get).min(4).min(services.len());
    let (next, plans) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some((number, service)) = {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    services.get(number).map(|service| (number, service))
                } {
                    let pruned = prune_plan(context, service, &origins);
                    plans.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((number, pruned));
                }
            });
        }
    });
    let mut plans = plans.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    plans.sort_by_key(|(number, _)| *number);
    Ok(plans.into_iter().map(|(_, pruned)| pruned).collect())
}

fn print_json(context: &Context, args: &PruneArgs, pruned: &[Pruned]) -> Result<()> {
    let mut objects = Vec::with_capacity(pruned.len());
    for one in pruned {
        objects.push(PrunedJson {
            datastore: one.service.datastore,
            service: &one.service.name,
            dry_run: args.dry_run,
            decisions: one.decisions.iter().map(DecisionJson::from).collect(),
            freed: one.freed(),
            error: one.failure.as_ref().map(ErrorJson::from),
        });
    }
    Ok(context.ui.json(&Prunes { services: objects })?)
}

/// A plan is shown whole; what was done without what stayed.
fn print_tables(context: &Context, args: &PruneArgs, pruned: &[Pruned]) -> Result<()> {
    let mut text = Vec::new();
    for one in pruned {
        let rows: Vec<&Decision> = if args.dry_run { one.decisions.iter().collect() } else { one.removed().collect() };
        if rows.is_empty() {
            continue;
        }
        if !context.ui.quiet {
            text.push(format!("=====> {} {} retention", one.service, one.service.datastore));
        }
        text.extend(ui::plan(&rows));
    }
    if text.is_empty() {
        context.ui.step("Nothing to remove");
        return Ok(());
    }
    Ok(context.ui.lines(&text)?)
}
