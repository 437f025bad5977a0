//! Names of files in a service's folder.

use crate::domain::{BackupId, ServiceName};

/// Ending of a dump stored as the datastore wrote it.
pub const DUMP: &str = "dump";
/// The index over all records.
pub const INDEX: &str = "index.toml";
/// Where dumps and records are written before they are complete.
pub const INCOMING: &str = ".incoming";
/// Where deleted dumps wait to be purged.
pub const TRASH: &str = ".trash";
/// The service's lock: made once, never removed.
pub const LOCK: &str = ".lock";
/// The open restore, if there is one.
pub const JOURNAL: &str = ".restore.toml";
/// Identifies the data root, so that an empty mount point is not mistaken for it.
pub const MARKER: &str = ".dokku-backups";

/// File of the dump.
pub fn dump(id: &BackupId) -> String {
    format!("{id}.{DUMP}")
}

/// File of the record.
pub fn record(id: &BackupId) -> String {
    format!("{id}.toml")
}

/// What was left of a record that could not be read.
pub fn broken(id: &BackupId) -> String {
    format!("{id}.toml.broken")
}

/// File of the log.
pub fn log(id: &BackupId) -> String {
    format!("{id}.log")
}

/// File of the record's draft, in `INCOMING`.
pub fn draft(id: &BackupId) -> String {
    format!("{id}.draft")
}

/// The lock of whoever works with one dump without changing the folder, in `INCOMING`.
pub fn in_use(id: &BackupId) -> String {
    format!("{id}.use")
}

/// The id in a file name with the ending `.{ending}`.
pub fn id_of(name: &str, ending: &str) -> Option<BackupId> {
    name.strip_suffix(ending)?.strip_suffix('.')?.parse().ok()
}

/// Whether a name in the folder of `service` is one of ours. A dump of another service is not.
pub fn is_ours(name: &str, service: &ServiceName) -> bool {
    let of_it = |ending: &&str| id_of(name, ending).is_some_and(|id| id.service() == service);
    [INDEX, INCOMING, TRASH, JOURNAL, LOCK].contains(&name) || [DUMP, "toml", "log", "toml.broken"].iter().any(of_it)
}
