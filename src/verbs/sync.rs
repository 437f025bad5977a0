//! `backups:sync`: compare the records with what is there, and put them right.

use super::Context;
use super::args::SyncArgs;
use super::steps::{all_known, open, resolve};
use crate::catalogue::{Detail, Exclusive};
use crate::dokku::Dokku;
use crate::domain::{Listed, Presence};
use crate::error::{Failure, Kind, Result};
use crate::ui::Format;

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
        } else if mark_if_changed(catalogue, listed)? || listed.backup.damage.is_some() {
            report.damaged.push(id);
        }
    }
    catalogue.reindex()?;
    Ok(report)
}

/// A dump of another size than recorded is damaged, whatever its bytes are; true when that is new.
fn mark_if_changed(catalogue: &Exclusive, listed: &Listed) -> Result<bool> {
    let backup = &listed.backup;
    let (Some(file), Some(size)) = (&backup.file, backup.size) else { return Ok(false) };
    let Some(entry) = catalogue.dir().entry(file)? else { return Ok(false) };
    if backup.damage.is_some() || (entry.regular && entry.size == size) {
        return Ok(false);
    }
    let mut record = catalogue.record(&backup.id)?;
    record.damage = Some(format!("{file} has {} bytes, its record says {size}", entry.size));
    catalogue.save(&record)?;
    Ok(true)
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
