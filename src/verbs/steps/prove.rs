//! The last look before bytes are used: they must be exactly those of the record, and a whole dump.

use std::io::{self, Read};

use crate::catalogue::Exclusive;
use crate::codec::{Identities, decode};
use crate::domain::{Backup, Datastore, Form};
use crate::engine::{self, Content};
use crate::error::{Failure, Kind, Result};
use crate::stream::{self, Passed, Summed};
use crate::sys::clock::Clock;
use crate::sys::dir::Dir;
use crate::sys::feed::Input;
use crate::sys::file::NamedFile;
use crate::ui::{Progress, Ui};

/// A dump whose hash was just read, at its first byte. Nothing else is ever poured into a database.
#[derive(Debug)]
pub struct Proven {
    /// The very file that was hashed, not opened a second time; what comes out of it is the dump itself.
    pub dump: Input,
    /// What it holds.
    pub content: Box<Content>,
}

/// Hashes and reads the dump of `backup` in `dir`; fails as `damaged` when it is not what the record says, and as
/// `refused` when it reaches beyond the database and `programs` does not allow that.
pub fn prove(ui: Ui, dir: &Dir, backup: &Backup, identities: &Identities, programs: bool) -> Result<Proven> {
    consent(backup, &backup.programs, programs)?;
    let mut file = open_dump(dir, backup)?;
    let form = backup.form();
    let mut progress = Progress::new(ui, "read", backup.size);
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
    consent(backup, &content.programs, programs)?;
    file.rewind()?;
    let dump = match form {
        Form::PLAIN => Input::File(file.into_file()),
        _ => Input::Stream(Box::new(decode(file, form, identities)?)),
    };
    Ok(Proven { dump, content: Box::new(content) })
}

/// Refuses what reaches beyond the database, unless that is allowed this time.
pub fn consent(backup: &Backup, found: &[String], programs: bool) -> Result<()> {
    if found.is_empty() || programs {
        return Ok(());
    }
    Err(beyond(&backup.id.to_string(), found))
}

/// The refusal of a dump that reaches beyond the database.
pub fn beyond(what: &str, found: &[String]) -> Failure {
    let failure = Failure::new(Kind::Refused, format!("{what} reaches beyond the database: {}", found[0]));
    let failure = found.iter().skip(1).take(4).fold(failure, |failure, line| failure.hint(format!("also {line}")));
    failure.hint("when you trust whoever made it: --allow-programs")
}

/// Hashes the stored bytes only: all that can be done without a key. Fails like `prove`.
pub fn check_bytes(ui: Ui, dir: &Dir, backup: &Backup) -> Result<()> {
    let mut file = open_dump(dir, backup)?;
    let mut progress = Progress::new(ui, "read", backup.size);
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
    form: Form,
    identities: &Identities,
    datastore: Datastore,
) -> Result<Content> {
    let mut dump = decode(source, form, identities)?;
    let read = |tap| engine::inspect(datastore, form.format, tap);
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
        .hint(format!("choose another: dokku backups:list {}", backup.service))
}

/// Records that the bytes here were found to differ, once; or, once they were read and are what they must be, that they
/// are no more. Whatever `prove` answered is passed on.
pub fn mark_damage<T>(clock: Clock, catalogue: &Exclusive, backup: &Backup, proven: Result<T>) -> Result<T> {
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
