//! Other hosts that copy into the same place. Each marks the records that it writes, so none takes another's backups for its
//! own; but whoever shares a place by mistake should hear of it.

use std::collections::BTreeMap;

use crate::catalogue::{Seals, Sidecar, sidecar_name};
use crate::domain::{BackupId, Code, Finding, Level, Listed, Service, Stranger, count, id_of_file, owner_of};
use crate::error::Result;
use crate::operations::Context;
use crate::store::Store;

/// Records that are read, the newest of a service each: enough to tell that somebody else is there.
const MOST: usize = 20;
/// Largest record read.
const LARGEST: u64 = 1 << 20;

/// The other hosts that have backups at `store`, and the newest backup seen of each.
pub fn other_hosts(context: &Context, store: &dyn Store) -> Result<BTreeMap<String, BackupId>> {
    let mut newest: BTreeMap<Service, (BackupId, String)> = BTreeMap::new();
    for object in store.list("")? {
        let Some((service, file)) = owner_of(&object.key) else { continue };
        let Some(id) = id_of_file(file).filter(|id| id.service() == &service.name && file == sidecar_name(id)) else {
            continue;
        };
        let is_newer = |(known, _): &(BackupId, String)| known.at() < id.at();
        if newest.get(&service).is_none_or(is_newer) {
            newest.insert(service, (id, object.key.clone()));
        }
    }
    let mut hosts: BTreeMap<String, BackupId> = BTreeMap::new();
    for (service, (id, key)) in newest.into_iter().take(MOST) {
        let seals = Seals::of(&context.settings.config_root, &service)?;
        let Some(bytes) = store.get_small(&key, LARGEST)? else { continue };
        if let Sidecar::Whole(_, Some(Stranger::OtherHost(host))) = Sidecar::read(&bytes, &service, &id, &seals) {
            let known = hosts.entry(host).or_insert_with(|| id.clone());
            if known.at() < id.at() {
                *known = id;
            }
        }
    }
    Ok(hosts)
}

/// What is said when a place is chosen in which `hosts` have backups.
pub fn shared(place: &str, hosts: &BTreeMap<String, BackupId>) -> Vec<String> {
    let mut lines: Vec<String> = hosts
        .iter()
        .map(|(host, newest)| format!("another host, {host}, has backups at {place}; the newest seen is {newest}"))
        .collect();
    if !lines.is_empty() {
        lines.push(
            "while that host runs, give each a prefix of its own: s3://BUCKET/HOST, file:///FOLDER/HOST".to_owned(),
        );
        lines.push("where it is lost, its backups become this host's: dokku backups:sync --take-over".to_owned());
    }
    lines
}

/// A finding where the copies of `service` lie beside those of another host, as far as its records were seen here.
pub fn beside_others(service: &Service, backups: &[Listed]) -> Option<Finding> {
    let theirs = backups.iter().filter_map(|listed| match (&listed.backup.foreign, &listed.backup.destination) {
        (Some(Stranger::OtherHost(host)), Some(copy)) if listed.backup.is_good() => Some((host, &copy.uri)),
        _ => None,
    });
    let theirs: Vec<_> = theirs.collect();
    let (host, uri) = theirs.first()?;
    let many = count(theirs.len(), "backup");
    let text = format!(
        "another host, {host}, has {many} of {service} at the same place ({uri}); none of them counts here. While it runs, \
         each host needs a prefix of its own; where it is lost, they can be taken over"
    );
    let remedy = format!("dokku backups:sync {service} --take-over");
    Some(Finding::new(Level::Warning, Code::DestinationShared, text, remedy))
}
