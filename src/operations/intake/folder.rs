//! A dump that is a folder of files.

use std::io::{self, Read};

use super::Bytes;
use crate::engine::{ByName, Engine, Parts};
use crate::error::{Failure, Kind, Result};
use crate::sys::dir::Dir;

/// The dump that is in `dir`, as one stream.
pub(super) fn dump_in_folder(engine: &dyn Engine, dir: Dir) -> Result<Bytes> {
    let shown = dir.path().display().to_string();
    let is_there = |index: &str| Ok::<_, Failure>(dir.entry(index)?.is_some());
    match engine.index() {
        Some(index) if is_there(index)? => engine.gather(Parts::ByName(Box::new(Folder(dir)))),
        Some(index) => Err(Failure::new(Kind::Usage, format!("{shown} is a folder without {index}"))
            .hint("name one file in it; or take in many of them: dokku backups:sync SERVICE --adopt FOLDER")),
        None => Err(Failure::new(Kind::Usage, format!("{shown} is a folder")).hint("name one file in it")),
    }
}

#[derive(Debug)]
struct Folder(Dir);

impl ByName for Folder {
    fn open(&self, name: &str) -> Result<Option<Box<dyn Read + Send>>> {
        match self.0.read(name) {
            Ok(file) => Ok(Some(Box::new(file))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
