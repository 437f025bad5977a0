//! From the word for a service to the service, if the caller may see it.

use crate::catalogue::Root;
use crate::dokku::{Dokku, State, not_running};
use crate::domain::{Datastore, Service};
use crate::error::{Failure, Kind, Result};
use crate::schedules::Store;
use crate::sys::dir::Dir;
use crate::verbs::Context;
use crate::verbs::words::ServiceArg;

/// The service meant by `word`. One that does not exist, was never backed up, or may not be seen by the caller is "no
/// such service", in the same words.
pub fn resolve(context: &Context, dokku: &Dokku, word: &ServiceArg) -> Result<Service> {
    let named = |datastore| Service { datastore, name: word.name.clone() };
    let candidates: Vec<Service> = match word.datastore {
        Some(datastore) => vec![named(datastore)],
        None => Datastore::ALL.iter().copied().map(named).collect(),
    };
    let mut known = Vec::new();
    for service in &candidates {
        if exists(context, service)? {
            known.push(service.clone());
        }
    }
    let mut seen = dokku.visible(known)?;
    match (seen.pop(), seen.is_empty()) {
        (Some(only), true) => Ok(only),
        (Some(_), false) => Err(Failure::new(Kind::Usage, format!("several datastores have a service {}", word.name))
            .hint(format!("say which, as in postgres:{}", word.name))),
        (None, _) => Err(not_running(&candidates[0], &State::Absent)
            .unwrap_or_else(|| Failure::new(Kind::NotFound, format!("service {} does not exist", word.name)))),
    }
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
    match Root::look(&context.settings.data_root)? {
        Some(root) => Ok(root.service(service)?.is_some()),
        None => Ok(false),
    }
}

/// Every service with a catalogue that the caller may see.
pub fn all_known(context: &Context, dokku: &Dokku) -> Result<Vec<Service>> {
    match Root::look(&context.settings.data_root)? {
        Some(root) => dokku.visible(root.services()?),
        None => Ok(Vec::new()),
    }
}

/// Every service the caller may see: those of the datastore plugins, and those that only a catalogue remembers.
pub fn every_service(context: &Context, dokku: &Dokku) -> Result<Vec<Service>> {
    let mut services = match Root::look(&context.settings.data_root)? {
        Some(root) => root.services()?,
        None => Vec::new(),
    };
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
    dokku.visible(services)
}

/// The folder of `service`, where it has one, for reading.
pub fn folder_for_reading(context: &Context, service: &Service) -> Result<Option<Dir>> {
    match Root::look(&context.settings.data_root)? {
        Some(root) => root.service(service),
        None => Ok(None),
    }
}
