//! A failure for programs: the last line on stderr.

use schemars::JsonSchema;
use serde::Serialize;

use crate::error::Failure;

/// The whole line.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Failure")]
pub struct FailureJson<'a> {
    /// What went wrong.
    error: ErrorJson<'a>,
}

/// What went wrong, and what to type next.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Error")]
pub struct ErrorJson<'a> {
    /// A word that programs can rely on, such as `busy`.
    kind: &'static str,
    /// The exit code.
    code: u8,
    /// Lower-case fragment with its chain of causes.
    message: String,
    /// Whole sentences, or commands to type next.
    hints: &'a [String],
}

impl<'a> From<&'a Failure> for FailureJson<'a> {
    fn from(failure: &'a Failure) -> Self {
        FailureJson { error: ErrorJson::from(failure) }
    }
}

impl<'a> From<&'a Failure> for ErrorJson<'a> {
    fn from(failure: &'a Failure) -> Self {
        ErrorJson {
            kind: failure.kind.name(),
            code: failure.kind.exit_code(),
            message: failure.reason(),
            hints: &failure.hints,
        }
    }
}
