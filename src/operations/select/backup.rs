//! From `--latest` or `--id ID` to one backup.

use crate::catalogue::View;
use crate::domain::Which;
use crate::domain::{Backup, BackupId, CopyState, Listed, Presence, Service, newest, newest_good};
use crate::error::{Failure, Kind, Remedy, Result};
use crate::operations::Context;

/// The chosen backup of `service`.
pub fn choose(context: &Context, view: View, service: &Service, which: &Which) -> Result<Listed> {
    let now = context.settings.clock.now();
    let list = Remedy::noted("list them with", format!("dokku backups:list {service}"));
    let shown = |listed: &&Listed| listed.backup.deleted_at.is_none() && listed.backup.counts();
    let chosen = match which {
        Which::Id(id) => {
            let is_it = |listed: &Listed| &listed.backup.id == id;
            return view.backups.into_iter().find(is_it).ok_or_else(|| no_such(service, id).hint(list));
        }
        Which::Latest => newest_good(&view.backups, now),
        Which::Last => newest(view.backups.iter().filter(shown), now),
    };
    let is_there = view.backups.iter().any(|listed| shown(&listed));
    chosen.cloned().ok_or_else(|| {
        let good = if is_there { "good " } else { "" };
        let none = Failure::new(Kind::NotFound, format!("{service} has no {good}backup"));
        match view.backups.iter().find(|listed| listed.backup.is_good() && !listed.backup.counts()) {
            Some(stranger) => only_strangers(service, stranger, none),
            None => none.remedy("make one with", format!("dokku backups:export {service}")),
        }
    })
}

/// What this host did not make is never meant by `--latest`; here is what can be said instead.
fn only_strangers(service: &Service, stranger: &Listed, none: Failure) -> Failure {
    let id = &stranger.backup.id;
    let why = stranger.backup.foreign.as_ref().map(|why| format!(": {}", why.words())).unwrap_or_default();
    none.hint(format!("{id} was made elsewhere{why}"))
        .hint(format!("say that it is meant: --id {id}"))
        .remedy("when all of them are this host's by right", format!("dokku backups:sync {service} --take-over"))
}

/// The failure for an id that `service` does not have.
pub fn no_such(service: &Service, id: &BackupId) -> Failure {
    Failure::new(Kind::NotFound, format!("{service} has no backup {id}"))
}

/// A backup that may be restored at all.
pub fn usable(chosen: &Listed) -> Result<&Backup> {
    let backup = &chosen.backup;
    let list = Remedy::noted("choose another", format!("dokku backups:list {}", backup.service));
    if let Some(at) = backup.deleted_at {
        let at = at.format("%Y-%m-%d %H:%M:%S UTC");
        return Err(Failure::new(Kind::NotFound, format!("{} was deleted at {at}", backup.id)).hint(list));
    }
    if !backup.is_good() || chosen.trust().is_none() {
        let why = backup.reason.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
        return Err(Failure::new(Kind::Refused, format!("{} is no finished backup{why}", backup.id)).hint(list));
    }
    if chosen.presence == Presence::Missing {
        let copy = backup.destination.as_ref().filter(|copy| copy.state == CopyState::Missing);
        let too = copy.map_or_else(String::new, |copy| format!(", and its copy is not at {} any more", copy.uri));
        return Err(Failure::new(Kind::NotFound, format!("the file of {} is missing{too}", backup.id)).hint(list));
    }
    Ok(backup)
}
