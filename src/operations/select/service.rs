//! From the word for a service to the service, if the caller may see it.

use crate::catalogue::{Detail, Folder, Root, View};
use crate::dokku::Dokku;
use crate::domain::ServiceWord;
use crate::domain::{Datastore, Service};
use crate::error::{Failure, Kind, Result};
use crate::operations::Context;
use crate::operations::access::{Role, absent};
use crate::schedules::Store;
use crate::sys::dir::Dir;

/// The service meant by `word`, on which the caller may do what the verb does. One that does not exist, was never backed
/// up, or may not be seen by the caller is "no such service", in the same words.
pub fn resolve(context: &Context, dokku: &Dokku, word: &ServiceWord) -> Result<Service> {
    resolve_as(context, dokku, word, Role::Named)
}

/// The same for the service that the verb reads from beside the one it works on.
pub fn resolve_other(context: &Context, dokku: &Dokku, word: &ServiceWord) -> Result<Service> {
    resolve_as(context, dokku, word, Role::Other)
}

fn resolve_as(context: &Context, dokku: &Dokku, word: &ServiceWord, role: Role) -> Result<Service> {
    let candidates = candidates(word);
    let seen = context.readable(dokku.visible(existing(context, &candidates)?)?);
    match seen.as_slice() {
        [only] => context.permit(dokku, only, role).map(|()| only.clone()),
        [] => {
            context.missed(&candidates[0], role);
            Err(absent(&candidates[0]))
        }
        _ => Err(several(word)),
    }
}

/// The service a grant is about; it need not exist yet.
pub fn service_of_grant(context: &Context, word: &ServiceWord) -> Result<Service> {
    let candidates = candidates(word);
    let existing = existing(context, &candidates)?;
    if existing.is_empty() {
        context.ui.warn(&format!("there is no service {} yet", word.name));
    }
    match (existing.as_slice(), candidates.as_slice()) {
        ([only], _) | ([], [only]) => Ok(only.clone()),
        _ => Err(several(word)),
    }
}

fn candidates(word: &ServiceWord) -> Vec<Service> {
    let named = |datastore| Service { datastore, name: word.name.clone() };
    match word.datastore {
        Some(datastore) => vec![named(datastore)],
        None => Datastore::ALL.iter().copied().map(named).collect(),
    }
}

fn existing(context: &Context, candidates: &[Service]) -> Result<Vec<Service>> {
    let mut known = Vec::new();
    for service in candidates {
        if exists(context, service)? {
            known.push(service.clone());
        }
    }
    Ok(known)
}

fn several(word: &ServiceWord) -> Failure {
    Failure::new(Kind::Usage, format!("several datastores have a service {}", word.name))
        .hint(format!("say which, as in postgres:{}", word.name))
}

/// Whether the datastore's plugin has the service.
pub fn is_live(context: &Context, service: &Service) -> bool {
    let live = context.settings.services_root.join(service.datastore.name());
    let live = Dir::open(&live).and_then(|dir| dir.entry(service.name.as_str()));
    live.is_ok_and(|entry| entry.is_some_and(|entry| entry.directory))
}

/// A service exists when its plugin has it, or when a catalogue or a schedule remembers it.
fn exists(context: &Context, service: &Service) -> Result<bool> {
    if is_live(context, service) {
        return Ok(true);
    }
    if let Some(store) = Store::look(&context.settings.config_root)?
        && store.knows(service)?
    {
        return Ok(true);
    }
    match Root::look(&context.settings.data_root, &context.settings.config_root)? {
        Some(root) => Ok(root.service(service)?.is_some()),
        None => Ok(false),
    }
}

/// Every service with a catalogue on which the caller may do what the verb does.
pub fn all_known(context: &Context, dokku: &Dokku) -> Result<Vec<Service>> {
    match Root::look(&context.settings.data_root, &context.settings.config_root)? {
        Some(root) => permitted(context, dokku, root.services()?),
        None => Ok(Vec::new()),
    }
}

fn is_forgotten(context: &Context, store: Option<&Store>, service: &Service) -> bool {
    let is_empty = |dir: &Folder| {
        View::of(dir, service, Detail::Summary)
            .is_ok_and(|view| view.backups.is_empty() && view.foreign.is_empty() && view.unreadable.is_empty())
    };
    let has_schedules = store.is_some_and(|store| store.schedules(service).map_or(true, |all| !all.is_empty()));
    let folder = folder_for_reading(context, service);
    !has_schedules && folder.is_ok_and(|dir| dir.as_ref().is_none_or(is_empty))
}

/// Every service on which the caller may do what the verb does: those of the datastore plugins, and those that only a
/// catalogue remembers.
pub fn every_service(context: &Context, dokku: &Dokku) -> Result<Vec<Service>> {
    let mut services = match Root::look(&context.settings.data_root, &context.settings.config_root)? {
        Some(root) => root.services()?,
        None => Vec::new(),
    };
    // Of one that was destroyed and forgotten only an empty folder is left.
    let store = Store::look(&context.settings.config_root)?;
    services.retain(|service| is_live(context, service) || !is_forgotten(context, store.as_ref(), service));
    for datastore in Datastore::ALL {
        let Ok(folder) = Dir::open(&context.settings.services_root.join(datastore.name())) else { continue };
        for name in folder.names()? {
            if folder.entry(&name)?.is_some_and(|entry| entry.directory)
                && let Ok(name) = name.parse()
            {
                services.push(Service { datastore: *datastore, name });
            }
        }
    }
    services.sort();
    services.dedup();
    permitted(context, dokku, services)
}

/// Of `services` those that Dokku lets the caller see and on which they may do what the verb does.
pub fn permitted(context: &Context, dokku: &Dokku, services: Vec<Service>) -> Result<Vec<Service>> {
    context.permitted(dokku, dokku.visible(services)?)
}

/// The folder of `service`, where it has one, for reading.
pub fn folder_for_reading(context: &Context, service: &Service) -> Result<Option<Folder>> {
    match Root::look(&context.settings.data_root, &context.settings.config_root)? {
        Some(root) => root.service(service),
        None => Ok(None),
    }
}
