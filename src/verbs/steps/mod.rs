//! Steps that several verbs share.

mod addresses;
mod adopt;
mod begun;
mod bring_in;
mod choose;
mod code;
mod consent;
mod crontab;
mod dump;
mod expiry;
mod facts;
mod foreign;
mod form;
mod health;
mod history;
mod host;
mod image;
mod jobs;
mod keys;
mod locked_pair;
mod offsite;
mod plan;
mod prove;
mod prune;
mod read_bytes;
mod recover;
mod replace;
mod resolve;
mod scheduled;
mod tell;
mod unpack;
mod verify;
mod way_back;

pub use addresses::{private, reach};
pub use adopt::{Adopted, Refused, adopt_from};
pub use begun::begun;
pub use bring_in::bring_in;
pub use choose::{Purpose, choose, no_such, usable};
pub use code::{redeploy, show_redeploy};
pub use consent::object;
pub use crontab::renew_crontab;
pub use dump::{Wanted, dump, safety_backup};
pub use expiry::{realign, would_hasten};
pub use foreign::Foreign;
pub use form::Stored;
pub use health::{Health, health};
pub use history::{begin_restore, note};
pub use host::host;
pub use image::{image, image_of};
pub use jobs::{all_jobs, how_it_ended, jobs_about, wait_for_jobs};
pub use keys::Keys;
pub use locked_pair::{LockedPair, patience};
pub use offsite::{
    Eagerness, Reached, Rebuilt, Strangers, catch_up, fetch, fetch_now, has_own_key, is_copy_due, not_copied, place,
    probe_name, rebuild, refresh, remove_copy, services_elsewhere, upload_pending,
};
pub use plan::show_plan;
pub use prove::{check_bytes, damaged, is_recorded, mark_damage, open_dump, prove, seen};
pub use prune::{Origins, Pruned, destroyed_at, prune, prune_after, prune_plan};
pub use read_bytes::read_bytes;
pub use recover::{acquire, open, settle};
pub use replace::{in_place, replace};
pub use resolve::{
    all_known, every_service, folder_for_reading, is_live, permitted, resolve, resolve_other, service_of_grant,
};
pub use scheduled::{Turn, take_turn};
pub use tell::{FailedBackup, tell, untold};
pub use verify::{sweep_killed, verify};
pub use way_back::way_back;
