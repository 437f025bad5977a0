//! From an address to its store: the one place that knows every kind.

use super::folder::Folder;
use super::s3::S3;
use super::{Place, Store};
use crate::domain::Scheme;
use crate::error::Result;

/// Prepares to use the store at `place`; nothing is asked of it yet.
pub fn open(place: Place) -> Result<Box<dyn Store>> {
    Ok(match place.destination.scheme() {
        Scheme::S3 => Box::new(S3::open(place)?),
        Scheme::File => Box::new(Folder::open(&place)?),
    })
}
