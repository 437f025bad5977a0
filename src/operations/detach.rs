//! The moment from which a command with `--detach` goes on by itself.

use crate::answers::{BackupJson, Begun};
use crate::catalogue::Log;
use crate::domain::{Listed, Service};
use crate::error::{Failure, Kind, Result};
use crate::operations::Context;
use crate::sys::dir::Dir;
use crate::sys::{detach, logfile};
use crate::ui::Format;

/// Everything that could be known to be wrong is known: in a detached run the caller gets the answer and may leave, and
/// what is said from now on goes to the backup's log. In any other run this is nothing.
pub fn detach_point(context: &Context, dir: &Dir, listed: &Listed) -> Result<()> {
    if !context.settings.detached || detach::is_detached() {
        return Ok(());
    }
    let (ui, backup) = (context.ui, &listed.backup);
    ui.step(&format!(
        "Going on by itself; to follow it: dokku backups:logs {} --id {} --tail",
        backup.service, backup.id
    ));
    match ui.format {
        Format::Stdout => ui.data(&backup.id.to_string())?,
        Format::Json => ui.json(&BackupJson::new(listed, dir.path()))?,
    }
    Ok(detach::release_caller(Log::file(dir, &backup.id))?)
}

/// Refuses a restore that goes on by itself and would have to ask first.
pub fn asks_nobody(context: &Context, detach: bool) -> Result<()> {
    if detach && !context.settings.force {
        return Err(Failure::new(Kind::Refused, "with --detach nobody can be asked whether to replace the data")
            .hint("say --force, or leave --detach away"));
    }
    Ok(())
}

/// The same for work that is about no single backup: what is said from now on goes to the scheduler's log.
pub fn detach_for(context: &Context, services: &[Service]) -> Result<()> {
    if !context.settings.detached || detach::is_detached() {
        return Ok(());
    }
    let (ui, log) = (context.ui, &context.settings.scheduler_log);
    let file = logfile::open(log).ok();
    ui.step(&format!("Going on by itself; what is done stands in {}", log.display()));
    let names: Vec<&str> = services.iter().map(|service| service.name.as_str()).collect();
    match ui.format {
        Format::Stdout => names.iter().try_for_each(|name| ui.data(name))?,
        Format::Json => ui.json(&Begun { services: names, log: log.display().to_string() })?,
    }
    Ok(detach::release_caller(file)?)
}
