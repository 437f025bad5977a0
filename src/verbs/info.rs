//! `backups:info`: everything about one backup.

use super::Context;
use super::args::InfoArgs;
use super::steps::{Purpose, choose, folder_for_reading, resolve};
use crate::catalogue::{Detail, View};
use crate::dokku::Dokku;
use crate::error::{Failure, Kind, Result};
use crate::ui::{self, BackupJson, Format};

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
