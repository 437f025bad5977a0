//! A failure for programs: the last line on stderr.

use schemars::JsonSchema;
use serde::Serialize;

use super::BackupJson;
use crate::error::{AtWork, Failure, Remedy, Word};

/// The whole line.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Failure")]
pub struct FailureJson<'a> {
    /// What went wrong.
    error: ErrorJson<'a>,
}

/// What went wrong, and what to do next.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Error")]
pub struct ErrorJson<'a> {
    /// What sort of failure it is.
    kind: Word,
    /// The exit code of the process.
    exit_code: u8,
    /// Lower-case fragment with its chain of causes.
    message: String,
    /// What to do next, in this order.
    remedies: &'a [Remedy],
    /// The backup that it is about: the one that exists already. Null where it is about none, or that is not known.
    #[schemars(with = "Option<BackupJson>")]
    backup: Option<&'a serde_json::Value>,
    /// Who is at work on the service. Null where that is not what hinders, or not known.
    at_work: Option<&'a AtWork>,
}

impl<'a> From<&'a Failure> for FailureJson<'a> {
    fn from(failure: &'a Failure) -> Self {
        FailureJson { error: ErrorJson::from(failure) }
    }
}

impl<'a> From<&'a Failure> for ErrorJson<'a> {
    fn from(failure: &'a Failure) -> Self {
        ErrorJson {
            kind: failure.kind.word(),
            exit_code: failure.kind.exit_code(),
            message: failure.reason(),
            remedies: &failure.remedies,
            backup: failure.about.backup.as_ref(),
            at_work: failure.about.at_work.as_ref(),
        }
    }
}
