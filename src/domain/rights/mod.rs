//! Who may do what: rights, who holds them, and the decision. Pure; reading and keeping them is `rights`' matter.

mod grants;
mod key_name;
mod right;
mod who;

pub use grants::{Grant, Grants, Revoked};
pub use key_name::{KeyName, WrongKeyName};
pub use right::{Right, Rights};
pub use who::Who;
