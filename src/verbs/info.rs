//! `backups:info`: everything about one backup.

use clap::Args;

use super::Context;
use super::steps::{Purpose, choose, folder_for_reading, resolve};
use super::words::{Selector, ServiceArg};
use crate::catalogue::{Detail, View};
use crate::dokku::Dokku;
use crate::error::{Failure, Kind, Result};
use crate::ui::{self, BackupJson, Format};

/// `backups:info`
#[derive(Debug, Args)]
pub struct InfoArgs {
    /// The service.
    pub service: ServiceArg,
    /// Which of its backups.
    #[command(flatten)]
    pub which: Selector,
    /// What to print.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Shows one backup.
pub fn run(context: &Context, args: &InfoArgs) -> Result<()> {
    let dokku = Dokku::find(&context.settings)?;
    let service = resolve(context, &dokku, &args.service)?;
    let dir = folder_for_reading(context, &service)?.ok_or_else(|| {
        Failure::new(Kind::NotFound, format!("{service} has no backup"))
            .hint(format!("make one with: dokku backups:export {service}"))
    })?;
    let view = View::of(&dir, &service, Detail::Whole)?;
    let listed = choose(view, &service, &args.which, Purpose::Look)?;
    match args.format {
        Format::Json => context.ui.json(&BackupJson::new(&listed, dir.path()))?,
        Format::Stdout => context.ui.data(&ui::info(&listed, dir.path()))?,
    }
    Ok(())
}
