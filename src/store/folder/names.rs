//! The names of files in the folder: which are objects, and which are ours beside them.

use std::io;

use crate::error::{Failure, Kind, Result};
use crate::sys::dir::{Dir, Entry};
use crate::sys::user;

/// The file that shows that the disk is mounted.
pub const MARKER: &str = ".dokku-backups-destination";
/// Longest mark file.
const LONGEST: u64 = 512;

/// The folders above an object, and its own name. What cannot be a file of its own in a folder is refused.
pub fn steps(key: &str) -> Result<(Vec<&str>, &str)> {
    let mut steps: Vec<&str> = key.split('/').collect();
    let name = steps.pop().unwrap_or_default();
    let fits =
        |step: &str| !step.is_empty() && step.len() <= 200 && step != "." && step != ".." && !step.contains('\0');
    let wrong = !fits(name) || is_own(name) || steps.iter().any(|step| !fits(step) || step.starts_with('.'));
    if wrong {
        return Err(Failure::new(Kind::Config, format!("{key:?} cannot be the name of a file at the destination")));
    }
    Ok((steps, name))
}

/// Whether a file of that name is ours beside the objects, and not an object.
pub fn is_own(name: &str) -> bool {
    name == MARKER || name.starts_with('.') && (name.ends_with(".part") || name.ends_with(".mark"))
}

/// The name under which the object `name` is written by the upload with the word `mark`.
pub fn part_of(name: &str, mark: &str) -> String {
    format!(".{name}.{mark}.part")
}

/// The object that is, or was, to come of the file `part`.
pub fn object_of_part(part: &str) -> Option<&str> {
    part.strip_prefix('.')?.strip_suffix(".part")?.rsplit_once('.').map(|(name, _)| name)
}

/// The name of the file that says which file the upload with the word `mark` has made as `name`.
pub fn mark_of(name: &str, mark: &str) -> String {
    format!(".{name}.{mark}.mark")
}

/// The object that the file `mark` is about, and the upload's word.
pub fn object_of_mark(mark: &str) -> Option<(&str, &str)> {
    mark.strip_prefix('.')?.strip_suffix(".mark")?.rsplit_once('.')
}

/// Whether a folder belongs to another user: `lost+found`, what somebody else keeps on that disk.
pub fn is_of_others(entry: &Entry) -> bool {
    entry.uid != user::effective_uid()
}

/// What stands in the mark of an upload whose file is `entry`. Whatever else comes to lie there by the object's name is
/// another file.
pub fn fingerprint(entry: &Entry) -> String {
    format!("{} {}\n", entry.size, entry.inode)
}

/// Whether the mark called `name` in `dir` is about that very file.
pub fn is_mark_of(dir: &Dir, name: &str, entry: &Entry) -> io::Result<bool> {
    match dir.read_shared(name).and_then(|file| file.read_whole(LONGEST)) {
        Ok(bytes) => Ok(bytes == fingerprint(entry).as_bytes()),
        // Gone meanwhile; or whatever somebody has put there, which says nothing.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData
            ) =>
        {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ours_beside_an_object_is_told_by_its_name() {
        let (part, mark) = (part_of("a.dump", "0f"), mark_of("a.dump", "0f"));
        assert_eq!((part.as_str(), mark.as_str()), (".a.dump.0f.part", ".a.dump.0f.mark"));
        assert_eq!((object_of_part(&part), object_of_mark(&mark)), (Some("a.dump"), Some(("a.dump", "0f"))));
        assert!([part.as_str(), mark.as_str(), MARKER].iter().all(|name| is_own(name)));
        for object in ["a.dump", ".dokku-backups-test-1", "x.part", "x.mark"] {
            assert!(
                !is_own(object) && object_of_part(object).is_none() && object_of_mark(object).is_none(),
                "{object}"
            );
        }
        assert_eq!(steps("postgres/shop/a.dump").ok(), Some((vec!["postgres", "shop"], "a.dump")));
        let long = "x".repeat(201);
        for wrong in
            ["", "/a", "a/", "a//b", "../a", "a/../b", "a/.", "a/\0", "a/.b.c.part", ".hidden/a", MARKER, &long]
        {
            assert!(steps(wrong).is_err(), "{wrong:?}");
        }
    }
}
