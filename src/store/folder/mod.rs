//! A folder of this host: a second disk, or a share of another machine that is mounted here.
//!
//! ```text
//! FOLDER/.dokku-backups-destination        made when the destination is set: without it the disk is not mounted
//! FOLDER/postgres/shop/NAME                an object
//!                      .NAME.WORD.part     one that is being written, or was when its writer died
//!                      .NAME.WORD.mark     which file the upload with that word has made as NAME
//! ```
//!
//! An object is written under another name, made durable, and moved to its own without replacing anything. Nothing is
//! taken for granted of the file system but that: neither extended attributes nor hard links nor stable inode numbers.
//! No symlink in the folder is followed, and nothing is opened that is not a regular file.

mod failures;
mod names;
mod write;

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::{Cancel, Object, Place, Put, Removal, Source, Store};
use crate::domain::Destination;
use crate::error::{Failure, Kind, Result};
use crate::sys::dir::{Dir, Entry};
use crate::sys::file::NamedFile;
use names::{MARKER, is_own, object_of_part};

/// More objects than this are not listed.
const MOST: usize = 1_000_000;
/// What stands in the marker, for whoever finds it.
const MARKER_TEXT: &str = "Copies of dokku-backups lie in this folder. While this file is missing nothing is written here: the disk is then \
     not mounted.\n";

/// The folder.
#[derive(Debug)]
pub struct Folder {
    destination: Destination,
    path: PathBuf,
}

/// A folder in it, and the name that the last step of a key is there.
struct Spot<'a> {
    dir: Dir,
    name: &'a str,
}

impl Folder {
    /// Prepares to use the folder at `place`.
    pub fn open(place: &Place) -> Result<Folder> {
        let destination = place.destination.clone();
        match destination.path().map(Path::to_owned) {
            Some(path) => Ok(Folder { destination, path }),
            None => Err(Failure::new(Kind::Config, format!("{destination} is not a folder"))),
        }
    }

    /// The folder itself, once its marker is seen: an empty mount point is not a store that has lost everything.
    fn root(&self) -> Result<Dir> {
        let root = Dir::open(&self.path).map_err(|e| self.failed(e))?;
        match root.entry(MARKER).map_err(|e| self.failed(e))? {
            Some(entry) if entry.file => Ok(root),
            _ => Err(self.not_mounted()),
        }
    }

    /// The folder of these steps; `None` where it is not there.
    fn folder(&self, steps: &[&str]) -> Result<Option<Dir>> {
        let mut dir = self.root()?;
        for step in steps {
            dir = match dir.enter(step) {
                Ok(inner) => inner,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(self.failed(error)),
            };
        }
        Ok(Some(dir))
    }

    /// Where `key` lies; `None` where its folder is not there.
    fn find<'a>(&self, key: &'a str) -> Result<Option<Spot<'a>>> {
        let (folders, name) = names::steps(key)?;
        Ok(self.folder(&folders)?.map(|dir| Spot { dir, name }))
    }

    /// Where `key` is to lie; its folders are made.
    fn make<'a>(&self, key: &'a str) -> Result<Spot<'a>> {
        let (folders, name) = names::steps(key)?;
        let mut dir = self.root()?;
        for folder in folders {
            dir = dir.enter_or_make(folder, 0o700).map_err(|e| self.failed(e))?;
        }
        Ok(Spot { dir, name })
    }

    /// What lies at `spot`, which has to be a file.
    fn look(&self, spot: &Spot<'_>) -> Result<Option<Entry>> {
        match spot.dir.entry(spot.name).map_err(|e| self.failed(e))? {
            Some(entry) if !entry.file => Err(self.not_a_file(&spot.dir, spot.name)),
            entry => Ok(entry),
        }
    }

    /// The files of the words of all uploads to `spot`, each with its word.
    fn marks(&self, spot: &Spot<'_>) -> Result<Vec<(String, String)>> {
        let names = spot.dir.names().map_err(|e| self.failed(e))?;
        let is_its = |name: &String| {
            names::object_of_mark(name).filter(|(object, _)| *object == spot.name).map(|(_, word)| word.to_owned())
        };
        Ok(names.into_iter().filter_map(|name| is_its(&name).map(|word| (name, word))).collect())
    }

    /// Calls `see` for every file whose folder is that of `prefix` or below it, with the key of its folder and its name.
    fn walk(&self, prefix: &str, see: &mut dyn FnMut(&Dir, &str, &str) -> Result<()>) -> Result<()> {
        let above = prefix.rsplit_once('/').map_or("", |(above, _)| above);
        // Not held open: there may be more folders than a program may have open.
        let mut waiting = vec![(above.to_owned(), false)];
        while let Some((above, is_of_others)) = waiting.pop() {
            let steps: Vec<&str> = above.split('/').filter(|step| !step.is_empty()).collect();
            let dir = match self.folder(&steps) {
                Err(failure) if is_of_others => {
                    log::info!("left out: {}", failure.reason());
                    None
                }
                found => found?,
            };
            let Some(dir) = dir else { continue };
            let above = if above.is_empty() { above } else { above + "/" };
            for name in dir.names().map_err(|e| self.failed(e))? {
                match dir.entry(&name).map_err(|e| self.failed(e))? {
                    // Hidden ones are other programs': snapshots, waste baskets.
                    Some(entry) if entry.directory && !name.starts_with('.') => {
                        waiting.push((format!("{above}{name}"), names::is_of_others(&entry)));
                    }
                    Some(entry) if entry.file => see(&dir, &above, &name)?,
                    _ => {}
                }
            }
        }
        Ok(())
    }
}

impl Store for Folder {
    fn destination(&self) -> &Destination {
        &self.destination
    }

    fn put_stream(&self, key: &str, source: Source, _about: Option<u64>, mark: &str, cancel: &Cancel) -> Result<Put> {
        self.put_new(key, source, mark, cancel)
    }

    fn put_small(&self, key: &str, bytes: Vec<u8>, replace: bool) -> Result<bool> {
        self.put_bytes(key, &bytes, replace)
    }

    fn read<'a>(&'a self, key: &str, size: u64) -> Result<Box<dyn Read + Send + 'a>> {
        let absent = || Failure::new(Kind::NotFound, format!("{} is not there", self.destination.uri(key)));
        let spot = self.find(key)?.ok_or_else(absent)?;
        let file = spot.dir.read_shared(spot.name).map_err(|e| self.failed(e))?;
        Ok(Box::new(Reading { folder: self, file, left: size }))
    }

    fn head(&self, key: &str) -> Result<Option<Object>> {
        let Some(spot) = self.find(key)? else { return Ok(None) };
        let Some(entry) = self.look(&spot)? else { return Ok(None) };
        let mut mark = None;
        for (file, word) in self.marks(&spot)? {
            if names::is_mark_of(&spot.dir, &file, &entry).map_err(|e| self.failed(e))? {
                mark = Some(word);
            }
        }
        Ok(Some(Object { key: key.to_owned(), size: entry.size, mark, etag: None, kept_until: None }))
    }

    fn list(&self, prefix: &str) -> Result<Vec<Object>> {
        let mut found = Vec::new();
        self.walk(prefix, &mut |dir, above, name| {
            let key = format!("{above}{name}");
            if is_own(name) || !key.starts_with(prefix) || found.len() >= MOST {
                return Ok(());
            }
            // It may be gone by now.
            if let Some(entry) = dir.entry(name).map_err(|e| self.failed(e))? {
                found.push(Object { key, size: entry.size, mark: None, etag: None, kept_until: None });
            }
            Ok(())
        })?;
        Ok(found)
    }

    fn delete(&self, key: &str) -> Result<Removal> {
        let Some(spot) = self.find(key)? else { return Ok(Removal::Gone) };
        if self.look(&spot)?.is_some() {
            match spot.dir.remove(spot.name) {
                // Files that are immutable, or only appended to (chattr), are nobody's to remove.
                Err(e) if e.raw_os_error() == Some(nix::libc::EPERM) => return Ok(Removal::Refused),
                removed => removed.map_err(|e| self.failed(e))?,
            }
        }
        for (mark, _) in self.marks(&spot)? {
            spot.dir.remove(&mark).map_err(|e| self.failed(e))?;
        }
        self.sync_names(&spot.dir)?;
        Ok(Removal::Gone)
    }

    fn abort_leftovers(&self, prefix: &str, ours: &dyn Fn(&str) -> bool) -> Result<usize> {
        let mut aborted = 0;
        self.walk(prefix, &mut |dir, above, name| {
            let is_ours = |object: &str| {
                let key = format!("{above}{object}");
                key.starts_with(prefix) && ours(&key)
            };
            if object_of_part(name).is_some_and(is_ours) {
                dir.remove(name).map_err(|e| self.failed(e))?;
                aborted += 1;
            } else if let Some((object, _)) = names::object_of_mark(name).filter(|(object, _)| is_ours(object)) {
                // Of an upload that died before it moved its file to its place.
                let entry = dir.entry(object).map_err(|e| self.failed(e))?;
                let made = entry.map(|entry| names::is_mark_of(dir, name, &entry)).transpose();
                if made.map_err(|e| self.failed(e))? != Some(true) {
                    dir.remove(name).map_err(|e| self.failed(e))?;
                }
            }
            Ok(())
        })?;
        Ok(aborted)
    }

    fn prepare(&self, forbidden: &[&Path]) -> Result<()> {
        let root = Dir::open(&self.path).map_err(|e| self.unfit(e))?;
        if let Some(inside) = forbidden.iter().find(|path| root.lies_below(path)) {
            let text = format!(
                "{} lies in {}, where Dokku and its plugins keep their own files",
                self.path.display(),
                inside.display()
            );
            return Err(Failure::new(Kind::Refused, text).hint("choose a folder of another disk"));
        }
        if root.entry(MARKER).map_err(|e| self.failed(e))?.is_none() {
            self.write_new(&root, MARKER, MARKER_TEXT.as_bytes())?;
            self.sync_names(&root)?;
        }
        Ok(())
    }

    fn caution(&self, data_root: &Path) -> Option<String> {
        let device = |path: &Path| Dir::open(path).and_then(|dir| dir.itself()).map(|entry| entry.device).ok();
        let same = device(&self.path).is_some_and(|there| device(data_root) == Some(there));
        same.then(|| {
            format!(
                "{} lies on the same file system as the backups: what takes them takes the copies too",
                self.destination
            )
        })
    }
}

/// An object that is being read.
struct Reading<'a> {
    folder: &'a Folder,
    file: NamedFile,
    left: u64,
}

impl Read for Reading<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let most = into.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        if most == 0 {
            return Ok(0);
        }
        let into = &mut into[..most];
        let count = match self.file.read(into) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(self.folder.failed(error).into()),
            read => read?,
        };
        if count == 0 {
            let text = format!("{} ends {} bytes too early", self.file.path().display(), self.left);
            return Err(Failure::new(Kind::Damaged, text).into());
        }
        self.left -= count as u64;
        Ok(count)
    }
}
