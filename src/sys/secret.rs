//! Reading a file that holds a secret: a regular file that nobody else can read, or stdin.

use std::io;
use std::path::Path;

use super::dir::Dir;
use super::{incoming, user};
use crate::error::{Failure, Kind, Result};

/// More than any file of keys holds.
const LARGEST: usize = 1 << 20;

/// The text of the file at `path`, refused unless it belongs to us or to root and is closed to everybody else.
pub fn file(path: &Path) -> Result<String> {
    let shown = path.display();
    let (Some(parent), Some(name), true) =
        (path.parent(), path.file_name().and_then(|n| n.to_str()), path.is_absolute())
    else {
        return Err(Failure::new(Kind::Usage, format!("{shown} is no absolute path of a file")));
    };
    let me = user::name_of(user::effective_uid());
    let mend = format!("sudo chown {me} {shown} && sudo chmod 600 {shown}");
    let opened = Dir::open(parent).and_then(|dir| {
        let file = dir.read(name)?;
        Ok((dir.entry(name)?, file))
    });
    let (entry, file) = opened.map_err(|error| match error.kind() {
        io::ErrorKind::PermissionDenied => {
            Failure::new(Kind::Config, format!("{me} may not read {shown}")).because(error).command(mend.clone())
        }
        _ => Failure::new(Kind::Config, format!("{shown} cannot be read")).because(error),
    })?;
    let entry = entry.ok_or_else(|| Failure::new(Kind::Config, format!("{shown} is gone")))?;
    if entry.mode & 0o077 != 0 {
        let text = format!("{shown} holds private keys and may be read by others (mode {:o})", entry.mode);
        return Err(Failure::new(Kind::Config, text).command(format!("sudo chmod 600 {shown}")));
    }
    if entry.uid != user::effective_uid() && entry.uid != 0 {
        let text = format!("{shown} holds private keys and belongs to {}", user::name_of(entry.uid));
        return Err(Failure::new(Kind::Config, text).command(mend));
    }
    text(file.read_whole(LARGEST as u64)?, &shown.to_string())
}

/// The text on stdin, to its end.
pub fn stdin() -> Result<String> {
    text(incoming::all(LARGEST)?, "stdin")
}

/// Says nothing of what is inside.
fn text(bytes: Vec<u8>, name: &str) -> Result<String> {
    String::from_utf8(bytes).map_err(|_| Failure::new(Kind::Config, format!("{name} is no text")))
}
