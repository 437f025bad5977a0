//! Names of files in a service's folder.

use crate::domain::{Backup, BackupId, ServiceName, StoredAs};

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

/// In the data root: marks of disposable databases.
pub const DISPOSABLES: &str = ".disposables";

/// File of a dump in this form.
pub fn dump(id: &BackupId, form: StoredAs) -> String {
    format!("{id}.{}", form.ending())
}

/// The files that may hold the dump of `id`, the plainest first.
pub fn dumps(id: &BackupId) -> impl Iterator<Item = String> {
    StoredAs::all().map(move |form| dump(id, form))
}

/// File of the dump of `backup`, also where there is none yet or none any more.
pub fn dump_of(backup: &Backup) -> String {
    backup.file.clone().unwrap_or_else(|| dump(&backup.id, backup.form()))
}

/// The files of `backup` in its folder: its record, its log and its dump.
pub fn of(backup: &Backup) -> [String; 3] {
    let id = backup.id.to_string();
    [format!("{id}.toml"), format!("{id}.log"), dump_of(backup)]
}

/// The id in the file name of a dump, whatever its form.
pub fn dumped_id(name: &str) -> Option<BackupId> {
    id_of(name, StoredAs::of_file(name)?.ending())
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

/// In `INCOMING`: the two files of a dump that is being stored in another form.
pub fn replacement(id: &BackupId) -> String {
    format!("{id}.replacement")
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
    let id = ["toml", "log", "toml.broken"].iter().find_map(|ending| id_of(name, ending)).or_else(|| dumped_id(name));
    [INDEX, INCOMING, TRASH, JOURNAL, LOCK].contains(&name) || id.is_some_and(|id| id.service() == service)
}
