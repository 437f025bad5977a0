//! `backups:delete`: remove dumps, keep their records.

use clap::Args;

use std::collections::BTreeSet;

use crate::answers::{BackupJson, Backups};
use crate::catalogue::{Detail, InUse, LockedCatalogue, Log};
use crate::dokku::Dokku;
use crate::domain::ServiceWord;
use crate::domain::{Backup, BackupId, Listed, Presence, count};
use crate::error::{Failure, Kind, Result};
use crate::operations::Context;
use crate::operations::offsite::{Eagerness, catch_up, remove_copy};
use crate::operations::rebase::rebase;
use crate::operations::recover::lock_and_recover;
use crate::operations::retention::Origins;
use crate::operations::select::{folder_for_reading, resolve};
use crate::sys::signals;
use crate::ui::{Format, confirm};

/// `backups:delete`
#[derive(Debug, Args)]
pub struct DeleteArgs {
    /// The service.
    pub service: ServiceWord,
    /// Ids of the backups to delete.
    #[arg(long = "id", value_name = "ID", required = true)]
    pub ids: Vec<BackupId>,
    /// Wait this long when the service is busy.
    #[arg(long, value_name = "SECONDS", default_value_t = 0, hide_default_value = true)]
    pub wait: u32,
    /// What to print.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Deletes each backup, after all of them were found and may go.
pub fn run(context: &Context, args: &DeleteArgs) -> Result<()> {
    let dokku = Dokku::find(&context.settings)?;
    let service = resolve(context, &dokku, &args.service)?;
    let absent = |id: &BackupId| {
        Failure::new(Kind::NotFound, format!("{service} has no backup {id}"))
            .remedy("list them with", format!("dokku backups:list {service}"))
    };
    if folder_for_reading(context, &service)?.is_none() {
        return Err(absent(&args.ids[0]));
    }
    let catalogue = lock_and_recover(context, &service, args.wait, "delete")?;
    let view = catalogue.view(Detail::Summary)?.backups;
    if let Some(id) = args.ids.iter().find(|id| !view.iter().any(|listed| &listed.backup.id == *id)) {
        return Err(absent(id));
    }
    let origins = Origins::read(context)?;
    for fork in args.ids.iter().filter_map(|id| Some((id, origins.fork_of(&service, id)?))) {
        context.ui.warn(&format!("{} was forked from {}, and could not be reset to it any more", fork.1, fork.0));
    }
    if !context.settings.force {
        guard(&view, &args.ids)?;
        // Somebody who types it may have mistyped it. A program has meant it.
        if context.settings.stdin_terminal {
            let ids: Vec<String> = args.ids.iter().map(ToString::to_string).collect();
            context.ui.step(&format!("Deleting {}: {}", count(ids.len(), "backup"), ids.join(", ")));
            confirm(context.ui, service.name.as_str())?;
        }
    }
    // A dump that is being verified is not taken away from under it; all are asked for before the first one goes.
    let once: BTreeSet<&BackupId> = args.ids.iter().collect();
    let in_use: Vec<InUse> = once
        .into_iter()
        .map(|id| InUse::take(catalogue.dir(), id, "delete", context.settings.clock))
        .collect::<Result<_>>()?;
    // What leans on one of them is given another base before anything goes.
    let moved = rebase(context, &catalogue, &args.ids)?;
    let mut failed = None;
    if !moved.is_empty() {
        failed = catch_up(context, &catalogue, Eagerness::Due)?.failures.into_iter().next();
    }
    let mut deleted = Vec::new();
    // What leans on others before them.
    let position = |id: &BackupId| view.iter().find(|listed| &listed.backup.id == id).map(|l| l.backup.position());
    let mut ids = args.ids.clone();
    ids.sort_by_key(|id| std::cmp::Reverse(position(id)));
    for id in &ids {
        signals::obey()?;
        let backup = delete(context, &catalogue, id)?;
        // What lies elsewhere goes after what lies here: until then the record knows of it.
        match remove_copy(context, &catalogue, backup) {
            Err(failure) if failure.kind == Kind::Partial => {
                deleted.push(catalogue.record(id)?);
                if let Some(before) = failed.replace(failure) {
                    context.ui.warn(&before.reason());
                }
            }
            removed => deleted.push(removed?),
        }
    }
    drop(in_use);
    if args.format == Format::Json {
        let listed: Vec<Listed> = deleted.into_iter().map(|backup| Listed::finished(backup, false, true)).collect();
        let objects: Vec<_> = listed.iter().map(|l| BackupJson::new(l, catalogue.dir().path())).collect();
        context.ui.json(&Backups::all(objects))?;
    }
    failed.map_or(Ok(()), Err)
}

fn delete(context: &Context, catalogue: &LockedCatalogue, id: &BackupId) -> Result<Backup> {
    let backup = catalogue.record(id)?;
    if let Some(at) = backup.deleted_at {
        context.ui.step(&format!("{id} was deleted already, at {}", at.format("%Y-%m-%dT%H:%M:%SZ")));
        return Ok(backup);
    }
    let actor = &context.settings.caller.actor;
    let backup = catalogue.delete(backup, actor)?;
    catalogue.reindex()?;
    Log::open(catalogue.dir(), id, context.settings.clock).say(&format!("deleted by {actor}"));
    context.ui.step(&format!("Deleted {id}"));
    if let Some(copy) = backup.destination.as_ref().filter(|_| !backup.has_own_copy()) {
        context.ui.detail(&format!("its copy at {} is not this host's, and stays there", copy.uri));
    }
    Ok(backup)
}

/// Refuses to remove the last backup that is known to restore, and the last good one at all.
fn guard(view: &[Listed], ids: &[BackupId]) -> Result<()> {
    let usable = |listed: &&Listed| {
        let backup = &listed.backup;
        backup.is_good() && backup.counts() && listed.damage().is_none() && listed.presence != Presence::Missing
    };
    let going = |listed: &&Listed| ids.contains(&listed.backup.id);
    let good: Vec<&Listed> = view.iter().filter(usable).collect();
    let restorable: Vec<&&Listed> = good.iter().filter(|listed| listed.backup.is_restorable()).collect();
    let word = if !restorable.is_empty() && restorable.iter().all(|listed| going(listed)) {
        "Restorable"
    } else if !good.is_empty() && good.iter().all(going) {
        "good"
    } else {
        return Ok(());
    };
    let service = &good[0].backup.service;
    Err(Failure::new(Kind::Refused, format!("that would delete the last {word} backup of {service}"))
        .remedy("make another first", format!("dokku backups:export {service}"))
        .hint("or say --force"))
}
