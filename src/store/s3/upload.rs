//! One object from a stream of unknown length: in parts of a fixed size, a few on their way at once, and never left half
//! done. A stream that fails leaves no object and no unfinished upload.

use std::collections::VecDeque;
use std::io::Read;
use std::time::Duration;

use object_store::path::Path;
use object_store::{
    Attributes, Error, MultipartUpload, ObjectStore, ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload,
};
use tokio::task::{JoinHandle, spawn_blocking};

use super::objects::MARK;
use super::wire::New;
use super::{S3, path};
use crate::error::{Failure, Kind, Result};
use crate::store::{Cancel, Put, Source, called_off};

/// Smallest part: S3 takes none below 5 MiB but the last.
const PART: u64 = 5 << 20;
/// S3 takes no more parts.
const MOST_PARTS: u64 = 10_000;
/// Parts on their way at once. With the one being read: 15 MiB at the usual size.
const AHEAD: usize = 2;
/// How often a waiting upload looks whether it is called off.
const LOOK: Duration = Duration::from_millis(100);

enum Trouble {
    Store(Error),
    Own(Failure),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Trouble::Store(error)
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Trouble::Own(failure)
    }
}

impl S3 {
    /// Uploads everything from `source` to a new object that carries the word `mark`. `about` is the size to expect, where
    /// it is known: a very large object needs larger parts.
    pub(super) fn put_parts(
        &self,
        key: &str,
        source: Source,
        about: Option<u64>,
        mark: &str,
        cancel: &Cancel,
    ) -> Result<Put> {
        if let Some(object) = self.look(key)? {
            return Ok(Put::There(object.size));
        }
        let attributes = Attributes::from_iter([(MARK, mark.to_owned())]);
        let upload = Upload { store: self, path: path(key)?, part: part_size(about), attributes, cancel };
        let put = self.runtime.block_on(upload.run(source));
        match put {
            Ok(Some(size)) => self.confirm(key, size, mark),
            // The answer said that it failed, or there was none; the object itself tells.
            Ok(None) => self.look(key)?.map(|object| Put::There(object.size)).ok_or_else(|| lost(key)),
            Err(Trouble::Own(failure)) => Err(failure),
            Err(Trouble::Store(error)) => Err(self.failure(&format!("upload {key}"), &error)),
        }
    }

    /// What was sent counts only when the store itself says that it has it.
    fn confirm(&self, key: &str, size: u64, mark: &str) -> Result<Put> {
        match self.look(key)? {
            // Somebody's who put at the same time, at a store that lets the last one win.
            Some(object) if object.mark.as_deref().is_some_and(|there| there != mark) => Ok(Put::There(object.size)),
            Some(object) if object.size == size => Ok(Put::Done(size)),
            Some(object) => {
                let text = format!("{key} has {} bytes at the store, {size} were sent", object.size);
                Err(Failure::new(Kind::Damaged, text))
            }
            None => Err(lost(key)),
        }
    }
}

fn lost(key: &str) -> Failure {
    Failure::new(Kind::Io, format!("{key} was uploaded, but the store does not have it"))
}

fn part_size(about: Option<u64>) -> u64 {
    // Twice what is expected: the database may have grown.
    let wanted = about.unwrap_or(0).saturating_mul(2) / MOST_PARTS;
    wanted.next_multiple_of(1 << 20).max(PART)
}

struct Upload<'a> {
    store: &'a S3,
    path: Path,
    part: u64,
    attributes: Attributes,
    cancel: &'a Cancel,
}

impl Upload<'_> {
    /// The size of the object that was made; `None` where something is there already, or might be.
    async fn run(&self, source: Source) -> Result<Option<u64>, Trouble> {
        let (source, first) = self.read(source).await?;
        if (first.len() as u64) < self.part {
            return self.put_whole(first).await;
        }
        let options = PutMultipartOptions { attributes: self.attributes.clone(), ..PutMultipartOptions::default() };
        let mut upload = self.store.s3.put_multipart_opts(&self.path, options).await?;
        let sent = match self.send(upload.as_mut(), source, first).await {
            Ok(size) => size,
            Err(trouble) => {
                let said = self.store.wire.last();
                if upload.abort().await.is_err() {
                    log::warn!("the unfinished upload of {} could not be aborted; the next run does it", self.path);
                }
                self.store.wire.restore(said);
                return Err(trouble);
            }
        };
        match upload.complete().await {
            Ok(_) => Ok(Some(sent)),
            Err(error) => {
                let said = self.store.wire.last();
                let there = self.store.s3.head(&self.path).await.is_ok();
                let _ = upload.abort().await;
                self.store.wire.restore(said);
                if there { Ok(None) } else { Err(error.into()) }
            }
        }
    }

    async fn put_whole(&self, bytes: Vec<u8>) -> Result<Option<u64>, Trouble> {
        let size = bytes.len() as u64;
        let mut options = PutOptions { attributes: self.attributes.clone(), ..PutOptions::default() };
        options.extensions.insert(New);
        match self.store.s3.put_opts(&self.path, PutPayload::from(bytes), options).await {
            Ok(_) => Ok(Some(size)),
            Err(Error::Precondition { .. } | Error::AlreadyExists { .. } | Error::NotModified { .. }) => Ok(None),
            Err(error) => {
                let said = self.store.wire.last();
                let there = self.store.s3.head(&self.path).await.is_ok();
                self.store.wire.restore(said);
                if there { Ok(None) } else { Err(error.into()) }
            }
        }
    }

    async fn send(&self, upload: &mut dyn MultipartUpload, source: Source, first: Vec<u8>) -> Result<u64, Trouble> {
        let mut on_the_way = VecDeque::new();
        let sent = self.send_parts(upload, source, first, &mut on_the_way).await;
        if sent.is_err() {
            on_the_way.iter().for_each(JoinHandle::abort);
            for part in on_the_way {
                let _ = part.await;
            }
        }
        sent
    }

    async fn send_parts(
        &self,
        upload: &mut dyn MultipartUpload,
        mut source: Source,
        first: Vec<u8>,
        on_the_way: &mut VecDeque<JoinHandle<object_store::Result<()>>>,
    ) -> Result<u64, Trouble> {
        let (mut piece, mut sent, mut count) = (first, 0, 0);
        while !piece.is_empty() {
            count += 1;
            if count > MOST_PARTS {
                let text = format!("{} is larger than {MOST_PARTS} parts of {} bytes", self.path, self.part);
                return Err(Failure::new(Kind::Io, text).hint("it is uploaded in larger parts later").into());
            }
            sent += piece.len() as u64;
            let last = (piece.len() as u64) < self.part;
            on_the_way.push_back(tokio::spawn(upload.put_part(PutPayload::from(piece))));
            while on_the_way.len() > AHEAD {
                self.arrived(on_the_way).await?;
            }
            if last {
                break;
            }
            (source, piece) = self.read(source).await?;
        }
        while !on_the_way.is_empty() {
            self.arrived(on_the_way).await?;
        }
        Ok(sent)
    }

    /// Waits for the oldest part on its way.
    async fn arrived(&self, on_the_way: &mut VecDeque<JoinHandle<object_store::Result<()>>>) -> Result<(), Trouble> {
        let Some(mut oldest) = on_the_way.pop_front() else { return Ok(()) };
        loop {
            if self.cancel.is_called() {
                on_the_way.push_front(oldest);
                return Err(called_off().into());
            }
            match tokio::time::timeout(LOOK, &mut oldest).await {
                Ok(Ok(result)) => return Ok(result?),
                Ok(Err(_)) => return Err(Failure::new(Kind::Io, "the upload stopped unexpectedly").into()),
                Err(_) => {}
            }
        }
    }

    /// The next part: full, or the end. Read on a thread of its own, so that parts on their way go on meanwhile.
    async fn read(&self, source: Source) -> Result<(Source, Vec<u8>), Trouble> {
        if self.cancel.is_called() {
            return Err(called_off().into());
        }
        let part = self.part;
        let (source, bytes) = spawn_blocking(move || read_part(source, part))
            .await
            .map_err(|_| Failure::new(Kind::Io, "reading for the upload stopped unexpectedly"))?;
        Ok((source, bytes.map_err(Failure::from)?))
    }
}

fn read_part(mut source: Source, size: u64) -> (Source, std::io::Result<Vec<u8>>) {
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
    let read = (&mut source).take(size).read_to_end(&mut bytes);
    (source, read.map(|_| bytes))
}

#[cfg(test)]
mod tests {
    use super::part_size;

    #[test]
    fn large_objects_get_larger_parts() {
        assert_eq!(part_size(None), 5 << 20);
        assert_eq!(part_size(Some(20 << 30)), 5 << 20);
        assert!(part_size(Some(1 << 40)) * 10_000 >= 2 << 40);
    }
}
