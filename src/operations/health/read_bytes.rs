//! `check --read`: every dump of a service read again and held against its hash, and its copies against what the store
//! has.

use crate::catalogue::{Detail, InUse, View};
use crate::domain::{Code, CopyState, Finding, Level, Listed, Presence, Service, count_of};
use crate::error::{Kind, Remedy, Result};
use crate::operations::Context;
use crate::operations::offsite::{Eagerness, catch_up, watch};
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
        let Ok(_in_use) = InUse::take(&dir, &backup.id, READ, context.settings.clock) else { continue };
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

/// Holds the copies of `service` against what its store has, and copies again what is gone there while it is here. What
/// was lost and is there again is told all the same: what took it will take it again.
pub fn look_at_copies(context: &Context, service: &Service) -> Result<Option<Finding>> {
    let Some(dir) = folder_for_reading(context, service)? else { return Ok(None) };
    if !View::of(&dir, service, Detail::Summary)?.backups.iter().any(|l| l.backup.destination.is_some()) {
        return Ok(None);
    }
    let looked = lock_and_recover(context, service, 0, "check").and_then(|catalogue| {
        let watched = watch(context, &catalogue, true)?;
        let done = if watched.lost.is_empty() { None } else { Some(catch_up(context, &catalogue, Eagerness::Due)?) };
        Ok((watched, done.unwrap_or_default()))
    });
    let (watched, done) = match looked {
        Ok(looked) => looked,
        Err(failure) if matches!(failure.kind, Kind::Interrupted(_)) => return Err(failure),
        Err(failure) => {
            context.ui.warn(&format!("the copies of {service} were not looked at: {}", failure.reason()));
            return Ok(None);
        }
    };
    done.failures.iter().for_each(|failure| context.ui.warn(&failure.reason()));
    let again: Vec<_> = watched.lost.iter().filter(|(id, _)| done.uploaded.contains(&id.to_string())).collect();
    Ok(again.first().map(|(id, state)| {
        let was = if *state == CopyState::Missing { "gone" } else { "changed" };
        let copies = count_of(again.len(), "copy", "copies");
        let text = format!("at the destination {copies} lost, such as that of {id} ({was}); copied again");
        let remedy =
            Remedy::note("see what removes or replaces objects there: lifecycle rules of the bucket, who has its keys");
        Finding::new(Level::Warning, Code::CopyLost, text, remedy)
    }))
}
