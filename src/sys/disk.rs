//! The disk below a path that is not ours to open.

use std::io;
use std::path::Path;

use nix::sys::statvfs::statvfs;

use super::file::on_path;

/// Bytes of a file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disk {
    /// All of them.
    pub total: u64,
    /// Those that an ordinary user may still use.
    pub free: u64,
}

impl Disk {
    /// The file system that `path` lies on; only the folders above it have to be open to us.
    #[allow(clippy::useless_conversion)] // The width of these fields differs between platforms.
    pub fn of(path: &Path) -> io::Result<Disk> {
        let stat = statvfs(path).map_err(|e| on_path("ask the free space of", path, e))?;
        let bytes = |blocks: u64| blocks.saturating_mul(u64::from(stat.fragment_size()));
        Ok(Disk { total: bytes(u64::from(stat.blocks())), free: bytes(u64::from(stat.blocks_available())) })
    }

    /// How little may be left of it while a program works that is not trusted: a tenth; or half of what was free before,
    /// where that was hardly more.
    pub fn floor(self) -> u64 {
        (self.total / 10).min(self.free / 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attack_425_the_floor_is_a_tenth_or_half_of_what_is_free() {
        let floor = |total, free| Disk { total, free }.floor();
        assert_eq!((floor(1000, 900), floor(1000, 200), floor(1000, 100), floor(1000, 0)), (100, 100, 50, 0));
        assert!(Disk::of(Path::new("/")).is_ok_and(|disk| disk.total > disk.free));
        assert!(Disk::of(Path::new("/nowhere")).is_err());
    }
}
