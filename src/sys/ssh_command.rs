//! The line that a caller sent over SSH, as sshd put it into the environment of the process that it started for Dokku.
//! Dokku takes it out of the environment of its children; what we are given are the words it made of it.

use std::fs;
use std::io;

use nix::unistd::getppid;

const VARIABLE: &[u8] = b"SSH_ORIGINAL_COMMAND=";
/// Dokku's entry and the shells around it are three or four.
const MOST: usize = 64;

/// What was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sent {
    /// No line: we were not called through Dokku's SSH entry.
    Nothing,
    /// This line.
    Line(Vec<u8>),
    /// That cannot be learnt on this host.
    Unknown,
}

/// Looks for the line among the processes above us.
pub fn sent() -> Sent {
    let mut pid = getppid().as_raw();
    for _ in 0..MOST {
        if pid <= 1 {
            return Sent::Nothing;
        }
        match (fs::read(format!("/proc/{pid}/environ")), fs::read_to_string(format!("/proc/{pid}/stat"))) {
            // Somebody else's: sshd itself, or the shell of whoever called us through sudo.
            (Err(e), _) if e.kind() == io::ErrorKind::PermissionDenied => return Sent::Nothing,
            (Ok(environ), Ok(stat)) => {
                let mut variables = environ.split(|byte| *byte == 0);
                if let Some(line) = variables.find_map(|variable| variable.strip_prefix(VARIABLE)) {
                    return Sent::Line(line.to_owned());
                }
                match parent(&stat) {
                    Some(parent) => pid = parent,
                    None => return Sent::Unknown,
                }
            }
            _ => return Sent::Unknown,
        }
    }
    Sent::Unknown
}

/// The fourth word of `/proc/PID/stat`; the second, the name, may hold anything.
fn parent(stat: &str) -> Option<i32> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parent_is_found_behind_any_name() {
        assert_eq!(parent("7 (a) b) R 42 7 7 0"), Some(42));
        assert_eq!(parent("7"), None);
    }
}
