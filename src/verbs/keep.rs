//! `backups:keep`: exempt a backup from retention, or release it again.

use clap::Args;

use crate::answers::BackupJson;
use crate::catalogue::{Detail, Log};
use crate::dokku::Dokku;
use crate::domain::{BackupId, Listed, ServiceWord, Which};
use crate::error::{Failure, Kind, Result};
use crate::operations::Context;
use crate::operations::recover::lock_and_recover;
use crate::operations::select::{choose, folder_for_reading, resolve};
use crate::ui::Format;

/// `backups:keep`
#[derive(Debug, Args)]
pub struct KeepArgs {
    /// The service.
    pub service: ServiceWord,
    /// The backup.
    #[arg(long, value_name = "ID")]
    pub id: BackupId,
    /// Let retention take it again.
    #[arg(long)]
    pub release: bool,
    /// Wait this long when the service is busy.
    #[arg(long, value_name = "SECONDS", default_value_t = 0, hide_default_value = true)]
    pub wait: u32,
    /// What to print.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Writes it into the record; doing it twice is no error.
pub fn run(context: &Context, args: &KeepArgs) -> Result<()> {
    let dokku = Dokku::find(&context.settings)?;
    let service = resolve(context, &dokku, &args.service)?;
    if folder_for_reading(context, &service)?.is_none() {
        return Err(crate::operations::select::no_such(&service, &args.id));
    }
    let catalogue = lock_and_recover(context, &service, args.wait, "keep")?;
    let which = Which::Id(args.id.clone());
    let chosen = choose(context, catalogue.view(Detail::Summary)?, &service, &which)?;
    let mut record = catalogue.record(&args.id)?;
    if let Some(at) = record.deleted_at {
        let text = format!("{} was deleted at {}", args.id, at.format("%Y-%m-%d %H:%M:%S UTC"));
        return Err(
            Failure::new(Kind::NotFound, text).remedy("list them with", format!("dokku backups:list {service}"))
        );
    }
    if record.keep == args.release {
        record.keep = !args.release;
        catalogue.save(&record)?;
        catalogue.reindex()?;
        let actor = &context.settings.caller.actor;
        let said = if args.release { "released to retention" } else { "kept for ever" };
        Log::open(catalogue.dir(), &args.id, context.settings.clock).say(&format!("{said}, asked for by {actor}"));
    }
    match args.release {
        false => context.ui.step(&format!("Keeping {} for ever", args.id)),
        true => context.ui.step(&format!("Releasing {} to retention", args.id)),
    }
    if args.format == Format::Json {
        let listed = Listed { backup: Box::new(record), complete: true, ..chosen };
        context.ui.json(&BackupJson::new(&listed, catalogue.dir().path()))?;
    }
    Ok(())
}
