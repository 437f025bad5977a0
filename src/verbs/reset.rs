//! `backups:reset`: back to the state of a new service, with the same connection details.

use clap::Args;

use super::args::{ConsentArg, IdentityArg};
use crate::answers::BackupJson;
use crate::catalogue::{Detail, Journal, LockedCatalogue};
use crate::dokku::{Dokku, not_running};
use crate::domain::{BackupId, Listed, Restore, Service, ServiceWord, Which};
use crate::error::{Failure, Kind, Result};
use crate::operations::Context;
use crate::operations::backup::safety_backup;
use crate::operations::detach::{asks_nobody, detach_point};
use crate::operations::keys::Keys;
use crate::operations::locked_pair::LockedPair;
use crate::operations::restore::{accept, history_entry, prove_chosen, replace, show_outlook, with_history};
use crate::operations::select::{choose, resolve, resolve_other, usable};
use crate::properties::{ORIGIN, folder};
use crate::ui::{Format, confirm};

/// `backups:reset`
#[derive(Debug, Args)]
pub struct ResetArgs {
    /// The service.
    pub service: ServiceWord,
    /// What opens the backup it was forked from.
    #[command(flatten)]
    pub identity: IdentityArg,
    /// What it may do.
    #[command(flatten)]
    pub consent: ConsentArg,
    /// Return as soon as nothing stands in its way any more; needs --force, since nobody can be asked.
    #[arg(long)]
    pub detach: bool,
    /// Wait this long when the service is busy.
    #[arg(long, value_name = "SECONDS", default_value_t = 0, hide_default_value = true)]
    pub wait: u32,
    /// What to print: the backup of what was there before.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Empties a service; one that was forked goes back to the backup it was made from.
pub fn run(context: &Context, args: &ResetArgs) -> Result<()> {
    asks_nobody(context, args.detach)?;
    args.identity.leaves_stdin(context.settings.force)?;
    let dokku = Dokku::find(&context.settings)?;
    let target = resolve(context, &dokku, &args.service)?;
    if let Some(id) = origin(context, &target)?
        && id.service() != &target.name
    {
        let word = ServiceWord { datastore: Some(target.datastore), name: id.service().clone() };
        let gone = format!("{id}, from which this service was forked, is needed for its reset");
        resolve_other(context, &dokku, &word).map_err(|failure| failure.hint(gone))?;
    }
    let source = |id: &BackupId| Service { name: id.service().clone(), ..target.clone() };
    let seen = origin(context, &target)?;
    let locked = LockedPair::lock(context, &target, &seen.as_ref().map_or(target.clone(), source), args.wait, "reset")?;
    let origin = origin(context, &target)?;
    if origin != seen {
        return Err(Failure::new(Kind::Busy, format!("{target} was forked anew meanwhile")).hint("begin again"));
    }
    let (from, into) = (locked.source(), locked.target());
    let chosen = origin.map(|id| origin_backup(context, from, id)).transpose()?;
    let info = dokku.info(&target)?;
    if let Some(failure) = not_running(&target, &info.state) {
        return Err(failure);
    }
    let keys = Keys::given(args.identity.path())?.allowing(args.consent.consent());
    let proven = chosen.as_ref().map(|chosen| {
        into.is_about(&chosen.backup.id);
        prove_chosen(context, from, &target, chosen, &keys)
    });
    let filling = accept(context, &target, &info, proven.transpose()?)?;
    let backup = chosen.map(|chosen| chosen.backup);
    let what = backup.as_ref().map_or_else(|| "an empty database".to_owned(), |backup| backup.id.to_string());
    context.ui.step(&format!("Plan: replace everything in {target} by {what}"));
    context
        .ui
        .detail("a safety backup is taken; at the exchange open connections are closed, and new ones work at once");
    show_outlook(context, filling.outlook());
    if !context.settings.force {
        confirm(context.ui, target.name.as_str())?;
    }
    let mut restore = history_entry(context, into, None);
    let mut safety = None;
    let run = |restore: &mut Restore, id: Option<&BackupId>| {
        restore.safety_backup = safety_backup(context, &dokku, into, &info)?;
        safety.clone_from(&restore.safety_backup);
        // That is what whoever waits is told of: where there was nothing to save there is little to wait for.
        if let Some(safety) = &safety {
            detach_point(context, into.dir(), &Listed::finished(into.record(safety)?, true, true))?;
        }
        replace(context, into, &info, filling, id, restore)
    };
    match &backup {
        Some(backup) => {
            with_history(context, from, into, &backup.id, restore, |restore| run(restore, Some(&backup.id)))?;
        }
        None => {
            run(&mut restore, None)?;
            Journal::close(into.dir())?;
        }
    }
    context.ui.step(&format!("Reset {target} to {what}"));
    let Some(safety) = safety else { return Ok(()) };
    context.ui.way_back(&safety, &format!("dokku backups:import {target} --id {safety}"));
    match args.format {
        Format::Stdout => context.ui.data(&safety.to_string())?,
        Format::Json => {
            let listed = Listed::finished(into.record(&safety)?, true, true);
            context.ui.json(&BackupJson::new(&listed, into.dir().path()))?;
        }
    }
    Ok(())
}

fn origin(context: &Context, target: &Service) -> Result<Option<BackupId>> {
    let recorded = context.properties().get(&folder(target), ORIGIN)?;
    recorded
        .map(|text| {
            text.parse()
                .map_err(|e| Failure::new(Kind::Config, format!("the origin of {target} is not understood")).because(e))
        })
        .transpose()
}

fn origin_backup(context: &Context, from: &LockedCatalogue, id: BackupId) -> Result<Listed> {
    let source = from.service().clone();
    let gone = format!("{id}, from which this service was forked, is needed for its reset");
    let which = Which::Id(id);
    let chosen =
        choose(context, from.view(Detail::Whole)?, &source, &which).map_err(|failure| failure.hint(gone.clone()))?;
    usable(&chosen).map_err(|failure| failure.hint(gone))?;
    Ok(chosen)
}
