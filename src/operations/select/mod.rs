//! From the words on the command line to a service and to one of its backups. Knows who may see what; knows nothing of dumps.

mod backup;
mod service;

pub use backup::{choose, no_such, usable};
pub use service::{
    all_known, every_service, folder_for_reading, is_live, permitted, resolve, resolve_other, service_of_grant,
};
