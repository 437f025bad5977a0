//! What passes between us and the store: no redirect is followed, nothing new replaces what is there, whatever is sent
//! carries its checksum, the last refusal is kept for the message, and answers that say what they should in another way
//! are put straight.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http_body_util::BodyExt;
use md5::{Digest, Md5};
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody, HttpResponse, HttpService,
};
use object_store::{ClientOptions, HeaderValue};
use reqwest::StatusCode;
use reqwest::header::{CONTENT_LENGTH, CONTENT_RANGE, HeaderMap};

use crate::error::{Failure, Kind, Result};
use crate::sys::http;
use crate::sys::reach::{self, Forbidden, Reach};

/// Longest refusal that is looked into.
const LONGEST_REFUSAL: usize = 64 << 10;
const NOT_IMPLEMENTED: u16 = 501;
/// Until when a store with Object Lock keeps an object:
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html>
const LOCKED_UNTIL: &str = "x-amz-object-lock-retain-until-date";
/// The same as the word of ours that the library hands on.
pub(super) const KEPT_UNTIL_META: &str = "dokku-backups-kept-until";

/// What the store answered instead of what was asked.
#[derive(Debug, Clone)]
pub(super) enum Answer {
    /// It refused: HTTP status, and S3's word for why where it gave one.
    Refused(u16, String),
    /// It could not be reached, or cut the exchange off.
    Away(String),
    /// It is where nothing of ours may connect to.
    Forbidden(Forbidden),
    /// It gave all of an object, or another part, instead of the part that was asked for.
    NoParts,
}

/// Marks a request whose object must be new.
#[derive(Debug, Clone)]
pub(super) struct New;

/// The HTTP client with its rules.
#[derive(Debug, Clone)]
pub(super) struct Wire {
    pub client: reqwest::Client,
    last: Arc<Mutex<Option<Answer>>>,
}

impl Wire {
    pub(super) fn new(patience: Duration, plain: bool, reach: &Reach) -> Result<Wire> {
        let client = http::asynchronous(patience, reach).https_only(!plain).build();
        let client =
            client.map_err(|e| Failure::new(Kind::Config, "no HTTP client could be made").because(chain(&e)))?;
        Ok(Wire { client, last: Arc::default() })
    }

    /// The status of an answer of 200 to the question for the bytes `asked`. `rclone serve s3` (1.75) says so of a part,
    /// and a server that knows no parts of all; what is neither is noted.
    fn part_or_all(&self, asked: (u64, u64), headers: &mut HeaderMap) -> StatusCode {
        let told = headers.get(CONTENT_RANGE).and_then(|range| bounds(range.to_str().ok()?));
        let size = headers.get(CONTENT_LENGTH).and_then(|size| size.to_str().ok()?.parse::<u64>().ok());
        let is_all = told.is_none() && asked.0 == 0 && size == Some(asked.1 + 1);
        if told == Some(asked) {
            return StatusCode::PARTIAL_CONTENT;
        }
        let all = format!("bytes 0-{}/{}", asked.1, asked.1 + 1);
        if is_all && let Ok(range) = HeaderValue::from_str(&all) {
            headers.insert(CONTENT_RANGE, range);
            return StatusCode::PARTIAL_CONTENT;
        }
        self.note(Answer::NoParts);
        StatusCode::OK
    }

    /// Keeps what was answered.
    pub(super) fn note(&self, answer: Answer) {
        log::debug!("the store answered {answer:?}");
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
    }

    /// The last refusal, once.
    pub(super) fn last(&self) -> Option<Answer> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Puts back what `last` took, for who asks further and still means that answer.
    pub(super) fn restore(&self, answer: Option<Answer>) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = answer;
    }

    async fn pass(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let mut request = with_checksum(request).await?;
        // Whoever finishes an upload in parts makes an object, as does a whole one that is marked. The header is not part
        // of what is signed, so it can be taken off again for a store that does not know it (such as Backblaze B2); every
        // upload has asked before whether the object is there.
        let finishes =
            request.method().as_str() == "POST" && request.uri().query().is_some_and(|q| q.starts_with("uploadId="));
        let creates = finishes || request.extensions().get::<New>().is_some();
        let plain = creates.then(|| request.clone());
        if creates {
            request.headers_mut().insert("if-none-match", HeaderValue::from_static("*"));
        }
        let response = self.send(request).await?;
        match plain {
            Some(plain) if response.status().as_u16() == NOT_IMPLEMENTED => self.send(plain).await,
            _ => Ok(response),
        }
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let asked = request.headers().get("range").and_then(|range| bounds(range.to_str().ok()?));
        let mut response = self.client.call(request).await.map_err(|error| {
            if let Some(refusal) = reach::refusal(&error) {
                self.note(Answer::Forbidden(refusal));
                return HttpError::new(HttpErrorKind::Unknown, error);
            }
            let why = chain(&error);
            // A certificate is no better when it is looked at again.
            let lasting = why.contains("certificate");
            self.note(Answer::Away(why));
            if lasting { HttpError::new(HttpErrorKind::Unknown, error) } else { error }
        })?;
        let status = response.status();
        if status.is_success() {
            tell_lock(response.headers_mut());
            if let Some(asked) = asked.filter(|_| status == StatusCode::OK) {
                *response.status_mut() = self.part_or_all(asked, response.headers_mut());
            }
            return Ok(response);
        }
        let (parts, body) = response.into_parts();
        let body = body.bytes().await.unwrap_or_default();
        let text = String::from_utf8_lossy(&body[..body.len().min(LONGEST_REFUSAL)]).into_owned();
        self.note(Answer::Refused(status.as_u16(), code(&text)));
        Ok(HttpResponse::from_parts(parts, text.into()))
    }
}

/// First and last byte of `bytes=FIRST-LAST` or `bytes FIRST-LAST/SIZE`.
fn bounds(range: &str) -> Option<(u64, u64)> {
    let (first, rest) = range.strip_prefix("bytes")?.strip_prefix(['=', ' '])?.split_once('-')?;
    let last = rest.split_once('/').map_or(rest, |(last, _)| last);
    Some((first.parse().ok()?, last.parse().ok()?))
}

/// Adds the MD5 of what is sent, by which the store takes no other bytes. Where objects are locked it is asked for
/// (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html>). Every store knows it; newer checksums only some.
async fn with_checksum(request: HttpRequest) -> Result<HttpRequest, HttpError> {
    if request.method().as_str() != "PUT" {
        return Ok(request);
    }
    let (mut parts, body) = request.into_parts();
    let bytes = body.collect().await?.to_bytes();
    let sum = STANDARD.encode(Md5::digest(&bytes));
    parts.headers.insert("content-md5", HeaderValue::from_str(&sum).expect("base64 is ASCII"));
    Ok(HttpRequest::from_parts(parts, HttpRequestBody::from(bytes)))
}

/// What the store says of its lock, where the library hands words on; nobody else's word for it.
fn tell_lock(headers: &mut HeaderMap) {
    let ours = format!("x-amz-meta-{KEPT_UNTIL_META}");
    headers.remove(ours.as_str());
    if let Some(until) = headers.get(LOCKED_UNTIL).cloned()
        && let Ok(name) = ours.parse::<reqwest::header::HeaderName>()
    {
        headers.insert(name, until);
    }
}

impl HttpConnector for Wire {
    fn connect(&self, _options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

impl HttpService for Wire {
    fn call<'a, 'b>(
        &'a self,
        request: HttpRequest,
    ) -> Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(self.pass(request))
    }
}

/// S3's word in a refusal: letters only, never the sentence behind it.
fn code(body: &str) -> String {
    let word = body.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>")).map_or("", |(word, _)| word);
    word.chars().filter(char::is_ascii_alphanumeric).take(64).collect()
}

/// An error with its causes, on one line, each said once.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut said: Vec<String> = Vec::new();
    let mut cause = Some(error);
    while let Some(error) = cause {
        let text = error.to_string();
        if !said.iter().any(|before| before.contains(&text)) {
            said.push(text);
        }
        cause = error.source();
    }
    said.join(": ")
}

#[cfg(test)]
mod tests {
    #[test]
    fn only_the_code_of_a_refusal_is_kept() {
        let body = "<Error><Code>InvalidAccessKeyId</Code><Message>no AKIA123</Message><AWSAccessKeyId>AKIA123</AWSAccessKeyId>";
        assert_eq!(super::code(body), "InvalidAccessKeyId");
        assert_eq!(super::code("<html>AKIA123</html>"), "");
    }
}
