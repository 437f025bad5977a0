//! `backups:import`: restore a backup into a live service.

use clap::Args;

use super::Context;
use super::steps::{
    Filling, Keys, Purpose, begin_restore, begun, choose, fetch, folder_for_reading, in_place, mark_damage, note, open,
    prove, redeploy, replace, resolve, resolve_other, safety_backup, show_plan, usable,
};
use super::words::{IdentityArg, Selector, ServiceArg};
use crate::catalogue::Detail;
use crate::dokku::{Dokku, not_running};
use crate::domain::{Listed, Trust};
use crate::error::{Failure, Kind, Result};
use crate::ui::{BackupJson, Format, confirm};

/// `backups:import`
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// The service to restore into.
    pub service: ServiceArg,
    /// Which backup.
    #[command(flatten)]
    pub which: Selector,
    /// Take the backup from this service instead.
    #[arg(long, value_name = "SERVICE")]
    pub from_service: Option<ServiceArg>,
    /// Take no safety backup of what is there now.
    #[arg(long)]
    pub no_backup: bool,
    /// Use the stock import, straight into the live database: merges rather than replaces.
    #[arg(long)]
    pub in_place: bool,
    /// Then redeploy the recorded commit of every linked app.
    #[arg(long)]
    pub with_code: bool,
    /// What opens it.
    #[command(flatten)]
    pub identity: IdentityArg,
    /// Return as soon as nothing stands in its way any more; needs --force, since nobody can be asked.
    #[arg(long)]
    pub detach: bool,
    /// Wait this long when the service is busy.
    #[arg(long, value_name = "SECONDS", default_value_t = 0, hide_default_value = true)]
    pub wait: u32,
    /// What to print.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Locks, chooses, proves, plans, asks, saves what is there, and replaces it.
pub fn run(context: &Context, args: &ImportArgs) -> Result<()> {
    if args.detach && !context.settings.force {
        return Err(Failure::new(Kind::Refused, "with --detach nobody can be asked whether to replace the data")
            .hint("say --force, or leave --detach away"));
    }
    let dokku = Dokku::find(&context.settings)?;
    let target = resolve(context, &dokku, &args.service)?;
    let source = match &args.from_service {
        Some(word) => resolve_other(context, &dokku, word)?,
        None => target.clone(),
    };
    if folder_for_reading(context, &source)?.is_none() {
        return Err(Failure::new(Kind::NotFound, format!("{source} has no backup to restore"))
            .hint(format!("make one with: dokku backups:export {source}")));
    }
    let into = open(context, &target, args.wait, "import")?;
    let other = if source == target { None } else { Some(open(context, &source, args.wait, "import")?) };
    let from = other.as_ref().unwrap_or(&into);
    let chosen = choose(from.view(Detail::Whole)?, &source, &args.which, Purpose::Restore)?;
    let backup = usable(&chosen)?;
    let keys = Keys::given(&args.identity)?;
    let identities = keys.of(context, backup)?;
    [Some(&into), other.as_ref()].into_iter().flatten().for_each(|catalogue| catalogue.is_about(&backup.id));
    distrust(context, &chosen)?;
    let info = dokku.info(&target)?;
    if let Some(failure) = not_running(&target, &info.state) {
        return Err(failure);
    }
    fetch(context, from, &backup.id, &keys)?;
    context.ui.step(&format!("Checking {}", backup.id));
    let proven = prove(context.ui, from.dir(), backup, &identities);
    let proven = mark_damage(context.settings.clock, from, backup, proven)?;
    show_plan(context, &dokku, &chosen, &target, &info, &before(args));
    if !context.settings.force {
        confirm(context.ui, target.name.as_str())?;
    }
    let restore = begin_restore(context, &into, None);
    let done = note(context, from, &into, &backup.id, restore, |restore| {
        begun(context, from.dir(), &Listed::finished(from.record(&backup.id)?, true, true))?;
        if !args.no_backup {
            restore.safety_backup = Some(safety_backup(context, &dokku, &into)?);
        }
        if args.in_place {
            in_place(context, &dokku, &into, proven, &backup.id, restore)
        } else {
            replace(context, &into, &info, Filling::Dump(proven), Some(&backup.id), restore)
        }
    })?;
    context.ui.step(&format!("Restored {} into {target}", backup.id));
    let code = if args.with_code { redeploy(context, &dokku, &done, &info) } else { Ok(()) };
    if args.format == Format::Json {
        context.ui.json(&BackupJson::new(&Listed::finished(done, true, true), from.dir().path()))?;
    }
    code
}

/// A backup that is known not to restore is poured only by force.
fn distrust(context: &Context, chosen: &Listed) -> Result<()> {
    let label = match chosen.trust() {
        Some(trust @ (Trust::VerificationFailed | Trust::Damaged)) if !context.settings.force => trust.label(),
        _ => return Ok(()),
    };
    Err(Failure::new(Kind::Refused, format!("{}: {label}", chosen.backup.id))
        .hint(format!("choose another: dokku backups:list {}", chosen.backup.service))
        .hint("or say --force"))
}

fn before(args: &ImportArgs) -> Vec<&'static str> {
    vec![
        if args.no_backup { "no safety backup is taken (--no-backup)" } else { "a safety backup is taken" },
        if args.in_place {
            "the stock import overwrites the live database: what is not in the backup stays, an interruption loses data"
        } else {
            "everything is replaced; clients are ended at the exchange and may come back at once"
        },
    ]
}
