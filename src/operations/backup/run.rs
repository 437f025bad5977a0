//! Making one backup: start the dump, show the row, read it through, seal it, record it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;

use chrono::{DateTime, TimeDelta, Utc};

use super::held_up;
use super::lean::segments;
use crate::answers::BackupJson;
use crate::catalogue::{Detail, Draft, LockedCatalogue, Log, Sealed};
use crate::dokku::{Dokku, Info, not_running};
use crate::domain::{
    Archive, Backup, BackupId, Compression, Service, Source, archive_suspicion, count, is_emptied, room_needed,
    suspicion,
};
use crate::engine::{self, Live};
use crate::error::{Failure, Kind, Result};
use crate::operations::Context;
use crate::operations::backup::{DumpOptions, Facts, Incoming, store_dump};
use crate::operations::detach::detach_point;
use crate::operations::offsite::{Copying, copy_later};
use crate::sys::child::{Child, interrupted};
use crate::ui::bytes;

/// What the backup is to be.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// What caused it.
    pub source: Source,
    /// The time to name it by, when not now.
    pub at: Option<DateTime<Utc>>,
    /// Words to find it by.
    pub label: Option<String>,
    /// The schedules that ask for it.
    pub schedules: Vec<String>,
    /// How long it is to be kept, where that has an end.
    pub retention: Option<TimeDelta>,
    /// How to compress its file, when not as is set.
    pub compression: Option<Compression>,
}

impl Wanted {
    /// A backup from `source`, named by the time it is made, kept without end.
    pub fn new(source: Source) -> Wanted {
        Wanted { source, at: None, label: None, schedules: Vec::new(), retention: None, compression: None }
    }
}

/// Makes a backup of the catalogue's service and returns its record.
pub fn dump(context: &Context, dokku: &Dokku, catalogue: &LockedCatalogue, wanted: &Wanted) -> Result<Backup> {
    let service = catalogue.service();
    let mut stored = DumpOptions::locally(context, service, wanted.compression)?;
    // Who says on the line how the file is to be compressed wants that very form.
    if wanted.compression.is_none() {
        stored.segments = segments(context, catalogue, &stored)?;
    }
    let last = last_good(catalogue)?;
    let before = last.as_ref().and_then(|last| last.size);
    let about = stored.segments.as_ref().map_or(before, |segments| segments.about.or(before));
    check_room(catalogue, about)?;
    // The export starts at once and waits in its pipe until the service is known to be up; only then is there a row.
    let export = if stored.direct { None } else { Some(dokku.export(service)?) };
    let info = dokku.info(service)?;
    if let Some(failure) = not_running(service, &info.state) {
        return Err(failure);
    }
    let live = || {
        context
            .docker()
            .ok()
            .map(|docker| engine::of(service.datastore).attach(&docker, service, info.database.as_deref()))
    };
    let child = match export {
        Some(export) => export,
        None => engine::of(service.datastore)
            .attach(&context.docker()?, service, info.database.as_deref())
            .dump(context.settings.idle, stored.grants)?,
    };
    let child = child.hung_hint(engine::of(service.datastore).hung_hint());
    let facts = Facts::gather(dokku, &info, live());
    let draft = begin(context, catalogue, wanted, &stored, &info, last.as_ref())?;
    context.ui.step(&format!("Backing up {service} as {}", draft.record.id));
    if wanted.source == Source::Manual {
        detach_point(context, catalogue.dir(), &draft.listed())?;
    }
    let log = &mut Log::open(catalogue.dir(), &draft.record.id, context.settings.clock);
    let what = if stored.direct { "direct dump" } else { "export" };
    log.say(&format!("{what} of {}:{service} began, asked for by {}", service.datastore, draft.record.actor));
    let fallback = draft.record.clone();
    // Of a dump that is stored as differences the last file tells nothing.
    let about = last.as_ref().filter(|last| !last.form().is_delta()).and_then(|last| last.size);
    let file = draft.file_name();
    // A restore waits for its safety backup, and shall not wait for a store: that copy is made later.
    let later = wanted.source == Source::Safety;
    let copying = if later { None } else { Copying::begin(context, catalogue, &draft, about) };
    let grew = || copying.iter().for_each(Copying::grew);
    match receive(context, catalogue, draft, &stored, Run { child, facts, about, grew: &grew, live: live() }, log) {
        Ok(mut sealed) => {
            sealed.record_mut().destination = match &copying {
                Some(copying) => Some(copying.pending()),
                None => copy_later(context, catalogue.service(), &file),
            };
            finish(context, catalogue, sealed, last.as_ref(), copying, log)
        }
        Err(failure) => {
            copying.into_iter().for_each(Copying::give_up);
            log.say(&format!("failed: {}", failure.reason()));
            end_left_dump(context, &fallback, live());
            // When not even this can be written, the draft stays and the next command records the failure.
            if let Err(second) = catalogue.fail(fallback, failure.reason()) {
                log::warn!("{}", second.reason());
            }
            Err(failure)
        }
    }
}

/// Our children are gone, but what dumps in the container goes on by itself, with its snapshot and its locks.
fn end_left_dump(context: &Context, record: &Backup, live: Option<Box<dyn Live>>) {
    let from = record.started_at - chrono::TimeDelta::seconds(5);
    let ended = live.map(|live| live.uninterruptible().end_dumps(from..context.settings.clock.now()));
    if let Some(Err(failure)) = ended {
        log::info!("{}", failure.reason());
    }
}

fn last_good(catalogue: &LockedCatalogue) -> Result<Option<Backup>> {
    // A dump from elsewhere says nothing about how large those of this service are, and neither does what a restore
    // replaced.
    // One that looked suspicious and was then shown to restore is what the service looks like now.
    let comparable = |backup: &Backup| {
        backup.is_good()
            && backup.counts()
            && !backup.is_doubtful()
            && !matches!(backup.source, Source::Imported | Source::Safety)
    };
    let last = catalogue.newest(comparable)?;
    // Read again, for its tables.
    Ok(last.map(|backup| catalogue.record(&backup.id).unwrap_or(backup)))
}

fn check_room(catalogue: &LockedCatalogue, last: Option<u64>) -> Result<()> {
    let (free, needed) = (catalogue.dir().free_bytes()?, room_needed(last));
    if free >= needed {
        return Ok(());
    }
    let (free, needed) = (bytes(free), bytes(needed));
    let path = catalogue.dir().path().display();
    Err(Failure::new(
        Kind::NoSpace,
        format!("{free} are free below {path}; judging by the last dump, {needed} are needed"),
    )
    .hint(format!("make room, or delete old backups: dokku backups:delete {} --id ID", catalogue.service())))
}

fn begin(
    context: &Context,
    catalogue: &LockedCatalogue,
    wanted: &Wanted,
    stored: &DumpOptions,
    info: &Info,
    last: Option<&Backup>,
) -> Result<Draft> {
    let (service, id) = (catalogue.service(), free_id(context, catalogue, wanted.at)?);
    let now = context.settings.clock.now();
    let mut record = Backup::draft(id, service.datastore, wanted.source, now, &context.settings.caller.actor);
    record.dump_format = engine::of(service.datastore).exported();
    record.compression = stored.compression;
    record.encrypted_to = stored.recipients.words();
    if let Some(segments) = &stored.segments {
        record.compression = Compression::Zstd;
        let base = segments.base.as_ref().map(|base| base.id.clone());
        record.archive = Some(Archive::expected(base, segments.position));
        record.notes.extend(segments.note.clone());
    }
    record.grants = stored.grants;
    record.label = wanted.label.clone().filter(|label| !label.is_empty());
    record.schedules.clone_from(&wanted.schedules);
    record.expires_at = wanted.retention.map(|retention| record.created_at + retention);
    record.image.clone_from(&info.image);
    record.image_version.clone_from(&info.image_version);
    // What the last one was of, where the plugin does not say.
    record.database = info.database.clone().or_else(|| last.and_then(|last| last.database.clone()));
    catalogue.begin(record)
}

/// A name that nothing has yet: the second `at`, or the first free one from now on.
pub fn free_id(context: &Context, catalogue: &LockedCatalogue, at: Option<DateTime<Utc>>) -> Result<BackupId> {
    let clock = context.settings.clock;
    let service = catalogue.service();
    let named = |at| BackupId::new(service.name.clone(), at).map_err(|e| Failure::new(Kind::Clock, e.to_string()));
    let mut id = named(at.unwrap_or_else(|| clock.now()))?;
    while catalogue.is_taken(&id)? {
        if at.is_some() {
            let failure = Failure::new(Kind::Exists, format!("{id} exists already"));
            return Err(about(catalogue, &id, failure)?
                .remedy("look at it with", format!("dokku backups:info {service} --id {id}")));
        }
        clock.next_second().map_err(interrupted)?;
        id = named(clock.now())?;
    }
    Ok(id)
}

/// With the backup `id`, as programs read it.
fn about(catalogue: &LockedCatalogue, id: &BackupId, failure: Failure) -> Result<Failure> {
    let view = catalogue.view(Detail::Whole)?;
    let listed = view.backups.iter().find(|listed| &listed.backup.id == id);
    Ok(match listed.map(|listed| serde_json::to_value(BackupJson::new(listed, catalogue.dir().path()))) {
        Some(backup) => failure.with_backup(backup.map_err(std::io::Error::from)?),
        None => failure,
    })
}

/// An export under way: the dump, the facts beside it, about how large the dump may be, and who is told when more was stored.
struct Run<'a> {
    child: Child,
    facts: Facts,
    about: Option<u64>,
    grew: &'a dyn Fn(),
    live: Option<Box<dyn Live>>,
}

/// Reads the whole dump, and what was learnt beside it.
fn receive(
    context: &Context,
    catalogue: &LockedCatalogue,
    draft: Draft,
    stored: &DumpOptions,
    run: Run<'_>,
    log: &mut Log,
) -> Result<Sealed> {
    let Run { mut child, facts, about, grew, live } = run;
    let (datastore, own) = (draft.record.datastore, draft.record.database.clone());
    // It is the child that failed then, not the bytes that are bad.
    let program = if stored.direct { "the dump program".to_owned() } else { format!("{datastore}:export") };
    let nothing = Failure::new(Kind::Child, format!("{program} ended well but gave no output"));
    let format = engine::of(datastore).exported();
    let moved = AtomicU64::new(0);
    let grew = || {
        moved.fetch_add(1, Ordering::Relaxed);
        grew();
    };
    let incoming = Incoming { dump: &mut child, format, about, nothing: Some(nothing), grew: &grew };
    let mut held = String::new();
    let (whole, waited) = thread::scope(|scope| {
        let (end, ended) = channel();
        let quiet = held_up::quiet(context.settings.idle);
        let (ui, moved) = (context.ui, &moved);
        let watch = move || live.and_then(|live| held_up::tell(ui, &*live, moved, &ended, quiet));
        // Without it less is said, and nothing else is missing.
        let watch = thread::Builder::new().spawn_scoped(scope, watch);
        let whole = store_dump(context, catalogue.dir(), draft, stored, incoming, |content| {
            held = format!("{}, {}", count(content.tables.len(), "table"), count(content.rows(), "row"));
            is_of(catalogue.service(), own.as_deref(), &content.database, &program)
        });
        drop::<Sender<()>>(end);
        (whole, watch.ok().and_then(|watch| watch.join().ok().flatten()))
    });
    log.quote(&child.stderr());
    if let Some(waited) = waited {
        log.say(&format!("it waited for {waited}"));
    }
    let mut whole = whole?;
    log.say(&format!("read to its end: {} bytes, {held}", whole.size()));
    let learnt = facts.learnt();
    let record = &mut whole.draft.record;
    record.apps = learnt.apps;
    record.notes.extend(learnt.notes);
    record.suspicious = learnt.suspicious;
    record.session = learnt.session;
    whole.seal(catalogue)
}

/// Whether the dump is of the database that the service has, as far as both are known. It is whole, and yet not what
/// anybody asked for.
fn is_of(service: &Service, own: Option<&str>, dumped: &str, program: &str) -> Result<()> {
    match own {
        Some(own) if !dumped.is_empty() && own != dumped => {
            let datastore = service.datastore;
            let text = format!("{program} gave the dump of the database {dumped}; that of {service} is {own}");
            Err(Failure::new(Kind::Damaged, text)
                .remedy("see which database the service has", format!("dokku {datastore}:info {service}")))
        }
        _ => Ok(()),
    }
}

fn finish(
    context: &Context,
    catalogue: &LockedCatalogue,
    mut sealed: Sealed,
    last: Option<&Backup>,
    copying: Option<Copying>,
    log: &mut Log,
) -> Result<Backup> {
    let record = sealed.record_mut();
    let (form, size, tables) = (record.form(), record.size.unwrap_or(0), record.table_count());
    // A safety backup saves what somebody is about to replace: that something is lost in it may be why.
    let last = last.filter(|_| record.source != Source::Safety);
    record.emptied = last.is_some_and(|last| is_emptied(last, record));
    let shrunk = last.and_then(|last| suspicion(last, form, size, &record.tables, tables));
    let archives = last.zip(record.archive.as_ref());
    let shrunk = shrunk.or_else(|| archives.and_then(|(last, archive)| archive_suspicion(last, archive)));
    let shrunk = shrunk.or_else(|| record.emptied.then(|| "no table has a row any more".to_owned()));
    record.suspicious = record.suspicious.take().or(shrunk);
    let recorded = sealed.record(catalogue);
    let Ok(backup) = recorded else {
        copying.into_iter().for_each(Copying::give_up);
        return recorded;
    };
    log.say(&format!("success: sha256 {}", backup.sha256.as_deref().unwrap_or("-")));
    if let Some(why) = &backup.suspicious {
        log.say(&format!("suspicious: {why}"));
        context.ui.warn(&format!("{} is whole but looks suspicious: {why}", backup.id));
    }
    for note in &backup.notes {
        context.ui.warn(note);
    }
    let (tables, rows) = (count(tables, "table"), count(backup.row_count(), "row"));
    let held = backup.archive.as_ref().map_or_else(String::new, |archive| format!(" for {}", bytes(archive.size)));
    context.ui.detail(&format!("{}{held} in {tables}, {rows}; checked and durable", bytes(size)));
    Ok(match copying {
        Some(copying) => copying.settle(context, catalogue, backup, log),
        None => backup,
    })
}

/// The backup that is taken before data is replaced. Without it nothing is begun; none where there is no database any more
/// that could be saved.
pub fn safety_backup(
    context: &Context,
    dokku: &Dokku,
    into: &LockedCatalogue,
    info: &Info,
) -> Result<Option<BackupId>> {
    let failure = match dump(context, dokku, into, &Wanted::new(Source::Safety)) {
        Ok(backup) => return Ok(Some(backup.id)),
        Err(failure) => failure,
    };
    if let Kind::Interrupted(_) = failure.kind {
        return Err(failure.hint("nothing was restored"));
    }
    let service = into.service();
    let attach = |docker| engine::of(service.datastore).attach(&docker, service, info.database.as_deref());
    if context.docker().map(attach).and_then(|live| live.has_data()).is_ok_and(|has| !has) {
        context.ui.warn(&format!("the database of {service} is not there any more: there is nothing to save"));
        return Ok(None);
    }
    Err(Failure::new(Kind::Refused, "the safety backup failed; nothing was restored")
        .because(failure)
        .hint("mend that first, or go without one: --no-backup"))
}
