//! A host for one test: a sandbox that is gone when the test ends, or the machine's own `dokku` (`machine`).

mod callers;
mod clean;
pub mod craft;
mod cron;
pub mod faults;
pub mod fixture;
mod invariants;
mod keys;
pub mod lack;
mod machine;
mod monitor;
pub mod proxy;
mod pty;
pub mod rclone;
mod running;
pub mod s3;
pub mod sshd;
mod surroundings;
pub mod truth;
pub mod web;

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use machine::Machine;
use serde_json::Value;
use tempfile::TempDir;

pub use clean::SHOP;
pub use monitor::Monitor;
pub use pty::Deed;
pub use running::{Running, wait_for};
pub use surroundings::walk;
pub use truth::{hex, send, wait};

/// How a command ended.
#[derive(Debug)]
pub struct Run {
    /// Exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Bytes on stdout.
    pub stdout: Vec<u8>,
    /// Text on stderr.
    pub stderr: String,
}

impl Run {
    /// stdout as text.
    pub fn out(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// The id an export printed as its last line.
    pub fn id(&self) -> String {
        self.out().lines().last().unwrap_or_default().to_owned()
    }

    /// stdout as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.stdout).unwrap_or_else(|e| panic!("no JSON ({e}): {self:?}"))
    }

    /// The error object that `--format json` puts on the last line of stderr.
    #[track_caller]
    pub fn error(&self) -> Value {
        let last = self.stderr.lines().last().unwrap_or_default();
        let value: Value = serde_json::from_str(last).unwrap_or_else(|e| panic!("no JSON error ({e}): {self:?}"));
        value["error"].clone()
    }

    /// Panics with both streams unless the exit code is `code`.
    #[track_caller]
    pub fn expect(self, code: i32) -> Run {
        assert_eq!(self.code, Some(code), "stdout: {}\nstderr: {}", self.out(), self.stderr);
        self
    }
}

/// A host with the plugin installed: a sandbox, or this machine.
pub struct Host {
    dir: TempDir,
    env: HashMap<String, String>,
    machine: Option<Machine>,
}

/// Where sandboxes live: in memory where there is enough of it. Dozens of PostgreSQL clusters copied at once would
/// otherwise keep every fsync of the program under test waiting for the disk.
fn fast_folder() -> &'static Path {
    use nix::sys::statvfs::{FsFlags, statvfs};
    let fits = |path: &Path| {
        statvfs(path).is_ok_and(|fs| {
            let free = fs.blocks_available().saturating_mul(fs.fragment_size());
            free > 4 << 30 && !fs.flags().contains(FsFlags::ST_NOEXEC)
        })
    };
    Some(Path::new("/dev/shm")).filter(|path| fits(path)).unwrap_or(Path::new("/tmp"))
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

impl Host {
    /// Starts one.
    pub fn up() -> Host {
        // A short path: PostgreSQL's socket names are limited to 107 bytes.
        let dir = tempfile::Builder::new().prefix("dbk").tempdir_in(fast_folder()).expect("a temporary directory");
        if let Some(machine) = Machine::wanted() {
            return Host { dir, env: Machine::env(), machine: Some(machine) };
        }
        let up = Command::new(repository().join("tests/sandbox"))
            .arg("up")
            .arg(dir.path())
            .args(["--binary", env!("CARGO_BIN_EXE_dokku-backups")])
            .output()
            .expect("tests/sandbox up");
        assert!(up.status.success(), "sandbox: {}", String::from_utf8_lossy(&up.stderr));
        let mut env = HashMap::new();
        for line in String::from_utf8_lossy(&up.stdout).lines() {
            if let Some((key, value)) = line.trim_start_matches("export ").split_once('=') {
                let value = value.replace(":\"$PATH\"", &format!(":{}", std::env::var("PATH").unwrap_or_default()));
                env.insert(key.to_owned(), value);
            }
        }
        env.insert("HOME".to_owned(), dir.path().display().to_string());
        Host { dir, env, machine: None }
    }

    /// The name of a test's service: as given in a sandbox, unlike any other on a machine that is in use. Tests that are
    /// to run there too use it for every service.
    pub fn name(&self, service: &str) -> String {
        self.machine.as_ref().map_or_else(|| service.to_owned(), |machine| machine.name(service))
    }

    /// The sandbox's folder.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// A variable of the sandbox.
    pub fn var(&self, key: &str) -> &str {
        &self.env[key]
    }

    /// The folder of a service's backups.
    pub fn folder(&self, service: &str) -> PathBuf {
        self.data_root().join("postgres").join(service)
    }

    /// The data root.
    pub fn data_root(&self) -> PathBuf {
        Path::new(self.var("DOKKU_LIB_ROOT")).join("data/backups")
    }

    /// A command with the sandbox's environment and nothing of ours.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(&self.env).current_dir("/").stdin(Stdio::null());
        command
    }

    /// `dokku ARGS...`, not yet started.
    pub fn dokku_command(&self, args: &[&str]) -> Command {
        let program = match self.machine {
            Some(_) => PathBuf::from("dokku"),
            None => Path::new(self.var("DOKKU_SANDBOX_DIR")).join("bin/dokku"),
        };
        let mut command = self.command(program);
        command.args(args);
        command
    }

    /// Runs `dokku ARGS...` to its end.
    pub fn dokku(&self, args: &[&str]) -> Run {
        finish(self.dokku_command(args))
    }

    /// The same with one more variable.
    pub fn dokku_with(&self, key: &str, value: &str, args: &[&str]) -> Run {
        let mut command = self.dokku_command(args);
        command.env(key, value);
        finish(command)
    }

    /// The same with text on stdin.
    pub fn dokku_stdin(&self, input: &[u8], args: &[&str]) -> Run {
        finish_with(self.dokku_command(args), input)
    }

    /// Answers a question of the test's own. In a sandbox past Dokku's dispatch, which costs more than the answer: what is
    /// typed through Dokku is what a test is about.
    fn asked(&self, args: &[&str]) -> Run {
        if self.machine.is_some() {
            return self.dokku(args);
        }
        let mut command = self.alone(args);
        command.envs([("SSH_USER", "root"), ("SSH_NAME", "default")]); // as Dokku's entry script says it
        finish(command)
    }

    /// Makes a service holding what `sql` makes.
    pub fn database(&self, service: &str, sql: &str) {
        self.dokku(&["postgres:create", service]).expect(0);
        self.sql(service, sql);
    }

    /// Runs SQL in a service and returns its unaligned rows.
    #[track_caller]
    pub fn sql(&self, service: &str, sql: &str) -> String {
        if self.machine.is_none() {
            return self.psql(service, &service.replace(['.', '-'], "_"), sql);
        }
        let text = format!("\\pset format unaligned\n\\pset tuples_only on\n\\set QUIET on\n{sql}\n");
        let run = self.dokku_stdin(text.as_bytes(), &["postgres:connect", service]).expect(0);
        let skip = |line: &&str| !line.starts_with("Output format") && !line.starts_with("Tuples only");
        run.out().lines().filter(skip).collect::<Vec<_>>().join("\n")
    }

    /// Exports and returns the id.
    pub fn export(&self, service: &str) -> String {
        self.dokku(&["backups:export", service]).expect(0).id()
    }

    /// `backups:list SERVICE --deleted --verbose --format json`.
    pub fn list(&self, service: &str) -> Vec<Value> {
        let run = self.asked(&["backups:list", service, "--deleted", "--verbose", "--format", "json"]).expect(0);
        run.json()["backups"].as_array().expect("an array").clone()
    }

    /// `backups:info SERVICE --id ID --format json`.
    pub fn info(&self, service: &str, id: &str) -> Value {
        self.asked(&["backups:info", service, "--id", id, "--format", "json"]).expect(0).json()
    }
}

/// What a test tries: in `make soak` (`DOKKU_BACKUPS_TEST_SOAK=1`) the long one of the two.
pub fn soaking<T>(usual: T, long: T) -> T {
    if std::env::var_os("DOKKU_BACKUPS_TEST_SOAK").is_some() { long } else { usual }
}

/// Runs a command to its end.
pub fn finish(mut command: Command) -> Run {
    command.output().expect("the command starts").into()
}

/// The same with `input` on stdin.
pub fn finish_with(mut command: Command, input: &[u8]) -> Run {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the command starts");
    let mut stdin = child.stdin.take().expect("stdin");
    let input = input.to_vec();
    let feeder = std::thread::spawn(move || {
        let _ = stdin.write_all(&input);
    });
    let output = child.wait_with_output().expect("the command ends");
    feeder.join().expect("feeder");
    output.into()
}

impl From<std::process::Output> for Run {
    fn from(output: std::process::Output) -> Run {
        Run {
            code: output.status.code(),
            stdout: output.stdout,
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if let Some(machine) = &self.machine {
            return machine.clean(&self.data_root());
        }
        let down = Command::new(repository().join("tests/sandbox")).arg("down").arg(self.dir.path()).output();
        if let Ok(down) = down
            && !down.status.success()
            && !std::thread::panicking()
        {
            panic!("sandbox down: {}", String::from_utf8_lossy(&down.stderr));
        }
    }
}
