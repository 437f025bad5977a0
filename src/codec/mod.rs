//! From a dump to its stored form and back: compressed, then encrypted, each only where asked for. Both ways bytes pass
//! through in constant memory, and an end that was not reached is never mistaken for one.

mod decode;
mod encode;
mod header;
mod keys;

pub use decode::{Decoder, anywhere, decode};
pub use encode::Encoder;
pub use keys::{Identities, Recipients};

#[cfg(test)]
mod tests;
