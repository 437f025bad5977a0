//! The last look before bytes are used: they must be exactly those of the record, and a whole dump.

mod consent;
mod open;

use std::io::Read;

use crate::catalogue::{Folder, LockedCatalogue};
use crate::codec::{Identities, decode};
use crate::domain::{Archive, Backup, BackupId, Consent, Datastore, Service, Source, StoredAs, leaning_on_damage};
use crate::engine::{self, Content, Dump};
use crate::error::{Failure, Kind, Phase, Result};
use crate::stream::{self, Passed, Summed};
use crate::sys::clock::Clock;
use crate::sys::dir::Dir;
use crate::sys::stdin::Input;
use crate::ui::{Progress, Ui};

pub use consent::object;
pub use open::{archive_in, lean_on, open_archive, open_dump};

/// Hashes and reads the dump of `backup` in `dir`, which is to go into `target`; fails as `damaged` when it is not what
/// the record says, and as `refused` when it was made elsewhere and asks for more than `consent` gives.
pub fn prove(
    ui: Ui,
    dir: &Folder,
    backup: &Backup,
    target: &Service,
    identities: &Identities,
    consent: &Consent,
) -> Result<Dump> {
    let (content, input) = match &backup.archive {
        Some(archive) if backup.form().is_delta() => read_delta(ui, dir, backup, archive, identities)?,
        _ => read_whole(ui, dir, backup, identities)?,
    };
    let mut content = content.without(&consent.skipped);
    let origin = backup.origin(target);
    if !origin.is_own() {
        object(&backup.id.to_string(), &content.code, consent)?;
    }
    // Whose things are, and who may do what, is taken from nobody else.
    if !backup.grants || !origin.is_own() {
        content.grants = Vec::new().into();
    }
    Ok(Dump::proven(input, content, origin, consent.clone()).written_by(backup.session.clone()))
}

/// Hashes the stored file and reads the dump in it; what is poured afterwards is read from the same open file.
fn read_whole(ui: Ui, dir: &Dir, backup: &Backup, identities: &Identities) -> Result<(Content, Input)> {
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
    let content = content?;
    file.rewind()?;
    let input = if form.is_as_written() {
        Input::File(file.into_file())
    } else {
        Input::Stream(Box::new(decode(file, form, identities)?))
    };
    Ok((content, input))
}

/// Hashes the stored file, and reads the archive through everything it leans on: its hash tells whether all of that is what
/// it was. What is poured afterwards comes from the same open files, and is held against the hash once more.
fn read_delta(
    ui: Ui,
    dir: &Folder,
    backup: &Backup,
    archive: &Archive,
    identities: &Identities,
) -> Result<(Content, Input)> {
    check_bytes(ui, dir, backup)?;
    let damaged = |failure| damaged_within(dir, backup, failure);
    let mut reader = open_archive(dir, backup, identities).map_err(damaged)?;
    let mut progress = Progress::new(ui, Phase::Read, Some(archive.size));
    let mut seen = |piece: &[u8]| {
        progress.add(piece.len());
        Ok(())
    };
    // Unpacking takes longest, and has a thread of its own.
    let inspect = |tap| {
        let mut summed = Summed::new(tap, |_| ());
        let content = engine::of(backup.datastore).inspect(backup.dump_format, &mut summed);
        summed.whole().map(|passed| (content, passed))
    };
    let (_, inspected) = stream::pour(&mut reader, &mut seen, inspect).map_err(damaged)?;
    let (content, passed) = inspected?;
    // What the reader of dumps says of other bytes does not matter.
    let is_whole = passed.sha256 == reader.sha256() && passed.size == archive.size;
    if !is_whole || !archive.fits(&passed.sha256) {
        let why = content.err().map_or_else(|| "its archive is another one".to_owned(), |failure| failure.reason());
        return Err(damaged(Failure::new(Kind::Damaged, why)));
    }
    reader.rewind();
    Ok((content?, Input::Stream(Box::new(stream::exactly(reader, passed)))))
}

/// Hashes the stored bytes only: all that can be done without a key. Fails like `prove`.
pub fn check_bytes(ui: Ui, dir: &Dir, backup: &Backup) -> Result<()> {
    let mut file = open_dump(dir, backup)?;
    let mut progress = Progress::new(ui, Phase::Read, backup.size);
    let passed = Summed::new(&mut file, |count| progress.add(count)).whole()?;
    drop(progress);
    is_recorded(backup, &passed)
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

/// The same of everything that `backup` leans on, too.
pub fn check_chain(ui: Ui, dir: &Folder, backup: &Backup) -> Result<()> {
    check_bytes(ui, dir, backup)?;
    let (links, lost) = links(dir, backup)?;
    if let Some(id) = lost {
        return Err(damaged(backup, format!("it leans on {id}, whose record cannot be followed")));
    }
    links.iter().try_for_each(|link| check_bytes(ui, dir, link))
}

/// The records of all that `backup` leans on, the nearest first; and the first of them that is not to be found or followed.
fn links(dir: &Folder, backup: &Backup) -> Result<(Vec<Backup>, Option<BackupId>)> {
    let (mut links, mut next, mut position) = (Vec::new(), backup.base().cloned(), u32::MAX);
    while let Some(id) = next {
        let link = match dir.record(&id, backup.datastore) {
            Ok(link) => link,
            Err(failure) if matches!(failure.kind, Kind::NotFound | Kind::Catalogue) => return Ok((links, Some(id))),
            Err(failure) => return Err(failure),
        };
        // Whoever made it leaned on an earlier one: a circle ends here.
        if link.archive.is_none() || link.position() >= position {
            return Ok((links, Some(id)));
        }
        (next, position) = (link.base().cloned(), link.position());
        links.push(link);
    }
    Ok((links, None))
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

/// The failure of a backup that is stored as differences and could not be read: where it leans on something whose bytes are
/// not those of its record, that is what is wrong.
pub fn damaged_within(dir: &Folder, backup: &Backup, failure: Failure) -> Failure {
    if failure.kind != Kind::Damaged {
        return failure;
    }
    let is_other = |link: &Backup| hashes(dir, link).err().filter(|failure| failure.kind == Kind::Damaged);
    let (links, lost) = links(dir, backup).unwrap_or_default();
    if let Some(id) = lost {
        return damaged(backup, format!("it leans on {id}, whose record cannot be followed"));
    }
    let found = links.iter().find_map(|link| Some((link.id.clone(), is_other(link)?)));
    let why = |(id, why): (BackupId, Failure)| leaning_on_damage(&id, &why.reason());
    damaged(backup, found.map_or_else(|| failure.reason(), why))
}

/// Hashes the stored file of `backup`, and fails as `damaged` where it is not that of its record.
fn hashes(dir: &Dir, backup: &Backup) -> Result<()> {
    is_recorded(backup, &Summed::new(open_dump(dir, backup)?, |_| ()).whole()?)
}

/// Records that the bytes here were found to differ, once; or, once they were read and are what they must be, that they
/// are no more. Whatever `prove` answered is passed on.
pub fn mark_damage<T>(clock: Clock, catalogue: &LockedCatalogue, backup: &Backup, proven: Result<T>) -> Result<T> {
    // What it leans on may be to blame, and says so then of all that lean on it.
    if let Err(failure) = &proven
        && failure.kind == Kind::Damaged
        && blame(clock, catalogue, backup)?
    {
        return proven;
    }
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

/// Marks what `backup` leans on where its bytes are not those of its record; says whether there was any such.
fn blame(clock: Clock, catalogue: &LockedCatalogue, backup: &Backup) -> Result<bool> {
    let (links, lost) = links(catalogue.dir(), backup)?;
    let mut found = lost.is_some();
    for mut link in links {
        match hashes(catalogue.dir(), &link) {
            Err(failure) if failure.kind == Kind::Damaged => {
                found = true;
                if link.damage.is_none() {
                    link.damage = Some(seen(&failure, clock));
                    catalogue.save(&link)?;
                }
            }
            Err(failure) if failure.kind == Kind::NotFound => found = true,
            checked => checked?,
        }
    }
    catalogue.reindex()?;
    Ok(found)
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
