//! `check --read`: every dump of a service read again and held against its hash.

use crate::catalogue::{Detail, InUse, View};
use crate::domain::{Listed, Presence, Service};
use crate::error::{Kind, Result};
use crate::operations::Context;
use crate::operations::proof::{check_bytes, mark_damage};
use crate::operations::recover::lock_and_recover;
use crate::operations::select::folder_for_reading;

/// What is told to whoever wants the dump meanwhile.
const READ: &str = "check";

/// Reads the dumps of `service`, newest first. Those found damaged are marked in their records; whatever else goes wrong is told, and the next one is read.
pub fn read_bytes(context: &Context, service: &Service) -> Result<()> {
    let Some(dir) = folder_for_reading(context, service)? else { return Ok(()) };
    let view = View::of(&dir, service, Detail::Summary)?;
    let here = |listed: &&Listed| matches!(listed.presence, Presence::Here | Presence::Both);
    for listed in view.backups.iter().filter(|listed| listed.backup.is_good()).filter(here) {
        let backup = &listed.backup;
        let Ok(_in_use) = InUse::take(&dir, &backup.id, READ) else { continue };
        context.ui.step(&format!("Reading {}", backup.id));
        match check_bytes(context.ui, &dir, backup) {
            Ok(_) => {}
            Err(failure) if failure.kind == Kind::Damaged => {
                context.ui.warn(&failure.reason());
                let catalogue = lock_and_recover(context, service, 0, "check")?;
                let _ = mark_damage::<()>(context.settings.clock, &catalogue, backup, Err(failure));
            }
            Err(failure) if matches!(failure.kind, Kind::Interrupted(_)) => return Err(failure),
            Err(failure) => context.ui.warn(&failure.reason()),
        }
    }
    Ok(())
}
