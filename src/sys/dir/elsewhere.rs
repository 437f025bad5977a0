//! What is different in a folder on somebody else's disk: its files may have second names, its file system may lack calls,
//! and it must not be one of our own.

use std::ffi::CStr;
use std::io;
use std::os::fd::AsRawFd;
use std::path::Path;

use nix::fcntl::{AtFlags, OFlag};
use nix::libc;
use nix::unistd::linkat;

use super::{Dir, c_name};
use crate::sys::file::{NamedFile, on_path};
use crate::sys::{failpoints, raw};

impl Dir {
    /// Opens a regular file for reading, however many names it has. Symlinks, FIFOs and devices are refused.
    pub fn read_shared(&self, name: &str) -> io::Result<NamedFile> {
        let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
        self.open_if(name, flags, 0, "open", |entry| entry.file)
    }

    /// Moves `name` to `to` in the same folder; anything already there is an error, never replaced. Where the file system
    /// cannot say that in one step, a hard link does; where it has none either, a look before the move has to do, and
    /// only another machine could come in between.
    pub fn move_new_or_link(&self, name: &str, to: &str) -> io::Result<()> {
        let (from, target) = (c_name(name)?, c_name(to)?);
        let moved = failpoints::pass("rename")
            .and_then(|()| raw::rename_noreplace(self.fd.as_raw_fd(), &from, self.fd.as_raw_fd(), &target));
        let moved = match moved {
            Err(error) if is_unknown_call(&error) => self.link_and_remove(&from, &target),
            moved => moved,
        };
        moved.map_err(|e| on_path("move a file to", &self.path.join(to), e))
    }

    fn link_and_remove(&self, from: &CStr, to: &CStr) -> io::Result<()> {
        let linked =
            failpoints::pass("link").and_then(|()| Ok(linkat(&self.fd, from, &self.fd, to, AtFlags::empty())?));
        match linked {
            Ok(()) => Ok(nix::unistd::unlinkat(&self.fd, from, nix::unistd::UnlinkatFlags::NoRemoveDir)?),
            Err(error) if is_unknown_call(&error) => self.look_and_move(from, to),
            Err(error) => Err(error),
        }
    }

    fn look_and_move(&self, from: &CStr, to: &CStr) -> io::Result<()> {
        match nix::sys::stat::fstatat(&self.fd, to, AtFlags::AT_SYMLINK_NOFOLLOW) {
            Ok(_) => Err(io::Error::from_raw_os_error(libc::EEXIST)),
            Err(nix::Error::ENOENT) => {
                failpoints::pass("replace").and_then(|()| Ok(nix::fcntl::renameat(&self.fd, from, &self.fd, to)?))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Whether it is `other`, or lies anywhere below it, whatever links lead to either.
    pub fn lies_below(&self, other: &Path) -> bool {
        let truly = std::fs::read_link(format!("/proc/self/fd/{}", self.fd.as_raw_fd()));
        match (truly, other.canonicalize()) {
            (Ok(truly), Ok(other)) => truly.starts_with(other),
            _ => false,
        }
    }
}

/// Whether the file system does not know the call at all. `EPERM` is how those without hard links say so.
fn is_unknown_call(error: &io::Error) -> bool {
    let number = error.raw_os_error();
    [libc::EINVAL, libc::ENOSYS, libc::EOPNOTSUPP, libc::EPERM].into_iter().any(|unknown| number == Some(unknown))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Move = fn(&Dir, &CStr, &CStr) -> io::Result<()>;

    #[test]
    fn each_way_of_moving_leaves_what_is_there() {
        let ways: [Move; 2] = [Dir::link_and_remove, Dir::look_and_move];
        for way in ways {
            let folder = tempfile::tempdir().unwrap();
            let at = |name: &str| folder.path().join(name);
            let dir = Dir::open(folder.path()).unwrap();
            std::fs::write(at("a"), "a").unwrap();
            std::fs::write(at("b"), "b").unwrap();
            std::os::unix::fs::symlink("nowhere", at("c")).unwrap();
            for taken in [c"b", c"c"] {
                let error = way(&dir, c"a", taken).unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::AlreadyExists, "{taken:?}");
            }
            way(&dir, c"a", c"d").unwrap();
            assert_eq!((std::fs::read(at("d")).unwrap(), at("a").exists()), (b"a".to_vec(), false));
            assert_eq!(std::fs::read(at("b")).unwrap(), b"b");
        }
    }

    #[test]
    fn a_folder_knows_where_it_truly_lies() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("a/b");
        std::fs::create_dir_all(&inner).unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(folder.path().join("a"), &link).unwrap();
        let dir = Dir::open(&link.join("b")).unwrap();
        assert!(dir.lies_below(&inner) && dir.lies_below(&folder.path().join("a")) && dir.lies_below(&link));
        assert!(!dir.lies_below(&folder.path().join("ab")) && !dir.lies_below(&inner.join("c")));
    }
}
