//! What verbs print for programs beside backups themselves. No field is ever absent: null stands for what is not known.

mod report;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::{
    BackupId, Compression, Datastore, Finding, Frequency, Level, Listed, ServiceName, Trust, made_at, verdict,
};
use crate::operations::health::Health;

pub use report::{Destroy, GlobalReport, Report, Reports, latest_offsite};

/// The least that is worth knowing about one backup.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Brief<'a> {
    /// Its id.
    id: &'a BackupId,
    /// The time in its name.
    created_at: DateTime<Utc>,
    /// How long ago it was made; negative where its record claims a time to come.
    age_seconds: i64,
    /// What has been shown about its bytes.
    trust: Option<Trust>,
    /// When it was last restored into a disposable database.
    verified_at: Option<DateTime<Utc>>,
}

impl<'a> Brief<'a> {
    /// The least about `listed`, at `now`.
    pub fn new(listed: &'a Listed, now: DateTime<Utc>) -> Self {
        let backup = &listed.backup;
        Brief {
            id: &backup.id,
            created_at: backup.created_at,
            age_seconds: (now - made_at(backup)).num_seconds(),
            trust: listed.trust(),
            verified_at: backup.verification.as_ref().map(|verification| verification.at),
        }
    }
}

/// How one service stands.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ServiceHealth<'a> {
    /// The datastore plugin.
    datastore: Datastore,
    /// The service's name.
    service: &'a ServiceName,
    /// The worst level of the findings.
    verdict: Level,
    /// The newest backup to rely on as far as is known.
    newest_good: Option<Brief<'a>>,
    /// The newest one that was restored and compared.
    newest_restorable: Option<Brief<'a>>,
    /// When the next scheduled backup is due; null without schedules.
    next_due: Option<DateTime<Utc>>,
    /// Everything worth saying, the worst first.
    findings: &'a [Finding],
}

impl<'a> ServiceHealth<'a> {
    /// How `health` looks at `now`.
    pub fn new(health: &'a Health, now: DateTime<Utc>) -> Self {
        let brief = |listed: &'a Option<Listed>| listed.as_ref().map(|listed| Brief::new(listed, now));
        ServiceHealth {
            datastore: health.service.datastore,
            service: &health.service.name,
            verdict: health.verdict(),
            newest_good: brief(&health.newest_good),
            newest_restorable: brief(&health.newest_restorable),
            next_due: health.next_due,
            findings: &health.findings,
        }
    }
}

/// How the host stands.
#[derive(Debug, Serialize, JsonSchema)]
pub struct HostHealth<'a> {
    /// The worst level of the findings.
    verdict: Level,
    /// Everything worth saying, the worst first.
    findings: &'a [Finding],
}

impl<'a> HostHealth<'a> {
    /// What was found on the host.
    pub fn new(findings: &'a [Finding]) -> Self {
        HostHealth { verdict: verdict(findings), findings }
    }
}

/// `backups:check`: the host and every service.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Check<'a> {
    /// The worst of all verdicts; `failing` exits 1.
    pub verdict: Level,
    /// When it was looked at.
    pub checked_at: DateTime<Utc>,
    /// The host.
    pub host: HostHealth<'a>,
    /// The services.
    pub services: Vec<ServiceHealth<'a>>,
}

/// `backups:download -o FILE`
#[derive(Debug, Serialize, JsonSchema)]
pub struct Downloaded<'a> {
    /// The backup's id.
    pub id: &'a BackupId,
    /// The file that was written.
    pub path: String,
    /// How that file is compressed.
    pub compression: Compression,
    /// Whether it is encrypted.
    pub encrypted: bool,
}

/// `backups:unschedule`
#[derive(Debug, Serialize, JsonSchema)]
pub struct Unscheduled<'a> {
    /// The service's name.
    pub service: &'a str,
    /// The schedules that are no more.
    pub removed: &'a [Frequency],
}

/// `backups:logs`
#[derive(Debug, Serialize, JsonSchema)]
pub struct LogLines<'a> {
    /// The backup's id.
    pub id: &'a BackupId,
    /// Somebody is working on the service: there may be more to come.
    pub working: bool,
    /// What was logged, oldest first; each line begins with its time.
    pub lines: Vec<&'a str>,
}

/// `backups:version`
#[derive(Debug, Serialize, JsonSchema)]
pub struct Version {
    /// Always `dokku-backups`.
    pub name: &'static str,
    /// The program's version.
    pub version: &'static str,
}
