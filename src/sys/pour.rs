//! From a reader into a file that lies on another disk, or on another machine's: each side says for itself what went
//! wrong with it.

use std::io::{self, Read, Write};

use super::file::NamedFile;

/// Bytes taken at once.
const PIECE: usize = 256 << 10;
/// Bytes after which the file begins to be written out, so that the final fsync has little left to do.
const WINDOW: u64 = 8 << 20;

/// Why it stopped before the end.
#[derive(Debug)]
pub enum Stopped {
    /// It was called off.
    CalledOff,
    /// The reader failed.
    Reading(io::Error),
    /// The file failed.
    Writing(io::Error),
}

/// Writes everything that comes from `source` into `file`; how many bytes. Asks at every piece whether it is called off.
pub fn pour(source: &mut dyn Read, file: &mut NamedFile, is_called_off: &dyn Fn() -> bool) -> Result<u64, Stopped> {
    let (mut piece, mut size, mut begun) = (vec![0; PIECE], 0, 0);
    loop {
        if is_called_off() {
            return Err(Stopped::CalledOff);
        }
        let count = match source.read(&mut piece) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read.map_err(Stopped::Reading)?,
        };
        if count == 0 {
            return Ok(size);
        }
        file.write_all(&piece[..count]).map_err(Stopped::Writing)?;
        size += count as u64;
        if size - begun >= WINDOW {
            file.start_writeback(begun, size - begun);
            begun = size;
        }
    }
}
