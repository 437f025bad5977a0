//! The `dokku` of the machine the tests run on (`DOKKU_BACKUPS_TEST_HOST=1`), in place of a sandbox. Everything made
//! there has a name of its own and is destroyed when the test ends, its backups included.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// What one test calls its services on the machine: `backups-test-PID-N-NAME`.
pub struct Machine {
    prefix: String,
}

impl Machine {
    /// The machine's dokku, where the tests were asked to use it. It must have the plugin.
    pub fn wanted() -> Option<Machine> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        std::env::var_os("DOKKU_BACKUPS_TEST_HOST").filter(|word| word == "1")?;
        let version = Command::new("dokku").arg("backups:version").output();
        let there = version.is_ok_and(|output| output.status.success());
        assert!(there, "`dokku backups:version` failed: install this plugin on the machine before `make test-host`");
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        Some(Machine { prefix: format!("backups-test-{}-{count}-", std::process::id()) })
    }

    /// Environment of every command: the caller's, with what Dokku leaves to its defaults.
    pub fn env() -> HashMap<String, String> {
        let mut env: HashMap<String, String> = std::env::vars().filter(|(key, _)| !key.starts_with("CARGO")).collect();
        env.entry("DOKKU_LIB_ROOT".to_owned()).or_insert_with(|| "/var/lib/dokku".to_owned());
        env
    }

    /// The name of a test's `service` here.
    pub fn name(&self, service: &str) -> String {
        format!("{}{service}", self.prefix)
    }

    /// Destroys every service of this test and removes its backups.
    pub fn clean(&self, data_root: &Path) {
        let list = Command::new("dokku").args(["--quiet", "postgres:list"]).output();
        let text = list.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
        for service in text.lines().map(str::trim).filter(|name| name.starts_with(&self.prefix)) {
            let _ =
                Command::new("dokku").args(["postgres:destroy", service, "--force", "--skip-backup-check"]).output();
        }
        for folder in std::fs::read_dir(data_root.join("postgres")).into_iter().flatten().flatten() {
            if folder.file_name().to_string_lossy().starts_with(&self.prefix) {
                let _ = std::fs::remove_dir_all(folder.path());
            }
        }
    }
}
