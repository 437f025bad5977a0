//! Taking in dumps that somebody else left on this host: `<service>-YYYY-MM-DD-HH-MM-SS.dump`, as platforms name them.
//! They are copied, never moved; each is hashed and read to its end while it is copied.

use std::path::Path;

use crate::answers::Refused;
use crate::catalogue::{LockedCatalogue, Log};
use crate::domain::{Backup, BackupId, Source, StoredAs, Stranger, count, room_needed};
use crate::engine;
use crate::error::{Failure, Kind, Result};
use crate::operations::Context;
use crate::operations::backup::{DumpOptions, Incoming, store_dump};
use crate::operations::offsite::copy_later;
use crate::sys::dir::Dir;
use crate::sys::file::NamedFile;
use crate::sys::signals;
use crate::ui::bytes;

/// What became of the files of one folder.
#[derive(Debug, Default)]
pub struct Adopted {
    /// Ids that were there already.
    pub known: Vec<BackupId>,
    /// Files that were left where they are, and why.
    pub refused: Vec<Refused>,
}

/// Copies every dump of the catalogue's service from `folder` that is not there yet, oldest first.
pub fn adopt_from(context: &Context, catalogue: &LockedCatalogue, folder: &Path) -> Result<Adopted> {
    let dir = open(context, catalogue, folder)?;
    let stored = DumpOptions::locally(context, catalogue.service(), None)?;
    let format = engine::of(catalogue.service().datastore).exported();
    let ending = StoredAs { format, ..StoredAs::UNCHANGED }.ending();
    let mut found: Vec<(BackupId, String)> = Vec::new();
    for name in dir.names()? {
        let stem = name.strip_suffix(ending).and_then(|stem| stem.strip_suffix('.'));
        let id = stem.and_then(|stem| stem.parse().ok());
        found.extend(id.filter(|id: &BackupId| id.service() == &catalogue.service().name).map(|id| (id, name)));
    }
    found.sort();
    let mut adopted = Adopted::default();
    for (id, name) in found {
        signals::obey()?;
        if catalogue.is_taken(&id)? {
            adopted.known.push(id);
            continue;
        }
        if let Err(failure) = adopt(context, catalogue, &dir, &id, &name, &stored) {
            catalogue.abandon(&id)?;
            if !concerns_the_file(failure.kind) {
                return Err(failure);
            }
            context.ui.warn(&format!("{name}: {}; left where it is", failure.reason()));
            adopted.refused.push(Refused { file: name, reason: failure.reason() });
        }
    }
    Ok(adopted)
}

/// The folder, unless it is one of Dokku's own: what lies there belongs to services and apps that the caller may not be
/// allowed to see.
fn open(context: &Context, catalogue: &LockedCatalogue, folder: &Path) -> Result<Dir> {
    let settings = &context.settings;
    if folder.starts_with(&settings.data_root) {
        let text = format!("{} is where backups are kept already", folder.display());
        return Err(Failure::new(Kind::Usage, text).hint(format!("dokku backups:sync {}", catalogue.service())));
    }
    let truly = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    for own in [&settings.lib_root, &settings.apps_root] {
        let truly_own = own.canonicalize().unwrap_or_else(|_| own.clone());
        if folder.starts_with(own) || truly.starts_with(truly_own) {
            let text = format!("{} lies below {}, in Dokku's own folders", folder.display(), own.display());
            return Err(Failure::new(Kind::Refused, text).hint("move the dumps elsewhere first"));
        }
    }
    Dir::open(folder).map_err(|error| {
        let kind = if error.kind() == std::io::ErrorKind::NotFound { Kind::Usage } else { Kind::Io };
        Failure::new(kind, format!("{} cannot be read as a folder", folder.display()))
            .because(error)
            .hint("it is read by Dokku's own user; a symlink is not followed")
    })
}

/// Another file may still be taken in after this.
fn concerns_the_file(kind: Kind) -> bool {
    matches!(kind, Kind::Damaged | Kind::Io | Kind::NotFound)
}

fn adopt(
    context: &Context,
    catalogue: &LockedCatalogue,
    dir: &Dir,
    id: &BackupId,
    name: &str,
    stored: &DumpOptions,
) -> Result<()> {
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
    record.foreign = Some(Stranger::Adopted);
    record.compression = stored.compression;
    record.encrypted_to = stored.recipients.words();
    record.notes.push(format!("copied from {from}, which was not made by this program"));
    let backup = copy(context, catalogue, &mut file, record, stored)?;
    let mut log = Log::open(catalogue.dir(), id, clock);
    log.say(&format!("copied from {from} for {actor}, and read to its end"));
    log.say(&format!("success: sha256 {}", backup.sha256.as_deref().unwrap_or("-")));
    context.ui.detail(&format!("{} in {}; checked and durable", bytes(size), count(backup.table_count(), "table")));
    Ok(())
}

/// Reads the whole dump, into its place.
fn copy(
    context: &Context,
    catalogue: &LockedCatalogue,
    file: &mut NamedFile,
    record: Backup,
    stored: &DumpOptions,
) -> Result<Backup> {
    let (format, size) = (engine::of(record.datastore).exported(), file.size()?);
    let draft = catalogue.begin_copy(record)?;
    let incoming = Incoming { dump: file, format, doing: "copied", about: Some(size), nothing: None, grew: &|| () };
    let whole = store_dump(context, draft, stored, incoming, |_| Ok(()))?;
    let stored_as = whole.draft.file_name();
    let mut sealed = whole.seal(catalogue)?;
    sealed.record_mut().destination = copy_later(context, catalogue.service(), &stored_as);
    sealed.record(catalogue)
}
