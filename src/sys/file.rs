//! An open file that knows its path, so that every error names it.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::failpoints;

/// An io error that says what was being done to which path.
#[derive(Debug)]
struct OnPath {
    doing: &'static str,
    path: PathBuf,
    source: io::Error,
}

impl std::fmt::Display for OnPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let path = self.path.display();
        if self.source.raw_os_error() == Some(nix::libc::ELOOP) {
            return write!(f, "could not {} {path}: it is a symbolic link, and nothing of it is followed", self.doing);
        }
        write!(f, "could not {} {path}: {}", self.doing, self.source)
    }
}

impl std::error::Error for OnPath {}

/// Adds path and deed to an error, keeping its kind.
pub fn on_path(doing: &'static str, path: &Path, source: impl Into<io::Error>) -> io::Error {
    let source = source.into();
    io::Error::new(source.kind(), OnPath { doing, path: path.to_owned(), source })
}

/// Whether it is the device that failed (EIO): that says nothing about what lies on it.
pub fn is_device_error(error: &io::Error) -> bool {
    number(error) == Some(nix::libc::EIO)
}

/// Whether a symlink was met where none is followed (ELOOP).
pub fn is_symlink_error(error: &io::Error) -> bool {
    number(error) == Some(nix::libc::ELOOP)
}

fn number(error: &io::Error) -> Option<i32> {
    let on_path = error.get_ref().and_then(|inner| inner.downcast_ref::<OnPath>());
    on_path.map_or(error.raw_os_error(), |wrapped| wrapped.source.raw_os_error())
}

/// Bytes that can be read from anywhere.
pub trait Anywhere: Read + Seek + Send {}

impl<T: Read + Seek + Send> Anywhere for T {}

/// An open regular file and where it lies.
#[derive(Debug)]
pub struct NamedFile {
    file: File,
    path: PathBuf,
}

impl NamedFile {
    /// Takes an open file and the path it was opened by.
    pub fn new(file: File, path: PathBuf) -> Self {
        NamedFile { file, path }
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the bytes durable. A failed fsync is final: the pages may be gone, and asking again would lie.
    pub fn sync(&self) -> io::Result<()> {
        failpoints::pass("fsync")
            .and_then(|()| self.file.sync_all())
            .map_err(|e| on_path("make durable", &self.path, e))
    }

    /// Size in bytes.
    pub fn size(&self) -> io::Result<u64> {
        self.file.metadata().map(|m| m.len()).map_err(|e| on_path("look at", &self.path, e))
    }

    /// Starts writing the dirty pages out without waiting, so that the final fsync has little left to do.
    pub fn start_writeback(&self, offset: u64, length: u64) {
        use std::os::fd::AsRawFd;
        let (Ok(offset), Ok(length)) = (i64::try_from(offset), i64::try_from(length)) else { return };
        // Only a hint: where the file system does not know it, fsync does all the work at the end.
        let _ = super::raw::start_writeback(self.file.as_raw_fd(), offset, length);
    }

    /// Back to the first byte.
    pub fn rewind(&mut self) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(0)).map(|_| ()).map_err(|e| on_path("rewind", &self.path, e))
    }

    /// The `length` bytes at `offset`, wherever reading stands.
    pub fn read_at(&self, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        use std::os::unix::fs::FileExt;
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, offset).map_err(|e| on_path("read", &self.path, e))?;
        Ok(bytes)
    }

    /// The open file itself, for a child's stdin.
    pub fn into_file(self) -> File {
        self.file
    }

    /// Everything in it, refusing more than `limit` bytes.
    pub fn read_whole(mut self, limit: u64) -> io::Result<Vec<u8>> {
        let size = self.size()?;
        let mut bytes = Vec::with_capacity(usize::try_from(size.min(limit)).unwrap_or(0) + 1);
        let read = (&mut self.file).take(limit + 1).read_to_end(&mut bytes);
        read.map_err(|e| on_path("read", &self.path, e))?;
        if bytes.len() as u64 > limit {
            let too_large = io::Error::new(io::ErrorKind::InvalidData, format!("larger than {limit} bytes"));
            return Err(on_path("read", &self.path, too_large));
        }
        Ok(bytes)
    }
}

impl Read for NamedFile {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.file.read(buf).map_err(|e| match e.kind() {
            io::ErrorKind::Interrupted => e,
            _ => on_path("read", &self.path, e),
        })
    }
}

impl Seek for NamedFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to).map_err(|e| on_path("read", &self.path, e))
    }
}

impl Write for NamedFile {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        failpoints::pass("write").and_then(|()| self.file.write(failpoints::at_most(buf))).map_err(|e| match e.kind() {
            io::ErrorKind::Interrupted => e,
            _ => on_path("write", &self.path, e),
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
