//! Fault points: every file, process and lock operation passes one. In a build with the `points` feature a variable
//! makes the N-th of them fail or kill the program; in any other build they are nothing.
//!
//! `DOKKU_BACKUPS_POINTS=count=FILE` appends the name of each point to FILE; `fail=N` answers EIO at the N-th,
//! `fail=N:28` that error number; `abort=N` kills the process there with SIGKILL, `panic=N` panics there;
//! `change=N:FOLDER` kills it at the N-th point that finds another state than the point before it did: something below
//! FOLDER differs, or an operation just before it acts elsewhere;
//! `short=N` lets no write take more than N bytes; `lists=off` passes on everything that a foreign dump says.

/// Passes the point `name`, before the operation it stands for.
#[cfg(not(feature = "points"))]
#[inline(always)]
pub fn pass(_name: &str) -> std::io::Result<()> {
    Ok(())
}

/// How much of `buf` a write may take.
#[cfg(not(feature = "points"))]
#[inline(always)]
pub fn at_most(buf: &[u8]) -> &[u8] {
    buf
}

/// Whether the lists of what a dump may say are switched off, so that the server's roles alone have to hold.
#[cfg(not(feature = "points"))]
#[inline(always)]
pub fn lists_are_off() -> bool {
    false
}

#[cfg(feature = "points")]
pub use live::{at_most, lists_are_off, pass};

#[cfg(feature = "points")]
mod live {
    use std::hash::{DefaultHasher, Hash, Hasher};
    use std::io::{self, Write};
    use std::os::unix::fs::MetadataExt;
    use std::path::{Path, PathBuf};
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::sync::{Mutex, OnceLock};

    use nix::sys::signal::{Signal, raise};

    enum Plan {
        Nothing,
        Count(PathBuf),
        Fail(u64, i32),
        Abort(u64),
        Change(u64, Mutex<Watch>),
        Panic(u64),
        Short(usize),
        ListsOff,
    }

    /// Operations whose effect is not seen in the folder.
    const ELSEWHERE: [&str; 3] = ["spawn", "fetch", "output"];
    /// So many points after one of them count as other states: what was started goes on while the program does.
    const FOLLOWING: u8 = 3;

    /// What the point before found.
    struct Watch {
        folder: PathBuf,
        last: Option<u64>,
        elsewhere: u8,
        changes: u64,
    }

    impl Watch {
        /// How many states there were until now; the same number again is the same state.
        fn changes(&mut self, name: &str) -> u64 {
            let now = fingerprint(&self.folder);
            // While a restore's journal lies there a server is spoken to, without points, by a program that runs already.
            let changed = self.last != Some(now) || self.elsewhere > 0 || self.folder.join(".restore.toml").exists();
            self.last = Some(now);
            self.elsewhere = if ELSEWHERE.contains(&name) { FOLLOWING } else { self.elsewhere.saturating_sub(1) };
            self.changes += u64::from(changed);
            if changed { self.changes } else { 0 }
        }
    }

    /// Names, modes, sizes, times and inodes of everything below; of locks and logs, which tell nothing, the names alone.
    fn fingerprint(folder: &Path) -> u64 {
        let (mut sum, mut open) = (0u64, vec![folder.to_owned()]);
        while let Some(folder) = open.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                let Ok(meta) = entry.metadata() else { continue };
                let mut hash = DefaultHasher::new();
                (entry.path(), meta.mode()).hash(&mut hash);
                let name = entry.file_name();
                if meta.is_dir() {
                    open.push(entry.path());
                } else if !name.as_encoded_bytes().ends_with(b".lock") && !name.as_encoded_bytes().ends_with(b".log") {
                    (meta.len(), meta.mtime(), meta.mtime_nsec(), meta.ino()).hash(&mut hash);
                }
                // In whatever order they come.
                sum = sum.wrapping_add(hash.finish());
            }
        }
        sum
    }

    static PLAN: OnceLock<Plan> = OnceLock::new();
    static PASSED: AtomicU64 = AtomicU64::new(0);

    /// Passes the point `name`, before the operation it stands for.
    pub fn pass(name: &str) -> io::Result<()> {
        let number = PASSED.fetch_add(1, Ordering::SeqCst) + 1;
        match PLAN.get_or_init(read_plan) {
            Plan::Nothing => Ok(()),
            Plan::Count(file) => {
                let mut file = std::fs::OpenOptions::new().create(true).append(true).open(file)?;
                file.write_all(format!("{name}\n").as_bytes())
            }
            Plan::Fail(at, errno) if *at == number => Err(io::Error::from_raw_os_error(*errno)),
            Plan::Abort(at) if *at == number => {
                let _ = raise(Signal::SIGKILL);
                Ok(())
            }
            Plan::Change(at, watch) if watch.lock().is_ok_and(|mut watch| watch.changes(name) == *at) => {
                let _ = raise(Signal::SIGKILL);
                Ok(())
            }
            Plan::Panic(at) if *at == number => panic!("as planned"),
            Plan::Fail(..) | Plan::Abort(_) | Plan::Change(..) | Plan::Panic(_) | Plan::Short(_) | Plan::ListsOff => {
                Ok(())
            }
        }
    }

    /// How much of `buf` a write may take.
    pub fn at_most(buf: &[u8]) -> &[u8] {
        match PLAN.get_or_init(read_plan) {
            Plan::Short(most) => &buf[..buf.len().min(*most)],
            _ => buf,
        }
    }

    /// Whether the lists of what a dump may say are switched off.
    pub fn lists_are_off() -> bool {
        matches!(PLAN.get_or_init(read_plan), Plan::ListsOff)
    }

    fn read_plan() -> Plan {
        let text = std::env::var("DOKKU_BACKUPS_POINTS").unwrap_or_default();
        let number = |text: &str| text.parse().expect("DOKKU_BACKUPS_POINTS: not a number");
        match text.split_once('=') {
            Some(("count", file)) => Plan::Count(file.into()),
            Some(("abort", at)) => Plan::Abort(number(at)),
            Some(("change", at)) => {
                let (at, folder) = at.split_once(':').expect("DOKKU_BACKUPS_POINTS: change=N:FOLDER");
                let watch = Watch { folder: folder.into(), last: None, elsewhere: 0, changes: 0 };
                Plan::Change(number(at), Mutex::new(watch))
            }
            Some(("panic", at)) => Plan::Panic(number(at)),
            Some(("lists", "off")) => Plan::ListsOff,
            Some(("short", most)) => Plan::Short(most.parse().expect("DOKKU_BACKUPS_POINTS: not a number")),
            Some(("fail", at)) => match at.split_once(':') {
                Some((at, errno)) => Plan::Fail(number(at), errno.parse().expect("DOKKU_BACKUPS_POINTS: errno")),
                None => Plan::Fail(number(at), nix::libc::EIO),
            },
            _ => Plan::Nothing,
        }
    }
}
