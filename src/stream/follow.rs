//! Reading a file while somebody else still writes it, at one's own pace: a slow reader never slows the writer, and
//! nothing is kept in memory between them.
//!
//! End-of-file is proof here too: it comes only after the writer said that the file is whole, and only when the bytes
//! read are those it spoke of. A writer that goes away without that word is an error.

use std::io::{self, Read};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::{Passed, Sum};
use crate::error::{Failure, Kind};

/// How long a reader sleeps at most before it looks again by itself.
const LOOK: Duration = Duration::from_millis(200);

#[derive(Debug, Clone, Default)]
enum Word {
    #[default]
    Growing,
    Whole(Passed),
    Broken,
}

#[derive(Debug, Default)]
struct Shared {
    word: Mutex<Word>,
    changed: Condvar,
}

/// The writer's end. Dropped without `whole`, the file is broken.
#[derive(Debug)]
pub struct Leader {
    shared: Arc<Shared>,
}

/// The reader's end.
#[derive(Debug)]
pub struct Follower<F> {
    file: F,
    shared: Arc<Shared>,
    passed: Sum,
}

/// Both ends of a file that grows.
pub fn follow<F: Read>(file: F) -> (Leader, Follower<F>) {
    let shared = Arc::new(Shared::default());
    (Leader { shared: Arc::clone(&shared) }, Follower { file, shared, passed: Sum::default() })
}

/// A file that is whole already and must hold exactly `passed`.
pub fn exactly<F: Read>(file: F, passed: Passed) -> Follower<F> {
    let (leader, follower) = follow(file);
    leader.whole(passed);
    follower
}

impl Leader {
    /// There is more to read.
    pub fn grew(&self) {
        self.shared.changed.notify_all();
    }

    /// The file is whole, and this is what it holds.
    pub fn whole(self, passed: Passed) {
        *self.shared.word.lock().unwrap_or_else(PoisonError::into_inner) = Word::Whole(passed);
    }
}

impl Drop for Leader {
    fn drop(&mut self) {
        let mut word = self.shared.word.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*word, Word::Growing) {
            *word = Word::Broken;
        }
        drop(word);
        self.shared.changed.notify_all();
    }
}

impl<F: Read> Read for Follower<F> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            // The word is taken before the file is read: what was said of it then holds for all that is read after.
            let word = self.shared.word.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let read = self.file.read(buf)?;
            self.passed.add(&buf[..read]);
            match word {
                Word::Broken => return Err(Failure::new(Kind::Io, "the file was given up while it was read").into()),
                _ if read > 0 => return Ok(read),
                Word::Whole(passed) => return self.prove(&passed),
                Word::Growing => {
                    let word = self.shared.word.lock().unwrap_or_else(PoisonError::into_inner);
                    if matches!(*word, Word::Growing) {
                        drop(self.shared.changed.wait_timeout(word, LOOK));
                    }
                }
            }
        }
    }
}

impl<F> Follower<F> {
    fn prove(&self, passed: &Passed) -> io::Result<usize> {
        let read = self.passed.clone().passed();
        if read.size != passed.size {
            let text = format!("{} bytes were read of {}", read.size, passed.size);
            return Err(Failure::new(Kind::Damaged, text).into());
        }
        if read.sha256 != passed.sha256 {
            return Err(Failure::new(Kind::Damaged, "the bytes read do not have the sha256 of their record").into());
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Write;

    use super::*;

    fn passed(bytes: &[u8]) -> Passed {
        let mut sum = Sum::default();
        sum.add(bytes);
        sum.passed()
    }

    #[test]
    fn a_growing_file_is_read_to_its_proven_end() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut writer = file.reopen().unwrap();
        let (leader, mut follower) = follow(File::open(file.path()).unwrap());
        let reader = std::thread::spawn(move || {
            let mut all = Vec::new();
            follower.read_to_end(&mut all).map(|_| all)
        });
        let mut sent = Vec::new();
        for piece in 0..50u8 {
            writer.write_all(&[piece; 1000]).unwrap();
            sent.extend([piece; 1000]);
            leader.grew();
        }
        leader.whole(passed(&sent));
        assert_eq!(reader.join().unwrap().unwrap(), sent);
    }

    #[test]
    fn an_end_without_proof_is_an_error() {
        let read = |mut follower: Follower<&[u8]>| follower.read_to_end(&mut Vec::new());
        let (leader, follower) = follow(&b"abc"[..]);
        drop(leader);
        assert!(read(follower).is_err(), "given up");
        assert!(read(exactly(&b"abc"[..], passed(b"abcd"))).is_err(), "short");
        assert!(read(exactly(&b"abc"[..], passed(b"abd"))).is_err(), "other bytes");
        assert_eq!(read(exactly(&b"abc"[..], passed(b"abc"))).unwrap(), 3);
    }
}
