//! A foreign dump becomes a backup: recognised, read to its end, made durable, recorded. Until it is recorded nothing of
//! it is left when something goes wrong.

use crate::catalogue::{Draft, LockedCatalogue, Log};
use crate::dokku::Info;
use crate::domain::{Backup, Compression, Source, count, scrub};
use crate::engine;
use crate::error::{Failure, Kind, Result};
use crate::operations::Context;
use crate::operations::backup::{DumpOptions, Incoming, free_id, store_dump};
use crate::operations::intake::{Foreign, Unpacked, unpack};
use crate::operations::keys::Keys;
use crate::operations::offsite::copy_later;
use crate::operations::proof::object;
use crate::properties::IMPORT_LIMIT;
use crate::ui::bytes;

/// What stays free on the disk whatever comes in: a tenth, and 64 MiB at least.
fn spare(free: u64) -> u64 {
    (free / 10).max(64 << 20)
}

/// Catalogues `foreign` in `into` and returns its record.
pub fn bring_in(
    context: &Context,
    into: &LockedCatalogue,
    info: &Info,
    foreign: &Foreign,
    label: Option<&str>,
    compression: Option<Compression>,
    keys: &Keys,
) -> Result<Backup> {
    let service = into.service();
    let stored = DumpOptions::locally(context, service, compression)?;
    let limit = limit(context, into)?;
    let coming = foreign.open(context, into, info)?;
    if let Some(size) = coming.size.filter(|size| *size > limit) {
        let text = format!("{} has {}; only {} may be taken", coming.name, bytes(size), bytes(limit));
        return Err(Failure::new(Kind::NoSpace, text)
            .remedy("make room, or allow more", format!("dokku backups:set {service} import-limit 50g")));
    }
    let (name_of_it, size) = (coming.name, coming.size);
    let identities = || keys.fitting(context, service, &[], &name_of_it);
    let unpacked = unpack(engine::of(service.datastore), coming.bytes, &name_of_it, &identities, limit)?;
    let draft =
        begin(context, into, info, &unpacked, &stored, label.filter(|label| !label.is_empty()).unwrap_or(&name_of_it))?;
    let (id, file) = (draft.record.id.clone(), draft.file_name());
    context.ui.step(&format!("Taking in {name_of_it} as {id}"));
    let Unpacked { mut dump, format, passed_over } = unpacked;
    let called = draft.record.label.clone().unwrap_or_default();
    let incoming = Incoming { dump: &mut dump, format, about: size, nothing: None, grew: &|| () };
    let whole = store_dump(context, into.dir(), draft, &stored, incoming, |content| {
        object(&called, &content.code.clone().without(&keys.consent.skipped), &keys.consent)
            .map_err(|failure| failure.hint("nothing was taken in"))
    });
    let mut sealed = whole.and_then(|whole| whole.seal(into)).inspect_err(|_| {
        if let Err(second) = into.abandon(&id) {
            log::warn!("{}", second.reason());
        }
    })?;
    // Its copy is made with the next run of the scheduler: whoever imports wants the data back first.
    sealed.record_mut().destination = copy_later(context, service, &file);
    sealed.record_mut().notes.extend(passed_over.lines());
    let backup = sealed.record(into)?;
    let log = &mut Log::open(into.dir(), &id, context.settings.clock);
    let (stored, format) = (bytes(backup.size.unwrap_or(0)), backup.dump_format.name());
    let (tables, rows) = (count(backup.table_count(), "table"), count(backup.row_count(), "row"));
    log.say(&format!("import from {name_of_it}, asked for by {}", backup.actor));
    log.say(&format!("success: {format} format, {tables}, {rows}, sha256 {}", backup.sha256.as_deref().unwrap_or("-")));
    backup.programs.iter().for_each(|program| log.say(&format!("allowed: {program}")));
    backup.notes.iter().for_each(|note| context.ui.warn(note));
    context.ui.detail(&format!("{stored} in {tables}, {rows} ({format} format); checked and durable"));
    Ok(backup)
}

/// How many bytes the dump may have once unpacked.
pub(super) fn limit(context: &Context, into: &LockedCatalogue) -> Result<u64> {
    let free = into.dir().free_bytes()?;
    let room = free.saturating_sub(spare(free));
    let set = context.properties().computed(into.service(), &IMPORT_LIMIT)?;
    Ok(IMPORT_LIMIT.bytes(&set).map_or(room, |set| set.min(room)))
}

fn begin(
    context: &Context,
    into: &LockedCatalogue,
    info: &Info,
    unpacked: &Unpacked,
    stored: &DumpOptions,
    label: &str,
) -> Result<Draft> {
    let settings = &context.settings;
    let (id, datastore) = (free_id(context, into, None)?, into.service().datastore);
    let mut record = Backup::draft(id, datastore, Source::Imported, settings.clock.now(), &settings.caller.actor);
    record.dump_format = unpacked.format;
    record.compression = stored.compression;
    record.encrypted_to = stored.recipients.words();
    record.label = Some(scrub(label));
    record.image.clone_from(&info.image);
    record.image_version.clone_from(&info.image_version);
    into.begin(record)
}
