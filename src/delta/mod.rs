//! An archive as its differences from an earlier one, and back.
//!
//! An archive is stored as segments of at most 1 MiB, each one zstd frame. In a *whole* every frame stands for
//! itself: `unzstd` gives the archive back. In a *delta* a frame may lean on a stretch of one earlier archive, its base, as
//! zstd's prefix; the base may be a delta itself. Rows that moved within a table cost nothing that way, other than in a
//! store of chunks, each of which changes with any row in it. Behind the segments lie the anchors, by which the next delta
//! finds its stretches, and the index, which is text.
//!
//! Promises: memory does not grow with the archive, and by 1.5 MiB and a segment only with each file that is leant
//! on; what is read is checked frame by frame, and never believed to be the archive before its hash was right. Must not
//! know: catalogues, records, what an archive is of.

mod anchors;
mod index;
mod make;
mod reader;

pub use index::{Base, Index};
pub use make::Maker;
pub use reader::Reader;

/// Bytes of an archive in one frame at most: 1 MiB.
const SEGMENT: usize = 1 << 20;
/// Bytes of the base that a frame leans on at most: 1.5 MiB.
const MOST_PREFIX: usize = 3 << 19;
/// Beyond this level zstd costs far more time than it saves room.
const LEVEL: i32 = 3;
/// The window of a frame: it reaches over the prefix and the segment. In powers of two; `unzstd` takes up to 27.
const WINDOW_LOG: u32 = 22;

#[cfg(test)]
mod tests;
