//! What the next backup of a service leans on.

use super::options::{DumpOptions, Segments};
use crate::catalogue::{Detail, LockedCatalogue};
use crate::codec::Identities;
use crate::domain::{Backup, Listed, Storage, base_for};
use crate::error::{Failure, Kind, Result};
use crate::operations::Context;
use crate::operations::keys::configured;
use crate::operations::proof::{check_bytes, mark_damage};
use crate::properties::STORAGE;

/// How the next dump of the catalogue's service is stored in segments; none where each is to stand by itself. What it would
/// lean on is hashed first: where any of that is not what it was, its record says so from now on, and the next is a whole.
pub fn segments(context: &Context, catalogue: &LockedCatalogue, stored: &DumpOptions) -> Result<Option<Segments>> {
    let set = context.properties().computed(catalogue.service(), &STORAGE)?;
    let storage: Storage =
        set.parse().map_err(|why| Failure::new(Kind::Config, format!("storage cannot be {set:?}: {why}")))?;
    if storage == Storage::Whole {
        return Ok(None);
    }
    let recipients = stored.recipients.words();
    let identities = match recipients.as_slice() {
        [] => Some(Identities::none()),
        whom => match configured(context, catalogue.service()) {
            Ok(Some((identities, _))) if identities.open(whom) => Some(identities),
            _ => None,
        },
    };
    let whole = |identities, about, note| Segments { base: None, position: 0, about, identities, note };
    if identities.is_none() {
        let note = "stored whole: differences need an identity-file that opens what they are differences from";
        return Ok(Some(whole(None, None, Some(note.to_owned()))));
    }
    let view = catalogue.view(Detail::Summary)?.backups;
    let size = |is_whole: bool| {
        let fits = |listed: &&Listed| {
            listed.backup.is_good() && listed.backup.archive.is_some() && listed.backup.base().is_none() == is_whole
        };
        view.iter().find(fits).and_then(|listed| listed.backup.size)
    };
    let Some((base, position)) = base_for(&view, &recipients, context.settings.clock.now()) else {
        return Ok(Some(whole(identities, size(true), None)));
    };
    match still_good(context, catalogue, &view, base)? {
        None => {
            let base = catalogue.record(&base.backup.id)?;
            Ok(Some(Segments { base: Some(base), position, about: size(false), identities, note: None }))
        }
        Some(why) => Ok(Some(whole(identities, size(true), Some(format!("stored whole: {why}"))))),
    }
}

/// Why nothing can lean on `base` any more, if that is so: its bytes, or those it leans on itself, are not what they were.
fn still_good(
    context: &Context,
    catalogue: &LockedCatalogue,
    view: &[Listed],
    base: &Listed,
) -> Result<Option<String>> {
    let mut next = Some(&*base.backup);
    while let Some(backup) = next {
        let checked = check_bytes(context.ui, catalogue.dir(), backup);
        match mark_damage(context.settings.clock, catalogue, backup, checked) {
            Err(failure) if matches!(failure.kind, Kind::Damaged | Kind::NotFound) => {
                return Ok(Some(failure.reason()));
            }
            checked => checked?,
        }
        next = base_of(view, backup);
    }
    Ok(None)
}

fn base_of<'a>(view: &'a [Listed], backup: &Backup) -> Option<&'a Backup> {
    let base = backup.base()?;
    view.iter().find(|listed| &listed.backup.id == base).map(|listed| &*listed.backup)
}
