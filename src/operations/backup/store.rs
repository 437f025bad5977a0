//! The one pipe through which a dump is stored, wherever it comes from: into the draft, through the hash and through the
//! engine at the same time, and ended as a whole one only when it was read to its proven end.

use std::io::{Read, Write};

use super::segments::{self, prove_draft};
use crate::catalogue::{Draft, Folder, LockedCatalogue, Sealed};
use crate::codec::Encoder;
use crate::domain::{DumpFormat, Place, Service};
use crate::engine::{self, Content};
use crate::error::{Failure, Phase, Result};
use crate::operations::Context;
use crate::operations::backup::{DumpOptions, Segments};
use crate::operations::keys::recipients;
use crate::operations::proof::describe;
use crate::stream::{self, Passed, Sink, Sum};
use crate::sys::{random, signals};
use crate::ui::Progress;

/// A dump that comes in.
pub struct Incoming<'a> {
    /// Its bytes; what they end with is its source's word that they are all.
    pub dump: &'a mut (dyn Read + Send),
    /// How it is written.
    pub format: DumpFormat,
    /// About how large it may be.
    pub about: Option<u64>,
    /// What it means when nothing comes at all: even an empty database dumps to several hundred bytes.
    pub nothing: Option<Failure>,
    /// Told when more of it lies in the draft.
    pub grew: &'a dyn Fn(),
}

/// A dump that was read to its end, its bytes in the draft and not yet durable.
#[derive(Debug)]
pub struct Whole {
    /// The draft; facts may still be added to its record.
    pub draft: Draft,
    passed: Passed,
    segments: Option<Segments>,
}

impl Whole {
    /// Bytes of its stored form.
    pub fn size(&self) -> u64 {
        self.passed.size
    }

    /// Makes it durable and moves it to its place. One that was stored in segments is read back first. A request to end that
    /// came before this is obeyed.
    pub fn seal(self, catalogue: &LockedCatalogue) -> Result<Sealed> {
        if let Some(segments) = &self.segments {
            prove_draft(catalogue, &self.draft, segments.identities.as_ref())?;
        }
        signals::obey()?;
        self.draft.seal(catalogue, self.passed.size, self.passed.sha256)
    }
}

/// Stores all of `incoming` in `draft`, as `stored` says. `accept` is told what it holds before the stored form is ended:
/// what it refuses never looks like a whole one.
pub fn store_dump(
    context: &Context,
    dir: &Folder,
    mut draft: Draft,
    stored: &DumpOptions,
    incoming: Incoming<'_>,
    accept: impl FnOnce(&Content) -> Result<()>,
) -> Result<Whole> {
    let (content, passed) = match &stored.segments {
        Some(segments) => segments::store(context, dir, &mut draft, &stored.recipients, segments, incoming, accept)?,
        None => store_as_it_is(context, &mut draft, stored, incoming, accept)?,
    };
    describe(&mut draft.record, content);
    // The record lies beside the dump in both places: where one is encrypted, neither tells what the rows are.
    let service = Service { datastore: draft.record.datastore, name: draft.record.service.clone() };
    let off_site = recipients(context, &service, Place::OffSite).map_or(true, |whom| !whom.is_empty());
    if off_site {
        draft.record.tables.iter_mut().for_each(|table| table.digest = None);
    }
    if off_site || draft.record.form().encrypted {
        let word = random::long_word()?;
        draft.record.archive = draft.record.archive.map(|archive| archive.sealed_by(word));
    }
    Ok(Whole { draft, passed, segments: stored.segments.clone() })
}

/// Stores the dump byte for byte, compressed and encrypted where that is asked for.
fn store_as_it_is(
    context: &Context,
    draft: &mut Draft,
    stored: &DumpOptions,
    incoming: Incoming<'_>,
    accept: impl FnOnce(&Content) -> Result<()>,
) -> Result<(Content, Passed)> {
    let Incoming { dump, format, about, nothing, grew } = incoming;
    let datastore = draft.record.datastore;
    let mut progress = Progress::new(context.ui, Phase::Receive, about);
    let mut sum = Sum::default();
    // What is stored: these bytes are hashed, and these lie in the file.
    let mut store = Sink(|piece: &[u8]| {
        sum.add(piece);
        draft.keep(piece)?;
        grew();
        Ok(())
    });
    let mut encoder = Encoder::new(&mut store, stored.compression, &stored.recipients)?;
    let mut keep = |piece: &[u8]| {
        progress.add(piece.len());
        Ok(encoder.write_all(piece)?)
    };
    let (size, content) = stream::pour(dump, &mut keep, |mut tap| engine::of(datastore).inspect(format, &mut tap))?;
    drop(progress);
    if let Some(failure) = nothing.filter(|_| size == 0) {
        return Err(failure);
    }
    let content = content?;
    accept(&content)?;
    encoder.finish()?;
    Ok((content, sum.passed()))
}
