//! What passes between us and the store: no redirect is followed, nothing new replaces what is there, and the last
//! refusal is kept for the message.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
};
use object_store::{ClientOptions, HeaderValue};

use crate::error::{Failure, Kind, Result};
use crate::sys::http;
use crate::sys::reach::{self, Forbidden, Reach};

/// Longest refusal that is looked into.
const LONGEST_REFUSAL: usize = 64 << 10;
const NOT_IMPLEMENTED: u16 = 501;

/// What the store answered instead of what was asked.
#[derive(Debug, Clone)]
pub(super) enum Answer {
    /// It refused: HTTP status, and S3's word for why where it gave one.
    Refused(u16, String),
    /// It could not be reached, or cut the exchange off.
    Away(String),
    /// It is where nothing of ours may connect to.
    Forbidden(Forbidden),
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

    async fn pass(&self, mut request: HttpRequest) -> Result<HttpResponse, HttpError> {
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
        let response = self.client.call(request).await.map_err(|error| {
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
            return Ok(response);
        }
        let (parts, body) = response.into_parts();
        let body = body.bytes().await.unwrap_or_default();
        let text = String::from_utf8_lossy(&body[..body.len().min(LONGEST_REFUSAL)]).into_owned();
        self.note(Answer::Refused(status.as_u16(), code(&text)));
        Ok(HttpResponse::from_parts(parts, text.into()))
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
