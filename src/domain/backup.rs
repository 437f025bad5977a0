//! The record of one dump: everything that was true when it was made, and what has been shown about it since.
//! This is the sidecar's shape, field for field; times are UTC, sizes are bytes.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Archive, BackupId, Compression, CopyRecord, CopyState, Datastore, DumpFormat, Leaning, ServiceName, Session,
    Status, StoredAs, Stranger, Verification,
};

/// How a finished run ended. A run that has not ended has no record, only a draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The export exited 0 and its bytes were checked and made durable.
    Success,
    /// It did not; `reason` says why.
    Failed,
}

/// What caused a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// Somebody asked for it.
    Manual,
    /// A schedule did.
    Schedule,
    /// A foreign dump that was brought in.
    Imported,
    /// Taken before a restore replaced the data.
    Safety,
    /// Taken before a linked app was deployed.
    BeforeDeploy,
}

impl Source {
    /// The word in lists and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Source::Manual => "manual",
            Source::Schedule => "schedule",
            Source::Imported => "imported",
            Source::Safety => "safety",
            Source::BeforeDeploy => "before-deploy",
        }
    }
}

/// How the reason of a run begins that somebody has cancelled; who it was follows.
pub const CANCELLED_BY: &str = "cancelled by ";

/// Rows of one table, counted in the archive itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TableRows {
    /// Schema of the table.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// Rows in the dump.
    pub rows: u64,
    /// What the rows are, whatever their order: the sum of the SHA-256 of each, modulo 2^256, lower-case hex. Null where that
    /// cannot be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// Tables beyond those that a record names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MoreTables {
    /// How many.
    pub tables: u64,
    /// Rows of them all.
    pub rows: u64,
}

/// The code a linked app was running when the backup was made. Nothing is invented: what could not be learnt is absent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppCode {
    /// The app's name.
    pub app: String,
    /// Full hash of the commit that ran; absent for an app that was never deployed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git_sha: Option<String>,
    /// Full hash of the commit that the deploy branch was at, where that was another one than ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch_sha: Option<String>,
    /// Branch that deploys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deploy_branch: Option<String>,
    /// When the app's repository was last updated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git_last_updated_at: Option<DateTime<Utc>>,
    /// `git-push`, `git-sync`, `docker-image`, `tar.gz`, ... as `apps:report` gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deploy_source: Option<String>,
    /// The image, address or reference that was deployed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deploy_source_metadata: Option<String>,
}

/// One restore from this backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Restore {
    /// When the target began to change.
    pub started_at: DateTime<Utc>,
    /// When it ended; absent while it runs, and after a crash nobody has looked at yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<DateTime<Utc>>,
    /// How it stands.
    pub status: Status,
    /// The service restored into.
    pub target: String,
    /// Who asked.
    pub by: String,
    /// Backup of the target taken just before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub safety_backup: Option<BackupId>,
    /// Roles that the target lacked and that were made for it, without a login.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// What of owners and privileges the target did not take, a line each, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_given: Vec<String>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Restore {
    /// Whether it has not ended, as far as anybody has written down.
    pub fn is_open(&self) -> bool {
        self.status == Status::InProgress
    }
}

/// The record of one dump.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backup {
    /// Its name, and the dump's file name without ending.
    pub id: BackupId,
    /// Datastore of the service.
    pub datastore: Datastore,
    /// Name of the service.
    pub service: ServiceName,
    /// How the run ended.
    pub status: Outcome,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What caused it.
    pub source: Source,
    /// Schedules that made it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub schedules: Vec<String>,
    /// Free words of whoever asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The time in its name.
    pub created_at: DateTime<Utc>,
    /// When work began; differs from `created_at` when a platform gave the time.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub finished_at: DateTime<Utc>,
    /// When retention may take it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<DateTime<Utc>>,
    /// Exempt from retention.
    #[serde(default)]
    pub keep: bool,
    /// When it was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<DateTime<Utc>>,
    /// By whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_by: Option<String>,
    /// Name of the dump's file beside the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Its size in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Hash of its bytes, lower-case hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Owners and privileges are in it, and are given back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub grants: bool,
    /// How the dump itself is written.
    #[serde(default)]
    pub dump_format: DumpFormat,
    /// What in it reaches beyond the database: runs programs, reads files. Restored only by explicit consent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub programs: Vec<String>,
    /// How the stored file is compressed.
    #[serde(default)]
    pub compression: Compression,
    /// Public keys it is encrypted to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub encrypted_to: Vec<String>,
    /// Image of the service: `postgres`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Version of the image: `17.11`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_version: Option<String>,
    /// The server's own word for its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_version: Option<String>,
    /// The dump program's own word for its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dump_tool_version: Option<String>,
    /// Name of the database inside the service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// Why this dump looks wrong beside the ones before it, with the figures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspicious: Option<String>,
    /// When and how the bytes were found to differ from this record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub damage: Option<String>,
    /// The record was lost and made anew from the dump.
    #[serde(default)]
    pub adopted: bool,
    /// Why it is not this host's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub foreign: Option<Stranger>,
    /// What could not be learnt, or not be made certain, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Who asked for it.
    pub actor: String,
    /// Rows of every table, counted in the archive.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<TableRows>,
    /// What is not named there, where there are very many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub more_tables: Option<MoreTables>,
    /// Code of every linked app.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub apps: Vec<AppCode>,
    /// The archive in its file and what that leans on, where it was stored in segments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archive: Option<Archive>,
    /// The copy elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<CopyRecord>,
    /// It looks suspicious since nothing is left of what the one before held: no verification can say that this is meant.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub emptied: bool,
    /// By what values in it were written, where that was learnt.
    #[serde(default, skip_serializing_if = "Session::is_empty")]
    pub session: Session,
    /// What a test restore showed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verification: Option<Verification>,
    /// Every restore from it, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub restores: Vec<Restore>,
}

impl Backup {
    /// The record of a backup that has just begun, or of which only the name is known.
    pub fn draft(id: BackupId, datastore: Datastore, source: Source, now: DateTime<Utc>, actor: &str) -> Self {
        Backup {
            datastore,
            service: id.service().clone(),
            status: Outcome::Failed,
            reason: None,
            source,
            schedules: Vec::new(),
            label: None,
            created_at: id.at(),
            started_at: now,
            finished_at: now,
            expires_at: None,
            keep: false,
            deleted_at: None,
            deleted_by: None,
            file: None,
            size: None,
            sha256: None,
            archive: None,
            grants: false,
            dump_format: DumpFormat::Custom,
            programs: Vec::new(),
            compression: Compression::None,
            encrypted_to: Vec::new(),
            image: None,
            image_version: None,
            server_version: None,
            dump_tool_version: None,
            database: None,
            suspicious: None,
            damage: None,
            adopted: false,
            foreign: None,
            notes: Vec::new(),
            actor: actor.to_owned(),
            tables: Vec::new(),
            more_tables: None,
            apps: Vec::new(),
            destination: None,
            emptied: false,
            session: Session::new(),
            verification: None,
            restores: Vec::new(),
            id,
        }
    }

    /// Adds what the dump itself says.
    pub fn describe(
        &mut self,
        tables: Vec<TableRows>,
        server_version: String,
        dump_tool_version: String,
        database: String,
    ) {
        let known = |word: String| Some(word).filter(|word| !word.is_empty());
        self.tables = tables;
        self.server_version = known(server_version);
        self.dump_tool_version = known(dump_tool_version);
        self.database = known(database);
        self.fit();
    }

    /// The form of its file: as the name tells, or before there is one, as it is going to be.
    pub fn form(&self) -> StoredAs {
        let (format, compression) = (self.dump_format, self.compression);
        let leaning = match &self.archive {
            Some(archive) if archive.base.is_some() => Leaning::Delta,
            _ => Leaning::Whole,
        };
        let going_to_be = StoredAs { format, compression, encrypted: !self.encrypted_to.is_empty(), leaning };
        self.file.as_deref().and_then(StoredAs::of_file).unwrap_or(going_to_be)
    }

    /// A good dump that has not been deleted.
    pub fn is_good(&self) -> bool {
        self.status == Outcome::Success && self.deleted_at.is_none()
    }

    /// A copy of it lies at the destination.
    pub fn is_remote(&self) -> bool {
        let is_there = |copy: &CopyRecord| matches!(copy.state, CopyState::Stored | CopyState::Changed);
        self.is_good() && self.destination.as_ref().is_some_and(is_there)
    }

    /// Whether somebody ended it on purpose: with `backups:cancel`, or with Ctrl-C before it.
    pub fn is_cancelled(&self) -> bool {
        let ended = |how: &str| self.reason.as_deref().is_some_and(|reason| reason.starts_with(how));
        self.status == Outcome::Failed
            && (ended(CANCELLED_BY) || self.source == Source::Manual && ended("ended by SIGINT"))
    }

    /// Whether it looks suspicious, and nobody has shown or said that it is as it should be.
    pub fn is_doubtful(&self) -> bool {
        self.suspicious.is_some() && (self.emptied || !self.is_restorable())
    }

    /// Whether a test restore has shown that it does not restore.
    pub fn is_refuted(&self) -> bool {
        self.verification.as_ref().is_some_and(|verification| verification.reason.is_some())
    }

    /// Restored and compared, and still the same bytes.
    pub fn is_restorable(&self) -> bool {
        self.is_good()
            && self.damage.is_none()
            && self
                .verification
                .as_ref()
                .is_some_and(|v| v.shows_it() && Some(v.sha256.as_str()) == self.content_sha256())
    }
}
