//! What the tests of verify and restore ask and do beyond the command line: look into a service's databases beside
//! Dokku, compare whole databases, and put bytes of their own in a stored dump's place.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use dokku_backups::document::{HostKey, Purpose, sealed};

use super::{Host, Run, finish};

/// Everything a database holds, one line an object: rows and their hash, sequences, functions, schemas, large objects.
const DIGEST: &str = r#"
with names as (select oid, nspname from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema'),
relations as (select c.relkind, n.nspname, c.relname from pg_class c join names n on n.oid = c.relnamespace
  where c.relkind in ('r', 'm', 'v', 'S', 'p', 'i', 'I'))
select line from (
select format('%s %I.%I ', relkind, nspname, relname) || case
  when relkind in ('r', 'm') then query_to_xml(format(
    'select count(*) as c, coalesce(sum(hashtextextended(dbk::text, 0)), 0) as h from only %I.%I dbk', nspname, relname),
    false, true, '')::text
  when relkind = 'S' then query_to_xml(format('select last_value, is_called from %I.%I', nspname, relname), false, true, '')::text
  when relkind = 'v' then pg_get_viewdef(format('%I.%I', nspname, relname)::regclass)
  else '' end as line from relations
union all select 'f ' || p.oid::regprocedure::text from pg_proc p join names n on n.oid = p.pronamespace
union all select 'n ' || nspname from names
union all select 'l ' || oid || ' ' || md5(lo_get(oid)) from pg_largeobject_metadata
) as all_lines order by line collate "C";"#;

impl Host {
    /// `docker ARGS...` of the sandbox.
    pub fn docker(&self, args: &[&str]) -> Run {
        let mut command = self.command(Path::new(self.var("DOKKU_SANDBOX_DIR")).join("bin/docker"));
        command.args(args);
        finish(command)
    }

    /// Runs SQL in a database of a service beside Dokku, as the superuser; unaligned rows.
    #[track_caller]
    pub fn psql(&self, service: &str, database: &str, sql: &str) -> String {
        let run = self.try_psql(service, database, sql);
        assert_eq!(run.code, Some(0), "{sql}: {}", run.stderr);
        run.out().trim_end_matches('\n').to_owned()
    }

    /// The same, whatever it answers.
    pub fn try_psql(&self, service: &str, database: &str, sql: &str) -> Run {
        let mut command = self.psql_command(service, database);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("docker");
        let mut stdin = child.stdin.take().expect("stdin");
        let sql = sql.to_owned();
        let feeder = std::thread::spawn(move || drop(stdin.write_all(sql.as_bytes())));
        let output = child.wait_with_output().expect("docker");
        feeder.join().expect("feeder");
        output.into()
    }

    /// A psql in the service's container, reading its stdin; not yet started.
    pub fn psql_command(&self, service: &str, database: &str) -> std::process::Command {
        let mut command = self.command(Path::new(self.var("DOKKU_SANDBOX_DIR")).join("bin/docker"));
        command.args(["container", "exec", "-i", "-e", "PGCLIENTENCODING=UTF8", &format!("dokku.postgres.{service}")]);
        command.args(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-d", database]);
        command
    }

    /// Everything the service's database holds.
    #[track_caller]
    pub fn digest(&self, service: &str) -> String {
        self.psql(service, service, DIGEST)
    }

    /// Names of the service's databases that are ours and ought to be gone.
    #[track_caller]
    pub fn left_databases(&self, service: &str) -> String {
        self.psql(service, "postgres", "select datname from pg_database where datname like 'dokku_backups%' order by 1")
    }

    /// Names of all disposable containers.
    pub fn disposables(&self) -> String {
        let filter = "label=dokku-backups.disposable";
        self.docker(&["ps", "--all", "--filter", filter, "--format", "{{.Names}}"]).expect(0).out()
    }

    /// The binary itself, without Dokku's dispatch: for tests that start it hundreds of times.
    pub fn alone(&self, args: &[&str]) -> std::process::Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_dokku-backups"));
        command.args(args);
        command
    }

    /// Runs the binary and kills it in the N-th of the states that it passes through: where the folder of `service` differs
    /// from what it was at the point before, or where a program was started since. Between two such points nothing is to be
    /// found that was not there before; `make soak` kills at all points and holds that against this.
    pub fn killed_in(&self, state: u64, service: &str, args: &[&str]) -> Run {
        self.at_point(&format!("change={state}:{}", self.folder(service).display()), args)
    }

    /// Runs the binary with a fault point.
    pub fn at_point(&self, point: &str, args: &[&str]) -> Run {
        let mut command = self.alone(args);
        command.env("DOKKU_BACKUPS_POINTS", point);
        finish(command)
    }

    /// How many fault points a command passes.
    pub fn count_points(&self, args: &[&str]) -> u64 {
        // Written by the system's user, whoever runs the test.
        let file = tempfile::Builder::new().prefix("points").tempfile_in("/tmp").expect("a file").into_temp_path();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).expect("mode");
        self.at_point(&format!("count={}", file.display()), args).expect(0);
        fs::read_to_string(&file).expect("points").lines().count() as u64
    }

    /// Starts `dokku ARGS...` and returns it running.
    pub fn start_dokku(&self, args: &[&str], env: &[(&str, &str)]) -> Child {
        let mut command = self.dokku_command(args);
        command.envs(env.iter().copied()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("dokku")
    }

    /// Starts the binary itself, with nothing between it and a signal.
    pub fn start_binary(&self, args: &[&str], env: &[(&str, &str)]) -> Child {
        let mut command = self.alone(args);
        command.envs(env.iter().copied()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("the binary")
    }

    /// Waits until `happened` answers true, 30 seconds at most.
    #[track_caller]
    pub fn wait_until(&self, what: &str, mut happened: impl FnMut() -> bool) {
        let since = Instant::now();
        while !happened() {
            assert!(since.elapsed() < Duration::from_secs(30), "never came: {what}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The dump's file.
    pub fn dump_file(&self, service: &str, id: &str) -> PathBuf {
        self.folder(service).join(format!("{id}.dump"))
    }

    /// Puts other bytes in the place of a stored dump and leaves its record alone.
    pub fn overwrite(&self, service: &str, id: &str, bytes: &[u8]) {
        let path = self.dump_file(service, id);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("mode");
        fs::write(&path, bytes).expect("dump");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).expect("mode");
    }

    /// The same, and the record says that these are the bytes: its hash and its size fit, and its checksum too.
    pub fn forge(&self, service: &str, id: &str, bytes: &[u8]) {
        self.overwrite(service, id, bytes);
        let sum = hex(bytes);
        self.edit_record(service, id, |line| {
            if line.starts_with("sha256 = ") {
                format!("sha256 = \"{sum}\"")
            } else if line.starts_with("size = ") {
                format!("size = {}", bytes.len())
            } else {
                line.to_owned()
            }
        });
    }

    /// This host's key.
    pub fn key(&self) -> HostKey {
        let text = fs::read_to_string(self.config("host-key")).expect("the host's key");
        HostKey::parse(text.trim_end()).expect("a key")
    }

    /// The record of these lines as this host writes it.
    pub fn marked(&self, lines: &str) -> Vec<u8> {
        sealed(lines.as_bytes().to_vec(), Purpose::Record, &self.key()).expect("a record")
    }

    /// Makes the host one that has not had a key yet: as a release before there were keys leaves it.
    pub fn forget_key(&self) {
        fs::remove_file(self.config("host-key")).expect("the host's key");
        let _ = fs::remove_dir_all(self.config(".unmarked"));
    }

    /// Changes lines of a record and gives it the mark and the checksum that fit.
    pub fn edit_record(&self, service: &str, id: &str, change: impl Fn(&str) -> String) {
        let path = self.folder(service).join(format!("{id}.toml"));
        let text = fs::read_to_string(&path).expect("record");
        let lines = text.lines().filter(|line| !line.starts_with("# "));
        let body: String = lines.map(|line| change(line) + "\n").collect();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("mode");
        fs::write(&path, self.marked(&body)).expect("record");
    }

    /// The trust of one backup, as its JSON says.
    #[track_caller]
    pub fn trust(&self, service: &str, id: &str) -> String {
        self.info(service, id)["trust"].as_str().unwrap_or_default().to_owned()
    }

    /// Asserts what must hold after any restore that was cut off and the next changing command.
    #[track_caller]
    pub fn check_settled(&self, service: &str, what: &str) {
        assert_eq!(self.left_databases(service), "", "{what}: a database is left");
        assert!(!self.folder(service).join(".restore.toml").exists(), "{what}: the journal is open");
        for inner in [".incoming", ".trash"] {
            let left: Vec<_> = fs::read_dir(self.folder(service).join(inner)).expect(inner).flatten().collect();
            assert!(left.is_empty(), "{what}: {inner} holds {left:?}");
        }
    }

    /// Every file of a service's folder with its bytes' hash.
    pub fn files_of(&self, service: &str) -> Vec<(PathBuf, String)> {
        let mut files = Vec::new();
        let mut folders = vec![self.folder(service)];
        while let Some(folder) = folders.pop() {
            for path in fs::read_dir(folder).expect("folder").flatten().map(|entry| entry.path()) {
                if path.is_dir() {
                    folders.push(path);
                } else if !path.ends_with(".lock") {
                    files.push((path.clone(), hex(&fs::read(&path).expect("file"))));
                }
            }
        }
        files.sort();
        files
    }
}

/// Lower-case hex of the sha256.
pub fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Waits for a started command to end.
pub fn wait(child: Child) -> Run {
    child.wait_with_output().expect("the command ends").into()
}

/// Sends a signal.
pub fn send(child: &Child, signal: nix::sys::signal::Signal) {
    let pid = nix::unistd::Pid::from_raw(i32::try_from(child.id()).expect("a pid"));
    nix::sys::signal::kill(pid, signal).expect("the process is there");
}
