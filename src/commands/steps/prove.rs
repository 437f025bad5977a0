//! The last look before bytes are used: they must be exactly those of the record, and a whole dump.

use std::fs::File;

use crate::catalogue::Exclusive;
use crate::commands::Context;
use crate::domain::Backup;
use crate::engine;
use crate::error::{Failure, Kind, Result};
use crate::stream;
use crate::ui::Progress;

/// A dump whose hash was just read, open at its first byte. Nothing else is ever poured into a database.
#[derive(Debug)]
pub struct Proven {
    /// The very file that was hashed: not opened a second time.
    pub dump: File,
}

/// Hashes and reads the dump of `backup`. When it differs from its record, the record says so from now on.
pub fn prove(context: &Context, catalogue: &Exclusive, backup: &Backup) -> Result<Proven> {
    let name = backup.file.clone().unwrap_or_default();
    let path = catalogue.dir().path().join(&name);
    let mut file = catalogue.dir().read(&name).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            Failure::new(Kind::NotFound, format!("the file of {} is missing", backup.id)).because(error)
        }
        _ => Failure::from(error),
    })?;
    let mut progress = Progress::new(context.ui, "read", backup.size);
    let mut keep = |piece: &[u8]| {
        progress.add(piece.len());
        Ok(())
    };
    let datastore = backup.datastore;
    let (passed, content) = stream::pour(&mut file, &mut keep, |tap| engine::inspect(datastore, tap))?;
    drop(progress);
    let damage = match content {
        _ if backup.size.is_some_and(|size| file.size().is_ok_and(|now| now != size)) => {
            Some(format!("{} has {} bytes, its record says {}", path.display(), file.size()?, backup.size.unwrap_or(0)))
        }
        Err(failure) => Some(failure.reason()),
        Ok(_) if Some(&passed.sha256) != backup.sha256.as_ref() => {
            Some(format!("{} does not have the sha256 of its record", path.display()))
        }
        Ok(_) => None,
    };
    if let Some(damage) = damage {
        mark(context, catalogue, backup, &damage)?;
        return Err(Failure::new(Kind::Damaged, format!("{} is damaged", backup.id))
            .because(damage)
            .hint(format!("choose another: dokku backups:list {}", backup.service)));
    }
    file.rewind()?;
    Ok(Proven { dump: file.into_file() })
}

/// Records the damage, once.
fn mark(context: &Context, catalogue: &Exclusive, backup: &Backup, damage: &str) -> Result<()> {
    let mut record = catalogue.record(&backup.id)?;
    if record.damage.is_none() {
        let when = context.settings.clock.now().format("%Y-%m-%dT%H:%M:%SZ");
        record.damage = Some(format!("{damage} (seen {when})"));
        catalogue.save(&record)?;
        catalogue.reindex()?;
    }
    Ok(())
}
