//! Where copies go: the address of a store and of the folder in it, and the names of objects below that. A kind of
//! store has its own file here, which says what its addresses look like, and one variant of [`Scheme`].

mod folder;
mod s3;

use std::fmt;
use std::path::Path;
use std::str::FromStr;

pub use s3::Bucket;

use super::{BackupId, Datastore, Service};

/// The kind of a store: what stands before `://` in its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// A bucket of an S3 store.
    S3,
    /// A folder of this host: another disk, or a share of another machine.
    File,
}

impl Scheme {
    /// Every kind there is.
    pub const ALL: &'static [Scheme] = &[Scheme::S3, Scheme::File];

    /// The word before `://`.
    pub fn word(self) -> &'static str {
        match self {
            Scheme::S3 => "s3",
            Scheme::File => "file",
        }
    }

    /// Whether everything that is asked of it is signed with a key: `destination-key-id` and `destination-secret`.
    pub fn takes_a_key(self) -> bool {
        match self {
            Scheme::S3 => true,
            Scheme::File => false,
        }
    }

    /// Whether it writes into this host's own folders, which no holder of an SSH key may choose.
    pub fn is_of_this_host(self) -> bool {
        match self {
            Scheme::S3 => false,
            Scheme::File => true,
        }
    }

    fn is_place(self, place: &str) -> bool {
        match self {
            Scheme::S3 => s3::is_place(place),
            Scheme::File => folder::is_place(place),
        }
    }
}

/// The address of a store and of the folder in it, without a slash at its end: `s3://BUCKET/PREFIX`, `file:///FOLDER`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Destination {
    scheme: Scheme,
    place: String,
}

/// Why a word is not the address of a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrongDestination;

impl WrongDestination {
    /// What would be one.
    pub const FORM: &'static str =
        "s3://BUCKET, s3://BUCKET/PREFIX or file:///FOLDER (letters, digits, dots, dashes, underscores)";
}

impl fmt::Display for WrongDestination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not {}", WrongDestination::FORM)
    }
}

impl std::error::Error for WrongDestination {}

impl FromStr for Destination {
    type Err = WrongDestination;

    fn from_str(text: &str) -> Result<Destination, WrongDestination> {
        let (word, place) = text.split_once("://").ok_or(WrongDestination)?;
        let scheme = Scheme::ALL.iter().copied().find(|scheme| scheme.word() == word).ok_or(WrongDestination)?;
        let place = place.trim_end_matches('/');
        match scheme.is_place(place) {
            true => Ok(Destination { scheme, place: place.to_owned() }),
            false => Err(WrongDestination),
        }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.word(), self.place)
    }
}

impl Destination {
    /// The kind of store.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The bucket and the prefix in it; `None` where it is another kind of store.
    pub fn bucket(&self) -> Option<Bucket> {
        (self.scheme == Scheme::S3).then(|| Bucket::of(&self.place))
    }

    /// The folder of this host, absolute; `None` where it is another kind of store.
    pub fn path(&self) -> Option<&Path> {
        (self.scheme == Scheme::File).then(|| Path::new(&self.place))
    }

    /// The address of the object `key` in it.
    pub fn uri(&self, key: &str) -> String {
        format!("{self}/{key}")
    }

    /// From the address of one copy: the destination it was put into, and its key there.
    pub fn of_copy(uri: &str) -> Option<(Destination, &str)> {
        let (at, _) = uri.rmatch_indices('/').nth(2)?;
        let (destination, key) = (uri[..at].parse().ok()?, &uri[at + 1..]);
        (are_steps(key) && owner_of(key).is_some()).then_some((destination, key))
    }
}

/// What the keys of every copy of `service` begin with: `postgres/shop/`.
pub fn keys_of(service: &Service) -> String {
    format!("{}/{}/", service.datastore, service.name)
}

/// The key of one file of `service`: `postgres/shop/shop-2026-04-08-14-30-00.dump`.
pub fn key_of(service: &Service, file: &str) -> String {
    keys_of(service) + file
}

/// The service in whose folder the object `key` lies, and its file name. `None` for whatever is not ours.
pub fn owner_of(key: &str) -> Option<(Service, &str)> {
    let mut steps = key.splitn(3, '/');
    let (datastore, name, file) = (steps.next()?, steps.next()?, steps.next()?);
    let datastore = Datastore::ALL.iter().copied().find(|known| known.name() == datastore)?;
    let service = Service { datastore, name: name.parse().ok()? };
    (!file.contains('/') && !file.is_empty()).then_some((service, file))
}

/// The backup that the file name `file` belongs to: everything before the first dot. Ids have none.
pub fn id_of_file(file: &str) -> Option<BackupId> {
    file.split_once('.')?.0.parse().ok()
}

/// Whether every step of `path`, which has at least one, can be part of an address as it stands: also in a shell.
fn are_steps(path: &str) -> bool {
    let letter = |c: u8| c.is_ascii_alphanumeric() || b"-_.".contains(&c);
    let step = |part: &str| !part.is_empty() && part != "." && part != ".." && part.bytes().all(letter);
    path.len() <= 700 && path.split('/').all(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_keys() {
        let service = Service { datastore: Datastore::Postgres, name: "db".parse().unwrap() };
        let key = key_of(&service, "db-2026-04-08-14-30-00.dump");
        assert_eq!(key, "postgres/db/db-2026-04-08-14-30-00.dump");
        assert_eq!(owner_of(&key), Some((service, "db-2026-04-08-14-30-00.dump")));
        for none in ["postgres/../x", "elsewhere/db/x", "postgres/db/", "postgres/db", "postgres/db/a/b"] {
            assert_eq!(owner_of(none), None, "{none}");
        }
        for text in ["s3://my-bucket/a/b_c", "s3://abc", "file:///mnt/backup", "file:///mnt/a/b.c"] {
            let destination: Destination = text.parse().unwrap();
            assert_eq!(
                (destination.to_string(), format!("{text}/").parse()),
                (text.to_owned(), Ok(destination.clone()))
            );
            let uri = destination.uri(&key);
            assert_eq!(uri, format!("{text}/{key}"));
            assert_eq!(Destination::of_copy(&uri), Some((destination, key.as_str())));
        }
        for none in [
            "s3://abc/db/x",
            "file:///postgres/db/x",
            "postgres/db/x",
            "file:///a/../postgres/db/x",
            "s3://abc/postgres/db/x y",
            "x",
        ] {
            assert_eq!(Destination::of_copy(none), None, "{none}");
        }
        for wrong in ["", "my-bucket", "none", "ftp://host/x", "s3:/abc", "S3://abc"] {
            assert!(wrong.parse::<Destination>().is_err(), "{wrong}");
        }
    }
}
