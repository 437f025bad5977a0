//! The backup that would bring a service's data back if it went now.

use crate::domain::{Listed, Service, Trust, is_of_its_service, newest_good};
use crate::error::Result;
use crate::operations::Context;
use crate::operations::retention::destroyed_at;
use crate::properties::{REPLACED_AT, folder};

/// The newest good one of `backups`, newest first, that holds what `service` holds. The backups of a former service by
/// this name say nothing about this one's data, and one whose bytes are known to be damaged brings nothing back.
pub fn newest_restore_point(context: &Context, service: &Service, mut backups: Vec<Listed>) -> Result<Option<Listed>> {
    if let Some(until) = destroyed_at(context, service)? {
        backups.retain(|listed| listed.backup.started_at > until);
    }
    // Nor do those from before a restore that has put something else there.
    if let Some(replaced) = context.properties().time(&folder(service), REPLACED_AT)? {
        backups.retain(|listed| listed.backup.started_at > replaced);
    }
    backups.retain(|listed| listed.trust() != Some(Trust::Damaged));
    // A dump from elsewhere is the last resort of a restore, but no way back to what the service holds.
    Ok(newest_good(&backups, context.settings.clock.now()).filter(|newest| is_of_its_service(&newest.backup)).cloned())
}
