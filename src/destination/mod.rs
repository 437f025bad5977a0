//! The store that copies go to: objects in an S3 bucket, by key. It knows nothing of backups and their records.
//!
//! Every call is bounded in time and in retries. Credentials are only ever those that were handed in; nothing is taken
//! from the environment or from a cloud's metadata service. No message carries them, and what the store itself says in
//! words is not repeated: some stores put the key into their refusals.

mod leftovers;
mod objects;
mod refusal;
mod upload;
mod wire;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{BackoffConfig, RetryConfig};
use tokio::runtime::{Builder, Runtime};
use url::Url;

pub use objects::Object;
pub use upload::{Cancel, Put};

use crate::domain::Bucket;
use crate::error::{Failure, Kind, Result};
use crate::sys::reach::Reach;
use wire::Wire;

/// How often one request is repeated when the store is busy, away or cuts it off.
const RETRIES: usize = 4;
/// After this long a request that keeps failing is given up.
const GIVE_UP: Duration = Duration::from_secs(180);
/// The longest that one answer may take; a part of an upload has to pass within this.
const LONGEST_ANSWER: Duration = Duration::from_secs(120);

/// Words that are never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes the words.
    pub fn new(words: impl Into<String>) -> Secret {
        Secret(words.into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("********")
    }
}

/// Where a store is and how to be let in.
#[derive(Debug, Clone)]
pub struct Place {
    /// The bucket.
    pub bucket: Bucket,
    /// Address of the store; AWS itself without one. Plain http only where it says `http://`.
    pub endpoint: Option<String>,
    /// Its region.
    pub region: String,
    /// Public half of the key.
    pub key_id: Secret,
    /// Secret half.
    pub secret: Secret,
    /// How long an answer may take, if not as long as usual.
    pub patience: Duration,
    /// Which addresses it may have.
    pub reach: Reach,
}

/// An open store. Cheap to open; nothing is sent before the first call.
#[derive(Debug)]
pub struct Store {
    s3: Arc<AmazonS3>,
    wire: Wire,
    runtime: Runtime,
    place: Place,
}

impl Store {
    /// Prepares to speak with the store at `place`.
    pub fn open(place: Place) -> Result<Store> {
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
            .with_bucket_name(&place.bucket.name)
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
            None => builder.with_virtual_hosted_style_request(!place.bucket.name.contains('.')),
        };
        let unusable = |_| Failure::new(Kind::Config, format!("{} cannot be used as a destination", place.bucket));
        let s3 = Arc::new(builder.build().map_err(unusable)?);
        // One thread for the network; a few more, only while needed, for reading files and looking up names.
        let runtime = Builder::new_current_thread().enable_all().max_blocking_threads(4).build()?;
        Ok(Store { s3, wire, runtime, place })
    }

    /// The bucket and the folder in it.
    pub fn bucket(&self) -> &Bucket {
        &self.place.bucket
    }
}

fn path(key: &str) -> Result<Path> {
    Path::parse(key).map_err(|_| Failure::new(Kind::Config, format!("{key:?} cannot be the key of an object")))
}
