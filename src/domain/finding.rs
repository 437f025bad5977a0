//! What `check` has to say: one finding a matter, each with what mends it.

use schemars::JsonSchema;
use serde::Serialize;

use super::Code;
use crate::error::{Remedies, Remedy};

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
    /// What it is about.
    pub code: Code,
    /// Lower-case fragment with the figures.
    pub message: String,
    /// What mends it, in this order.
    pub remedies: Vec<Remedy>,
}

impl Finding {
    /// One matter of this level. A remedy that is a text is a whole command.
    pub fn new(level: Level, code: Code, message: impl Into<String>, remedies: impl Into<Remedies>) -> Self {
        Finding { level, code, message: message.into(), remedies: remedies.into().0 }
    }
}

/// The worst of them; `Ok` for none.
pub fn verdict(findings: &[Finding]) -> Level {
    findings.iter().map(|finding| finding.level).max().unwrap_or(Level::Ok)
}
