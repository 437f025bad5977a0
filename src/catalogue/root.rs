//! The data root, `$DOKKU_LIB_ROOT/data/backups`: checked before anything is written below it.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::names::{DISPOSABLES, MARKER};
use super::{Folder, Seals, host_key};
use crate::domain::{Datastore, Service, ServiceName};
use crate::error::{Failure, Kind, Result};
use crate::sys::dir::Dir;
use crate::sys::user;

/// The data root, held open.
#[derive(Debug)]
pub struct Root {
    pub(super) dir: Dir,
    config: PathBuf,
}

impl Root {
    /// Opens the root for reading. `None` where there is none yet. The host's key is in `config`.
    pub fn look(path: &Path, config: &Path) -> Result<Option<Root>> {
        match Dir::open(path) {
            Ok(dir) => Ok(Some(Root { dir, config: config.to_owned() })),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e.into()),
        }
    }

    /// Opens the root for writing: ours, writable by nobody else, and truly the root, not an empty mount point.
    pub fn open(path: &Path, config: &Path) -> Result<Root> {
        let root = Root::look(path, config)?.ok_or_else(|| {
            Failure::new(Kind::Config, format!("the data root {} is missing", path.display()))
                .remedy("mount its disk, or lay it out with", "sudo dokku plugin:install")
        })?;
        let itself = root.dir.itself()?;
        let me = user::effective_uid();
        if itself.uid != me {
            let (owner, me) = (user::name_of(itself.uid), user::name_of(me));
            let text = format!("the data root {} belongs to {owner}, not to {me}", path.display());
            return Err(Failure::new(Kind::Config, text).command(format!("sudo chown -R {me} {}", path.display())));
        }
        if itself.mode & 0o022 != 0 {
            let text = format!("the data root {} may be written by others (mode {:o})", path.display(), itself.mode);
            return Err(Failure::new(Kind::Config, text).command(format!("sudo chmod 700 {}", path.display())));
        }
        if !root.dir.entry(MARKER)?.is_some_and(|marker| marker.regular) {
            let text = format!("{} is not a data root: the file {MARKER} is missing in it", path.display());
            return Err(Failure::new(Kind::Config, text)
                .hint("is its disk mounted? see: findmnt --target PATH")
                .remedy("to begin a new data root there", "sudo dokku plugin:install"));
        }
        Ok(root)
    }

    /// The folder of `service`, if it has one.
    pub fn service(&self, service: &Service) -> Result<Option<Folder>> {
        let inner = self.dir.enter(service.datastore.name()).and_then(|dir| dir.enter(service.name.as_str()));
        match inner {
            Ok(dir) => self.marked(dir, service).map(Some),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e.into()),
        }
    }

    /// The folder `dir` of `service`, with what tells whose its documents are.
    pub(super) fn marked(&self, dir: Dir, service: &Service) -> Result<Folder> {
        Ok(Folder::new(dir, Seals::of(&self.config, service)?))
    }

    /// Services whose records are still to get this host's mark.
    pub fn unmarked_services(&self) -> Result<Vec<Service>> {
        let mut found = Vec::new();
        for service in self.services()? {
            if host_key::is_waiting(&self.config, &service)? {
                found.push(service);
            }
        }
        Ok(found)
    }

    /// The records of `service` bear this host's mark.
    pub(super) fn is_marked(&self, service: &Service) -> Result<()> {
        host_key::settled(&self.config, service)
    }

    /// Makes the host's key where there is none: whatever lies here now is this host's.
    pub(super) fn establish_key(&self) -> Result<()> {
        if host_key::look(&self.config)?.is_none() {
            host_key::establish(&self.config, &self.services()?, None)?;
        }
        Ok(())
    }

    /// The folder of `service`, made where it is not there.
    pub fn service_or_new(&self, service: &Service) -> Result<Dir> {
        let datastore = self.dir.enter_or_make(service.datastore.name(), 0o700)?;
        Ok(datastore.enter_or_make(service.name.as_str(), 0o700)?)
    }

    /// Every service that has a folder, sorted. What else lies there is none: see `strays`.
    pub fn services(&self) -> Result<Vec<Service>> {
        let mut found = Vec::new();
        for datastore in Datastore::ALL {
            let Some(dir) = self.datastore(*datastore)? else { continue };
            for name in dir.names()? {
                if let Ok(service) = name.parse()
                    && is_folder(&dir, &name)?
                {
                    found.push(Service { datastore: *datastore, name: service });
                }
            }
        }
        found.sort();
        Ok(found)
    }

    /// What lies in the root and is not ours, which stops nothing.
    pub fn strays(&self) -> Result<Vec<Stray>> {
        let known = |name: &str| {
            // A file system's own folder, where the root is its top.
            [MARKER, DISPOSABLES, "lost+found"].contains(&name)
                || Datastore::ALL.iter().any(|datastore| datastore.name() == name)
        };
        let mut strays = Vec::new();
        let mut add = |dir: &Dir, name: &str, hides| strays.push(Stray { path: dir.path().join(name), hides });
        self.dir.names()?.iter().filter(|name| !known(name)).for_each(|name| add(&self.dir, name, false));
        for datastore in Datastore::ALL {
            let Some(dir) = self.datastore(*datastore)? else { continue };
            for name in dir.names()? {
                let is_name = name.parse::<ServiceName>().is_ok();
                if !is_name || !is_folder(&dir, &name)? {
                    add(&dir, &name, is_name);
                }
            }
        }
        strays.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(strays)
    }

    fn datastore(&self, datastore: Datastore) -> Result<Option<Dir>> {
        match self.dir.enter(datastore.name()) {
            Ok(dir) => Ok(Some(dir)),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e.into()),
        }
    }
}

/// Something in the data root that is not ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stray {
    /// Where it is.
    pub path: PathBuf,
    /// It stands where a service's folder would: a link to one elsewhere, perhaps, which is never followed.
    pub hides: bool,
}

fn is_folder(dir: &Dir, name: &str) -> Result<bool> {
    Ok(dir.entry(name)?.is_some_and(|entry| entry.directory))
}

/// Makes data and configuration folders for `owner` and marks the data root, all of it only where missing, and puts
/// modes and owners of the folders right, and makes the host's key. Returns what it changed, in words.
///
/// The configuration remembers that a data root was once marked: when the marker is then missing, its disk is not
/// mounted, and marking the empty mount point would invite writing into it.
pub fn lay_out(data: &Path, config: &Path, owner: (u32, u32)) -> Result<Vec<String>> {
    let mut told = Vec::new();
    let config_dir = own_folder(config, owner, &mut told)?;
    let data_dir = own_folder(data, owner, &mut told)?;
    let marked = data_dir.entry(MARKER)?.is_some();
    let remembered = config_dir.entry(MARKER)?.is_some();
    if !marked && remembered {
        return Err(Failure::new(
            Kind::Config,
            format!("{} was a data root and is not marked any more", data.display()),
        )
        .hint("mount its disk and run this again")
        .remedy("to begin a new data root there", format!("sudo rm {}", config.join(MARKER).display())));
    }
    for (dir, missing) in [(&data_dir, !marked), (&config_dir, !remembered)] {
        if missing {
            let mut marker = dir.create(MARKER, 0o600)?;
            marker.write_all(b"This folder belongs to dokku-backups. Without this file nothing is written here.\n")?;
            marker.sync()?;
            give(&dir.path().join(MARKER), owner)?;
            dir.sync()?;
            told.push(format!("marked {}", dir.path().display()));
        }
    }
    if host_key::look(config).is_ok_and(|key| key.is_none()) {
        told.push("made this host's key".to_owned());
    }
    // On a host that had the plugin before, what lies there is its own. On another it was brought from elsewhere.
    let before = if remembered { Root { dir: data_dir, config: config.to_owned() }.services()? } else { Vec::new() };
    host_key::establish(config, &before, Some(owner))?;
    Ok(told)
}

fn own_folder(path: &Path, owner: (u32, u32), told: &mut Vec<String>) -> Result<Dir> {
    let parent = path.parent().map(PathBuf::from).unwrap_or_default();
    let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
    let new = Dir::open(&parent)?.entry(name)?.is_none();
    let dir = Dir::open(&parent)?.enter_or_make(name, 0o700)?;
    let before = dir.itself()?;
    if new {
        told.push(format!("made {}", path.display()));
    }
    if before.mode != 0o700 {
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
        told.push(format!("set mode 700 on {}", path.display()));
    }
    if before.uid != owner.0 {
        give(path, owner)?;
        told.push(format!("gave {} to {}", path.display(), user::name_of(owner.0)));
    }
    Ok(dir)
}

fn give(path: &Path, (uid, gid): (u32, u32)) -> Result<()> {
    Ok(std::os::unix::fs::lchown(path, Some(uid), Some(gid))?)
}
