//! The border to the environment: everything it tells us is read here, once, and handed down as values.
#![allow(clippy::disallowed_methods)]

use std::collections::HashMap;
use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::domain::Who;
use crate::sys::clock::Clock;
use crate::sys::{detach, user};

/// How long nothing may come from a dump before it counts as hung: 15 minutes. A lock on a table can take that long.
const IDLE: u64 = 900;

/// Variables that reach the programs we start. Everything else stays behind: `SSH_TTY` breaks exports, `DOKKU_APP_NAME`
/// and `DOKKU_GLOBAL_FLAGS` would be obeyed a second time, `DOKKU_APPS_FORCE_DELETE` would force whatever we call.
const PASSED_ON: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "TZ",
    "SSH_USER",
    "SSH_NAME",
    "NAME",
    "FINGERPRINT",
    "SSH_CLIENT",
    "SSH_CONNECTION",
    "DOCKER_BIN",
    "DOCKER_HOST",
    "DOCKER_CONFIG",
];
const KEPT_BACK: &[&str] =
    &["DOKKU_APP_NAME", "DOKKU_GLOBAL_FLAGS", "DOKKU_APPS_FORCE_DELETE", "DOKKU_TRACE", "DOKKU_PID", "DOKKU_COMMAND"];

/// Who called, as Dokku says it.
#[derive(Debug, Clone, Default)]
pub struct Caller {
    /// System user: `dokku` over SSH, `root` or a login name locally, empty under cron.
    pub ssh_user: String,
    /// Name of the SSH key; `default` locally.
    pub key_name: String,
    /// Over SSH, with a key that reaches Dokku and nothing else.
    pub remote: bool,
    /// The one word for records: the key's name over SSH, else the login name.
    pub actor: String,
}

/// Everything the environment says.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Catalogues: `$DOKKU_LIB_ROOT/data/backups`.
    pub data_root: PathBuf,
    /// Everything of Dokku's plugins: `$DOKKU_LIB_ROOT`.
    pub lib_root: PathBuf,
    /// Configuration: `$DOKKU_LIB_ROOT/config/backups`.
    pub config_root: PathBuf,
    /// Where the datastore plugins keep their services: `$DOKKU_LIB_ROOT/services`.
    pub services_root: PathBuf,
    /// Where the apps' repositories are: `$DOKKU_ROOT`.
    pub apps_root: PathBuf,
    /// Enabled plugins.
    pub plugins: PathBuf,
    /// Dokku's system user.
    pub system_user: String,
    /// The Docker client: `$DOCKER_BIN`.
    pub docker: String,
    /// The destroying command says `--skip-backup-check` (in Dokku's global flags).
    pub skip_backup_check: bool,
    /// Who called.
    pub caller: Caller,
    /// The same for the decision what they may do.
    pub who: Who,
    /// Where such decisions are written down: below `$DOKKU_LOGS_DIR`.
    pub audit_log: PathBuf,
    /// Environment of every program we start.
    pub child_env: Vec<(OsString, OsString)>,
    /// What Dokku's triggers want beside that: where the plugins are, and whose work they do.
    pub trigger_env: Vec<(OsString, OsString)>,
    /// The log of the scheduler: below `$DOKKU_LOGS_DIR`.
    pub scheduler_log: PathBuf,
    /// How long nothing may come from a dump (`DOKKU_BACKUPS_IDLE_TIMEOUT`, seconds).
    pub idle: Duration,
    /// `--quiet` somewhere on the line.
    pub quiet: bool,
    /// `--force` somewhere on the line.
    pub force: bool,
    /// `--trace` somewhere on the line.
    pub trace: bool,
    /// stderr is a terminal.
    pub terminal: bool,
    /// stdout is a terminal.
    pub stdout_terminal: bool,
    /// stdin is a terminal: somebody may be asked.
    pub stdin_terminal: bool,
    /// The caller's SSH connection has a terminal (`SSH_TTY`).
    pub ssh_tty: bool,
    /// This run is the second of a command with `--detach`: it works, the first one only waits for it to begin.
    pub detached: bool,
    /// The clock.
    pub clock: Clock,
    /// How this host calls itself.
    pub host_name: String,
}

impl Settings {
    /// Reads the environment of this process. `home` is the system user's, when root has just become that user.
    pub fn from_process() -> Self {
        let stdout_terminal = std::io::stdout().is_terminal();
        let stdin_terminal = std::io::stdin().is_terminal();
        let settings = Settings::read(std::env::vars_os().collect(), std::io::stderr().is_terminal());
        Settings { stdout_terminal, stdin_terminal, ..settings }
    }

    fn read(env: HashMap<OsString, OsString>, terminal: bool) -> Self {
        let text = |key: &str| env.get(&OsString::from(key)).and_then(|v| v.to_str()).unwrap_or("").to_owned();
        let set = |key: &str| !text(key).is_empty();
        let or = |key: &str, default: &str| if set(key) { text(key) } else { default.to_owned() };
        let lib = PathBuf::from(or("DOKKU_LIB_ROOT", "/var/lib/dokku"));
        let plugin_path = if set("PLUGIN_PATH") { PathBuf::from(text("PLUGIN_PATH")) } else { lib.join("plugins") };
        let caller = caller(&text);
        let idle = text("DOKKU_BACKUPS_IDLE_TIMEOUT").parse().unwrap_or(IDLE).max(1);
        Settings {
            data_root: lib.join("data/backups"),
            lib_root: lib.clone(),
            config_root: lib.join("config/backups"),
            services_root: lib.join("services"),
            apps_root: PathBuf::from(or("DOKKU_ROOT", "/home/dokku")),
            plugins: plugin_path.join("enabled"),
            system_user: or("DOKKU_SYSTEM_USER", "dokku"),
            docker: or("DOCKER_BIN", "docker"),
            skip_backup_check: text("DOKKU_GLOBAL_FLAGS").split_whitespace().any(|flag| flag == "--skip-backup-check"),
            caller,
            who: who(&env),
            audit_log: PathBuf::from(or("DOKKU_LOGS_DIR", "/var/log/dokku")).join("backups-audit.log"),
            child_env: child_env(&env),
            trigger_env: trigger_env(&lib, &plugin_path, &text),
            scheduler_log: PathBuf::from(or("DOKKU_LOGS_DIR", "/var/log/dokku")).join("backups.log"),
            idle: Duration::from_secs(idle),
            quiet: set("DOKKU_QUIET_OUTPUT"),
            force: set("DOKKU_APPS_FORCE_DELETE"),
            trace: set("DOKKU_TRACE"),
            terminal: terminal && !set(detach::VARIABLE),
            stdout_terminal: false,
            stdin_terminal: false,
            ssh_tty: set("SSH_TTY"),
            detached: set(detach::VARIABLE),
            clock: clock(&text("DOKKU_BACKUPS_CLOCK")),
            host_name: user::host_name(),
        }
    }

    /// Sets one variable of every program we start.
    pub fn set_child_env(&mut self, key: &str, value: impl Into<OsString>) {
        self.child_env.retain(|(k, _)| k != key);
        self.child_env.push((key.into(), value.into()));
    }

    /// The same settings for what the host does by itself. Dokku and its access plugins ask on whose behalf a command
    /// runs; under cron they would be told an empty word, which such a plugin refuses. What a schedule may do was asked
    /// when it was made; its runs speak for the host, as root's own shell does.
    #[must_use]
    pub fn as_host(&self, actor: &str) -> Settings {
        let mut own = self.clone();
        own.child_env.retain(|(key, _)| {
            !["NAME", "FINGERPRINT", "SSH_CLIENT", "SSH_CONNECTION"].iter().any(|personal| key == personal)
        });
        own.set_child_env("SSH_USER", "root");
        own.set_child_env("SSH_NAME", "default");
        own.caller = Caller {
            ssh_user: "root".to_owned(),
            key_name: "default".to_owned(),
            actor: actor.to_owned(),
            remote: false,
        };
        own
    }

    /// PATH of every program we start.
    pub fn path(&self) -> OsString {
        self.child_env.iter().find(|(key, _)| key == "PATH").map(|(_, value)| value.clone()).unwrap_or_default()
    }
}

fn caller(text: &dyn Fn(&str) -> String) -> Caller {
    let first = |keys: &[&str]| keys.iter().map(|key| text(key)).find(|value| !value.is_empty()).unwrap_or_default();
    let ssh_user = text("SSH_USER");
    let actor = first(&["NAME", "SUDO_USER", "SSH_USER", "USER"]);
    Caller {
        remote: ["NAME", "FINGERPRINT"].iter().any(|key| !text(key).is_empty()),
        key_name: if text("NAME").is_empty() { "default".to_owned() } else { text("NAME") },
        actor: if actor.is_empty() { "cron".to_owned() } else { actor },
        ssh_user,
    }
}

/// A value that is no UTF-8 is still one: it must not turn the holder of a key into somebody without one.
fn who(env: &HashMap<OsString, OsString>) -> Who {
    let text = |key: &str| env.get(&OsString::from(key)).map(|v| v.to_string_lossy().into_owned()).unwrap_or_default();
    Who::new(&text("SSH_USER"), &text("NAME"), &text("FINGERPRINT"))
}

fn child_env(env: &HashMap<OsString, OsString>) -> Vec<(OsString, OsString)> {
    let passed = |key: &str| {
        PASSED_ON.contains(&key)
            || (key.starts_with("DOKKU_") && !KEPT_BACK.contains(&key) && !key.starts_with("DOKKU_BACKUPS_"))
    };
    let mut kept: Vec<_> =
        env.iter().filter(|(key, _)| key.to_str().is_some_and(passed)).map(|(k, v)| (k.clone(), v.clone())).collect();
    // Relative and empty parts of PATH would make a program be found in whatever folder we happen to stand in.
    for (_, value) in kept.iter_mut().filter(|(key, _)| key == "PATH") {
        let absolute = std::env::split_paths(value).filter(|part| part.is_absolute());
        *value = std::env::join_paths(absolute).unwrap_or_default();
    }
    // One format whatever the caller's terminal and language: no headers, untranslated messages.
    for (key, value) in [("DOKKU_QUIET_OUTPUT", "1"), ("LC_ALL", "C.UTF-8")] {
        kept.retain(|(k, _)| k != key);
        kept.push((key.into(), value.into()));
    }
    kept.sort();
    kept
}

/// Trigger scripts begin by sourcing Dokku's functions, and its own triggers name their scratch files by `DOKKU_PID`.
fn trigger_env(lib: &Path, plugins: &Path, text: &dyn Fn(&str) -> String) -> Vec<(OsString, OsString)> {
    let core = lib.join("core-plugins");
    let paths = [
        ("PLUGIN_PATH", plugins.to_owned()),
        ("PLUGIN_AVAILABLE_PATH", plugins.join("available")),
        ("PLUGIN_ENABLED_PATH", plugins.join("enabled")),
        ("PLUGIN_CORE_PATH", core.clone()),
        ("PLUGIN_CORE_AVAILABLE_PATH", core.join("available")),
        ("PLUGIN_CORE_ENABLED_PATH", core.join("enabled")),
        ("DOKKU_PID", std::process::id().to_string().into()),
    ];
    let said = |key: &str, otherwise: PathBuf| {
        Some(text(key)).filter(|v| !v.is_empty()).map_or(otherwise.into(), OsString::from)
    };
    paths.into_iter().map(|(key, otherwise)| (key.into(), said(key, otherwise))).collect()
}

#[cfg(feature = "points")]
fn clock(start: &str) -> Clock {
    match start.parse() {
        Ok(start) => Clock::starting_at(start),
        Err(_) => Clock::real(),
    }
}

#[cfg(not(feature = "points"))]
fn clock(_start: &str) -> Clock {
    Clock::real()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_whose_name_is_no_text_is_still_a_key() {
        use std::os::unix::ffi::OsStringExt;
        let env = HashMap::from([
            (OsString::from("NAME"), OsString::from_vec(vec![0xff])),
            (OsString::from("SSH_USER"), OsString::from("root")),
        ]);
        assert_eq!(who(&env).kind(), "key");
    }

    #[test]
    fn fault_092_children_get_a_rebuilt_environment() {
        let hostile = [
            ("PATH", "/usr/bin::.:relative:/bin"),
            ("SSH_TTY", "/dev/pts/0"),
            ("IFS", "/"),
            ("BASH_ENV", "/tmp/evil"),
            ("LD_PRELOAD", "/tmp/evil.so"),
            ("PGHOST", "elsewhere"),
            ("DOKKU_APP_NAME", "other"),
            ("DOKKU_GLOBAL_FLAGS", "--force"),
            ("DOKKU_APPS_FORCE_DELETE", "1"),
            ("DOKKU_TRACE", "1"),
            ("LANG", "xx_YY"),
            ("NAME", "alice"),
            ("FINGERPRINT", "SHA256:x"),
            ("DOKKU_ROOT", "/home/dokku"),
        ];
        let env = hostile.iter().map(|(k, v)| (OsString::from(k), OsString::from(v))).collect();
        let child: HashMap<String, String> =
            child_env(&env).into_iter().map(|(k, v)| (k.into_string().unwrap(), v.into_string().unwrap())).collect();
        let mut keys: Vec<&str> = child.keys().map(String::as_str).collect();
        keys.sort_unstable();
        assert_eq!(keys, ["DOKKU_QUIET_OUTPUT", "DOKKU_ROOT", "FINGERPRINT", "LC_ALL", "NAME", "PATH"]);
        assert_eq!(child["PATH"], "/usr/bin:/bin");
    }
}
