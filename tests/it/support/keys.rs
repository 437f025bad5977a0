//! Pairs of keys, made and used by the real `age` programs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{Host, Run, finish};

/// A pair: the file with the private key, and the public one.
pub struct Pair {
    /// The file, as `age-keygen` writes it.
    pub file: PathBuf,
    /// What dumps are encrypted to.
    pub public: String,
    /// The private key itself, which must appear nowhere.
    pub private: String,
}

impl Pair {
    /// The file's path as an argument.
    pub fn path(&self) -> &str {
        self.file.to_str().expect("a path")
    }
}

impl Host {
    /// A new pair whose file belongs to the sandbox's user and is closed to others.
    pub fn pair(&self, name: &str) -> Pair {
        let made = Command::new("age-keygen").output().expect("age-keygen");
        let text = String::from_utf8(made.stdout).expect("text");
        let line = |start: &str| text.lines().find_map(|line| line.strip_prefix(start)).expect(start).to_owned();
        let file = self.dir().join(format!("{name}.key"));
        self.put(&file, text.as_bytes(), 0o600);
        let private = format!("AGE-SECRET-KEY-{}", line("AGE-SECRET-KEY-"));
        Pair { file, public: line("# public key: "), private }
    }

    /// The path of a stored dump, as `info` tells it.
    pub fn stored(&self, service: &str, id: &str) -> PathBuf {
        PathBuf::from(self.info(service, id)["path"].as_str().expect("a path"))
    }

    /// What the standard tools make of a stored file: the dump itself.
    #[track_caller]
    pub fn unpacked(&self, path: &Path, key: Option<&Pair>) -> Vec<u8> {
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
        let mut script = "cat".to_owned();
        if let Some(key) = key.filter(|_| name.ends_with(".age")) {
            script += &format!(" | age --decrypt --identity '{}'", key.path());
        }
        if name.contains(".gz") {
            script += " | gunzip";
        } else if name.contains(".zst") {
            script += " | unzstd";
        }
        let mut command = Command::new("bash");
        command.args(["-euo", "pipefail", "-c", &script]).stdin(Stdio::from(fs::File::open(path).expect("the file")));
        finish(command).expect(0).stdout
    }

    /// `backups:set SERVICE KEY VALUE`.
    #[track_caller]
    pub fn set(&self, service: &str, key: &str, value: &str) -> Run {
        self.dokku(&["backups:set", service, key, value]).expect(0)
    }
}
