//! What the file system says, in words with a next step.

use std::io::{Error, ErrorKind};

use super::Folder;
use super::names::MARKER;
use crate::error::{Failure, Kind, Remedy};
use crate::sys::dir::Dir;
use crate::sys::file::{is_device_error, is_symlink_error};
use crate::sys::user;

impl Folder {
    /// The failure behind an error in the folder.
    pub(super) fn failed(&self, error: Error) -> Failure {
        use ErrorKind as E;
        if error.get_ref().is_some_and(|inner| inner.is::<Failure>()) {
            return error.into();
        }
        let path = self.path.display();
        let of = |kind: Kind| Failure::new(kind, format!("{}: {error}", self.destination));
        let strange = || {
            of(Kind::Refused).remedy(
                "symlinks and what else is not a plain file or folder are left alone; see",
                format!("ls -lR {path}"),
            )
        };
        let mounted = Remedy::noted("see whether it is mounted, and how", format!("findmnt --target {path}"));
        match error.kind() {
            E::StorageFull | E::QuotaExceeded | E::FileTooLarge => of(Kind::NoSpace)
                .remedy("make room there; see", format!("df -h {path}"))
                .hint("deleting a backup removes its copy too: dokku backups:delete SERVICE --id ID"),
            E::ReadOnlyFilesystem => of(Kind::Io)
                .remedy("it is mounted read-only; the kernel does that after errors", "dmesg | tail")
                .hint(mounted)
                .hint("make it writable: sudo mount -o remount,rw MOUNT-POINT"),
            E::StaleNetworkFileHandle => of(Kind::Io).remedy(
                "its server does not know the folder any more; mount it again",
                format!("sudo umount {path} && sudo mount {path}"),
            ),
            E::NotConnected | E::HostUnreachable | E::NetworkUnreachable | E::NetworkDown | E::TimedOut => {
                of(Kind::Io).hint("the machine that it lies on does not answer").hint(mounted)
            }
            E::PermissionDenied => self.make_it_ours().into_iter().fold(of(Kind::Config), Failure::hint),
            E::NotFound => of(Kind::Io).hint(mounted),
            E::NotADirectory | E::InvalidInput => strange(),
            _ if is_symlink_error(&error) => strange(),
            _ if is_device_error(&error) => {
                of(Kind::Io).remedy("the disk fails, or the way to it; it is tried again by itself", "dmesg | tail")
            }
            _ => of(Kind::Io).hint(mounted),
        }
    }

    /// Why the folder cannot be opened when somebody chooses it.
    pub(super) fn unfit(&self, error: Error) -> Failure {
        let path = self.path.display();
        let wrong = |text: String| Failure::new(Kind::Config, text);
        match error.kind() {
            ErrorKind::NotFound => {
                let me = user::name_of(user::effective_uid());
                wrong(format!("there is no folder {path}"))
                    .remedy("mount the disk, then make it", format!("sudo install -d -m 700 -o {me} -g {me} {path}"))
            }
            ErrorKind::NotADirectory => wrong(format!("{path} is not a folder"))
                .remedy("a symlink is not followed; name the folder it leads to", format!("readlink -f {path}")),
            _ => self.failed(error),
        }
    }

    /// The disk that was there when the destination was set is not there now.
    pub(super) fn not_mounted(&self) -> Failure {
        let (me, path) = (user::name_of(user::effective_uid()), self.path.display());
        Failure::new(Kind::Io, format!("{path} has no {MARKER}: is the disk mounted?"))
            .remedy("see", format!("findmnt --target {path}"))
            .hint("mount it: sudo mount MOUNT-POINT")
            .remedy("and then", "dokku backups:sync")
            .remedy("where it is another disk from now on", format!("sudo -u {me} touch {path}/{MARKER}"))
    }

    /// What lies there by an object's name and is not a file.
    pub(super) fn not_a_file(&self, dir: &Dir, name: &str) -> Failure {
        let path = dir.path().join(name);
        let path = path.display();
        Failure::new(Kind::Refused, format!("{path} is not a regular file; it is left as it is"))
            .remedy("see what it is, and remove it", format!("ls -ld {path}"))
    }

    fn make_it_ours(&self) -> [Remedy; 3] {
        let (me, path) = (user::name_of(user::effective_uid()), self.path.display());
        [
            Remedy::noted(format!("{me} has to be able to write there; see"), format!("ls -ld {path}")),
            Remedy::command(format!("sudo chown {me}: {path}")),
            Remedy::noted("of a share, how it is mounted", format!("findmnt --target {path}")),
        ]
    }
}
