//! The scheduler's log. A shell opens it for the crontab, with whatever mode is usual there; it names services and says what
//! went wrong with them, and that is nothing for everybody on the host.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;

use nix::sys::stat::{Mode, fchmod};
use nix::unistd::{Gid, Uid, fchown};

use super::dir::Dir;
use super::user;

/// For its owner, and for reading by its group.
const MODE: u32 = 0o640;

/// The log at `path`, to be written on.
pub fn open(path: &Path) -> io::Result<File> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    Ok(Dir::open(&folder.canonicalize()?)?.append(name, MODE)?.into_file())
}

/// Makes the log at `path` for `owner` where it is missing, and closes one of theirs to everybody else. Returns whether
/// anything was changed.
pub fn close(path: &Path, owner: (u32, u32)) -> io::Result<bool> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
        return Ok(false);
    };
    // The folder is the host's, and its administrator may have put it elsewhere.
    let dir = match folder.canonicalize().and_then(|folder| Dir::open(&folder)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        dir => dir?,
    };
    let before = dir.entry(name)?;
    let file = dir.append(name, MODE)?.into_file();
    let Some(entry) = before else {
        if user::effective_uid() == 0 {
            fchown(file.as_fd(), Some(Uid::from_raw(owner.0)), Some(Gid::from_raw(owner.1)))?;
        }
        fchmod(file.as_fd(), Mode::from_bits_truncate(MODE))?;
        return Ok(true);
    };
    if entry.mode & !MODE == 0 || entry.uid != owner.0 {
        return Ok(false);
    }
    fchmod(file.as_fd(), Mode::from_bits_truncate(MODE))?;
    Ok(true)
}
