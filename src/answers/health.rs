//! How services and the host stand, for programs.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::{BackupId, Datastore, Finding, Level, Listed, ServiceName, Trust, made_at, verdict};

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
    pub datastore: Datastore,
    /// The service's name.
    pub service: &'a ServiceName,
    /// The worst level of the findings.
    pub verdict: Level,
    /// The newest backup to rely on as far as is known.
    pub newest_good: Option<Brief<'a>>,
    /// The newest one that was restored and compared.
    pub newest_restorable: Option<Brief<'a>>,
    /// Backups whose bytes are on this host.
    pub stored_backups: usize,
    /// What they take of its disk, in bytes.
    pub stored_bytes: u64,
    /// Bytes of what they hold, unpacked where that is known.
    pub held_bytes: u64,
    /// About how many bytes more they would take if each stood for itself.
    pub saved_bytes: u64,
    /// When the next scheduled backup is due; null without schedules.
    pub next_due_at: Option<DateTime<Utc>>,
    /// Everything worth saying, the worst first.
    pub findings: &'a [Finding],
}

/// How the host stands.
#[derive(Debug, Serialize, JsonSchema)]
pub struct HostHealth<'a> {
    /// How it calls itself.
    name: &'a str,
    /// The worst level of the findings.
    verdict: Level,
    /// Everything worth saying, the worst first.
    findings: &'a [Finding],
}

impl<'a> HostHealth<'a> {
    /// What was found on the host.
    pub fn new(name: &'a str, findings: &'a [Finding]) -> Self {
        HostHealth { name, verdict: verdict(findings), findings }
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
