//! Steps that several verbs share.

mod choose;
mod dump;
mod facts;
mod prove;
mod recover;
mod resolve;

pub use choose::{Purpose, choose};
pub use dump::{Wanted, dump};
pub use prove::{Proven, prove};
pub use recover::open;
pub use resolve::{all_known, folder_for_reading, resolve};
