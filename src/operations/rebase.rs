//! Giving backups that lean on one that is to go another base. Their archives stay byte for byte what they were; only the
//! files change. Until the last step the old file counts, and nothing of what it leans on is touched.

use std::io::Write;

use crate::catalogue::{Detail, InUse, LockedCatalogue, Log};
use crate::codec::{Encoder, Recipients};
use crate::delta::Maker;
use crate::domain::{
    Archive, Backup, BackupId, Compression, CopyRecord, CopyState, Leaning, Listed, StoredAs, room_needed,
};
use crate::error::{Failure, Kind, Phase, Result};
use crate::operations::Context;
use crate::operations::backup::reads_back;
use crate::operations::keys::Keys;
use crate::operations::offsite::{copy_later, fetch};
use crate::operations::proof::{damaged, lean_on, open_archive};
use crate::stream::{self, Sink, Sum};
use crate::sys::signals;
use crate::ui::{Progress, bytes};

/// Gives every backup that leans on one of `going`, and does not go itself, a base that stays, or makes it a whole. Looks
/// before the first one whether there is room for all. Returns the ids of those whose files are new.
pub fn rebase(context: &Context, catalogue: &LockedCatalogue, going: &[BackupId]) -> Result<Vec<BackupId>> {
    let view = catalogue.view(Detail::Summary)?.backups;
    let mut moving: Vec<(&Listed, Option<&Listed>)> = Vec::new();
    for listed in view.iter().filter(|listed| listed.backup.is_good() && !going.contains(&listed.backup.id)) {
        if listed.backup.base().is_some_and(|base| going.contains(base)) {
            moving.push((listed, staying(&view, listed, going)));
        }
    }
    if let Some((listed, _)) = moving.iter().find(|(listed, _)| listed.damage().is_some()) {
        let (id, why) = (&listed.backup.id, listed.damage().unwrap_or_default());
        let text = format!("{id} leans on it and cannot be given another base: {why}");
        return Err(Failure::new(Kind::Refused, text).remedy(
            "where it is lost anyway, delete it first",
            format!("dokku backups:delete {} --id {id}", id.service()),
        ));
    }
    has_room(catalogue, &view, &moving)?;
    // Whoever reads one of them opens file after file: none is to change meanwhile.
    let leans = |listed: &&Listed| {
        let mut at = listed.backup.base();
        let chain = std::iter::from_fn(|| {
            let base = at?;
            at = view.iter().find(|other| &other.backup.id == base).and_then(|other| other.backup.base());
            Some(base)
        });
        !going.contains(&listed.backup.id) && chain.take(view.len()).any(|base| going.contains(base))
    };
    let clock = context.settings.clock;
    let _in_use: Vec<InUse> = view
        .iter()
        .filter(|listed| listed.backup.is_good() && !moving.is_empty())
        .filter(leans)
        .map(|listed| InUse::take(catalogue.dir(), &listed.backup.id, "storing anew", clock))
        .collect::<Result<_>>()?;
    // Oldest first, so that a run that is killed leaves whole chains.
    for (listed, base) in moving.iter().rev() {
        signals::obey()?;
        fetch(context, catalogue, &listed.backup.id, &Keys::default())?;
        move_one(context, catalogue, &listed.backup.id, base.map(|base| &base.backup.id))?;
    }
    Ok(moving.into_iter().map(|(listed, _)| listed.backup.id.clone()).collect())
}

/// The nearest backup that `listed` leans on, by way of others, and that stays.
fn staying<'a>(view: &'a [Listed], listed: &Listed, going: &[BackupId]) -> Option<&'a Listed> {
    let mut at = listed.backup.base()?;
    for _ in 0..view.len() {
        let found = view.iter().find(|other| &other.backup.id == at)?;
        if !going.contains(at) {
            return Some(found);
        }
        at = found.backup.base()?;
    }
    None
}

/// A whole is about as large as the one that goes, a delta as it and what it leant on together.
fn has_room(catalogue: &LockedCatalogue, view: &[Listed], moving: &[(&Listed, Option<&Listed>)]) -> Result<()> {
    let Some((first, _)) = moving.first() else { return Ok(()) };
    let size = |id: Option<&BackupId>| {
        let found = id.and_then(|id| view.iter().find(|listed| &listed.backup.id == id));
        found.and_then(|listed| listed.backup.size).unwrap_or(0)
    };
    let one = |(listed, base): &(&Listed, Option<&Listed>)| match base {
        Some(_) => listed.backup.size.unwrap_or(0) + size(listed.backup.base()),
        None => size(listed.chain.whole.as_ref()) + listed.backup.size.unwrap_or(0),
    };
    let (free, needed) = (catalogue.dir().free_bytes()?, room_needed(Some(moving.iter().map(one).sum())));
    if free >= needed {
        return Ok(());
    }
    let text = format!(
        "{} leans on it and would have to be stored anew: that needs {}, {} are free",
        first.backup.id,
        bytes(needed),
        bytes(free)
    );
    Err(Failure::new(Kind::NoSpace, text)
        .hint("make room; or delete those that lean on it in the same command, or before"))
}

fn move_one(context: &Context, catalogue: &LockedCatalogue, id: &BackupId, base: Option<&BackupId>) -> Result<()> {
    let backup = catalogue.record(id)?;
    let identities = Keys::default().of(context, &backup)?;
    let recipients = Recipients::parse(&backup.encrypted_to.join(" "))?;
    let (Some(archive), Some(old)) = (backup.archive.clone(), backup.file.clone()) else { return Ok(()) };
    let onto = base.map(|base| catalogue.record(base)).transpose()?;
    let words = base.map_or_else(|| "stand for itself".to_owned(), |base| format!("lean on {base}"));
    context.ui.step(&format!("Storing {id} anew, to {words}"));
    let form = match (&onto, backup.form().leaning) {
        (None, _) => StoredAs { leaning: Leaning::Whole, ..backup.form() },
        (Some(_), Leaning::Delta) => StoredAs { leaning: Leaning::Rebased, ..backup.form() },
        (Some(_), _) => StoredAs { leaning: Leaning::Delta, ..backup.form() },
    };
    let mut record = backup.clone();
    record.file = Some(format!("{id}.{}", form.ending()));
    record.compression = Compression::Zstd;
    record.archive = Some(Archive { base: base.cloned(), ..archive.clone() });
    let mut draft = catalogue.begin_copy(record)?;
    let mut reader = open_archive(catalogue.dir(), &backup, &identities)?;
    let lean = onto.map(|onto| lean_on(catalogue.dir(), &onto, archive.position, &identities)).transpose()?;
    let (mut sum, mut read) = (Sum::default(), Sum::default());
    let mut file = Sink(|piece: &[u8]| {
        sum.add(piece);
        draft.keep(piece)
    });
    let mut maker = Maker::new(Encoder::new(&mut file, Compression::None, &recipients)?, lean)?;
    let mut progress = Progress::new(context.ui, Phase::Read, Some(archive.size));
    stream::pass(&mut reader, &mut |piece| {
        read.add(piece);
        progress.add(piece.len());
        Ok(maker.write_all(piece)?)
    })?;
    drop(progress);
    let sha256 = read.passed().sha256;
    if sha256 != reader.sha256() || !archive.fits(&sha256) {
        return Err(damaged(&backup, "its archive is another one".to_owned()));
    }
    maker.finish(&sha256)?.finish()?;
    let passed = sum.passed();
    reads_back(catalogue.dir(), &draft.record, draft.read_along(catalogue)?, &identities)?;
    draft.record.destination = former(context, catalogue, &backup, draft.record.file.as_deref().unwrap_or_default());
    signals::obey()?;
    draft.replace(catalogue, passed.size, passed.sha256, &old)?;
    Log::open(catalogue.dir(), id, context.settings.clock)
        .say(&format!("stored anew, to {words}; {} bytes", passed.size));
    Ok(())
}

/// The copy of the new file, which is still to be made; that of the old one stays until then.
fn former(context: &Context, catalogue: &LockedCatalogue, backup: &Backup, file: &str) -> Option<CopyRecord> {
    let copy = backup.destination.as_ref()?;
    let stored = (copy.state == CopyState::Stored).then(|| copy.uri.clone());
    let former = stored.or_else(|| copy.former.clone());
    copy_later(context, catalogue.service(), file).map(|later| CopyRecord { former, ..later })
}
