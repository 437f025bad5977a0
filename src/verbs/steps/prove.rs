//! The last look before bytes are used: they must be exactly those of the record, and a whole dump.

use std::fs::File;

use crate::catalogue::Exclusive;
use crate::domain::Backup;
use crate::engine::{self, Content};
use crate::error::{Failure, Kind, Result};
use crate::stream;
use crate::sys::clock::Clock;
use crate::sys::dir::Dir;
use crate::ui::{Progress, Ui};

/// A dump whose hash was just read, open at its first byte. Nothing else is ever poured into a database.
#[derive(Debug)]
pub struct Proven {
    /// The very file that was hashed: not opened a second time.
    pub dump: File,
    /// What it holds.
    pub content: Content,
}

/// Hashes and reads the dump of `backup` in `dir`; fails as `damaged` when it is not what the record says.
pub fn prove(ui: Ui, dir: &Dir, backup: &Backup) -> Result<Proven> {
    let name = backup.file.clone().unwrap_or_default();
    let path = dir.path().join(&name);
    let mut file = dir.read(&name).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            Failure::new(Kind::NotFound, format!("the file of {} is missing", backup.id)).because(error)
        }
        _ => Failure::from(error),
    })?;
    let mut progress = Progress::new(ui, "read", backup.size);
    let mut keep = |piece: &[u8]| {
        progress.add(piece.len());
        Ok(())
    };
    let datastore = backup.datastore;
    let (passed, content) = stream::pour(&mut file, &mut keep, |tap| engine::inspect(datastore, tap))?;
    drop(progress);
    let (size, recorded) = (file.size()?, backup.size.unwrap_or(0));
    let path = path.display();
    let damage = match content {
        _ if size != recorded => format!("{path} has {size} bytes, its record says {recorded}"),
        Err(failure) => failure.reason(),
        Ok(_) if Some(&passed.sha256) != backup.sha256.as_ref() => {
            format!("{path} does not have the sha256 of its record")
        }
        Ok(content) => {
            file.rewind()?;
            return Ok(Proven { dump: file.into_file(), content });
        }
    };
    Err(Failure::new(Kind::Damaged, format!("{} is damaged", backup.id))
        .because(damage)
        .hint(format!("choose another: dokku backups:list {}", backup.service)))
}

/// Records that the bytes were found to differ, once. Whatever `prove` answered is passed on.
pub fn mark_damage<T>(clock: Clock, catalogue: &Exclusive, backup: &Backup, proven: Result<T>) -> Result<T> {
    if let Err(failure) = &proven
        && failure.kind == Kind::Damaged
    {
        let mut record = catalogue.record(&backup.id)?;
        if record.damage.is_none() {
            record.damage = Some(format!("{} (seen {})", failure.reason(), clock.now().format("%Y-%m-%dT%H:%M:%SZ")));
            catalogue.save(&record)?;
            catalogue.reindex()?;
        }
    }
    proven
}
