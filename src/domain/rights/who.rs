//! Whose call it is, as Dokku's entry says it. A key's name counts before everything else: only the host's own
//! `authorized_keys` sets it, and nobody who is called by it can take it off again.

use std::fmt;

/// Whose call it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Who {
    /// The host itself: its scheduler, or a process of Dokku's own user.
    #[default]
    Host,
    /// Root at this host's shell.
    Root,
    /// Another login of this host, which may become Dokku's user.
    Login(String),
    /// The holder of an SSH key.
    Key {
        /// The key's name; empty where it has none.
        name: String,
        /// Its fingerprint, where it is known.
        fingerprint: Option<String>,
    },
}

impl Who {
    /// From `SSH_USER`, `NAME` and `FINGERPRINT`; an unset variable is the empty word.
    pub fn new(ssh_user: &str, name: &str, fingerprint: &str) -> Who {
        match (name, fingerprint, ssh_user) {
            ("", "", "") => Who::Host,
            ("", "", "root") => Who::Root,
            ("", "", login) => Who::Login(login.to_owned()),
            (name, print, _) => Who::Key {
                name: name.to_owned(),
                fingerprint: Some(print.to_owned()).filter(|print| !print.is_empty()),
            },
        }
    }

    /// What sort it is, for the audit log.
    pub fn kind(&self) -> &'static str {
        match self {
            Who::Host => "host",
            Who::Root => "root",
            Who::Login(_) => "login",
            Who::Key { .. } => "key",
        }
    }

    /// Whether a policy that cannot be read denies them. Root mends it; the host's own backups go on meanwhile.
    pub fn needs_whole_policy(&self) -> bool {
        matches!(self, Who::Login(_) | Who::Key { .. })
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Who::Host => f.write_str("the host"),
            Who::Root => f.write_str("root"),
            Who::Login(name) => f.write_str(name),
            Who::Key { name, .. } if name.is_empty() => f.write_str("a key without a name"),
            Who::Key { name, .. } => f.write_str(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_key_whatever_else_is_said() {
        let key =
            |name: &str, print: Option<&str>| Who::Key { name: name.into(), fingerprint: print.map(str::to_owned) };
        assert_eq!(Who::new("dokku", "alice", "SHA256:x"), key("alice", Some("SHA256:x")));
        assert_eq!(Who::new("root", "alice", ""), key("alice", None));
        assert_eq!(Who::new("root", "", "SHA256:x"), key("", Some("SHA256:x")));
        assert_eq!(Who::new("root", "default", ""), key("default", None));
        assert_eq!(Who::new("root", "", ""), Who::Root);
        assert_eq!(Who::new("", "", ""), Who::Host);
        assert_eq!(Who::new("alice", "", ""), Who::Login("alice".into()));
    }
}
