//! Breaking the program at a point, and comparing what lies on the disk before and after.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

use super::lack::left_out;
use super::{Host, Run, finish};

/// Everything below a folder, by its path in it.
pub type Tree = BTreeMap<PathBuf, Node>;

/// What lies at one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Type and permission bits.
    pub mode: u32,
    /// Owner.
    pub owner: (u32, u32),
    /// Bytes of a file, target of a link, nothing of a folder.
    pub bytes: Vec<u8>,
    /// The very file: a rewritten one has another.
    pub inode: u64,
    /// Last change, nanoseconds.
    pub changed: i128,
}

/// Reads everything below `root`.
pub fn tree(root: &Path) -> Tree {
    let mut found = Tree::new();
    let mut open = vec![root.to_owned()];
    while let Some(dir) = open.pop() {
        let Ok(entries) = fs::read_dir(&dir) else { continue };
        for path in entries.flatten().map(|entry| entry.path()) {
            let meta = fs::symlink_metadata(&path).expect("metadata");
            let bytes = if meta.is_dir() {
                open.push(path.clone());
                Vec::new()
            } else if meta.is_symlink() {
                fs::read_link(&path).expect("link").into_os_string().into_encoded_bytes()
            } else if meta.is_file() {
                fs::read(&path).expect("file")
            } else {
                Vec::new()
            };
            let changed = i128::from(meta.mtime()) * 1_000_000_000 + i128::from(meta.mtime_nsec());
            let owner = (meta.uid(), meta.gid());
            let node = Node { mode: meta.mode(), owner, bytes, inode: meta.ino(), changed };
            found.insert(path.strip_prefix(root).expect("below").to_owned(), node);
        }
    }
    found
}

/// The same without what every run writes and nobody relies on: the words inside the lock.
pub fn settled_tree(root: &Path) -> Tree {
    let mut found = tree(root);
    found.retain(|path, _| path.file_name().is_none_or(|name| name != ".lock"));
    found
}

/// Tells one crash state from another: names, types and sizes, but neither the lock's words nor the logs. Of a journal it is
/// the keys: the ids in it, which the server counts up, grow longer with every restore that is tried.
pub fn shape(tree: &Tree) -> String {
    let mut hash = Sha256::new();
    for (path, node) in tree {
        let name = path.to_string_lossy();
        let is_journal = name.ends_with(".restore.toml");
        if is_journal {
            let text = String::from_utf8_lossy(&node.bytes);
            text.lines().filter_map(|line| line.split_once(" = ")).for_each(|(key, _)| hash.update(key));
        }
        let unsized_one = is_journal || name.ends_with(".lock") || name.ends_with(".log");
        let size = if unsized_one { 0 } else { node.bytes.len() };
        // What tells states of one size apart: the first lines of a document are its own, the rest are times.
        hash.update(format!("{name} {:o} {size}\n", node.mode));
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Makes everything below `root` as it was. Files that are as they were stay the same files.
pub fn put_back(root: &Path, was: &Tree) {
    let now = tree(root);
    for (path, node) in now.iter().rev() {
        if was.get(path).is_none_or(|old| old.mode != node.mode || old.bytes != node.bytes) {
            let full = root.join(path);
            if fs::symlink_metadata(&full).is_ok_and(|meta| meta.is_dir()) {
                fs::remove_dir_all(full).expect("remove a folder");
            } else {
                let _ = fs::remove_file(full);
            }
        }
    }
    for (path, node) in was {
        let full = root.join(path);
        if fs::symlink_metadata(&full).is_ok() {
            continue;
        }
        match node.mode & 0o170_000 {
            0o040_000 => fs::create_dir_all(&full).expect("make a folder"),
            0o120_000 => symlink(String::from_utf8_lossy(&node.bytes).as_ref(), &full).expect("link"),
            _ => fs::write(&full, &node.bytes).expect("write"),
        }
        if node.mode & 0o170_000 != 0o120_000 {
            fs::set_permissions(&full, fs::Permissions::from_mode(node.mode & 0o7777)).expect("mode");
        }
        let _ = std::os::unix::fs::lchown(&full, Some(node.owner.0), Some(node.owner.1));
    }
}

impl Host {
    /// `dokku ARGS...` with more variables.
    pub fn dokku_env(&self, env: &[(&str, &str)], args: &[&str]) -> Run {
        let mut command = self.dokku_command(args);
        command.envs(env.iter().copied());
        finish(command)
    }

    /// `dokku ARGS...` with a plan for the points (`fail=N`, `abort=N`), and a clock that starts at `clock`.
    pub fn dokku_at(&self, plan: &str, clock: &str, args: &[&str]) -> Run {
        self.dokku_env(&[("DOKKU_BACKUPS_POINTS", plan), ("DOKKU_BACKUPS_CLOCK", clock)], args)
    }

    /// The same without Dokku's dispatch before it: for tests that start it hundreds of times.
    pub fn alone_at(&self, plan: &str, clock: &str, args: &[&str]) -> Run {
        let mut command = self.alone(args);
        command.envs([("DOKKU_BACKUPS_POINTS", plan), ("DOKKU_BACKUPS_CLOCK", clock)]);
        finish(command)
    }

    /// The names of the points that `dokku ARGS...` passes, in order.
    pub fn points(&self, clock: &str, args: &[&str]) -> (Run, Vec<String>) {
        let file = tempfile::Builder::new().prefix("points").tempfile_in(self.dir()).expect("a file");
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o666)).expect("mode");
        let run = self.dokku_at(&format!("count={}", file.path().display()), clock, args);
        let names = fs::read_to_string(file.path()).expect("points").lines().map(str::to_owned).collect();
        (run, names)
    }

    /// Gives a file made by the test to the user of the sandbox.
    pub fn give(&self, path: &Path) {
        let owner = fs::metadata(self.data_root()).expect("data root");
        let _ = std::os::unix::fs::lchown(path, Some(owner.uid()), Some(owner.gid()));
    }

    /// Writes a file as the user of the sandbox.
    pub fn put(&self, path: &Path, bytes: &[u8], mode: u32) {
        let _ = fs::remove_file(path);
        fs::write(path, bytes).expect("write");
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("mode");
        self.give(path);
    }

    /// `backups:list SERVICE` in JSON, through the index.
    pub fn quick_list(&self, service: &str) -> Vec<serde_json::Value> {
        let run = self.asked(&["backups:list", service, "--deleted", "--format", "json"]).expect(0);
        run.json()["backups"].as_array().expect("an array").clone()
    }
}

/// A file system mounted over the data root of a sandbox, gone when dropped.
pub struct Mounted {
    at: PathBuf,
    image: Option<PathBuf>,
}

impl Mounted {
    /// Mounts a tmpfs with `options` over the data root and marks it as one. `None` where that is refused and may be.
    #[track_caller]
    pub fn tmpfs(host: &Host, options: &str) -> Option<Mounted> {
        let owner = fs::metadata(host.data_root()).expect("data root");
        let options = format!("{options},mode=700,uid={},gid={}", owner.uid(), owner.gid());
        Mounted::mount(host, &["-t", "tmpfs", "-o", &options, "tmpfs"], None)
    }

    /// Mounts a new ext4 of `size` MiB over the data root. Nothing of it is held back for root.
    #[track_caller]
    pub fn ext4(host: &Host, size: u64, options: &str) -> Option<Mounted> {
        let image = host.dir().join("disk");
        fs::File::create(&image).and_then(|file| file.set_len(size << 20)).expect("an image");
        let mut make = Command::new("mkfs.ext4");
        let made = make.args(["-q", "-F", "-m", "0"]).args(options.split_whitespace()).arg(&image).output();
        if !made.as_ref().is_ok_and(|out| out.status.success()) {
            left_out("mount", &format!("no ext4 could be made: {made:?}"));
            return None;
        }
        Mounted::mount(host, &["-o", "loop", &image.to_string_lossy()], Some(image.clone()))
    }

    #[track_caller]
    fn mount(host: &Host, args: &[&str], image: Option<PathBuf>) -> Option<Mounted> {
        let at = host.data_root();
        let marker = fs::read(at.join(".dokku-backups")).expect("the marker");
        let owner = fs::metadata(&at).expect("data root");
        let mounted = Command::new("mount").args(args).arg(&at).output().expect("mount");
        if !mounted.status.success() {
            left_out("mount", &format!("mount was refused: {}", String::from_utf8_lossy(&mounted.stderr)));
            return None;
        }
        let mounted = Mounted { at: at.clone(), image };
        chown(&at, Some(owner.uid()), Some(owner.gid())).expect("owner");
        fs::set_permissions(&at, fs::Permissions::from_mode(0o700)).expect("mode");
        let _ = fs::remove_dir(at.join("lost+found"));
        host.put(&at.join(".dokku-backups"), &marker, 0o600);
        Some(mounted)
    }

    /// Mounts it again with other options.
    pub fn remount(&self, options: &str) {
        let done = Command::new("mount").args(["-o", &format!("remount,{options}")]).arg(&self.at).output();
        assert!(done.as_ref().is_ok_and(|out| out.status.success()), "{done:?}");
    }

    /// Takes it away and mounts the image again, as after a reboot.
    pub fn again(&self) {
        // A process that was killed just now may hold the folder a moment longer.
        for _ in 0..40 {
            let done = Command::new("umount").arg(&self.at).output().expect("umount");
            if done.status.success() || String::from_utf8_lossy(&done.stderr).contains("not mounted") {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        let image = self.image.as_ref().expect("only an image survives that");
        let done = Command::new("mount").args(["-o", "loop"]).arg(image).arg(&self.at).output().expect("mount");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    /// The power goes off: what was not made durable is lost. Then the machine comes up again.
    pub fn lose_power(&self) {
        use std::os::fd::AsRawFd;
        // EXT4_IOC_SHUTDOWN, without flushing the journal.
        const SHUTDOWN: u64 = 0x8004_587d;
        let without_flushing: u32 = 2;
        let root = fs::File::open(&self.at).expect("the mounted folder");
        // SAFETY: the call reads one number, which outlives it.
        let done = unsafe { nix::libc::ioctl(root.as_raw_fd(), SHUTDOWN as _, &raw const without_flushing) };
        assert_eq!(done, 0, "shutdown: {}", std::io::Error::last_os_error());
        drop(root);
        self.again();
    }

    /// Takes it away; the empty mount point stays.
    pub fn unmount(&self) {
        let done = Command::new("umount").arg(&self.at).output().expect("umount");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.at).output();
    }
}
