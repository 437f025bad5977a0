//! Where copies go: `s3://BUCKET[/PREFIX]`, and the names of objects below it.

use std::fmt;
use std::str::FromStr;

use super::{BackupId, Datastore, Service};

/// A bucket and the folder in it, without a slash at either end. Also the address of one object: its key is the prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    /// Name of the bucket.
    pub name: String,
    /// Folder in it; empty for none.
    pub prefix: String,
}

/// Why a word names no bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrongBucket;

impl fmt::Display for WrongBucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not s3://BUCKET or s3://BUCKET/PREFIX (letters, digits, dots, dashes, underscores)")
    }
}

impl std::error::Error for WrongBucket {}

impl FromStr for Bucket {
    type Err = WrongBucket;

    fn from_str(text: &str) -> Result<Self, WrongBucket> {
        let rest = text.strip_prefix("s3://").ok_or(WrongBucket)?;
        let (name, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let prefix = prefix.trim_end_matches('/');
        let edge = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
        let inside = |c: u8| edge(c) || c == b'-' || c == b'.';
        let bytes = name.as_bytes();
        let named = (3..=63).contains(&bytes.len()) && bytes.iter().all(|c| inside(*c)) && !name.contains("..");
        let framed = bytes.first().is_some_and(|c| edge(*c)) && bytes.last().is_some_and(|c| edge(*c));
        let letter = |c: u8| c.is_ascii_alphanumeric() || b"-_.".contains(&c);
        let step = |part: &str| !part.is_empty() && part != "." && part != ".." && part.bytes().all(letter);
        if named && framed && prefix.len() <= 700 && (prefix.is_empty() || prefix.split('/').all(step)) {
            return Ok(Bucket { name: name.to_owned(), prefix: prefix.to_owned() });
        }
        Err(WrongBucket)
    }
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.prefix.as_str() {
            "" => write!(f, "s3://{}", self.name),
            prefix => write!(f, "s3://{}/{prefix}", self.name),
        }
    }
}

impl Bucket {
    /// The key of `name` below the prefix.
    pub fn below(&self, name: &str) -> String {
        if self.prefix.is_empty() { name.to_owned() } else { format!("{}/{name}", self.prefix) }
    }

    /// What the keys of every object of `service` begin with.
    pub fn folder(&self, service: &Service) -> String {
        self.below(&format!("{}/{}/", service.datastore, service.name))
    }

    /// The key of one file of `service`.
    pub fn key(&self, service: &Service, file: &str) -> String {
        self.folder(service) + file
    }

    /// The address of the object `key` in this bucket.
    pub fn uri(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.name)
    }

    /// The service in whose folder the object `key` lies, and its file name. `None` for whatever is not ours.
    pub fn owner<'a>(&self, key: &'a str) -> Option<(Service, &'a str)> {
        let rest = key.strip_prefix(&self.below(""))?;
        let mut steps = rest.splitn(3, '/');
        let (datastore, name, file) = (steps.next()?, steps.next()?, steps.next()?);
        let datastore = Datastore::ALL.iter().copied().find(|known| known.name() == datastore)?;
        let service = Service { datastore, name: name.parse().ok()? };
        (!file.contains('/') && !file.is_empty()).then_some((service, file))
    }
}

/// The backup that the file name `file` belongs to: everything before the first dot. Ids have none.
pub fn id_of_file(file: &str) -> Option<BackupId> {
    file.split_once('.')?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_and_keys() {
        let bucket: Bucket = "s3://my-bucket/a/b_c/".parse().unwrap();
        assert_eq!((bucket.name.as_str(), bucket.prefix.as_str()), ("my-bucket", "a/b_c"));
        let service = Service { datastore: Datastore::Postgres, name: "db".parse().unwrap() };
        let key = bucket.key(&service, "db-2026-04-08-14-30-00.dump");
        assert_eq!(key, "a/b_c/postgres/db/db-2026-04-08-14-30-00.dump");
        assert_eq!(bucket.owner(&key), Some((service, "db-2026-04-08-14-30-00.dump")));
        assert_eq!(bucket.owner("a/b_c/postgres/../x"), None);
        assert_eq!(bucket.owner("elsewhere/postgres/db/x"), None);
        assert_eq!("s3://abc".parse::<Bucket>().unwrap().key(&bucket.owner(&key).unwrap().0, "x"), "postgres/db/x");
        for bad in [
            "",
            "my-bucket",
            "s3://",
            "s3://ab",
            "s3://Bad",
            "s3://a..b",
            "s3://abc//d",
            "s3://abc/../d",
            "s3://u:p@abc/d",
            "s3://abc/d?x",
        ] {
            assert!(bad.parse::<Bucket>().is_err(), "{bad}");
        }
    }
}
