//! The few system calls that no safe wrapper offers for every C library we build against.
#![allow(unsafe_code)]

use std::ffi::CStr;
use std::io;
use std::os::fd::RawFd;

use nix::libc;

/// `renameat2(RENAME_NOREPLACE)`. nix has it for glibc only; musl 1.2.3 has no such function, so the call is made by
/// number (see rename(2)).
pub fn rename_noreplace(from_dir: RawFd, from: &CStr, to_dir: RawFd, to: &CStr) -> io::Result<()> {
    const RENAME_NOREPLACE: libc::c_uint = 1;
    // SAFETY: both names are NUL-terminated and outlive the call; the descriptors are only read.
    let answer =
        unsafe { libc::syscall(libc::SYS_renameat2, from_dir, from.as_ptr(), to_dir, to.as_ptr(), RENAME_NOREPLACE) };
    if answer == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// `sync_file_range(SYNC_FILE_RANGE_WRITE)`: begins to write the range out and returns.
pub fn start_writeback(fd: RawFd, offset: i64, length: i64) -> io::Result<()> {
    const WRITE: libc::c_uint = 2;
    // SAFETY: plain numbers; a wrong descriptor is answered with an error.
    let answer = unsafe { libc::sync_file_range(fd, offset, length, WRITE) };
    if answer == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
