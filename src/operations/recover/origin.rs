//! What came into a service from another one's backup is in none of its own: only one that is made from then on holds it.

use chrono::{DateTime, Utc};

use crate::domain::{BackupId, Service};
use crate::operations::Context;
use crate::properties::{REPLACED_AT, folder};

/// Notes that the restore which began `at` has put the backup `id` into `target`, if it is another service's. Doing it twice
/// changes nothing. It belongs before the end of the journal: whoever is killed in between leaves it to the next command.
pub fn note_origin(context: &Context, id: &BackupId, target: &Service, at: DateTime<Utc>) {
    if id.service() == &target.name {
        return;
    }
    if let Err(failure) = context.properties().set(&folder(target), REPLACED_AT, Some(&at.to_rfc3339())) {
        context.ui.warn(&format!("the gate may take older backups of {target} for a way back: {}", failure.reason()));
    }
}
