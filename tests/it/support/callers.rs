//! The same command by different callers, with the environment that Dokku's entry gets from each of them.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;

use super::{Host, Run, finish};

impl Host {
    /// As the holder of the key `name`: what sshd and the forced command of that key set, as Dokku's own user.
    pub fn as_key(&self, name: &str, args: &[&str]) -> Run {
        finish(self.key_command(name, args))
    }

    /// The same, not yet started.
    pub fn key_command(&self, name: &str, args: &[&str]) -> Command {
        let mut command = self.owner_command(args);
        command.env("NAME", name).env("FINGERPRINT", format!("SHA256:print-of-{name}"));
        command.env("SSH_CONNECTION", "192.0.2.7 50000 192.0.2.1 22").env("SSH_CLIENT", "192.0.2.7 50000 22");
        command.env_remove("SSH_USER").env("USER", "dokku");
        command
    }

    /// As root at this host's shell.
    pub fn as_root(&self, args: &[&str]) -> Run {
        finish(self.root_command(args))
    }

    /// The same, not yet started.
    pub fn root_command(&self, args: &[&str]) -> Command {
        let mut command = self.dokku_command(args);
        command.env("SSH_USER", "root");
        command
    }

    /// As another login of this host; the empty word is cron.
    pub fn as_login(&self, login: &str, args: &[&str]) -> Run {
        let mut command = self.owner_command(args);
        command.env("SSH_USER", login).env_remove("USER");
        finish(command)
    }

    /// `dokku ARGS...` as the user everything belongs to: the entry does not change it any more.
    fn owner_command(&self, args: &[&str]) -> Command {
        let Some(uid) = self.other_user() else { return self.dokku_command(args) };
        let gid = std::fs::metadata(self.data_root()).expect("the data root").gid();
        std::fs::set_permissions(self.dir(), std::fs::Permissions::from_mode(0o755)).expect("modes");
        let mut command = self.command("setpriv");
        command.args([&format!("--reuid={uid}"), &format!("--regid={gid}"), "--clear-groups", "--"]);
        command.arg(Path::new(self.var("DOKKU_SANDBOX_DIR")).join("bin/dokku")).args(args);
        command
    }

    /// Grants as root.
    #[track_caller]
    pub fn grant(&self, key: &str, rights: &str, service: &str) {
        let words = ["backups:grant", key, rights, service];
        self.as_root(&words[..if service.is_empty() { 3 } else { 4 }]).expect(0);
    }

    /// The file of rights.
    pub fn rights_file(&self) -> std::path::PathBuf {
        Path::new(self.var("DOKKU_LIB_ROOT")).join("config/backups/rights.toml")
    }

    /// Every line of the audit log.
    pub fn audit(&self) -> Vec<serde_json::Value> {
        let text = std::fs::read_to_string(self.audit_file()).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
    }

    /// The audit log.
    pub fn audit_file(&self) -> std::path::PathBuf {
        self.dir().join("var/log/dokku/backups-audit.log")
    }
}
