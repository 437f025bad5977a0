//! An S3 bucket.
//!
//! Every call is bounded in time and in retries. Nothing is taken from the environment or from a cloud's metadata
//! service. What the store itself says in words is not repeated: some stores put the key into their refusals.

mod leftovers;
mod objects;
mod refusal;
mod upload;
mod wire;

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{BackoffConfig, RetryConfig};
use tokio::runtime::{Builder, Runtime};
use url::Url;

use super::{Cancel, Object, Place, Put, Removal, Source, Store};
use crate::domain::{Bucket, Destination};
use crate::error::{Failure, Kind, Result};
use wire::Wire;

/// How often one request is repeated when the store is busy, away or cuts it off.
const RETRIES: usize = 4;
/// After this long a request that keeps failing is given up.
const GIVE_UP: Duration = Duration::from_secs(180);
/// The longest that one answer may take; a part of an upload has to pass within this.
const LONGEST_ANSWER: Duration = Duration::from_secs(120);

/// A bucket, and the prefix that every key of ours has there.
#[derive(Debug)]
pub struct S3 {
    s3: Arc<AmazonS3>,
    wire: Wire,
    runtime: Runtime,
    place: Place,
    bucket: Bucket,
}

impl S3 {
    /// Prepares to speak with the store at `place`.
    pub fn open(place: Place) -> Result<S3> {
        let unusable = || Failure::new(Kind::Config, format!("{} cannot be used as a destination", place.destination));
        let bucket = place.destination.bucket().ok_or_else(unusable)?;
        let plain = place.endpoint.as_deref().is_some_and(|endpoint| endpoint.starts_with("http://"));
        if let Some(url) = place.endpoint.as_deref().and_then(|endpoint| Url::parse(endpoint).ok()) {
            place.reach.check(&url)?;
        }
        let wire = Wire::new(place.patience.min(LONGEST_ANSWER), plain, &place.reach)?;
        let backoff = BackoffConfig {
            init_backoff: Duration::from_millis(200),
            max_backoff: Duration::from_secs(15),
            ..BackoffConfig::default()
        };
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&bucket.name)
            .with_region(&place.region)
            .with_access_key_id(&place.key_id.0)
            .with_secret_access_key(&place.secret.0)
            .with_allow_http(plain)
            .with_disable_bulk_delete(true)
            .with_retry(RetryConfig { backoff, max_retries: RETRIES, retry_timeout: GIVE_UP })
            .with_http_connector(wire.clone());
        builder = match &place.endpoint {
            // Few stores of one's own have a name for every bucket.
            Some(endpoint) => {
                builder.with_endpoint(endpoint.trim_end_matches('/')).with_virtual_hosted_style_request(false)
            }
            None => builder.with_virtual_hosted_style_request(!bucket.name.contains('.')),
        };
        let s3 = Arc::new(builder.build().map_err(|_| unusable())?);
        // One thread for the network; a few more, only while needed, for reading files and looking up names.
        let runtime = Builder::new_current_thread().enable_all().max_blocking_threads(4).build()?;
        Ok(S3 { s3, wire, runtime, place, bucket })
    }

    /// The key in the bucket of what is `key` to us.
    fn full(&self, key: &str) -> String {
        match self.bucket.prefix.as_str() {
            "" => key.to_owned(),
            prefix => format!("{prefix}/{key}"),
        }
    }

    /// What a key in the bucket is to us; `None` where it is not below our prefix.
    fn own<'a>(&self, full: &'a str) -> Option<&'a str> {
        match self.bucket.prefix.as_str() {
            "" => Some(full),
            prefix => full.strip_prefix(prefix)?.strip_prefix('/'),
        }
    }
}

impl Store for S3 {
    fn destination(&self) -> &Destination {
        &self.place.destination
    }

    fn put_stream(&self, key: &str, source: Source, about: Option<u64>, mark: &str, cancel: &Cancel) -> Result<Put> {
        self.put_parts(&self.full(key), source, about, mark, cancel)
    }

    fn put_small(&self, key: &str, bytes: Vec<u8>, replace: bool) -> Result<bool> {
        self.put_whole(&self.full(key), bytes, replace)
    }

    fn read<'a>(&'a self, key: &str, size: u64) -> Result<Box<dyn Read + Send + 'a>> {
        Ok(Box::new(self.reading(&self.full(key), size)?))
    }

    fn head(&self, key: &str) -> Result<Option<Object>> {
        Ok(self.look(&self.full(key))?.map(|object| Object { key: key.to_owned(), ..object }))
    }

    fn list(&self, prefix: &str) -> Result<Vec<Object>> {
        let found = self.list_full(&self.full(prefix))?;
        Ok(found.into_iter().filter_map(|o| Some(Object { key: self.own(&o.key)?.to_owned(), ..o })).collect())
    }

    fn delete(&self, key: &str) -> Result<Removal> {
        self.remove(&self.full(key))
    }

    fn refuses_to_replace(&self, key: &str) -> Result<bool> {
        Ok(!self.put_new(&self.full(key), b"replaced\n".to_vec())?)
    }

    fn abort_leftovers(&self, prefix: &str, ours: &dyn Fn(&str) -> bool) -> Result<usize> {
        self.abort_uploads(&self.full(prefix), &|full| self.own(full).is_some_and(ours))
    }
}

fn path(key: &str) -> Result<Path> {
    Path::parse(key).map_err(|_| Failure::new(Kind::Config, format!("{key:?} cannot be the key of an object")))
}
