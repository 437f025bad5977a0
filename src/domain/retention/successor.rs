//! Which backup may stand in for which: a newer one, of data that is the service's own.

use chrono::{DateTime, Utc};

use crate::domain::{Backup, Source};

/// Whether it holds the service's own data as it was in everyday use. A foreign dump that was brought in does not, and
/// what lay there before a restore replaced it may be the very thing somebody wanted to be rid of.
pub fn is_own(backup: &Backup) -> bool {
    backup.counts() && !matches!(backup.source, Source::Imported | Source::Safety)
}

/// Backups that were seen, reduced to the latest start of each kind. They are added with the newest name first.
///
/// Newer is what is newer both by name and by the time its work began: `--at` can give any name, and then the one that
/// `--latest` means and the one that holds the newest data both stay.
#[derive(Debug, Default)]
pub struct Vouchers {
    own: Option<DateTime<Utc>>,
    imported: Option<DateTime<Utc>>,
    safety: Option<DateTime<Utc>>,
}

impl Vouchers {
    /// Adds one.
    pub fn add(&mut self, backup: &Backup) {
        let slot = match backup.source {
            Source::Imported => &mut self.imported,
            Source::Safety => &mut self.safety,
            Source::Manual | Source::Schedule | Source::BeforeDeploy => &mut self.own,
        };
        *slot = (*slot).max(Some(backup.started_at));
    }

    /// Whether one of those added may stand in for `backup`: the service's own for any, another for its like.
    pub fn vouch_for(&self, backup: &Backup) -> bool {
        let alike = match backup.source {
            Source::Imported => self.imported,
            Source::Safety => self.safety,
            Source::Manual | Source::Schedule | Source::BeforeDeploy => None,
        };
        self.own.max(alike).is_some_and(|started| started > backup.started_at)
    }
}
