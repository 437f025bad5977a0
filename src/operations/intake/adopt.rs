//! Taking in dumps that somebody else left on this host: `<service>-YYYY-MM-DD-HH-MM-SS.dump`, as our own are named, or by
//! any name of their own. They are copied, never moved; each is hashed and read to its end while it is copied.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};

use super::foreign_name::{is_of_our_shape, time};
use super::take_in::limit;

use crate::answers::Refused;
use crate::catalogue::{Detail, LockedCatalogue, Log};
use crate::codec::Identities;
use crate::domain::{Backup, BackupId, Source, StoredAs, Stranger, count, room_needed};
use crate::engine::file_kind::{HEAD, sniff};
use crate::engine::{self, Engine};
use crate::error::{Failure, Kind, Result};
use crate::operations::Context;
use crate::operations::backup::{DumpOptions, Incoming, store_dump};
use crate::operations::intake::{Unpacked, unpack};
use crate::operations::offsite::copy_later;
use crate::sys::dir::Dir;
use crate::sys::file::NamedFile;
use crate::sys::signals;
use crate::ui::bytes;

/// The note on where an adopted dump was found, before and behind its path.
const COPIED: &str = "copied from ";
const BY_OTHERS: &str = ", which was not made by this program";

/// What became of the files of one folder.
#[derive(Debug, Default)]
pub struct Adopted {
    /// Ids that were there already.
    pub known: Vec<BackupId>,
    /// Files that were left where they are, and why.
    pub refused: Vec<Refused>,
}

/// Copies every dump in `folder` that is not there yet, oldest first: those that are named as backups of the catalogue's
/// service, and those whose names are no backup's and whose bytes are a dump. Everything else is named as passed over.
pub fn adopt_from(context: &Context, catalogue: &LockedCatalogue, folder: &Path) -> Result<Adopted> {
    let dir = open(context, catalogue, folder)?;
    let stored = DumpOptions::locally(context, catalogue.service(), None)?;
    let taken_before = sources(catalogue)?;
    let mut adopted = Adopted::default();
    for Candidate { id, name, is_ours } in candidates(context, catalogue, &dir)? {
        signals::obey()?;
        let from = dir.path().join(&name).display().to_string();
        let id = match taken_before.get(&from) {
            Some(id) if !is_ours => id.clone(),
            _ if is_ours => id,
            // Two may have been made within a second, or be told by the same day.
            _ => free(catalogue, id)?,
        };
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
            context.ui.remedies(&failure.remedies);
            adopted.refused.push(Refused { file: name, reason: failure.reason() });
        }
    }
    Ok(adopted)
}

/// A file that may be a dump of the service.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    id: BackupId,
    name: String,
    /// It is named as a backup of the service; whatever is wrong with it is told.
    is_ours: bool,
}

fn candidates(context: &Context, catalogue: &LockedCatalogue, dir: &Dir) -> Result<Vec<Candidate>> {
    let (service, engine) = (catalogue.service(), engine::of(catalogue.service().datastore));
    let ending = StoredAs { format: engine.exported(), ..StoredAs::UNCHANGED }.ending();
    let pass_over = |name: &str, why: &str| context.ui.detail(&format!("passed over: {name}, {why}"));
    let mut found = Vec::new();
    let mut names = dir.names()?;
    names.sort();
    for name in names {
        let stem = name.strip_suffix(ending).and_then(|stem| stem.strip_suffix('.'));
        let id: Option<BackupId> = stem.and_then(|stem| stem.parse().ok());
        match id {
            Some(id) if id.service() == &service.name => found.push(Candidate { id, name, is_ours: true }),
            Some(id) => pass_over(&name, &format!("named as a backup of {}", id.service())),
            None if is_of_our_shape(&name) => pass_over(&name, "named as a backup is, but with another time or ending"),
            None => match time_of_strange(context, engine, dir, &name) {
                Ok(at) => {
                    let id = at.and_then(|at| BackupId::new(service.name.clone(), at).ok());
                    found.extend(id.map(|id| Candidate { id, name, is_ours: false }));
                }
                Err(failure) => pass_over(&name, &failure.reason()),
            },
        }
    }
    found.sort();
    Ok(found)
}

/// When the dump in a file with a name that is not ours was made, by its name or its date; none where the file is gone by
/// now, a failure that says what it is where it is no dump.
fn time_of_strange(context: &Context, engine: &dyn Engine, dir: &Dir, name: &str) -> Result<Option<DateTime<Utc>>> {
    let Some(entry) = dir.entry(name)? else { return Ok(None) };
    if !entry.regular {
        let what = if entry.directory { "a folder" } else { "no regular file with one name" };
        return Err(Failure::new(Kind::Refused, what));
    }
    looks_like_a_dump(engine, dir, name)?;
    let modified = DateTime::from_timestamp_nanos(i64::try_from(entry.modified).unwrap_or(0));
    Ok(Some(time(name, context.settings.clock.now()).unwrap_or(modified)))
}

/// Whether its first bytes are those of a dump, or of something that one is packed in.
fn looks_like_a_dump(engine: &dyn Engine, dir: &Dir, name: &str) -> Result<()> {
    let mut head = Vec::new();
    dir.read(name)?.take(HEAD as u64).read_to_end(&mut head)?;
    let kind = sniff(&head);
    if kind.may_hold_a_dump() || engine.recognise(&head, name).is_ok() {
        return Ok(());
    }
    Err(Failure::new(Kind::Damaged, kind.to_string()))
}

/// What was taken in from files before: where they lay, and the ids that they have here.
fn sources(catalogue: &LockedCatalogue) -> Result<HashMap<String, BackupId>> {
    let backups = catalogue.view(Detail::Whole)?.backups.into_iter();
    let from = |backup: &Backup| {
        let note = backup.notes.iter().find_map(|note| note.strip_prefix(COPIED)?.strip_suffix(BY_OTHERS));
        note.map(str::to_owned)
    };
    Ok(backups.filter_map(|listed| Some((from(&listed.backup)?, listed.backup.id.clone()))).collect())
}

/// `id`, or the next one that is free.
fn free(catalogue: &LockedCatalogue, mut id: BackupId) -> Result<BackupId> {
    while catalogue.is_taken(&id)? {
        id = BackupId::new(id.service().clone(), id.at() + TimeDelta::seconds(1))
            .map_err(|wrong| Failure::new(Kind::Clock, wrong.to_string()))?;
    }
    Ok(id)
}

/// The folder, unless it is one of Dokku's own: what lies there belongs to services and apps that the caller may not be
/// allowed to see.
fn open(context: &Context, catalogue: &LockedCatalogue, folder: &Path) -> Result<Dir> {
    let settings = &context.settings;
    if folder.starts_with(&settings.data_root) {
        let text = format!("{} is where backups are kept already", folder.display());
        return Err(Failure::new(Kind::Usage, text).command(format!("dokku backups:sync {}", catalogue.service())));
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
    matches!(kind, Kind::Damaged | Kind::Io | Kind::NotFound | Kind::Config)
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
    let file = dir.read(name)?;
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
    record.notes.push(format!("{COPIED}{from}{BY_OTHERS}"));
    let backup = copy(context, catalogue, file, name, record, stored)?;
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
    file: NamedFile,
    name: &str,
    mut record: Backup,
    stored: &DumpOptions,
) -> Result<Backup> {
    let (engine, size) = (engine::of(record.datastore), file.size()?);
    let identities = || Ok(Identities::none());
    let unpacked = unpack(engine, Box::new(file), name, &identities, limit(context, catalogue)?)?;
    let Unpacked { mut dump, format, passed_over } = unpacked;
    record.dump_format = format;
    let draft = catalogue.begin_copy(record)?;
    let incoming = Incoming { dump: &mut dump, format, about: Some(size), nothing: None, grew: &|| () };
    let whole = store_dump(context, catalogue.dir(), draft, stored, incoming, |_| Ok(()))?;
    let stored_as = whole.draft.file_name();
    let mut sealed = whole.seal(catalogue)?;
    sealed.record_mut().destination = copy_later(context, catalogue.service(), &stored_as);
    sealed.record_mut().notes.extend(passed_over.lines());
    sealed.record(catalogue)
}
