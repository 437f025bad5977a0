//! Dumps from elsewhere, on their way into the catalogue.

mod adopt;
mod folder;
mod foreign_name;
mod source;
mod take_in;
mod tar;
mod unpack;
mod utf16;

pub use adopt::{Adopted, adopt_from};
pub use source::Foreign;
pub use take_in::bring_in;
pub use unpack::{Bytes, Unpacked, unpack};
