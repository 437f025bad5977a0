//! Storing a dump in segments: its data is unpacked while it is read, and what of that lies in an earlier backup already is
//! not stored again.

use std::io::Write;

use super::options::Segments;
use super::store::Incoming;
use crate::catalogue::{Draft, Folder, LockedCatalogue};
use crate::codec::{Encoder, Identities, Recipients};
use crate::delta::Maker;
use crate::domain::{Archive, Backup, Compression};
use crate::engine::{self, Content};
use crate::error::{Failure, Kind, Phase, Result};
use crate::operations::Context;
use crate::operations::proof::{archive_in, lean_on};
use crate::stream::{self, Passed, Sink, Sum};
use crate::sys::file::NamedFile;
use crate::ui::Progress;

/// Stores all of `incoming` in `draft`; `accept` is told what it holds before the file gets its end. Returns what it holds,
/// and what the stored file is.
pub fn store(
    context: &Context,
    dir: &Folder,
    draft: &mut Draft,
    recipients: &Recipients,
    segments: &Segments,
    incoming: Incoming<'_>,
    accept: impl FnOnce(&Content) -> Result<()>,
) -> Result<(Content, Passed)> {
    let Incoming { dump, format: _, about, nothing, grew } = incoming;
    let datastore = draft.record.datastore;
    let none = Identities::none();
    let identities = segments.identities.as_ref().unwrap_or(&none);
    let base = segments.base.as_ref().map(|base| lean_on(dir, base, segments.position, identities)).transpose()?;
    let mut progress = Progress::new(context.ui, Phase::Receive, about);
    let mut sum = Sum::default();
    let mut file = Sink(|piece: &[u8]| {
        sum.add(piece);
        draft.keep(piece)?;
        grew();
        Ok(())
    });
    // Packed it is already.
    let mut maker = Maker::new(Encoder::new(&mut file, Compression::None, recipients)?, base)?;
    let mut archive = Sum::default();
    let mut keep = |piece: &[u8]| {
        progress.add(piece.len());
        Ok(())
    };
    let read = stream::through(
        |unpacked| stream::pour(dump, &mut keep, |mut tap| engine::of(datastore).unpack(&mut tap, unpacked)),
        &mut |piece| {
            archive.add(piece);
            Ok(maker.write_all(piece)?)
        },
    )?;
    let (size, content) = read?;
    drop(progress);
    if let Some(failure) = nothing.filter(|_| size == 0) {
        return Err(failure);
    }
    let content = content?;
    accept(&content)?;
    let archive = archive.passed();
    maker.finish(&archive.sha256)?.finish()?;
    let base = segments.base.as_ref().map(|base| base.id.clone());
    draft.record.archive =
        Some(Archive { size: archive.size, sha256: archive.sha256, sealed: false, base, position: segments.position });
    Ok((content, sum.passed()))
}

/// Reads the draft back through everything it leans on. Without its key that cannot be done; a whole is then left to its
/// hash.
pub fn prove_draft(catalogue: &LockedCatalogue, draft: &Draft, identities: Option<&Identities>) -> Result<()> {
    let (record, Some(identities)) = (&draft.record, identities) else { return Ok(()) };
    reads_back(catalogue.dir(), record, draft.read_along(catalogue)?, identities).map_err(|failure| {
        match failure.kind {
            Kind::Damaged => Failure::new(Kind::Damaged, "what was stored is not what came").because(failure.reason()),
            _ => failure,
        }
    })
}

/// Whether the stored `file` gives the archive of `record`.
pub fn reads_back(dir: &Folder, record: &Backup, file: NamedFile, identities: &Identities) -> Result<()> {
    let mut reader = archive_in(dir, record, file, record.form(), identities)?;
    let mut sum = Sum::default();
    stream::pass(&mut reader, &mut |piece| {
        sum.add(piece);
        Ok(())
    })?;
    let sha256 = sum.passed().sha256;
    match &record.archive {
        Some(archive) if sha256 == reader.sha256() && archive.fits(&sha256) => Ok(()),
        _ => Err(Failure::new(Kind::Damaged, "its archive is another one")),
    }
}
