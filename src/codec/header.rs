//! The head of an age file, read before the library sees it: whoever wrote the file chooses how long it is, and the time
//! that reading it takes grows with the square of that.

use std::io::{self, BufRead, Chain, Cursor, Read};

use crate::error::{Failure, Kind};

/// Keys a file may be encrypted to. Ours are never encrypted to more.
pub const MOST_KEYS: usize = 256;
/// Longest head, in bytes: 256 keys of X25519 take 25 KiB.
const LONGEST: u64 = 64 << 10;

/// The same file, once its head was found to be within bounds; its first bytes are in memory.
pub fn bounded<R: BufRead>(mut source: R) -> io::Result<Chain<Cursor<Vec<u8>>, R>> {
    let mut head = Vec::new();
    let mut keys = 0;
    loop {
        let from = head.len();
        let left = LONGEST.saturating_sub(from as u64);
        (&mut source).take(left + 1).read_until(b'\n', &mut head)?;
        let line = &head[from..];
        if head.len() as u64 > LONGEST {
            return Err(too_long(format!("the head of the .age file is longer than {LONGEST} bytes")));
        }
        keys += usize::from(line.starts_with(b"-> "));
        if keys > MOST_KEYS {
            return Err(too_long(format!("the .age file is encrypted to more than {MOST_KEYS} keys")));
        }
        // The last line of a head; where the file ends before, the library says what is wrong.
        if line.starts_with(b"---") || !line.ends_with(b"\n") {
            return Ok(Cursor::new(head).chain(source));
        }
    }
}

fn too_long(why: String) -> io::Error {
    Failure::new(Kind::Damaged, why)
        .hint("no tool of age writes such a one by itself; encrypt the dump again, to fewer keys")
        .into()
}
