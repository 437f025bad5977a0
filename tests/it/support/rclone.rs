//! `rclone serve s3`, which many have on a NAS: a server that knows less of S3 than others. One for each test, over a
//! folder of its own.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::lack::left_out;
use super::repository;
use super::s3::S3;

/// A running server; it goes with this value.
pub struct Rclone {
    /// How to reach it.
    pub s3: &'static S3,
    server: Child,
    /// A bucket is a folder there, an object a file; gone after the server.
    _folder: TempDir,
}

impl Drop for Rclone {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

impl Rclone {
    /// Starts one; `None` where the machine has none and the test is left out.
    pub fn up() -> Option<Rclone> {
        let program = program()?;
        let folder = tempfile::tempdir().expect("a folder");
        let (key_id, secret) = ("RCLONEKEY0123456789".to_owned(), "rclone-secret-0123456789".to_owned());
        let mut command = Command::new("setpriv");
        // Whoever kills the test kills the server too.
        command.args(["--pdeathsig", "KILL"]).arg(program).args(["serve", "s3", "--config", "/dev/null"]);
        command.args(["--addr", "127.0.0.1:0", "--auth-key", &format!("{key_id},{secret}")]).arg(folder.path());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut server = command.spawn().expect("rclone");
        let mut said = BufReader::new(server.stderr.take().expect("its stderr")).lines();
        // It says `Starting s3 server on [http://127.0.0.1:PORT/]`.
        let endpoint = said.find_map(|line| {
            let line = line.expect("a line");
            Some(line.split_once("server on [")?.1.split_once("/]")?.0.to_owned())
        });
        let endpoint = endpoint.expect("rclone ends before it serves");
        // Whatever else it says is read, lest it waits for a reader.
        std::thread::spawn(move || said.for_each(drop));
        let s3 = Box::leak(Box::new(S3 { endpoint, key_id, secret }));
        Some(Rclone { s3, server, _folder: folder })
    }
}

/// The one that `scripts/prerequisites` has brought.
fn program() -> Option<PathBuf> {
    let program = repository().join("target/tools/rclone");
    if program.is_file() {
        return Some(program);
    }
    left_out("rclone", "there is no target/tools/rclone; see scripts/prerequisites");
    None
}
