//! Our own plugin as Dokku sees it: the trigger files it will run, if it can.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::Dokku;

/// Files at the plugin's top that Dokku runs by name, and what is lost without each.
const TRIGGERS: &[(&str, &str)] = &[
    ("service-action", "services can be destroyed without a Restorable backup"),
    ("cron-entries", "nothing is backed up by schedule"),
    ("builder-release", "before-deploy makes no backups"),
];

impl Dokku {
    /// The trigger files that are missing or cannot be run, each with what does not happen because of it.
    pub fn broken_triggers(&self) -> Vec<(PathBuf, &'static str)> {
        let plugin = self.settings.plugins.join("backups");
        let runs = |path: &PathBuf| std::fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o111 != 0);
        let paths = TRIGGERS.iter().map(|(name, lost)| (plugin.join(name), *lost));
        paths.filter(|(path, _)| !runs(path)).collect()
    }
}
