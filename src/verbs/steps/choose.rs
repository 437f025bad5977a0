//! From `--latest` or `--id ID` to one backup.

use crate::catalogue::View;
use crate::domain::{Backup, BackupId, Listed, Presence, Service, newest, newest_good};
use crate::error::{Failure, Kind, Result};
use crate::verbs::Context;
use crate::verbs::words::Selector;

/// What the backup is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To be looked at: the newest of any status.
    Look,
    /// To be restored: the newest good one, never silently an older one because its file happens to be there.
    Restore,
}

/// The chosen backup of `service`.
pub fn choose(context: &Context, view: View, service: &Service, which: &Selector, purpose: Purpose) -> Result<Listed> {
    let now = context.settings.clock.now();
    let list = format!("list them with: dokku backups:list {service}");
    match &which.id {
        Some(id) => view
            .backups
            .into_iter()
            .find(|listed| &listed.backup.id == id)
            .ok_or_else(|| no_such(service, id).hint(list)),
        None => {
            let chosen = match purpose {
                Purpose::Look => newest(view.backups.iter().filter(|listed| listed.backup.deleted_at.is_none()), now),
                Purpose::Restore => newest_good(&view.backups, now),
            };
            chosen.cloned().ok_or_else(|| {
                Failure::new(
                    Kind::NotFound,
                    format!("{service} has no backup{}", if purpose == Purpose::Look { "" } else { " to restore" }),
                )
                .hint(format!("make one with: dokku backups:export {service}"))
            })
        }
    }
}

/// The failure for an id that `service` does not have.
pub fn no_such(service: &Service, id: &BackupId) -> Failure {
    Failure::new(Kind::NotFound, format!("{service} has no backup {id}"))
}

/// A backup that may be restored at all.
pub fn usable(chosen: &Listed) -> Result<&Backup> {
    let backup = &chosen.backup;
    let list = format!("choose another: dokku backups:list {}", backup.service);
    if let Some(at) = backup.deleted_at {
        let at = at.format("%Y-%m-%d %H:%M:%S UTC");
        return Err(Failure::new(Kind::NotFound, format!("{} was deleted at {at}", backup.id)).hint(list));
    }
    if !backup.is_good() || chosen.trust().is_none() {
        let why = backup.reason.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
        return Err(Failure::new(Kind::Refused, format!("{} is no finished backup{why}", backup.id)).hint(list));
    }
    if chosen.presence == Presence::Missing {
        return Err(Failure::new(Kind::NotFound, format!("the file of {} is missing", backup.id)).hint(list));
    }
    Ok(backup)
}
