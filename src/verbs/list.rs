//! `backups:list`: the backups, newest first.

use std::mem::ManuallyDrop;

use clap::Args;

use super::list_filter::Filter;
use crate::answers::{BackupJson, Backups};
use crate::catalogue::{Detail, Folder, View};
use crate::dokku::Dokku;
use crate::domain::ServiceWord;
use crate::domain::{Listed, Service};
use crate::error::{Remedy, Result};
use crate::operations::Context;
use crate::operations::select::{all_known, folder_for_reading, resolve};
use crate::sys::output;
use crate::ui::{self, Format};

/// `backups:list`
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Only this service.
    pub service: Option<ServiceWord>,
    /// Which of them.
    #[command(flatten)]
    pub filter: Filter,
    /// Everything: schedules, restores, paths, hashes, commits, versions, times and errors too.
    #[arg(long)]
    pub verbose: bool,
    /// What to print.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Lists one service, or all of them, also those whose service was destroyed.
pub fn run(context: &Context, args: &ListArgs) -> Result<()> {
    let dokku = Dokku::find(&context.settings)?;
    let services = match &args.service {
        Some(word) => vec![resolve(context, &dokku, word)?],
        None => all_known(context, &dokku)?,
    };
    let (mut groups, mut total) = (Vec::new(), 0);
    for service in services {
        let Some(dir) = folder_for_reading(context, &service)? else { continue };
        let mut backups = wanted(context, args, &dir, &service)?;
        total += backups.len();
        backups.truncate(args.filter.most());
        if !backups.is_empty() {
            groups.push((service, dir, backups));
        }
    }
    // The process ends with this: thousands of records need not be taken apart first.
    let groups = ManuallyDrop::new(groups);
    match args.format {
        Format::Json => print_json(context, &groups, total),
        Format::Stdout => print_tables(context, args, &groups),
    }
}

fn wanted(context: &Context, args: &ListArgs, dir: &Folder, service: &Service) -> Result<Vec<Listed>> {
    let detail = if args.verbose { Detail::Whole } else { Detail::Summary };
    let view = View::of(dir, service, detail)?;
    match &view.journal {
        Ok(Some(journal)) => {
            context.ui.warn(&format!("{} into {service} is running, or has not ended well", journal.what()));
            context.ui.remedies(&[Remedy::noted("when nobody works on it, put it right with", journal.remedy())]);
        }
        Ok(None) => {}
        Err(failure) => {
            context.ui.warn(&failure.reason());
            context.ui.remedies(&failure.remedies);
        }
    }
    let now = context.settings.clock.now();
    Ok(view.backups.into_iter().filter(|listed| args.filter.fits(listed, now)).collect())
}

fn print_json(context: &Context, groups: &[(Service, Folder, Vec<Listed>)], total: usize) -> Result<()> {
    let mut all = Vec::new();
    for (_, dir, backups) in groups {
        all.extend(backups.iter().map(|listed| BackupJson::new(listed, dir.path())));
    }
    Ok(context.ui.json(&Backups { backups: all, total })?)
}

fn print_tables(context: &Context, args: &ListArgs, groups: &[(Service, Folder, Vec<Listed>)]) -> Result<()> {
    if groups.is_empty() {
        return Ok(context.ui.data("No backups")?);
    }
    let mut text = Vec::new();
    for (service, dir, backups) in groups {
        if !context.ui.quiet {
            text.push(format!("=====> {service} {} backups", service.datastore));
        }
        text.extend(match args.verbose {
            true => ui::list(backups, dir.path()),
            false => ui::listing(backups, context.settings.clock.now(), output::width().unwrap_or(ui::WIDTH)),
        });
    }
    Ok(context.ui.lines(&text)?)
}
