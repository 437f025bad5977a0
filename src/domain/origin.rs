//! Whose dump is it? Decided here, once: a dump is code, and only what this host made of this very service may run with the
//! rights that the service's owner has anyway.

use super::{Backup, Service, Source};

/// Whose dump it is, from the side of the service it is to go into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// This host made it of this very service, and its record is this host's.
    Own,
    /// Anybody else's; why, in words that complete "made elsewhere: ...".
    Foreign(String),
}

impl Origin {
    /// Whether it may run with the rights of the service's owner.
    pub fn is_own(&self) -> bool {
        matches!(self, Origin::Own)
    }
}

impl Backup {
    /// Whose dump it is for `target`.
    pub fn origin(&self, target: &Service) -> Origin {
        if let Some(why) = &self.foreign {
            Origin::Foreign(why.words())
        } else if self.source == Source::Imported {
            Origin::Foreign("it was taken in from a file, an address or another server".to_owned())
        } else if self.service != target.name || self.datastore != target.datastore {
            Origin::Foreign(format!("it is a backup of {}", self.service))
        } else {
            Origin::Own
        }
    }
}
