//! The moment from which a command with `--detach` goes on by itself.

use crate::answers::BackupJson;
use crate::catalogue::Log;
use crate::domain::Listed;
use crate::error::Result;
use crate::operations::Context;
use crate::sys::detach;
use crate::sys::dir::Dir;
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
