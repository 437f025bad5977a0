//! Taking in dumps that somebody else left on this host: `<service>-YYYY-MM-DD-HH-MM-SS.dump`, as platforms name them.
//! They are copied, never moved; each is hashed and read to its end while it is copied.

use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;

use crate::catalogue::{Exclusive, Log};
use crate::domain::{Backup, BackupId, DumpFormat, Source, room_needed};
use crate::engine;
use crate::error::{Failure, Kind, Result};
use crate::stream::{self, Sum};
use crate::sys::dir::Dir;
use crate::sys::file::NamedFile;
use crate::ui::{Progress, bytes};
use crate::verbs::Context;

/// A file that was not taken in.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Refused {
    /// Its name.
    pub file: String,
    /// What is wrong with it.
    pub reason: String,
}

/// What became of the files of one folder.
#[derive(Debug, Default)]
pub struct Adopted {
    /// Ids that were there already.
    pub known: Vec<BackupId>,
    /// Files that were left where they are, and why.
    pub refused: Vec<Refused>,
}

/// Copies every dump of the catalogue's service from `folder` that is not there yet, oldest first.
pub fn adopt_from(context: &Context, catalogue: &Exclusive, folder: &Path) -> Result<Adopted> {
    if folder.starts_with(&context.settings.data_root) {
        let text = format!("{} is where backups are kept already", folder.display());
        return Err(Failure::new(Kind::Usage, text).hint(format!("dokku backups:sync {}", catalogue.service())));
    }
    let dir = Dir::open(folder).map_err(|error| {
        let kind = if error.kind() == std::io::ErrorKind::NotFound { Kind::Usage } else { Kind::Io };
        Failure::new(kind, format!("{} cannot be read as a folder", folder.display()))
            .because(error)
            .hint("it is read by Dokku's own user; a symlink is not followed")
    })?;
    let mut found: Vec<(BackupId, String)> = Vec::new();
    for name in dir.names()? {
        let id = name.strip_suffix(".dump").and_then(|stem| stem.parse().ok());
        found.extend(id.filter(|id: &BackupId| id.service() == &catalogue.service().name).map(|id| (id, name)));
    }
    found.sort();
    let mut adopted = Adopted::default();
    for (id, name) in found {
        if catalogue.is_taken(&id)? {
            adopted.known.push(id);
            continue;
        }
        if let Err(failure) = adopt(context, catalogue, &dir, &id, &name) {
            catalogue.give_up_copy(&id)?;
            if !concerns_the_file(failure.kind) {
                return Err(failure);
            }
            context.ui.warn(&format!("{name}: {}; left where it is", failure.reason()));
            adopted.refused.push(Refused { file: name, reason: failure.reason() });
        }
    }
    Ok(adopted)
}

/// Another file may still be taken in after this.
fn concerns_the_file(kind: Kind) -> bool {
    matches!(kind, Kind::Damaged | Kind::Io | Kind::NotFound)
}

fn adopt(context: &Context, catalogue: &Exclusive, dir: &Dir, id: &BackupId, name: &str) -> Result<()> {
    let clock = context.settings.clock;
    let mut file = dir.read(name)?;
    let size = file.size()?;
    let (free, needed) = (catalogue.dir().free_bytes()?, room_needed(Some(size)));
    if free < needed {
        let path = catalogue.dir().path().display();
        let text = format!("{} are free below {path}; a copy of {name} needs {}", bytes(free), bytes(needed));
        return Err(
            Failure::new(Kind::NoSpace, text).hint("make room, and run this again: it goes on where it stopped")
        );
    }
    context.ui.step(&format!("Copying {}", file.path().display()));
    let from = file.path().display().to_string();
    let actor = &context.settings.caller.actor;
    let mut record = Backup::draft(id.clone(), catalogue.service().datastore, Source::Imported, clock.now(), actor);
    record.adopted = true;
    record.notes.push(format!("copied from {from}, which was not made by this program"));
    let backup = copy(context, catalogue, &mut file, record, size)?;
    let mut log = Log::open(catalogue.dir(), id, clock);
    log.say(&format!("copied from {from} for {actor}, and read to its end"));
    log.say(&format!("success: sha256 {}", backup.sha256.as_deref().unwrap_or("-")));
    context.ui.detail(&format!("{} in {} tables; checked and durable", bytes(size), backup.tables.len()));
    Ok(())
}

fn copy(context: &Context, catalogue: &Exclusive, file: &mut NamedFile, record: Backup, size: u64) -> Result<Backup> {
    let datastore = record.datastore;
    let mut draft = catalogue.begin_copy(record)?;
    let mut progress = Progress::new(context.ui, "copied", Some(size));
    let mut sum = Sum::default();
    let mut keep = |piece: &[u8]| {
        progress.add(piece.len());
        sum.add(piece);
        draft.keep(piece)
    };
    let (_, content) = stream::pour(file, &mut keep, |tap| engine::inspect(datastore, DumpFormat::default(), tap))?;
    drop(progress);
    let content = content?;
    draft.record.describe(content.tables, content.server_version, content.dump_tool_version, content.database);
    let passed = sum.passed();
    draft.seal(catalogue, passed.size, passed.sha256)?.record(catalogue)
}
