//! What a verb takes of its caller.

use crate::domain::Right;

/// What is asked of a caller for one service.
#[derive(Debug)]
pub struct Part {
    /// Rights of ours.
    pub rights: &'static [Right],
    /// The datastore plugin's command that must be allowed too: `export` for `postgres:export`.
    pub stock: Option<&'static str>,
}

/// What a verb takes.
#[derive(Debug)]
pub struct Rule {
    /// The verb.
    pub verb: &'static str,
    /// Who is asked about.
    pub to: To,
}

/// Whom a verb is for.
#[derive(Debug)]
pub enum To {
    /// Everybody: it shows nothing that is anybody's, or Dokku itself calls it.
    All,
    /// Root at this host's shell.
    Root,
    /// Who has these rights.
    Holder {
        /// On the service that is named.
        service: Part,
        /// On another one that it reads from or makes, and what that one is.
        other: Option<(&'static str, Part)>,
        /// On the named one too, where the verb would do this.
        further: Option<(&'static str, Part)>,
    },
}
