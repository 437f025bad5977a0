//! Single objects: written whole, read, listed, looked at, removed.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use object_store::list::{PaginatedListOptions, PaginatedListStore};
use object_store::path::Path;
use object_store::{Attribute, Error, GetOptions, ObjectStore, ObjectStoreExt, PutOptions, PutPayload};
use tokio::task::JoinHandle;

use super::wire::{Answer, KEPT_UNTIL_META, New};
use super::{S3, path};
use crate::error::{Failure, Kind, Result};
use crate::store::{Object, Removal};

/// Bytes fetched with one request.
const PIECE: u64 = 8 << 20;
/// Requests on their way at once.
const AHEAD: usize = 2;
/// More objects than this are not listed: a folder of ours never holds as many.
const MOST: usize = 1_000_000;

/// Where the word of an upload stands: `x-amz-meta-dokku-backups`.
pub(super) const MARK: Attribute = Attribute::Metadata(Cow::Borrowed("dokku-backups"));
/// Where `wire` puts what the store says of its lock on an object.
const KEPT_UNTIL: Attribute = Attribute::Metadata(Cow::Borrowed(KEPT_UNTIL_META));

/// An ETag without its quotes: lists and heads of some stores do not agree on them.
fn bare(etag: Option<String>) -> Option<String> {
    let bare = etag?.trim_matches('"').to_owned();
    (!bare.is_empty()).then_some(bare)
}

/// An object that is being read.
#[derive(Debug)]
pub struct Reading<'a> {
    store: &'a S3,
    path: Path,
    size: u64,
    asked: u64,
    come: u64,
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
        let Some(piece) = self.coming.pop_front() else {
            if self.come < self.size {
                let text = format!("{} ends {} bytes too early", self.path, self.size - self.come);
                return Err(Failure::new(Kind::Damaged, text));
            }
            return Ok(Bytes::new());
        };
        let lost = |_| Failure::new(Kind::Io, format!("reading {} stopped unexpectedly", self.path));
        let piece = piece.await.map_err(lost)?;
        let piece = piece.map_err(|e| self.store.failure(&format!("read {}", self.path), &e))?;
        self.come += piece.len() as u64;
        Ok(piece)
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

impl S3 {
    /// Writes a small object, in place of what is there only if `replace` says so; answers whether it was written.
    pub(super) fn put_whole(&self, key: &str, bytes: Vec<u8>, replace: bool) -> Result<bool> {
        if !replace {
            return Ok(self.look(key)?.is_none() && self.put_new(key, bytes)?);
        }
        let path = path(key)?;
        let put = self.s3.put_opts(&path, PutPayload::from(bytes), PutOptions::default());
        self.runtime.block_on(put).map_err(|error| self.failure(&format!("write {key}"), &error))?;
        Ok(true)
    }

    /// Writes a small object that has to be new, by the store's own word; answers whether it was written.
    pub(super) fn put_new(&self, key: &str, bytes: Vec<u8>) -> Result<bool> {
        let mut options = PutOptions::default();
        options.extensions.insert(New);
        match self.runtime.block_on(self.s3.put_opts(&path(key)?, PutPayload::from(bytes), options)) {
            Ok(_) => Ok(true),
            Err(Error::Precondition { .. } | Error::AlreadyExists { .. } | Error::NotModified { .. }) => Ok(false),
            Err(error) => Err(self.failure(&format!("write {key}"), &error)),
        }
    }

    /// The first `size` bytes of an object, in order and in bounded memory.
    pub(super) fn reading(&self, key: &str, size: u64) -> Result<Reading<'_>> {
        Ok(Reading {
            store: self,
            path: path(key)?,
            size,
            asked: 0,
            come: 0,
            coming: VecDeque::new(),
            piece: Bytes::new(),
        })
    }

    /// What the store says about an object; `None` where there is none.
    pub(super) fn look(&self, key: &str) -> Result<Option<Object>> {
        let path = path(key)?;
        let options = GetOptions { head: true, ..GetOptions::default() };
        match self.runtime.block_on(self.s3.get_opts(&path, options)) {
            Ok(found) => {
                let mark = found.attributes.get(&MARK).map(|word| word.as_ref().to_owned());
                let until = found.attributes.get(&KEPT_UNTIL).and_then(|at| DateTime::parse_from_rfc3339(at).ok());
                let kept_until = until.map(|at| at.with_timezone(&Utc));
                let (size, etag) = (found.meta.size, bare(found.meta.e_tag));
                Ok(Some(Object { key: key.to_owned(), size, mark, etag, kept_until }))
            }
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failure(&format!("look at {key}"), &error)),
        }
    }

    /// Every object whose key begins with `prefix`.
    pub(super) fn list_full(&self, prefix: &str) -> Result<Vec<Object>> {
        let mut found = Vec::new();
        let mut page_token = None;
        loop {
            let options = PaginatedListOptions { page_token, ..PaginatedListOptions::default() };
            let page = self.runtime.block_on(self.s3.list_paginated(Some(prefix).filter(|p| !p.is_empty()), options));
            let page = page.map_err(|e| self.failure(&format!("list {}", self.place.destination), &e))?;
            found.extend(page.result.objects.into_iter().map(|o| Object {
                key: o.location.to_string(),
                size: o.size,
                mark: None,
                etag: bare(o.e_tag),
                kept_until: None,
            }));
            page_token = page.page_token;
            if page_token.is_none() || found.len() >= MOST {
                return Ok(found);
            }
        }
    }

    /// Removes an object; one that is not there is not an error.
    pub(super) fn remove(&self, key: &str) -> Result<Removal> {
        match self.runtime.block_on(self.s3.delete(&path(key)?)) {
            Ok(()) | Err(Error::NotFound { .. }) => return Ok(Removal::Gone),
            Err(error) => {
                let said = self.wire.last();
                let is_denied = matches!(&said, Some(Answer::Refused(403, code)) if code == "AccessDenied");
                self.wire.restore(said);
                if !is_denied {
                    return Err(self.failure(&format!("delete {key}"), &error));
                }
            }
        }
        // The key is let in: this is what it may not do. One that may do nothing any more is told by the look.
        Ok(if self.look(key)?.is_some() { Removal::Refused } else { Removal::Gone })
    }
}
