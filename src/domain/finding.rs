//! What `check` has to say: one finding a matter, each with the command that mends it.

use schemars::JsonSchema;
use serde::Serialize;

/// How bad it is. Only `Failing` makes `check` fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// All is well, or worth knowing only.
    Ok,
    /// Should be looked at; backups are there.
    Warning,
    /// Backups are missing, broken, or will be.
    Failing,
}

impl Level {
    /// The word for people and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Level::Ok => "ok",
            Level::Warning => "warning",
            Level::Failing => "failing",
        }
    }
}

/// One matter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// A word that programs can rely on, such as `stale`.
    pub code: &'static str,
    /// Lower-case fragment with the figures.
    pub message: String,
    /// The command that mends it, or what to look at.
    pub remedy: String,
}

impl Finding {
    /// One matter of this level.
    pub fn new(level: Level, code: &'static str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Finding { level, code, message: message.into(), remedy: remedy.into() }
    }
}

/// The worst of them; `Ok` for none.
pub fn verdict(findings: &[Finding]) -> Level {
    findings.iter().map(|finding| finding.level).max().unwrap_or(Level::Ok)
}
