//! `backups:list`: the backups, newest first.

use clap::Args;

use crate::answers::BackupJson;
use crate::catalogue::{Detail, Folder, View};
use crate::dokku::Dokku;
use crate::domain::ServiceWord;
use crate::domain::{Listed, Service};
use crate::error::Result;
use crate::operations::Context;
use crate::operations::select::{all_known, folder_for_reading, resolve};
use crate::ui::{self, Format};

/// `backups:list`
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Only this service.
    pub service: Option<ServiceWord>,
    /// Only backups with this status: in-progress, success or failed.
    #[arg(long, value_parser = ["in-progress", "success", "failed"])]
    pub status: Option<String>,
    /// Paths, hashes, commits, versions, times and errors too.
    #[arg(long)]
    pub verbose: bool,
    /// Deleted ones too.
    #[arg(long)]
    pub deleted: bool,
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
    let mut groups = Vec::new();
    for service in services {
        let Some(dir) = folder_for_reading(context, &service)? else { continue };
        let backups = wanted(context, args, &dir, &service)?;
        if !backups.is_empty() {
            groups.push((service, dir, backups));
        }
    }
    match args.format {
        Format::Json => print_json(context, &groups),
        Format::Stdout => print_tables(context, args, &groups),
    }
}

fn wanted(context: &Context, args: &ListArgs, dir: &Folder, service: &Service) -> Result<Vec<Listed>> {
    let detail = if args.verbose { Detail::Whole } else { Detail::Summary };
    let view = View::of(dir, service, detail)?;
    match &view.journal {
        Ok(Some(journal)) => {
            context.ui.warn(&format!("{} into {service} is running, or has not ended well", journal.what()));
            context.ui.warn(&format!("when nobody works on it, put it right with: {}", journal.remedy()));
        }
        Ok(None) => {}
        Err(failure) => {
            context.ui.warn(&failure.reason());
            failure.hints.iter().for_each(|hint| context.ui.warn(hint));
        }
    }
    let shown = |listed: &Listed| {
        (args.deleted || listed.backup.deleted_at.is_none() || listed.status == crate::domain::Status::InProgress)
            && args.status.as_deref().is_none_or(|status| status == listed.status.name())
    };
    Ok(view.backups.into_iter().filter(shown).collect())
}

fn print_json(context: &Context, groups: &[(Service, Folder, Vec<Listed>)]) -> Result<()> {
    let mut all = Vec::new();
    for (_, dir, backups) in groups {
        all.extend(backups.iter().map(|listed| BackupJson::new(listed, dir.path())));
    }
    Ok(context.ui.json(&all)?)
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
        text.extend(ui::list(backups, args.verbose.then(|| dir.path())));
    }
    Ok(context.ui.lines(&text)?)
}
