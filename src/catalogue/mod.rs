//! All backups of one service: dumps, their records, the index over them, and the lock.
//!
//! Order of writes: dump, record, index; each is durable before the next begins. A reader takes no lock: it lists the
//! folder, takes from the index what still matches the record's own file, and reads the rest from the records. The
//! index is therefore only ever a shortcut; what it says wrongly nobody believes.

mod arrival;
mod audit;
mod draft;
mod folder;
mod host_key;
mod in_use;
mod index;
mod job;
mod journal;
mod locked;
mod log;
mod mark;
mod marking;
mod names;
mod record;
mod records;
mod recovery;
mod replacement;
mod root;
mod sidecar;
mod view;

use crate::document;

pub use arrival::Arrival;
pub use audit::Audit;
pub use draft::{Draft, Sealed};
pub use folder::{Folder, Seals};
pub use host_key::host_id;
pub use in_use::{InUse, UPLOAD, VERIFY, is_worked_on};
pub use job::{Job, Request};
pub use journal::Journal;
pub use locked::LockedCatalogue;
pub use log::Log;
pub use mark::Mark;
pub use recovery::{Orphan, Recovered};
pub use root::{Root, Stray, lay_out};
pub use sidecar::{Sidecar, sidecar_name};
pub use view::{Detail, View};
