//! `backups:logs`: what export, verify and restore said about one backup.

use clap::Args;

use std::time::Duration;

use super::args::Looked;
use crate::answers::LogLines;
use crate::catalogue::{Detail, InUse, Log, View, is_worked_on};
use crate::dokku::Dokku;
use crate::domain::ServiceWord;
use crate::error::{Failure, Kind, Result};
use crate::operations::Context;
use crate::operations::select::{choose, folder_for_reading, resolve};
use crate::sys::child::interrupted;
use crate::ui::Format;

/// `backups:logs`
#[derive(Debug, Args)]
pub struct LogsArgs {
    /// The service.
    pub service: ServiceWord,
    /// Which of its backups.
    #[command(flatten)]
    pub which: Looked,
    /// Follow until nobody works on the service any more.
    #[arg(long)]
    pub tail: bool,
    /// What to print.
    #[arg(long, value_enum, default_value_t, conflicts_with = "tail")]
    pub format: Format,
}

/// Prints the log; with `--tail` goes on until nobody works on the service any more.
pub fn run(context: &Context, args: &LogsArgs) -> Result<()> {
    let dokku = Dokku::find(&context.settings)?;
    let service = resolve(context, &dokku, &args.service)?;
    let none = || Failure::new(Kind::NotFound, format!("{service} has no backup"));
    let dir = folder_for_reading(context, &service)?.ok_or_else(none)?;
    let view = View::of(&dir, &service, Detail::Summary)?;
    let id = choose(context, view, &service, &args.which.which())?.backup.id;
    let mut printed = 0;
    loop {
        // Asked before reading: what is written until then is read below.
        let working = is_worked_on(&dir)? || InUse::is_held(&dir, &id)?;
        let text = match Log::read(&dir, &id) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(e) => return Err(e.into()),
        };
        if args.format == Format::Json {
            return Ok(context.ui.json(&LogLines { id: &id, working, lines: text.lines().collect() })?);
        }
        let end = text.rfind('\n').unwrap_or(0);
        if end > printed {
            context.ui.lines(text[printed..end].trim_start_matches('\n').split('\n'))?;
            printed = end;
        }
        if !(args.tail && working) {
            return Ok(());
        }
        context.settings.clock.sleep(Duration::from_millis(200)).map_err(interrupted)?;
    }
}
