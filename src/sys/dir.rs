//! A held directory. Everything of ours is opened beneath such a handle and never through a symlink, so a folder
//! swapped during the run cannot lead us elsewhere, and nothing in place of a regular file is followed or replaced.

mod elsewhere;

use std::ffi::CString;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::stat::{FileStat, Mode, fstat, fstatat, mkdirat};
use nix::sys::statvfs::fstatvfs;
use nix::unistd::{UnlinkatFlags, unlinkat};

use super::file::{NamedFile, on_path};
use super::{failpoints, raw, user};
use crate::error::{Failure, Kind};

/// What a name in a directory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// A regular file without a second name. One that was replaced since it was opened has none any more, and is whole.
    pub regular: bool,
    /// A regular file, with however many names.
    pub file: bool,
    /// A directory.
    pub directory: bool,
    /// Size in bytes.
    pub size: u64,
    /// Number of the file system it lies on.
    pub device: u64,
    /// Inode number.
    pub inode: u64,
    /// Last modification, nanoseconds since 1970.
    pub modified: i128,
    /// Permission bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
}

impl From<FileStat> for Entry {
    fn from(stat: FileStat) -> Self {
        let kind = stat.st_mode & nix::libc::S_IFMT;
        Entry {
            regular: kind == nix::libc::S_IFREG && stat.st_nlink <= 1,
            file: kind == nix::libc::S_IFREG,
            directory: kind == nix::libc::S_IFDIR,
            size: u64::try_from(stat.st_size).unwrap_or(0),
            device: stat.st_dev,
            inode: stat.st_ino,
            modified: i128::from(stat.st_mtime) * 1_000_000_000 + i128::from(stat.st_mtime_nsec),
            mode: stat.st_mode & 0o7777,
            uid: stat.st_uid,
        }
    }
}

/// A directory held open.
#[derive(Debug)]
pub struct Dir {
    fd: OwnedFd,
    path: PathBuf,
}

const FOLDER: OFlag = OFlag::O_DIRECTORY.union(OFlag::O_NOFOLLOW).union(OFlag::O_CLOEXEC).union(OFlag::O_RDONLY);

impl Dir {
    /// Opens the directory at an absolute path. Its last part may not be a symlink.
    pub fn open(path: &Path) -> io::Result<Dir> {
        let opened = failpoints::pass("open-dir").and_then(|()| Ok(nix::fcntl::open(path, FOLDER, Mode::empty())?));
        Ok(Dir { fd: opened.map_err(|e| on_path("open", path, e))?, path: path.to_owned() })
    }

    /// Opens the configuration folder: whoever else may write there decides what this program does, so it must be ours and
    /// closed to others.
    pub fn open_config(path: &Path) -> io::Result<Dir> {
        let dir = Dir::open(path)?;
        let (itself, me, shown) = (dir.itself()?, user::effective_uid(), path.display());
        let wrong = |text: String, mend: String| Failure::new(Kind::Config, text).hint(mend);
        if itself.uid != me && me != 0 {
            let (owner, me) = (user::name_of(itself.uid), user::name_of(me));
            let text = format!("the configuration folder {shown} belongs to {owner}, not to {me}");
            return Err(wrong(text, format!("sudo chown -R {me} {shown}")).into());
        }
        if itself.mode & 0o022 != 0 {
            let text = format!("the configuration folder {shown} may be written by others (mode {:o})", itself.mode);
            return Err(wrong(text, format!("sudo chmod 700 {shown}")).into());
        }
        Ok(dir)
    }

    /// Opens the directory `name` in this one.
    pub fn enter(&self, name: &str) -> io::Result<Dir> {
        let path = self.path.join(name);
        let opened = failpoints::pass("open-dir").and_then(|()| Ok(openat(&self.fd, name, FOLDER, Mode::empty())?));
        Ok(Dir { fd: opened.map_err(|e| on_path("open", &path, e))?, path })
    }

    /// Opens the directory `name`, making it first where it is not there. Mode 0700, or `mode`.
    pub fn enter_or_make(&self, name: &str, mode: u32) -> io::Result<Dir> {
        match self.enter(name) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                let path = self.path.join(name);
                let made = failpoints::pass("mkdir")
                    .and_then(|()| Ok(mkdirat(&self.fd, name, Mode::from_bits_truncate(mode))?));
                match made {
                    Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(on_path("make", &path, e)),
                    _ => self.sync()?,
                }
                self.enter(name)
            }
            other => other,
        }
    }

    /// The same directory, held once more.
    pub fn again(&self) -> io::Result<Dir> {
        let fd = self.fd.try_clone().map_err(|e| on_path("open", &self.path, e))?;
        Ok(Dir { fd, path: self.path.clone() })
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes a new file; anything already there by that name is an error.
    pub fn create(&self, name: &str, mode: u32) -> io::Result<NamedFile> {
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        self.open_with(name, flags, mode, "create")
    }

    /// Opens a regular file for reading. Symlinks, FIFOs, devices and files with a second name are refused.
    pub fn read(&self, name: &str) -> io::Result<NamedFile> {
        // O_NONBLOCK: a FIFO in place of a file must not make us wait for a writer.
        self.open_with(name, OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC, 0, "open")
    }

    /// Opens a file for appending, making it where it is not there.
    pub fn append(&self, name: &str, mode: u32) -> io::Result<NamedFile> {
        let flags = OFlag::O_WRONLY | OFlag::O_APPEND | OFlag::O_CREAT | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
        self.open_with(name, flags | OFlag::O_CLOEXEC, mode, "open")
    }

    /// Opens the lock file for reading and writing, making it where it is not there.
    pub fn open_lock(&self, name: &str) -> io::Result<NamedFile> {
        let flags = OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
        self.open_with(name, flags, 0o600, "open")
    }

    fn open_with(&self, name: &str, flags: OFlag, mode: u32, doing: &'static str) -> io::Result<NamedFile> {
        self.open_if(name, flags, mode, doing, |entry| entry.regular)
    }

    fn open_if(
        &self,
        name: &str,
        flags: OFlag,
        mode: u32,
        doing: &'static str,
        fits: fn(&Entry) -> bool,
    ) -> io::Result<NamedFile> {
        let path = self.path.join(name);
        let opened = failpoints::pass(doing).and_then(|()| {
            let file = File::from(openat(&self.fd, name, flags, Mode::from_bits_truncate(mode))?);
            if fits(&fstat(&file)?.into()) {
                Ok(file)
            } else {
                Err(io::Error::new(
                    io::ErrorKind::InvalidInput,
                    "not a regular file with one name; remove what is there",
                ))
            }
        });
        Ok(NamedFile::new(opened.map_err(|e| on_path(doing, &path, e))?, path))
    }

    /// What `name` is; `None` where there is nothing.
    pub fn entry(&self, name: &str) -> io::Result<Option<Entry>> {
        match fstatat(&self.fd, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat.into())),
            Err(nix::Error::ENOENT) => Ok(None),
            Err(e) => Err(on_path("look at", &self.path.join(name), e)),
        }
    }

    /// What this directory itself is.
    pub fn itself(&self) -> io::Result<Entry> {
        fstat(&self.fd).map(Entry::from).map_err(|e| on_path("look at", &self.path, e))
    }

    /// Every name in it, in no order. Names that are no UTF-8 are never ours and are left out.
    pub fn names(&self) -> io::Result<Vec<String>> {
        let list = || -> io::Result<Vec<String>> {
            failpoints::pass("list")?;
            let mut names = Vec::new();
            let mut dir = nix::dir::Dir::openat(&self.fd, ".", FOLDER, Mode::empty())?;
            for entry in dir.iter() {
                if let Ok(name) = entry?.file_name().to_str()
                    && name != "."
                    && name != ".."
                {
                    names.push(name.to_owned());
                }
            }
            Ok(names)
        };
        list().map_err(|e| on_path("list", &self.path, e))
    }

    /// Moves `name` to `to_name` in `to`; anything already there is an error, never replaced.
    pub fn move_new(&self, name: &str, to: &Dir, to_name: &str) -> io::Result<()> {
        let (from, target) = (c_name(name)?, c_name(to_name)?);
        failpoints::pass("rename")
            .and_then(|()| raw::rename_noreplace(self.fd.as_raw_fd(), &from, to.fd.as_raw_fd(), &target))
            .map_err(|e| on_path("move a file to", &to.path.join(to_name), e))
    }

    /// Moves `name` over `to_name` in `to` in one step: readers see the old file or the new one.
    pub fn move_over(&self, name: &str, to: &Dir, to_name: &str) -> io::Result<()> {
        failpoints::pass("replace")
            .and_then(|()| Ok(nix::fcntl::renameat(&self.fd, name, &to.fd, to_name)?))
            .map_err(|e| on_path("replace", &to.path.join(to_name), e))
    }

    /// Replaces `name` by `bytes` in one step, by way of a draft in `draft_dir`; durable when it returns.
    pub fn replace(&self, name: &str, draft_dir: &Dir, bytes: &[u8]) -> io::Result<()> {
        self.replace_by(name, draft_dir, |file| file.write_all(bytes))
    }

    /// The same with what `write` puts into the draft.
    pub fn replace_by<T>(
        &self,
        name: &str,
        draft_dir: &Dir,
        write: impl FnOnce(&mut NamedFile) -> io::Result<T>,
    ) -> io::Result<T> {
        let draft = format!("{name}.new");
        draft_dir.remove(&draft)?;
        let mut file = draft_dir.create(&draft, 0o600)?;
        let written = write(&mut file).and_then(|answer| file.sync().map(|()| answer));
        // Only a regular file is ever replaced; whatever else lies there was not put there by us.
        let fits = written.and_then(|answer| match self.entry(name)? {
            Some(entry) if !entry.regular => self.read(name).map(|_| answer),
            _ => Ok(answer),
        });
        let answer = match fits {
            Ok(answer) => answer,
            Err(error) => {
                let _ = draft_dir.remove(&draft);
                return Err(error);
            }
        };
        draft_dir.move_over(&draft, self, name)?;
        self.sync().map(|()| answer)
    }

    /// Removes a file; one that is not there is no error.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        let removed =
            failpoints::pass("unlink").and_then(|()| Ok(unlinkat(&self.fd, name, UnlinkatFlags::NoRemoveDir)?));
        match removed {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(on_path("remove", &self.path.join(name), e)),
            _ => Ok(()),
        }
    }

    /// Makes the names in it durable.
    pub fn sync(&self) -> io::Result<()> {
        failpoints::pass("fsync-dir")
            .and_then(|()| Ok(nix::unistd::fsync(&self.fd)?))
            .map_err(|e| on_path("make durable the folder", &self.path, e))
    }

    /// When it was made, where its file system keeps that.
    pub fn born_at(&self) -> Option<SystemTime> {
        std::fs::File::from(self.fd.try_clone().ok()?).metadata().ok()?.created().ok()
    }

    /// Free bytes that an ordinary user may use on its file system.
    #[allow(clippy::useless_conversion)] // The width of these fields differs between platforms.
    pub fn free_bytes(&self) -> io::Result<u64> {
        let stat = fstatvfs(&self.fd).map_err(|e| on_path("ask the free space of", &self.path, e))?;
        Ok(u64::from(stat.blocks_available()).saturating_mul(u64::from(stat.fragment_size())))
    }
}

fn c_name(name: &str) -> io::Result<CString> {
    CString::new(name).map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "a name with a NUL byte"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_replaced_while_it_is_opened_is_read_whole_and_a_second_name_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let dir = Dir::open(folder.path()).unwrap();
        let mut file = dir.append("one", 0o600).unwrap().into_file();
        file.write_all(b"whole").unwrap();
        dir.remove("one").unwrap();
        assert!(Entry::from(fstat(&file).unwrap()).regular, "replaced between being opened and being looked at");
        let _again = dir.append("two", 0o600).unwrap();
        std::fs::hard_link(folder.path().join("two"), folder.path().join("three")).unwrap();
        assert!(dir.read("two").is_err() && !dir.entry("three").unwrap().unwrap().regular);
    }
}
