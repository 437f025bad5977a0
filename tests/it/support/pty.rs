//! A command on a terminal of its own, with a person before it.

use std::path::Path;
use std::process::Stdio;

use super::{Host, Run};

/// What the person does once the command asks.
#[derive(Debug, Clone, Copy)]
pub enum Deed<'a> {
    /// Types these bytes; 3 is Ctrl-C.
    Types(&'a [u8]),
    /// Sends SIGTERM to whoever holds the lock at this path.
    Terminates(&'a Path),
}

/// Runs the command behind a terminal; writes what it said on stdout, and ends with its exit code, 99 where it did not end
/// within ten seconds after the deed.
const PERSON: &str = r#"
import fcntl, os, pty, select, signal, struct, sys, termios, time
asked, deed, lock = sys.argv[1].encode(), sys.argv[2], sys.argv[3]
pid, fd = pty.fork()
# As large as most are.
fcntl.ioctl(fd if pid else 0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
if pid == 0:
    os.execvp(sys.argv[4], sys.argv[4:])
said, done, end = b"", False, time.time() + 60
while time.time() < end:
    if select.select([fd], [], [], 0.05)[0]:
        try: piece = os.read(fd, 65536)
        except OSError: piece = b""
        if not piece: break
        said += piece
    if not done and asked in said:
        done, end = True, time.time() + 10
        time.sleep(0.3)
        if lock:
            words = open(lock).read()
            os.kill(int(words.split("pid ")[1].split(":")[0]), signal.SIGTERM)
        else:
            os.write(fd, bytes.fromhex(deed))
ended, status = os.waitpid(pid, os.WNOHANG)
for _ in range(100):
    if ended: break
    time.sleep(0.05)
    ended, status = os.waitpid(pid, os.WNOHANG)
sys.stdout.buffer.write(said)
sys.stdout.flush()
if not ended:
    os.kill(pid, signal.SIGKILL)
    sys.exit(99)
sys.exit(os.waitstatus_to_exitcode(status) % 256)
"#;

impl Host {
    /// Runs `dokku ARGS...` on a terminal, and does `deed` once it has said `asked`. What the terminal showed is `stderr`.
    pub fn on_terminal(&self, args: &[&str], asked: &str, deed: Deed) -> Run {
        let dokku = self.dokku_command(args);
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let (typed, lock) = match deed {
            Deed::Types(bytes) => (hex(bytes), String::new()),
            Deed::Terminates(lock) => (String::new(), lock.display().to_string()),
        };
        let mut command = self.command("python3");
        command.args(["-c", PERSON, asked, &typed, &lock]).arg(dokku.get_program()).args(dokku.get_args());
        command.stdin(Stdio::null()).env("TERM", "xterm");
        let output = command.output().expect("python3");
        let shown = String::from_utf8_lossy(&output.stdout).into_owned();
        Run { code: output.status.code(), stdout: Vec::new(), stderr: shown }
    }
}
