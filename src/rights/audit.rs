//! The audit log, `$DOKKU_LOGS_DIR/backups-audit.log`: a JSON object a line for every decision, appended in one write.
//!
//! A log that cannot be written is said aloud and denies nothing: the disk that is full is the one somebody must be
//! able to delete backups from, and a restore must not wait for a log.

use std::io::Write;
use std::path::Path;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::domain::{Right, Who, shown_json};
use crate::sys::dir::Dir;
use crate::sys::file::NamedFile;

/// One decision.
#[derive(Debug, Clone, Default)]
pub struct Decision<'a> {
    /// What was asked for: `export`.
    pub verb: &'a str,
    /// On which service, by its full name; `*` for all of them, nothing where no service was named.
    pub service: Option<String>,
    /// The rights it takes.
    pub rights: Vec<Right>,
    /// Whether it was allowed.
    pub allowed: bool,
    /// Why, where that is not plain.
    pub reason: Option<String>,
}

#[derive(Serialize)]
struct Line<'a> {
    at: DateTime<Utc>,
    who: &'a str,
    kind: &'static str,
    fingerprint: Option<&'a str>,
    verb: &'a str,
    service: Option<&'a str>,
    rights: &'a [Right],
    decision: &'static str,
    reason: Option<&'a str>,
}

/// Appends the decision to the log at `path`.
pub fn note(path: &Path, at: DateTime<Utc>, who: &Who, decision: &Decision<'_>) -> std::io::Result<()> {
    let fingerprint = match who {
        Who::Key { fingerprint, .. } => fingerprint.as_deref(),
        _ => None,
    };
    let name = match who {
        Who::Key { name, .. } => name.clone(),
        other => other.to_string(),
    };
    let line = Line {
        at,
        who: &name,
        kind: who.kind(),
        fingerprint,
        verb: decision.verb,
        service: decision.service.as_deref(),
        rights: &decision.rights,
        decision: if decision.allowed { "allowed" } else { "denied" },
        reason: decision.reason.as_deref(),
    };
    let text = format!("{}\n", shown_json(&serde_json::to_string(&line)?));
    open(path)?.write_all(text.as_bytes())
}

/// Whether the log can be opened for writing.
pub fn can_note(path: &Path) -> std::io::Result<()> {
    open(path).map(|_| ())
}

fn open(path: &Path) -> std::io::Result<NamedFile> {
    let (folder, file) = (path.parent().unwrap_or(path), path.file_name().and_then(|name| name.to_str()));
    // Unlike folders of ours this one is the host's; its administrator may have put it elsewhere.
    Dir::open(&folder.canonicalize()?)?.append(file.unwrap_or_default(), 0o600)
}
