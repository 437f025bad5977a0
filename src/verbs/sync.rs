//! `backups:sync`: compare the records with what is there, and put them right.

use clap::Args;

use super::Context;
use super::steps::{all_known, open, resolve};
use super::words::ServiceArg;
use crate::catalogue::{Detail, Exclusive};
use crate::dokku::Dokku;
use crate::domain::{Listed, Presence};
use crate::error::{Failure, Kind, Result};
use crate::ui::Format;

/// `backups:sync`
#[derive(Debug, Args)]
pub struct SyncArgs {
    /// Only this service.
    pub service: Option<ServiceArg>,
    /// Wait this long when a service is busy.
    #[arg(long, value_name = "SECONDS", default_value_t = 0, hide_default_value = true)]
    pub wait: u32,
    /// What to print.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// What was found for one service.
#[derive(Debug, serde::Serialize)]
struct Report {
    datastore: &'static str,
    service: String,
    backups: usize,
    adopted: Vec<String>,
    missing: Vec<String>,
    damaged: Vec<String>,
    foreign: Vec<String>,
}

/// Recovers one service or all of them, and says what is lost.
pub fn run(context: &Context, args: &SyncArgs) -> Result<()> {
    let dokku = Dokku::find(&context.settings)?;
    let services = match &args.service {
        Some(word) => vec![resolve(context, &dokku, word)?],
        None => all_known(context, &dokku)?,
    };
    let mut reports = Vec::new();
    let mut failures = Vec::new();
    for service in &services {
        let before: Vec<_> = match super::steps::folder_for_reading(context, service)? {
            Some(dir) => crate::catalogue::View::of(&dir, service, Detail::Summary)?.backups,
            None => Vec::new(),
        };
        match open(context, service, args.wait, "sync").and_then(|catalogue| examine(&catalogue, &before)) {
            Ok(report) => reports.push(report),
            Err(failure) => failures.push(failure),
        }
    }
    match args.format {
        Format::Json => context.ui.json(&reports)?,
        Format::Stdout => reports.iter().try_for_each(|report| context.ui.data(&words(report)))?,
    }
    conclude(context, &services, failures)
}

fn examine(catalogue: &Exclusive, before: &[Listed]) -> Result<Report> {
    let view = catalogue.view(Detail::Whole)?;
    let mut report = Report {
        datastore: catalogue.service().datastore.name(),
        service: catalogue.service().to_string(),
        backups: 0,
        adopted: Vec::new(),
        missing: Vec::new(),
        damaged: Vec::new(),
        foreign: view.foreign,
    };
    report.foreign.sort();
    let was_whole = |listed: &Listed| before.iter().any(|b| b.backup.id == listed.backup.id && b.backup.adopted);
    for listed in view.backups.iter().filter(|listed| listed.backup.deleted_at.is_none()) {
        report.backups += 1;
        let id = listed.backup.id.to_string();
        if listed.backup.adopted && !was_whole(listed) {
            report.adopted.push(id.clone());
        }
        if listed.presence == Presence::Missing && listed.backup.is_good() {
            report.missing.push(id);
        } else if listed.backup.damage.is_some() {
            keep_damage(catalogue, listed)?;
            report.damaged.push(id);
        }
    }
    catalogue.reindex()?;
    Ok(report)
}

/// Writes down what the look at the folder showed: from now on the record itself says it.
fn keep_damage(catalogue: &Exclusive, listed: &Listed) -> Result<()> {
    let mut record = match catalogue.record(&listed.backup.id) {
        // A newer program's record is never rewritten.
        Err(failure) if failure.kind == Kind::Catalogue => return Ok(()),
        record => record?,
    };
    if record.damage.is_none() {
        record.damage.clone_from(&listed.backup.damage);
        catalogue.save(&record)?;
    }
    Ok(())
}

fn words(report: &Report) -> String {
    let mut text =
        format!("=====> {} {}: {} backups, index up to date", report.service, report.datastore, report.backups);
    let lists = [
        ("adopted", &report.adopted),
        ("artifact missing", &report.missing),
        ("artifact damaged", &report.damaged),
        ("not ours, left alone", &report.foreign),
    ];
    for (label, names) in lists {
        for name in names {
            text.push_str(&format!("\n       {label}: {name}"));
        }
    }
    text
}

fn conclude(context: &Context, services: &[crate::domain::Service], mut failures: Vec<Failure>) -> Result<()> {
    let Some(last) = failures.pop() else { return Ok(()) };
    if services.len() == 1 {
        return Err(last);
    }
    for failure in &failures {
        context.ui.warn(&failure.reason());
    }
    Err(Failure::new(
        Kind::Partial,
        format!("{} of {} services failed; the last: {}", failures.len() + 1, services.len(), last.reason()),
    ))
}
