//! Dumps from elsewhere, on their way into the catalogue.

mod adopt;
mod source;
mod take_in;
mod unpack;

pub use adopt::{Adopted, adopt_from};
pub use source::Foreign;
pub use take_in::bring_in;
pub use unpack::{Bytes, Unpacked, unpack};
