//! Fault points: every file, process and lock operation passes one. In a build with the `points` feature a variable
//! makes the N-th of them fail or kill the program; in any other build they are nothing.
//!
//! `DOKKU_BACKUPS_POINTS=count=FILE` appends the name of each point to FILE; `fail=N` answers EIO at the N-th,
//! `fail=N:28` that error number; `abort=N` kills the process there with SIGKILL.

/// Passes the point `name`, before the operation it stands for.
#[cfg(not(feature = "points"))]
#[inline(always)]
pub fn pass(_name: &str) -> std::io::Result<()> {
    Ok(())
}

#[cfg(feature = "points")]
pub use live::pass;

#[cfg(feature = "points")]
mod live {
    use std::io::{self, Write};
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    use nix::sys::signal::{Signal, raise};

    enum Plan {
        Nothing,
        Count(std::path::PathBuf),
        Fail(u64, i32),
        Abort(u64),
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
            Plan::Fail(..) | Plan::Abort(_) => Ok(()),
        }
    }

    fn read_plan() -> Plan {
        let text = std::env::var("DOKKU_BACKUPS_POINTS").unwrap_or_default();
        let number = |text: &str| text.parse().expect("DOKKU_BACKUPS_POINTS: not a number");
        match text.split_once('=') {
            Some(("count", file)) => Plan::Count(file.into()),
            Some(("abort", at)) => Plan::Abort(number(at)),
            Some(("fail", at)) => match at.split_once(':') {
                Some((at, errno)) => Plan::Fail(number(at), errno.parse().expect("DOKKU_BACKUPS_POINTS: errno")),
                None => Plan::Fail(number(at), nix::libc::EIO),
            },
            _ => Plan::Nothing,
        }
    }
}
