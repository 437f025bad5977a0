//! The names of the SSH keys that Dokku lets in, as `ssh-keys:list` shows them.

use std::collections::BTreeSet;

use crate::settings::Settings;
use crate::sys::dir::Dir;

/// Most that is read of the file of keys.
const LONGEST: u64 = 16 << 20;

/// The names; `None` where that cannot be known. They stand in the command that sshd starts for a key, written by
/// `sshcommand acl-add`: `command="FINGERPRINT=... NAME=\"alice\" ..." ssh-ed25519 ...`.
pub fn key_names(settings: &Settings) -> Option<BTreeSet<String>> {
    let keys = Dir::open(&settings.apps_root.join(".ssh")).and_then(|dir| dir.read("authorized_keys"));
    let bytes = keys.and_then(|file| file.read_whole(LONGEST)).ok()?;
    Some(String::from_utf8_lossy(&bytes).lines().filter_map(name).map(str::to_owned).collect())
}

fn name(line: &str) -> Option<&str> {
    if line.trim_start().starts_with('#') {
        return None;
    }
    let (_, rest) = line.split_once(" NAME=")?;
    let name = match rest.strip_prefix("\\\"") {
        Some(quoted) => quoted.split("\\\"").next()?,
        None => rest.split([' ', '"']).next()?,
    };
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn names_stand_in_the_command_of_a_key() {
        let of = |name: &str| {
            format!("command=\"FINGERPRINT=SHA256:x {name} `cat /home/dokku/.sshcommand` $X\",no-pty ssh-rsa A c")
        };
        assert_eq!(name(&of("NAME=\\\"alice\\\"")), Some("alice"));
        assert_eq!(name(&of("NAME=default")), Some("default"));
        for none in ["", "# NAME=x", "ssh-rsa AAAA me@host", &of("NAME=\\\"\\\"")] {
            assert_eq!(name(none), None, "{none}");
        }
    }
}
