//! The sandbox's cron: runs the very line that stands in its crontab, at whatever time a test says it is.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::truth::hex;
use super::{Host, Run, finish};

impl Host {
    /// The crontab of Dokku's user.
    pub fn crontab(&self) -> String {
        fs::read_to_string(self.dir().join("crontab")).unwrap_or_default()
    }

    /// What the crontab runs every minute.
    pub fn cron_line(&self) -> String {
        let crontab = self.crontab();
        let mut lines = crontab.lines().filter_map(|line| line.strip_prefix("* * * * * "));
        let line = lines.find(|line| line.contains("backups:tick")).unwrap_or_else(|| panic!("no line: {crontab}"));
        line.to_owned()
    }

    /// One minute of cron: the line of the crontab, as the user of the sandbox and with the environment that cron gives.
    pub fn cron_command(&self, clock: &str, env: &[(&str, &str)]) -> Command {
        let line = self.cron_line();
        fs::set_permissions(self.dir(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("modes");
        let mut command = Command::new("bash");
        if let Some(uid) = self.other_user() {
            let gid = std::os::unix::fs::MetadataExt::gid(&fs::metadata(self.data_root()).expect("the data root"));
            command = Command::new("setpriv");
            command.args([&format!("--reuid={uid}"), &format!("--regid={gid}"), "--clear-groups", "--", "bash"]);
        }
        let bin = Path::new(self.var("DOKKU_SANDBOX_DIR")).join("bin");
        command.env_clear().env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", bin.display()));
        command.env("HOME", self.var("DOKKU_ROOT")).env("SHELL", "/bin/bash").env("DOKKU_BACKUPS_CLOCK", clock);
        command.envs(env.iter().copied()).args(["-c", &line]).current_dir("/").stdin(std::process::Stdio::null());
        command
    }

    /// Runs that minute to its end.
    pub fn cron(&self, clock: &str) -> Run {
        finish(self.cron_command(clock, &[]))
    }

    /// What the scheduler has logged.
    pub fn scheduler_log(&self) -> String {
        fs::read_to_string(Path::new(self.var("DOKKU_LOGS_DIR")).join("backups.log")).unwrap_or_default()
    }

    /// `backups:schedules [SERVICE] --format json` at some time.
    pub fn schedules(&self, clock: &str, service: &str) -> Vec<Value> {
        let run =
            self.dokku_env(&[("DOKKU_BACKUPS_CLOCK", clock)], &["backups:schedules", service, "--format", "json"]);
        run.expect(0).json()["schedules"].as_array().expect("an array").clone()
    }

    /// Makes a schedule at some time.
    #[track_caller]
    pub fn schedule(&self, clock: &str, words: &str) -> Run {
        let words: Vec<&str> = ["backups:schedule"].into_iter().chain(words.split_whitespace()).collect();
        self.dokku_env(&[("DOKKU_BACKUPS_CLOCK", clock)], &words).expect(0)
    }

    /// The folder of a service's settings.
    pub fn settings_of(&self, service: &str) -> PathBuf {
        Path::new(self.var("DOKKU_LIB_ROOT")).join("config/backups").join(format!("postgres:{service}"))
    }

    /// Writes a document of ours with a checksum that fits.
    pub fn write_document(&self, path: &Path, body: &str) {
        let body = format!("format = 1\n{body}");
        self.put(path, format!("{body}# sha256 {}\n", hex(body.as_bytes())).as_bytes(), 0o600);
    }
}
