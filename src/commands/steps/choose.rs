//! From `--latest` or `--id ID` to one backup.

use crate::catalogue::View;
use crate::cli::Selector;
use crate::domain::{BackupId, Listed, Service};
use crate::error::{Failure, Kind, Result};

/// What the backup is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To be looked at: the newest of any status.
    Look,
    /// To be restored: the newest good one, never silently an older one whose file happens to be there.
    Restore,
}

/// The chosen backup of `service`.
pub fn choose(view: View, service: &Service, which: &Selector, purpose: Purpose) -> Result<Listed> {
    let list = format!("list them with: dokku backups:list {service}");
    match &which.id {
        Some(id) => view
            .backups
            .into_iter()
            .find(|listed| &listed.backup.id == id)
            .ok_or_else(|| no_such(service, id).hint(list)),
        None => {
            let fits = |listed: &Listed| match purpose {
                Purpose::Look => listed.backup.deleted_at.is_none(),
                Purpose::Restore => listed.trust().is_some() && listed.backup.is_good(),
            };
            view.backups.into_iter().find(fits).ok_or_else(|| {
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
