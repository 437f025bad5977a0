//! A file that somebody asked for by its path: written as a draft beside it and moved to its place when it is whole. What
//! is dropped before that is gone.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::dir::Dir;
use super::file::NamedFile;
use crate::error::{Failure, Kind, Result};

/// The file in the making.
#[derive(Debug)]
pub struct OutFile {
    dir: Dir,
    name: String,
    draft: String,
    file: NamedFile,
    replace: bool,
    kept: bool,
}

impl OutFile {
    /// Begins the file at `path`, or the file `name` in the folder there. One that is there already is only replaced when
    /// `replace` says so. Nothing is written below `ours`: what lies there has its own commands.
    pub fn create(path: &Path, name: &str, replace: bool, ours: &[&Path]) -> Result<OutFile> {
        let shown = path.display();
        let usage = |why: &str| Failure::new(Kind::Usage, format!("{shown} {why}"));
        if !path.is_absolute() {
            return Err(usage("is no absolute path"));
        }
        let (folder, name) = match path.file_name().map(|name| name.to_str()) {
            _ if path.is_dir() => (path, name),
            Some(Some(file)) => (path.parent().unwrap_or(Path::new("/")), file),
            _ => return Err(usage("is no path of a file")),
        };
        let folder = folder.canonicalize().map_err(|error| usage("lies in no folder").because(error))?;
        if ours.iter().any(|ours| ours.canonicalize().is_ok_and(|ours| folder.starts_with(ours))) {
            return Err(Failure::new(Kind::Refused, format!("{shown} lies among the backups themselves"))
                .hint("choose another folder"));
        }
        let dir = Dir::open(&folder)?;
        match dir.entry(name)? {
            Some(entry) if !entry.regular => {
                return Err(Failure::new(Kind::Refused, format!("{shown} is no regular file with one name")));
            }
            Some(_) if !replace => {
                return Err(Failure::new(Kind::Refused, format!("{} exists already", folder.join(name).display()))
                    .hint("name another file, or replace it with --force"));
            }
            _ => {}
        }
        let draft = format!(".{name}.{}.part", std::process::id());
        let file = dir.create(&draft, 0o600)?;
        Ok(OutFile { dir, name: name.to_owned(), draft, file, replace, kept: false })
    }

    /// Makes it durable and moves it to its place; its path.
    pub fn keep(mut self) -> Result<PathBuf> {
        self.file.sync()?;
        if self.replace {
            self.dir.move_over(&self.draft, &self.dir, &self.name)?;
        } else {
            self.dir.move_new(&self.draft, &self.dir, &self.name)?;
        }
        self.kept = true;
        self.dir.sync()?;
        Ok(self.dir.path().join(&self.name))
    }
}

impl Write for OutFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for OutFile {
    fn drop(&mut self) {
        if !self.kept
            && let Err(error) = self.dir.remove(&self.draft)
        {
            log::warn!("{error}");
        }
    }
}
