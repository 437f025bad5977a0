//! Commands that are still running, what they leave behind, and what the sandbox counted.

use std::fs;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{Host, Run};

/// How long anything that must happen soon may take on a busy machine.
const SOON: Duration = Duration::from_secs(20);

/// Waits until `happened` answers something.
#[track_caller]
pub fn wait_for<T>(what: &str, mut happened: impl FnMut() -> Option<T>) -> T {
    let since = Instant::now();
    loop {
        if let Some(answer) = happened() {
            return answer;
        }
        assert!(since.elapsed() < SOON, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A command under way, both streams being read.
pub struct Running {
    child: Child,
    stdout: JoinHandle<Vec<u8>>,
    stderr: JoinHandle<Vec<u8>>,
}

fn collect(mut stream: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        bytes
    })
}

impl Running {
    /// Starts it.
    pub fn start(mut command: Command) -> Running {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the command starts");
        let stdout = collect(child.stdout.take().expect("stdout"));
        let stderr = collect(child.stderr.take().expect("stderr"));
        Running { child, stdout, stderr }
    }

    /// Its stdin, where that is piped.
    pub fn stdin(&mut self) -> std::process::ChildStdin {
        self.child.stdin.take().expect("stdin")
    }

    /// Ends it with SIGKILL.
    pub fn kill(&mut self) {
        self.child.kill().expect("kill");
    }

    /// Whether it has not ended yet.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("wait").is_none()
    }

    /// Its end.
    pub fn wait(mut self) -> Run {
        let status = self.child.wait().expect("wait");
        let stderr = self.stderr.join().expect("stderr");
        Run {
            code: status.code(),
            stdout: self.stdout.join().expect("stdout"),
            stderr: String::from_utf8_lossy(&stderr).into_owned(),
        }
    }
}

impl Host {
    /// Starts `dokku ARGS...`.
    pub fn start(&self, args: &[&str]) -> Running {
        Running::start(self.dokku_command(args))
    }

    /// From now on commands misbehave like this; the empty text ends it.
    pub fn fault(&self, entries: &str) {
        fs::write(self.dir().join("fault"), entries).expect("fault");
    }

    /// How often a command was called in this sandbox.
    pub fn calls(&self, command: &str) -> usize {
        fs::read_to_string(self.dir().join("run/calls").join(command)).map_or(0, |text| text.lines().count())
    }

    /// The process that works on `service`, once it has begun a backup there.
    #[track_caller]
    pub fn worker(&self, service: &str) -> Pid {
        wait_for("a backup that is in progress", || {
            let drafts = fs::read_dir(self.folder(service).join(".incoming")).ok()?.flatten();
            let _draft =
                drafts.map(|entry| entry.path()).find(|path| path.extension().is_some_and(|e| e == "draft"))?;
            let words = fs::read_to_string(self.folder(service).join(".lock")).ok()?;
            let (pid, _) = words.strip_prefix("pid ")?.split_once(':')?;
            Some(Pid::from_raw(pid.parse().ok()?))
        })
    }

    /// Sends a signal to the process that works on `service`.
    #[track_caller]
    pub fn signal(&self, service: &str, signal: Signal) -> Pid {
        let pid = self.worker(service);
        kill(pid, signal).expect("the worker takes a signal");
        pid
    }

    /// Command lines of this sandbox's processes that are neither servers nor inside a container.
    pub fn strays(&self) -> Vec<String> {
        let mine = format!("DOKKU_SANDBOX_INSIDE={}", self.dir().display());
        let words = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).replace('\0', " ");
        let stray = |dir: std::path::PathBuf| {
            let environ = words(fs::read(dir.join("environ")).ok()?);
            let inside = environ.contains("DOKKU_SANDBOX_CONTAINER=");
            let line = words(fs::read(dir.join("cmdline")).ok()?);
            let server = line.contains("bin/postgres") || line.starts_with("postgres:");
            (environ.split(' ').any(|word| word == mine) && !inside && !server && !line.is_empty()).then_some(line)
        };
        fs::read_dir("/proc").expect("/proc").flatten().filter_map(|entry| stray(entry.path())).collect()
    }

    /// Asserts that nothing the program started is still there.
    #[track_caller]
    pub fn assert_no_strays(&self) {
        let since = Instant::now();
        while !self.strays().is_empty() {
            assert!(since.elapsed() < Duration::from_secs(5), "still running: {:#?}", self.strays());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}
