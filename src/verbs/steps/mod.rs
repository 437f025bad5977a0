//! Steps that several verbs share.

mod choose;
mod code;
mod crontab;
mod dump;
mod expiry;
mod facts;
mod health;
mod history;
mod host;
mod plan;
mod prove;
mod read_bytes;
mod recover;
mod replace;
mod resolve;
mod scheduled;
mod tell;
mod verify;

pub use choose::{Purpose, choose, usable};
pub use code::redeploy;
pub use crontab::renew_crontab;
pub use dump::{Wanted, dump, safety_backup};
pub use expiry::realign;
pub use health::{Health, health};
pub use history::{begin_restore, note};
pub use host::host;
pub use plan::show_plan;
pub use prove::{Proven, mark_damage, prove};
pub use read_bytes::read_bytes;
pub use recover::{acquire, open, settle};
pub use replace::{Filling, in_place, replace};
pub use resolve::{all_known, every_service, folder_for_reading, is_live, resolve};
pub use scheduled::{Turn, take_turn};
pub use tell::{tell, untold};
pub use verify::verify;
