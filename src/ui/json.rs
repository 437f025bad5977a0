//! One backup for programs: no field is ever absent, null stands for what is not known. Times are RFC 3339 UTC, sizes
//! are bytes.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::domain::{
    AppCode, Backup, BackupId, Compression, Destination, DumpFormat, Listed, Restore, Source, Status, TableRows,
    Verification,
};

/// The object in `list`, `info`, `export`, `delete` and `import`.
#[derive(Debug, Serialize)]
pub struct BackupJson<'a> {
    id: &'a BackupId,
    datastore: &'static str,
    service: &'a str,
    status: &'static str,
    reason: Option<&'a str>,
    trust: Option<&'static str>,
    source: Source,
    schedules: &'a [String],
    label: Option<&'a str>,
    created_at: DateTime<Utc>,
    started_at: DateTime<Utc>,
    finished_at: Option<DateTime<Utc>>,
    expires_at: Option<DateTime<Utc>>,
    keep: bool,
    deleted_at: Option<DateTime<Utc>>,
    deleted_by: Option<&'a str>,
    file: Option<&'a str>,
    path: Option<String>,
    size: Option<u64>,
    sha256: Option<&'a str>,
    dump_format: DumpFormat,
    programs: &'a [String],
    compression: Compression,
    encrypted_to: &'a [String],
    image: Option<&'a str>,
    image_version: Option<&'a str>,
    server_version: Option<&'a str>,
    dump_tool_version: Option<&'a str>,
    database: Option<&'a str>,
    suspicious: Option<&'a str>,
    damage: Option<&'a str>,
    adopted: bool,
    notes: &'a [String],
    /// Null where the record was read from the index, which leaves tables out: `list` without `--verbose`.
    tables: Option<&'a [TableRows]>,
    apps: Vec<AppJson<'a>>,
    destination: Option<DestinationJson<'a>>,
    verification: Option<VerificationJson<'a>>,
    restores: Vec<RestoreJson<'a>>,
    presence: &'static str,
    actor: &'a str,
}

#[derive(Debug, Serialize)]
struct AppJson<'a> {
    app: &'a str,
    git_sha: Option<&'a str>,
    deploy_branch: Option<&'a str>,
    git_last_updated_at: Option<DateTime<Utc>>,
    deploy_source: Option<&'a str>,
    deploy_source_metadata: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct DestinationJson<'a> {
    state: &'static str,
    uri: &'a str,
    reason: Option<&'a str>,
    size: Option<u64>,
    sha256: Option<&'a str>,
    encrypted_to: &'a [String],
    uploaded_at: Option<DateTime<Utc>>,
    attempts: u32,
    retry_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Serialize)]
struct VerificationJson<'a> {
    at: DateTime<Utc>,
    image: &'a str,
    sha256: &'a str,
    tables: u64,
    rows: u64,
    reason: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct RestoreJson<'a> {
    started_at: DateTime<Utc>,
    finished_at: Option<DateTime<Utc>>,
    status: &'a str,
    target: &'a str,
    by: &'a str,
    safety_backup: Option<&'a BackupId>,
    reason: Option<&'a str>,
}

impl<'a> BackupJson<'a> {
    /// The object of `listed`, whose service's folder is `folder`.
    pub fn new(listed: &'a Listed, folder: &std::path::Path) -> Self {
        let b = &listed.backup;
        let running = listed.status == Status::InProgress && b.deleted_at.is_none();
        BackupJson {
            id: &b.id,
            datastore: b.datastore.name(),
            service: b.service.as_str(),
            status: listed.status.name(),
            reason: b.reason.as_deref(),
            trust: listed.trust().map(|trust| trust.name()),
            source: b.source,
            schedules: &b.schedules,
            label: b.label.as_deref(),
            created_at: b.created_at,
            started_at: b.started_at,
            finished_at: (!running).then_some(b.finished_at),
            expires_at: b.expires_at,
            keep: b.keep,
            deleted_at: b.deleted_at,
            deleted_by: b.deleted_by.as_deref(),
            file: b.file.as_deref(),
            path: b.file.as_ref().map(|file| folder.join(file).display().to_string()),
            size: b.size,
            sha256: b.sha256.as_deref(),
            dump_format: b.form().format,
            programs: &b.programs,
            compression: b.compression,
            encrypted_to: &b.encrypted_to,
            image: b.image.as_deref(),
            image_version: b.image_version.as_deref(),
            server_version: b.server_version.as_deref(),
            dump_tool_version: b.dump_tool_version.as_deref(),
            database: b.database.as_deref(),
            suspicious: b.suspicious.as_deref(),
            damage: b.damage.as_deref(),
            adopted: b.adopted,
            notes: &b.notes,
            tables: listed.complete.then_some(&b.tables),
            apps: apps(b),
            destination: b.destination.as_ref().map(|copy| destination(copy, listed)),
            verification: b.verification.as_ref().map(VerificationJson::from),
            restores: restores(b),
            presence: listed.presence.name(),
            actor: &b.actor,
        }
    }
}

fn apps(backup: &Backup) -> Vec<AppJson<'_>> {
    backup.apps.iter().map(AppJson::from).collect()
}

fn restores(backup: &Backup) -> Vec<RestoreJson<'_>> {
    backup.restores.iter().map(RestoreJson::from).collect()
}

// The records leave out what is not known; these copies say null. Every field is named, so that a new one is not forgotten.

impl<'a> From<&'a AppCode> for AppJson<'a> {
    fn from(app: &'a AppCode) -> Self {
        let AppCode { app, git_sha, deploy_branch, git_last_updated_at, deploy_source, deploy_source_metadata } = app;
        AppJson {
            app,
            git_sha: git_sha.as_deref(),
            deploy_branch: deploy_branch.as_deref(),
            git_last_updated_at: *git_last_updated_at,
            deploy_source: deploy_source.as_deref(),
            deploy_source_metadata: deploy_source_metadata.as_deref(),
        }
    }
}

fn destination<'a>(copy: &'a Destination, listed: &Listed) -> DestinationJson<'a> {
    // `record` is between us and the store: whether the copy's own record is up to date.
    let Destination { state, uri, reason, size, sha256, encrypted_to, uploaded_at, record: _, attempts, retry_at } =
        copy;
    DestinationJson {
        state: listed.copy_state().unwrap_or(state.name()),
        uri,
        reason: reason.as_deref(),
        size: *size,
        sha256: sha256.as_deref(),
        encrypted_to,
        uploaded_at: *uploaded_at,
        attempts: *attempts,
        retry_at: *retry_at,
    }
}

impl<'a> From<&'a Verification> for VerificationJson<'a> {
    fn from(verification: &'a Verification) -> Self {
        let Verification { at, image, sha256, tables, rows, reason } = verification;
        VerificationJson { at: *at, image, sha256, tables: *tables, rows: *rows, reason: reason.as_deref() }
    }
}

impl<'a> From<&'a Restore> for RestoreJson<'a> {
    fn from(restore: &'a Restore) -> Self {
        let Restore { started_at, finished_at, status, target, by, safety_backup, reason } = restore;
        RestoreJson {
            started_at: *started_at,
            finished_at: *finished_at,
            status,
            target,
            by,
            safety_backup: safety_backup.as_ref(),
            reason: reason.as_deref(),
        }
    }
}
