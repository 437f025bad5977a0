//! Steps that several verbs share.

mod choose;
mod code;
mod dump;
mod facts;
mod history;
mod plan;
mod prove;
mod recover;
mod replace;
mod resolve;
mod verify;

pub use choose::{Purpose, choose, usable};
pub use code::redeploy;
pub use dump::{Wanted, dump, safety_backup};
pub use history::{begin_restore, note};
pub use plan::show_plan;
pub use prove::{Proven, mark_damage, prove};
pub use recover::open;
pub use replace::{Filling, in_place, replace};
pub use resolve::{all_known, folder_for_reading, resolve};
pub use verify::verify;
