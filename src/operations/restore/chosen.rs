//! A backup that is to be poured into a live service: one way to it for import, fork and reset.

use crate::catalogue::LockedCatalogue;
use crate::domain::{Backup, Listed, Service, Trust};
use crate::engine::Dump;
use crate::error::{Failure, Kind, Result};
use crate::operations::Context;
use crate::operations::keys::Keys;
use crate::operations::offsite::fetch;
use crate::operations::proof::{mark_damage, prove};
use crate::operations::select::usable;

/// Proves `chosen`, a backup in the catalogue `from`, for `target`: it may be restored at all, is not known to fail, can be
/// opened, is here, and its bytes are those of its record. What is found wrong with it is written down.
pub fn prove_chosen(
    context: &Context,
    from: &LockedCatalogue,
    target: &Service,
    chosen: &Listed,
    keys: &Keys,
) -> Result<Dump> {
    let backup = usable(chosen)?;
    // Before anything that takes long: `cancel --id` finds this run by it.
    from.is_about(&backup.id);
    distrust(context, chosen)?;
    let identities = keys.of(context, backup)?;
    fetch(context, from, &backup.id, keys)?;
    context.ui.step(&format!("Checking {}", backup.id));
    let proven = prove(context.ui, from.dir(), backup, target, &identities, &keys.consent);
    mark_damage(context.settings.clock, from, backup, proven)
}

/// A backup that is known not to restore is poured only by force.
fn distrust(context: &Context, chosen: &Listed) -> Result<()> {
    let label = match chosen.trust() {
        Some(trust @ (Trust::VerificationFailed | Trust::Damaged)) if !context.settings.force => trust.label(),
        _ => return Ok(()),
    };
    let Backup { id, service, .. } = &*chosen.backup;
    Err(Failure::new(Kind::Refused, format!("{id}: {label}"))
        .remedy("choose another", format!("dokku backups:list {service}"))
        .hint("or say --force"))
}
