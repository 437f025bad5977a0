//! A real sshd in front of the sandbox's `dokku`: keys with names and the forced command that Dokku's sshcommand writes,
//! on loopback, with a host key, a port and a configuration of its own. No service of the system is touched.
//!
//! Against this machine's own dokku (`DOKKU_BACKUPS_TEST_HOST=1`) its own sshd is used, where
//! `DOKKU_BACKUPS_TEST_SSH=dokku@HOST[:PORT]` says how to reach it; what is started here cannot stand in for it there.

use std::fs;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::lack::left_out;
use super::running::wait_for;
use super::{Host, Run, Running, finish};

const PROGRAM: &str = "/usr/sbin/sshd";
/// The port where none is named.
const SSH: u16 = 22;
/// The name of the key that everything uses unless told otherwise.
pub const KEY: &str = "alice";

/// What sshcommand's `acl-add` puts behind the command.
const OPTIONS: &str = "no-agent-forwarding,no-user-rc,no-X11-forwarding,no-port-forwarding";

/// Started by root, it leaves root: what Dokku's user may not do must not work here. Terminals need a group that only
/// root could give them, so they get a file system of their own, for this sshd alone.
const AS_USER: &str = "mount -t devpts -o newinstance,gid=5,mode=620,ptmxmode=666 devpts /dev/pts &&
mount --bind /dev/pts/ptmx /dev/ptmx
exec setpriv --reuid=\"$1\" --regid=\"$1\" --init-groups -- \"$2\" -D -e -f \"$3\"";

/// A way in over SSH.
pub struct Sshd<'a> {
    host: &'a Host,
    server: Option<Child>,
    dir: PathBuf,
    /// `user@address`.
    pub target: String,
    /// The port it listens on.
    pub port: u16,
}

impl Host {
    /// Starts one. `None` where the tests use a machine that nobody has named a way into.
    pub fn sshd(&self) -> Option<Sshd<'_>> {
        let dir = self.dir().join("tmp/ssh");
        if self.machine.is_some() {
            let Ok(target) = std::env::var("DOKKU_BACKUPS_TEST_SSH") else {
                left_out(
                    "ssh",
                    "DOKKU_BACKUPS_TEST_SSH=dokku@HOST[:PORT] does not say how to reach this machine's dokku",
                );
                return None;
            };
            let (target, port) = match target.rsplit_once(':') {
                Some((target, port)) => (target.to_owned(), port.parse().expect("DOKKU_BACKUPS_TEST_SSH: a port")),
                None => (target, SSH),
            };
            return Some(Sshd { host: self, server: None, dir, target, port });
        }
        assert!(Path::new(PROGRAM).exists(), "{PROGRAM} is missing: run scripts/prerequisites");
        fs::set_permissions(self.dir(), fs::Permissions::from_mode(0o755)).expect("modes");
        fs::create_dir_all(&dir).expect("a folder");
        let user = nix::unistd::User::from_uid(self.owner().into()).expect("users").expect("the sandbox's user").name;
        let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("a port").port();
        let mut ssh = Sshd { host: self, server: None, dir, target: format!("{user}@127.0.0.1"), port };
        ssh.keygen("host");
        self.give(&ssh.dir.join("host"));
        fs::write(self.dir().join("home/dokku/.sshcommand"), self.dir().join("bin/dokku").display().to_string() + "\n")
            .expect("the entry");
        fs::write(ssh.dir.join("keys"), "").expect("keys");
        ssh.add_key(KEY);
        ssh.configure();
        ssh.start_server(&user);
        Some(ssh)
    }
}

impl<'a> Sshd<'a> {
    fn keygen(&self, name: &str) {
        let file = self.dir.join(name);
        let mut keygen = Command::new("ssh-keygen");
        let made = keygen.args(["-q", "-t", "ed25519", "-N", "", "-C", "a key of the tests", "-f"]).arg(&file).output();
        assert!(made.as_ref().is_ok_and(|out| out.status.success()), "{made:?}");
    }

    /// Lets a new key in under `name`, as `dokku ssh-keys:add` does.
    pub fn add_key(&self, name: &str) {
        self.keygen(name);
        let public = fs::read_to_string(self.dir.join(format!("{name}.pub"))).expect("a public key");
        let shown = Command::new("ssh-keygen").arg("-lf").arg(self.dir.join(format!("{name}.pub"))).output();
        let shown = String::from_utf8(shown.expect("a fingerprint").stdout).expect("text");
        let fingerprint = shown.split_whitespace().nth(1).expect("a fingerprint");
        let entry = self.host.dir().join("home/dokku/.sshcommand");
        let line = format!(
            "command=\"FINGERPRINT={fingerprint} NAME=\\\"{name}\\\" `cat {}` $SSH_ORIGINAL_COMMAND\",{OPTIONS} {public}",
            entry.display()
        );
        let keys = self.dir.join("keys");
        let mut file = fs::File::options().append(true).open(&keys).expect("keys");
        file.write_all(line.as_bytes()).expect("keys");
        self.host.give(&keys);
    }

    fn configure(&self) {
        let dir = self.dir.display();
        let config = format!(
            "Port {}\nListenAddress 127.0.0.1\nHostKey {dir}/host\nAuthorizedKeysFile {dir}/keys\nStrictModes no\n\
             UsePAM no\nPidFile none\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n\
             AcceptEnv LANG LC_*\nSetEnv HOME={}\n",
            self.port,
            self.host.dir().join("home/dokku").display()
        );
        fs::write(self.dir.join("config"), config).expect("a configuration");
        let public = fs::read_to_string(self.dir.join("host.pub")).expect("the host's key");
        let known = format!("[127.0.0.1]:{} {public}", self.port);
        fs::write(self.dir.join("known_hosts"), known).expect("known hosts");
    }

    fn start_server(&mut self, user: &str) {
        let config = self.dir.join("config");
        let mut command = if nix::unistd::geteuid().is_root() {
            let mut command = Command::new("unshare");
            command.args(["--mount", "sh", "-c", AS_USER, "sh", user, PROGRAM]).arg(&config);
            command
        } else {
            let mut command = Command::new(PROGRAM);
            command.args(["-D", "-e", "-f"]).arg(&config);
            command
        };
        let log = fs::File::create(self.dir.join("log")).expect("a log");
        command.env_clear().env("PATH", "/usr/bin:/bin").stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.server = Some(command.spawn().expect("sshd"));
        wait_for("sshd", || TcpStream::connect(("127.0.0.1", self.port)).ok());
    }

    /// The private key called `name`.
    pub fn key(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// The file that names the host's key.
    pub fn known_hosts(&self) -> PathBuf {
        self.dir.join("known_hosts")
    }

    /// `ssh OPTIONS... dokku@host LINE` with the key `name`, not yet started. The line is sent as it stands.
    pub fn command_as(&self, name: &str, options: &[&str], line: &str) -> Command {
        let mut command = self.host.command("ssh");
        if self.server.is_some() {
            let known = format!("UserKnownHostsFile={}", self.known_hosts().display());
            command.args(["-F", "none", "-o", "IdentitiesOnly=yes", "-o", "LogLevel=ERROR", "-o", &known, "-i"]);
            command.arg(self.key(name));
        }
        // The usual one may be another in the caller's own configuration.
        if self.port != SSH {
            command.args(["-p", &self.port.to_string()]);
        }
        command.args(["-o", "BatchMode=yes"]).args(options).arg(&self.target).arg("--").arg(line);
        command
    }

    /// The same with the usual key.
    pub fn command(&self, options: &[&str], line: &str) -> Command {
        self.command_as(KEY, options, line)
    }

    /// Runs a line without a terminal.
    pub fn run(&self, line: &str) -> Run {
        finish(self.command(&[], line))
    }

    /// Runs a line with a terminal: what it says on stderr comes on stdout.
    pub fn run_tty(&self, line: &str) -> Run {
        finish(self.command(&["-tt"], line))
    }

    /// Runs a line that reads `input`.
    pub fn run_with(&self, input: &[u8], line: &str) -> Run {
        let mut command = self.command(&[], line);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("ssh");
        let (mut stdin, input) = (child.stdin.take().expect("stdin"), input.to_vec());
        let feeder = std::thread::spawn(move || drop(stdin.write_all(&input)));
        let output = child.wait_with_output().expect("ssh");
        feeder.join().expect("feeder");
        output.into()
    }

    /// Starts a line.
    pub fn start(&self, options: &[&str], line: &str) -> Running {
        Running::start(self.command(options, line))
    }

    /// Whether this sshd can give out terminals: as an ordinary user, where /dev/pts is unusual, it cannot.
    pub fn has_terminals(&self) -> bool {
        let can = self.run_tty("version").code == Some(0);
        if !can {
            left_out("terminals", "sshd gave out none");
        }
        can
    }
}

impl Drop for Sshd<'_> {
    fn drop(&mut self) {
        if let Some(server) = &mut self.server {
            let _ = server.kill();
            let _ = server.wait();
        }
        // The sessions end with their clients; the sandbox ends what is left.
        std::thread::sleep(Duration::from_millis(1));
    }
}
