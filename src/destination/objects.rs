//! Single objects: written whole, read, listed, looked at, removed.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::Arc;

use bytes::Bytes;
use object_store::list::{PaginatedListOptions, PaginatedListStore};
use object_store::path::Path;
use object_store::{Attribute, Error, GetOptions, ObjectStore, ObjectStoreExt, PutOptions, PutPayload};
use tokio::task::JoinHandle;

use super::wire::New;
use super::{Store, path};
use crate::error::{Failure, Kind, Result};

/// Bytes fetched with one request.
const PIECE: u64 = 8 << 20;
/// Requests on their way at once.
const AHEAD: usize = 2;
/// More objects than this are not listed: a folder of ours never holds as many.
const MOST: usize = 1_000_000;

/// An object as the store lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its key.
    pub key: String,
    /// Its size in bytes.
    pub size: u64,
    /// The word that its upload carried; not told by lists.
    pub mark: Option<String>,
}

/// Where that word stands: `x-amz-meta-dokku-backups`.
pub(super) const MARK: Attribute = Attribute::Metadata(Cow::Borrowed("dokku-backups"));

/// An object that is being read.
#[derive(Debug)]
pub struct Reading<'a> {
    store: &'a Store,
    path: Path,
    size: u64,
    asked: u64,
    coming: VecDeque<JoinHandle<object_store::Result<Bytes>>>,
    piece: Bytes,
}

impl Reading<'_> {
    /// The next piece, while the one after it is on its way already.
    async fn next(&mut self) -> Result<Bytes> {
        while self.coming.len() < AHEAD && self.asked < self.size {
            let range = self.asked..(self.asked + PIECE).min(self.size);
            self.asked = range.end;
            let (s3, path) = (Arc::clone(&self.store.s3), self.path.clone());
            self.coming.push_back(tokio::spawn(async move { s3.get_range(&path, range).await }));
        }
        let Some(piece) = self.coming.pop_front() else { return Ok(Bytes::new()) };
        let lost = |_| Failure::new(Kind::Io, format!("reading {} stopped unexpectedly", self.path));
        piece.await.map_err(lost)?.map_err(|e| self.store.failure(&format!("read {}", self.path), &e))
    }
}

impl Read for Reading<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.piece.is_empty() {
            let store = self.store;
            self.piece = store.runtime.block_on(self.next())?;
        }
        let count = into.len().min(self.piece.len());
        into[..count].copy_from_slice(&self.piece.split_to(count));
        Ok(count)
    }
}

impl Store {
    /// Writes a small object, in place of what is there only if `replace` says so; answers whether it was written.
    pub fn put_small(&self, key: &str, bytes: Vec<u8>, replace: bool) -> Result<bool> {
        let mut options = PutOptions::default();
        if !replace {
            if self.head(key)?.is_some() {
                return Ok(false);
            }
            options.extensions.insert(New);
        }
        let path = path(key)?;
        match self.runtime.block_on(self.s3.put_opts(&path, PutPayload::from(bytes), options)) {
            Ok(_) => Ok(true),
            Err(Error::Precondition { .. } | Error::AlreadyExists { .. } | Error::NotModified { .. }) if !replace => {
                Ok(false)
            }
            Err(error) => Err(self.failure(&format!("write {key}"), &error)),
        }
    }

    /// All of a small object, of at most `limit` bytes; `None` where there is none.
    pub fn get_small(&self, key: &str, limit: u64) -> Result<Option<Vec<u8>>> {
        let Some(object) = self.head(key)? else { return Ok(None) };
        if object.size > limit {
            return Err(Failure::new(Kind::Damaged, format!("{key} is larger than {limit} bytes")));
        }
        let mut bytes = Vec::new();
        self.read(key, object.size)?.read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }

    /// The first `size` bytes of an object, in order and in bounded memory.
    pub fn read(&self, key: &str, size: u64) -> Result<Reading<'_>> {
        Ok(Reading { store: self, path: path(key)?, size, asked: 0, coming: VecDeque::new(), piece: Bytes::new() })
    }

    /// What the store says about an object; `None` where there is none.
    pub fn head(&self, key: &str) -> Result<Option<Object>> {
        let path = path(key)?;
        let options = GetOptions { head: true, ..GetOptions::default() };
        match self.runtime.block_on(self.s3.get_opts(&path, options)) {
            Ok(found) => {
                let mark = found.attributes.get(&MARK).map(|word| word.as_ref().to_owned());
                Ok(Some(Object { key: key.to_owned(), size: found.meta.size, mark }))
            }
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failure(&format!("look at {key}"), &error)),
        }
    }

    /// Every object whose key begins with `prefix`.
    pub fn list(&self, prefix: &str) -> Result<Vec<Object>> {
        let mut found = Vec::new();
        let mut page_token = None;
        loop {
            let options = PaginatedListOptions { page_token, ..PaginatedListOptions::default() };
            let page = self.runtime.block_on(self.s3.list_paginated(Some(prefix).filter(|p| !p.is_empty()), options));
            let page = page.map_err(|e| self.failure(&format!("list {}", self.place.bucket), &e))?;
            found.extend(page.result.objects.into_iter().map(|o| Object {
                key: o.location.to_string(),
                size: o.size,
                mark: None,
            }));
            page_token = page.page_token;
            if page_token.is_none() || found.len() >= MOST {
                return Ok(found);
            }
        }
    }

    /// Removes an object; one that is not there is no error.
    pub fn delete(&self, key: &str) -> Result<()> {
        let path = path(key)?;
        match self.runtime.block_on(self.s3.delete(&path)) {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.failure(&format!("delete {key}"), &error)),
        }
    }

    /// Shows that the store takes, gives, lists and removes objects. `name` must be nobody else's.
    pub fn probe(&self, name: &str) -> Result<()> {
        let key = self.place.bucket.below(name);
        let words = format!("{name}: written to see that it can be, and deleted at once\n").into_bytes();
        self.put_small(&key, words.clone(), true)?;
        let read = self.get_small(&key, 4096);
        let listed = self.list(&key);
        self.delete(&key)?;
        if read?.as_ref() != Some(&words) {
            return Err(Failure::new(Kind::Io, format!("{} did not give back what was written", self.place.bucket)));
        }
        if !listed?.iter().any(|object| object.key == key) {
            return Err(Failure::new(Kind::Io, format!("{} does not list what was written", self.place.bucket)));
        }
        Ok(())
    }
}
