//! One backup for programs: no field is ever absent, null stands for what is not known. Times are RFC 3339 UTC, sizes
//! are bytes.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use super::archive::ArchiveJson;
use crate::domain::{
    AppCode, Backup, BackupId, Comparison, Compression, CopyRecord, CopyWord, Datastore, DumpFormat, Listed,
    MoreTables, Origin, Presence, Restore, Service, Source, Status, TableRows, Trust, Verification,
};
use crate::error::AtWork;

/// The object in `list`, `info`, `export`, `delete` and `import`.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Backup")]
pub struct BackupJson<'a> {
    /// Names it, and its file; what every command takes.
    id: &'a BackupId,
    /// The datastore plugin.
    datastore: Datastore,
    /// The service's name.
    service: &'a str,
    /// Whether it runs, ended well, or did not.
    status: Status,
    /// Why it failed.
    reason: Option<&'a str>,
    /// What has been shown about the bytes; null where there were never any good ones, and when it was deleted.
    trust: Option<Trust>,
    /// The same for people.
    trust_label: Option<&'static str>,
    /// What caused it.
    source: Source,
    /// Schedules that made it.
    schedules: &'a [String],
    /// Free words of whoever asked.
    label: Option<&'a str>,
    /// The time in its name.
    created_at: DateTime<Utc>,
    /// Who asked for it.
    created_by: &'a str,
    /// When work began.
    started_at: DateTime<Utc>,
    /// When it ended; null while it runs.
    finished_at: Option<DateTime<Utc>>,
    /// When retention may take it.
    expires_at: Option<DateTime<Utc>>,
    /// Exempt from retention.
    keep: bool,
    /// When it was deleted.
    deleted_at: Option<DateTime<Utc>>,
    /// By whom.
    deleted_by: Option<&'a str>,
    /// Name of the dump's file.
    file: Option<&'a str>,
    /// Where that file lies on the host.
    path: Option<String>,
    /// Its size in bytes.
    size: Option<u64>,
    /// Hash of its bytes, lower-case hex.
    sha256: Option<&'a str>,
    /// The archive in it and what the file leans on; null of a backup that was not stored by `storage delta`.
    archive: Option<ArchiveJson<'a>>,
    /// Owners and privileges are in it, and are given back.
    grants: bool,
    /// How the dump itself is written.
    dump_format: DumpFormat,
    /// What in it reaches beyond the database; restored only by explicit consent.
    programs: &'a [String],
    /// How the stored file is compressed, beyond what the archive does inside.
    compression: Compression,
    /// Public keys it is encrypted to.
    encrypted_to: &'a [String],
    /// Image of the service.
    image: Option<&'a str>,
    /// Version of the image.
    image_version: Option<&'a str>,
    /// The server's own word for its version.
    server_version: Option<&'a str>,
    /// The dump program's own word for its version.
    dump_tool_version: Option<&'a str>,
    /// Name of the database inside the service.
    database: Option<&'a str>,
    /// Why this dump looks wrong beside the ones before it.
    suspicious: Option<&'a str>,
    /// When and how the bytes were found to differ from the record.
    damage: Option<&'a str>,
    /// The record was made from the dump, not with it.
    adopted: bool,
    /// Who made it.
    origin: OriginWord,
    /// Why it is foreign, in words.
    origin_reason: Option<String>,
    /// What could not be learnt, or not be made certain, and why.
    notes: &'a [String],
    /// Null where the record was read from the index, which leaves tables out: `list` without `--verbose`.
    tables: Option<Vec<TableJson<'a>>>,
    /// Tables beyond the 5,000 that a record names; null where it names all.
    more_tables: Option<&'a MoreTables>,
    /// The code every linked app was running.
    apps: Vec<AppJson<'a>>,
    /// The copy elsewhere, with a state of its own.
    copy: Option<CopyJson<'a>>,
    /// What a test restore showed.
    verification: Option<VerificationJson<'a>>,
    /// Every restore from it, oldest first.
    restores: Vec<RestoreJson<'a>>,
    /// Where the bytes are.
    presence: Presence,
    /// Who works on it right now, as `info` tells; null where nobody does, and elsewhere.
    at_work: Option<AtWork>,
}

/// Who made a backup.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "Origin")]
pub enum OriginWord {
    /// This host, of this very service.
    Own,
    /// Anybody else, or that is not known; unless it was verified or restored here, nothing rests on it.
    Foreign,
}

/// Several backups.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Backups<'a> {
    /// They, newest first within each service.
    pub backups: Vec<BackupJson<'a>>,
    /// How many there are in all, also beyond the limit that was asked for.
    pub total: usize,
}

impl<'a> Backups<'a> {
    /// All of them.
    pub fn all(backups: Vec<BackupJson<'a>>) -> Self {
        Backups { total: backups.len(), backups }
    }
}

/// What was cancelled.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Cancelled<'a> {
    /// The backup that was worked on; null where there was none.
    pub backup: Option<BackupJson<'a>>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "App")]
struct AppJson<'a> {
    app: &'a str,
    /// The commit that ran.
    git_sha: Option<&'a str>,
    /// The commit that the deploy branch was at, where that was another one.
    branch_sha: Option<&'a str>,
    deploy_branch: Option<&'a str>,
    git_last_updated_at: Option<DateTime<Utc>>,
    deploy_source: Option<&'a str>,
    deploy_source_metadata: Option<&'a str>,
}

/// The copy elsewhere.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Copy")]
pub struct CopyJson<'a> {
    /// How it stands.
    state: CopyWord,
    /// Where the copy lies, or will.
    uri: &'a str,
    /// Why it failed, or when and how its bytes were found to be others.
    reason: Option<&'a str>,
    /// Size of the copy in bytes.
    size: Option<u64>,
    /// Hash of the copy's bytes.
    sha256: Option<&'a str>,
    /// Public keys the copy is encrypted to.
    encrypted_to: &'a [String],
    /// Until when the store keeps the bytes, deleted or not, as far as it told.
    kept_until: Option<DateTime<Utc>>,
    /// When it was stored.
    uploaded_at: Option<DateTime<Utc>>,
    /// Attempts that have failed in a row.
    attempts: u32,
    /// When the next attempt is due.
    retry_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "TableRows")]
struct TableJson<'a> {
    /// Schema of the table.
    schema: &'a str,
    /// Its name.
    name: &'a str,
    /// Rows in the dump.
    rows: u64,
    /// What the rows are, whatever their order: the sum of the SHA-256 of each, modulo 2^256, in hex. Null where that cannot
    /// be told, and of backups of services that encrypt.
    digest: Option<&'a str>,
}

impl<'a> From<&'a TableRows> for TableJson<'a> {
    fn from(table: &'a TableRows) -> Self {
        let TableRows { schema, name, rows, digest } = table;
        TableJson { schema, name, rows: *rows, digest: digest.as_deref() }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Verification")]
struct VerificationJson<'a> {
    verified_at: DateTime<Utc>,
    image: &'a str,
    sha256: &'a str,
    tables: u64,
    rows: u64,
    /// How long it took, in milliseconds; null in records of earlier versions.
    took_ms: Option<u64>,
    /// By what: `dumped-again`, every definition and every row; `rows`, the number of rows of each table; `nothing`. Null in
    /// records of earlier versions, which counted rows.
    comparison: Option<Comparison>,
    /// What could not be compared in full, in words, a hundred at most: tables of which only the rows were counted.
    not_compared: &'a [String],
    reason: Option<&'a str>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Restore")]
struct RestoreJson<'a> {
    started_at: DateTime<Utc>,
    finished_at: Option<DateTime<Utc>>,
    status: Status,
    target: &'a str,
    started_by: &'a str,
    safety_backup: Option<&'a BackupId>,
    roles: &'a [String],
    not_given: &'a [String],
    reason: Option<&'a str>,
}

impl<'a> BackupJson<'a> {
    /// The object of `listed`, whose service's folder is `folder`.
    pub fn new(listed: &'a Listed, folder: &std::path::Path) -> Self {
        let b = &listed.backup;
        let origin = b.origin(&Service { datastore: b.datastore, name: b.service.clone() });
        let running = listed.status == Status::InProgress && b.deleted_at.is_none();
        BackupJson {
            id: &b.id,
            datastore: b.datastore,
            service: b.service.as_str(),
            status: listed.status,
            reason: b.reason.as_deref(),
            trust: listed.trust(),
            trust_label: listed.trust().map(Trust::label),
            source: b.source,
            schedules: &b.schedules,
            label: b.label.as_deref(),
            created_at: b.created_at,
            created_by: &b.actor,
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
            archive: ArchiveJson::of(listed),
            grants: b.grants,
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
            damage: b.damage.as_deref().or(listed.chain.damage.as_deref()),
            adopted: b.adopted,
            origin: if origin.is_own() { OriginWord::Own } else { OriginWord::Foreign },
            origin_reason: match origin {
                Origin::Own => None,
                Origin::Foreign(why) => Some(why),
            },
            notes: &b.notes,
            tables: listed.complete.then(|| b.tables.iter().map(TableJson::from).collect()),
            more_tables: b.more_tables.as_ref(),
            apps: apps(b),
            copy: b.destination.as_ref().map(|copy| destination(copy, listed)),
            verification: b.verification.as_ref().map(VerificationJson::from),
            restores: restores(b),
            presence: listed.presence,
            at_work: None,
        }
    }

    /// The same, with who works on it.
    #[must_use]
    pub fn with_work(self, at_work: Option<AtWork>) -> Self {
        BackupJson { at_work, ..self }
    }
}

/// The copy of `listed`, where there is to be one.
pub fn copy_of(listed: &Listed) -> Option<CopyJson<'_>> {
    listed.backup.destination.as_ref().map(|copy| destination(copy, listed))
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
        let AppCode {
            app,
            git_sha,
            branch_sha,
            deploy_branch,
            git_last_updated_at,
            deploy_source,
            deploy_source_metadata,
        } = app;
        AppJson {
            app,
            git_sha: git_sha.as_deref(),
            branch_sha: branch_sha.as_deref(),
            deploy_branch: deploy_branch.as_deref(),
            git_last_updated_at: *git_last_updated_at,
            deploy_source: deploy_source.as_deref(),
            deploy_source_metadata: deploy_source_metadata.as_deref(),
        }
    }
}

/// The copy of `listed`, as far as it has come.
fn destination<'a>(copy: &'a CopyRecord, listed: &Listed) -> CopyJson<'a> {
    // These are between us and the store: whether the copy's own record is up to date, whose upload an object is, and what
    // the store calls its bytes.
    let CopyRecord { record: _, mark: _, etag: _, .. } = copy;
    let CopyRecord {
        state, uri, reason, size, sha256, encrypted_to, kept_until, uploaded_at, attempts, retry_at, ..
    } = copy;
    CopyJson {
        state: listed.copy_state().unwrap_or(CopyWord::from(*state)),
        uri,
        reason: reason.as_deref(),
        size: *size,
        sha256: sha256.as_deref(),
        encrypted_to,
        kept_until: *kept_until,
        uploaded_at: *uploaded_at,
        attempts: *attempts,
        retry_at: *retry_at,
    }
}

impl<'a> From<&'a Verification> for VerificationJson<'a> {
    fn from(verification: &'a Verification) -> Self {
        let Verification { at, image, sha256, tables, rows, took_ms, comparison, not_compared, reason } = verification;
        VerificationJson {
            verified_at: *at,
            image,
            sha256,
            tables: *tables,
            rows: *rows,
            took_ms: *took_ms,
            comparison: *comparison,
            not_compared,
            reason: reason.as_deref(),
        }
    }
}

impl<'a> From<&'a Restore> for RestoreJson<'a> {
    fn from(restore: &'a Restore) -> Self {
        RestoreJson {
            started_at: restore.started_at,
            finished_at: restore.finished_at,
            status: restore.status,
            target: &restore.target,
            started_by: &restore.by,
            safety_backup: restore.safety_backup.as_ref(),
            roles: &restore.roles,
            not_given: &restore.not_given,
            reason: restore.reason.as_deref(),
        }
    }
}
