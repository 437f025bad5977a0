//! The last look before bytes are used: they must be exactly those of the record, and a whole dump.

mod consent;

use std::io::{self, Read};

use crate::catalogue::LockedCatalogue;
use crate::codec::{Identities, decode};
use crate::domain::{Backup, Consent, Datastore, Service, Source, StoredAs};
use crate::engine::{self, Content, Dump};
use crate::error::{Failure, Kind, Phase, Result};
use crate::stream::{self, Passed, Summed};
use crate::sys::clock::Clock;
use crate::sys::dir::Dir;
use crate::sys::file::NamedFile;
use crate::sys::stdin::Input;
use crate::ui::{Progress, Ui};

pub use consent::object;

/// Hashes and reads the dump of `backup` in `dir`, which is to go into `target`; fails as `damaged` when it is not what
/// the record says, and as `refused` when it was made elsewhere and asks for more than `consent` gives.
pub fn prove(
    ui: Ui,
    dir: &Dir,
    backup: &Backup,
    target: &Service,
    identities: &Identities,
    consent: &Consent,
) -> Result<Dump> {
    let mut file = open_dump(dir, backup)?;
    let form = backup.form();
    let mut progress = Progress::new(ui, Phase::Read, backup.size);
    let mut stored = Summed::new(&mut file, |count| progress.add(count));
    let read = read_dump(&mut stored, form, identities, backup.datastore);
    let content = match read {
        Err(failure) if failure.kind == Kind::Damaged => {
            let size = stored.whole()?.size;
            return Err(damaged(backup, other_size(backup, size).unwrap_or_else(|| failure.reason())));
        }
        // Without a fitting key nothing was read; but a changed header looks just like that.
        Err(failure) if failure.kind != Kind::Config => return Err(failure),
        other => other,
    };
    let passed = stored.whole()?;
    drop(progress);
    is_recorded(backup, &passed)?;
    let content = content?.without(&consent.skipped);
    let origin = backup.origin(target);
    if !origin.is_own() {
        object(&backup.id.to_string(), &content.code, consent)?;
    }
    file.rewind()?;
    let input = if form.is_as_written() {
        Input::File(file.into_file())
    } else {
        Input::Stream(Box::new(decode(file, form, identities)?))
    };
    Ok(Dump::proven(input, content, origin, consent.clone()).written_by(backup.session.clone()))
}

/// Hashes the stored bytes only: all that can be done without a key. Fails like `prove`.
pub fn check_bytes(ui: Ui, dir: &Dir, backup: &Backup) -> Result<()> {
    let mut file = open_dump(dir, backup)?;
    let mut progress = Progress::new(ui, Phase::Read, backup.size);
    let passed = Summed::new(&mut file, |count| progress.add(count)).whole()?;
    drop(progress);
    is_recorded(backup, &passed)
}

/// Opens the stored file of `backup`.
pub fn open_dump(dir: &Dir, backup: &Backup) -> Result<NamedFile> {
    dir.read(backup.file.as_deref().unwrap_or_default()).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            Failure::new(Kind::NotFound, format!("the file of {} is missing", backup.id)).because(error)
        }
        _ => Failure::from(error),
    })
}

/// Reads the dump stored in `source` to its exact end.
pub fn read_dump(
    source: impl Read + Send,
    form: StoredAs,
    identities: &Identities,
    datastore: Datastore,
) -> Result<Content> {
    let mut dump = decode(source, form, identities)?;
    let read = |mut tap| engine::of(datastore).inspect(form.format, &mut tap);
    let (_, content) = stream::pour(&mut dump, &mut |_| Ok(()), read)?;
    content
}

/// Fails as `damaged` unless the bytes that passed are those of the record.
pub fn is_recorded(backup: &Backup, passed: &Passed) -> Result<()> {
    if let Some(damage) = other_size(backup, passed.size) {
        return Err(damaged(backup, damage));
    }
    if Some(&passed.sha256) != backup.sha256.as_ref() {
        return Err(damaged(backup, format!("{} does not have the sha256 of its record", name(backup))));
    }
    Ok(())
}

fn name(backup: &Backup) -> &str {
    backup.file.as_deref().unwrap_or("its file")
}

fn other_size(backup: &Backup, size: u64) -> Option<String> {
    let recorded = backup.size.unwrap_or(0);
    (size != recorded).then(|| format!("{} has {size} bytes, its record says {recorded}", name(backup)))
}

/// The failure of a dump that is not what its record says.
pub fn damaged(backup: &Backup, damage: String) -> Failure {
    Failure::new(Kind::Damaged, format!("{} is damaged", backup.id))
        .because(damage)
        .remedy("choose another", format!("dokku backups:list {}", backup.service))
}

/// Records that the bytes here were found to differ, once; or, once they were read and are what they must be, that they
/// are no more. Whatever `prove` answered is passed on.
pub fn mark_damage<T>(clock: Clock, catalogue: &LockedCatalogue, backup: &Backup, proven: Result<T>) -> Result<T> {
    let damage = match &proven {
        Ok(_) => None,
        Err(failure) if failure.kind == Kind::Damaged => Some(seen(failure, clock)),
        Err(_) => return proven,
    };
    if damage.is_some() || backup.damage.is_some() {
        let mut record = catalogue.record(&backup.id)?;
        if record.damage.is_some() != damage.is_some() {
            record.damage = damage;
            catalogue.save(&record)?;
            catalogue.reindex()?;
        }
    }
    proven
}

/// What was found wrong, and when.
pub fn seen(failure: &Failure, clock: Clock) -> String {
    format!("{} (seen {})", failure.reason(), clock.now().format("%Y-%m-%dT%H:%M:%SZ"))
}

/// Writes down what a dump holds.
pub fn describe(record: &mut Backup, content: Content) {
    // Of one's own exports it says nothing that matters.
    if record.source == Source::Imported || record.is_stranger() {
        record.programs = content.programs;
    }
    let mut tables = content.tables;
    // The hash of a table's only row tells what it is to whoever can guess it.
    if record.form().encrypted {
        tables.iter_mut().for_each(|table| table.digest = None);
    }
    record.describe(tables, content.server_version, content.dump_tool_version, content.database);
}
