//! From what the store answered to what a person reads: what failed, why, and what to look at.

use object_store::Error;

use super::S3;
use super::wire::Answer;
use crate::domain::host_only;
use crate::error::{Failure, Kind};

/// S3's words for a key that is wrong or may not do this.
const KEY: &[&str] =
    &["InvalidAccessKeyId", "SignatureDoesNotMatch", "AccessDenied", "InvalidToken", "AllAccessDisabled"];
const REGION: &[&str] = &["AuthorizationHeaderMalformed", "PermanentRedirect", "IllegalLocationConstraintException"];

impl S3 {
    /// The failure of `doing`, by what the store answered last.
    pub(super) fn failure(&self, doing: &str, error: &Error) -> Failure {
        let at = self.place.endpoint.as_deref().map_or_else(|| "AWS".to_owned(), host_only);
        let failure = |kind: Kind, why: String| Failure::new(kind, format!("could not {doing} at {at}: {why}"));
        match self.wire.last() {
            Some(Answer::Refused(status, code)) => {
                let word = if code.is_empty() { String::new() } else { format!(" {code}") };
                let why = format!("the store answered {status}{word}");
                match self.advice(status, &code) {
                    Some(advice) => failure(Kind::Config, why).hint(advice),
                    None => failure(Kind::Io, why),
                }
            }
            Some(Answer::Forbidden(refusal)) => refusal.into(),
            Some(Answer::Away(why)) if why.contains("certificate") => failure(Kind::Config, why)
                .hint("its certificate is not trusted by this host; for an authority of your own, set SSL_CERT_FILE"),
            Some(Answer::Away(why)) => {
                failure(Kind::Io, why).hint("see that it runs, and that destination-endpoint is its address")
            }
            Some(Answer::NoParts) => {
                let why = "its server gives no parts of objects (it does not heed Range)".to_owned();
                failure(Kind::Config, why).hint("let copies go to a store that does; any other folder of it is no help")
            }
            None => {
                log::debug!("object store: {}", kind_of(error));
                failure(Kind::Io, format!("its answer is not S3's ({})", kind_of(error)))
            }
        }
    }

    fn advice(&self, status: u16, code: &str) -> Option<String> {
        let bucket = &self.bucket.name;
        Some(match (status, code) {
            (_, "RequestTimeTooSkewed") => "the clocks of this host and the store differ; see: timedatectl".to_owned(),
            (_, "NoSuchBucket") => {
                format!("there is no bucket {bucket}; make it there first, or set destination to another")
            }
            (_, code) if REGION.contains(&code) => "set destination-region to the region of the bucket".to_owned(),
            (300..=399, _) => "redirects are not followed; set destination-endpoint to the store's final address, and \
                              destination-region to the bucket's"
                .to_owned(),
            (_, code) if KEY.contains(&code) => wrong_key(bucket),
            (401 | 403, _) => wrong_key(bucket),
            (404, "") => format!("see that the bucket {bucket} exists, and that destination-endpoint is an S3 store"),
            _ => return None,
        })
    }
}

fn wrong_key(bucket: &str) -> String {
    format!(
        "check destination-key-id and destination-secret, and that the key may read, write, list and delete in {bucket}"
    )
}

/// What sort of error the library met, in a word of ours: its own text may hold addresses and headers.
fn kind_of(error: &Error) -> &'static str {
    match error {
        Error::NotFound { .. } => "not found",
        Error::AlreadyExists { .. } | Error::Precondition { .. } => "it is there already",
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => "refused",
        Error::NotImplemented { .. } | Error::NotSupported { .. } => "not supported",
        _ => "unreadable",
    }
}
