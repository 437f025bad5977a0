//! Uploads in parts that were begun and never finished: they are paid for and nobody sees them.

use object_store::aws::AmazonS3;
use object_store::multipart::MultipartStore;
use object_store::signer::{SignedUrlOptions, Signer};
use serde::Deserialize;

use super::wire::{Answer, chain};
use super::{S3, path};
use crate::error::{Failure, Kind, Result};

/// How long the question may be answered.
const VALID: std::time::Duration = std::time::Duration::from_secs(300);
/// Rounds of asking: each answer holds up to a thousand.
const ROUNDS: usize = 10;

#[derive(Debug, Deserialize)]
struct Uploads {
    #[serde(rename = "Upload", default)]
    uploads: Vec<Upload>,
}

#[derive(Debug, Deserialize)]
struct Upload {
    #[serde(rename = "Key")]
    key: String,
    #[serde(rename = "UploadId")]
    id: String,
}

impl S3 {
    /// Aborts the unfinished uploads below `prefix` whose key is `ours`; answers how many there were. Nothing may be
    /// uploading to those keys.
    pub(super) fn abort_uploads(&self, prefix: &str, ours: &dyn Fn(&str) -> bool) -> Result<usize> {
        let mut aborted = 0;
        for _ in 0..ROUNDS {
            let mut left = self.unfinished(prefix)?;
            left.retain(|upload| upload.key.starts_with(prefix) && ours(&upload.key));
            if left.is_empty() {
                break;
            }
            for upload in left {
                let path = path(&upload.key)?;
                let done = self.runtime.block_on(AmazonS3::abort_multipart(&self.s3, &path, &upload.id));
                match done {
                    Ok(()) | Err(object_store::Error::NotFound { .. }) => aborted += 1,
                    Err(error) => return Err(self.failure(&format!("abort the upload of {}", upload.key), &error)),
                }
            }
        }
        Ok(aborted)
    }

    fn unfinished(&self, prefix: &str) -> Result<Vec<Upload>> {
        let failed = |why: String| {
            Failure::new(Kind::Io, format!("could not list the unfinished uploads in {}", self.place.destination))
                .because(why)
        };
        let query = SignedUrlOptions::new().with_query([("uploads", ""), ("prefix", prefix)]);
        let root = path("")?;
        self.runtime.block_on(async {
            let signed = self.s3.signed_url_opts(reqwest::Method::GET, &root, VALID, &query).await;
            let url = signed.map_err(|_| failure_of_signing())?;
            // The address holds the signature: it is never part of a message.
            let answer = self.wire.client.get(url).send().await.map_err(|e| failed(chain(&e.without_url())))?;
            if !answer.status().is_success() {
                self.wire.note(Answer::Refused(answer.status().as_u16(), String::new()));
                return Err(failed(format!("the store answered {}", answer.status().as_u16())));
            }
            let body = answer.text().await.map_err(|e| failed(chain(&e.without_url())))?;
            let uploads: Uploads =
                quick_xml::de::from_str(&body).map_err(|_| failed("its answer is not S3's".into()))?;
            Ok(uploads.uploads)
        })
    }
}

fn failure_of_signing() -> Failure {
    Failure::new(Kind::Config, "the key cannot be used for signing")
}
