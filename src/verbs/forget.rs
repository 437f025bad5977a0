//! `backups:forget`: what is left of a destroyed service once its backups are deleted.

use clap::Args;

use crate::answers::Forgotten;
use crate::catalogue::Detail;
use crate::dokku::Dokku;
use crate::domain::{BackupId, CopyState, Service, ServiceWord, choose, count};
use crate::error::{Failure, Kind, Result};
use crate::operations::Context;
use crate::operations::recover::lock_and_recover;
use crate::operations::schedule::renew_crontab;
use crate::operations::select::{folder_for_reading, is_live, resolve};
use crate::properties::{ALL, DESTROYED_AT, ORIGIN, REPLACED_AT, folder};
use crate::schedules::Store;
use crate::ui::{Format, confirm};

/// `backups:forget`
#[derive(Debug, Args)]
pub struct ForgetArgs {
    /// The service, which is destroyed.
    pub service: ServiceWord,
    /// Wait this long when the service is busy.
    #[arg(long, value_name = "SECONDS", default_value_t = 0, hide_default_value = true)]
    pub wait: u32,
    /// What to print.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Removes records, logs, schedules and settings. A backup that is kept is no leftover: it has to be deleted first, by the
/// rules of that.
pub fn run(context: &Context, args: &ForgetArgs) -> Result<()> {
    let dokku = Dokku::find(&context.settings)?;
    let service = resolve(context, &dokku, &args.service)?;
    if is_live(context, &service) {
        return Err(Failure::new(Kind::Refused, format!("{service} is there; only a destroyed service is forgotten")));
    }
    if context.settings.stdin_terminal && !context.settings.force {
        confirm(context.ui, service.name.as_str())?;
    }
    let records = match folder_for_reading(context, &service)? {
        Some(_) => forget_records(context, args, &service)?,
        None => 0,
    };
    let clock = context.settings.clock;
    if let Some(store) = Store::look(&context.settings.config_root)?
        && store.knows(&service)?
    {
        store.edit(&service, clock, |schedules| {
            schedules.clear();
            Ok(())
        })?;
        store.note(&service, clock, |state| state.runs.clear())?;
        renew_crontab(context)?;
    }
    let (properties, scope) = (context.properties(), folder(&service));
    for key in ALL.iter().map(|property| property.key).chain([ORIGIN, REPLACED_AT, DESTROYED_AT]) {
        properties.set(&scope, key, None)?;
    }
    context.ui.step(&format!("Forgot {service}: {}, its schedules and its settings", count(records, "record")));
    if args.format == Format::Json {
        context.ui.json(&Forgotten { service: service.name.as_str(), records })?;
    }
    Ok(())
}

fn forget_records(context: &Context, args: &ForgetArgs, service: &Service) -> Result<usize> {
    let catalogue = lock_and_recover(context, service, args.wait, "forget")?;
    let backups = catalogue.view(Detail::Summary)?.backups;
    let kept: Vec<&BackupId> =
        backups.iter().filter(|listed| listed.backup.is_good()).map(|listed| &listed.backup.id).collect();
    if let Some(first) = kept.first() {
        let (backups, are) = (count(kept.len(), "backup"), choose(kept.len(), "is", "are"));
        let text = format!("{backups} of {service} {are} kept: nothing was forgotten");
        return Err(Failure::new(Kind::Refused, text)
            .remedy("see them", format!("dokku backups:list {service}"))
            .remedy("delete what nobody needs", format!("dokku backups:delete {service} --id {first}")));
    }
    let is_elsewhere = |state: CopyState| !matches!(state, CopyState::Deleted | CopyState::Missing);
    let copies = backups.iter().filter(|listed| {
        let backup = &listed.backup;
        backup.deleted_at.is_some() && backup.destination.as_ref().is_some_and(|copy| is_elsewhere(copy.state))
    });
    let copies = copies.count();
    if copies > 0 && !context.settings.force {
        let text =
            format!("{} of {service} may still be at the destination: nothing was forgotten", count(copies, "copy"));
        return Err(Failure::new(Kind::Refused, text)
            .remedy("have them removed", format!("dokku backups:sync {service}"))
            .hint("or leave them there: --force"));
    }
    let ids: Vec<BackupId> = catalogue.ids()?.into_iter().collect();
    catalogue.forget(&ids)?;
    catalogue.reindex()?;
    Ok(ids.len())
}
