//! Who we run as. Dokku runs plugins as its own user; started as root we become that user, so that nothing of ours
//! ever belongs to root.

use std::ffi::CString;
use std::path::PathBuf;

use nix::unistd::{Uid, User, getegid, geteuid, initgroups, setgid, setuid};

use crate::error::{Failure, Kind, Result};

/// The user's number.
pub fn effective_uid() -> u32 {
    geteuid().as_raw()
}

/// The number of the user's group.
pub fn effective_gid() -> u32 {
    getegid().as_raw()
}

/// Name of the user behind `uid`.
pub fn name_of(uid: u32) -> String {
    User::from_uid(Uid::from_raw(uid)).ok().flatten().map_or_else(|| uid.to_string(), |user| user.name)
}

/// Numbers and home of Dokku's system user.
pub fn system_user(name: &str) -> Result<(u32, u32, PathBuf)> {
    let user = User::from_name(name).ok().flatten().ok_or_else(|| {
        Failure::new(Kind::Config, format!("there is no user {name}")).hint("is Dokku installed on this host?")
    })?;
    Ok((user.uid.as_raw(), user.gid.as_raw(), user.dir))
}

/// When root runs us, becomes Dokku's system user for good and returns its home. Anybody else but that user is refused:
/// what they made would belong to them.
pub fn become_user(name: &str) -> Result<Option<PathBuf>> {
    if !geteuid().is_root() || name == "root" {
        return refuse_others(name).map(|()| None);
    }
    let (uid, gid, home) = system_user(name)?;
    let become_it = || -> nix::Result<()> {
        let c_name = CString::new(name).map_err(|_| nix::Error::EINVAL)?;
        initgroups(&c_name, gid.into())?;
        setgid(gid.into())?;
        setuid(uid.into())
    };
    become_it().map_err(|e| Failure::new(Kind::Config, format!("could not become the user {name}")).because(e))?;
    Ok(Some(home))
}

fn refuse_others(name: &str) -> Result<()> {
    match User::from_name(name).ok().flatten() {
        Some(user) if user.uid != geteuid() => {
            let me = name_of(effective_uid());
            Err(Failure::new(Kind::Config, format!("this works as the user {name} only, not as {me}"))
                .remedy("let dokku start it", "sudo dokku backups:help"))
        }
        // Where that user is not known, the owner of the data root decides.
        _ => Ok(()),
    }
}

/// How this host calls itself.
pub fn host_name() -> String {
    nix::unistd::gethostname().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
