//! The nouns, without any input or output: values that cannot be wrong, and the rules between them.

mod backup;
mod backup_id;
mod bucket;
mod calendar;
mod copy;
mod finding;
mod form;
mod health;
mod retention;
mod rights;
mod room;
mod run;
mod schedule;
mod scrub;
mod service;
mod shrink;
mod state;
mod swap;

pub use backup::{AppCode, Backup, Outcome, Restore, Source, TableRows, Verification};
pub use backup_id::{BackupId, WrongId, spell};
pub use bucket::{Bucket, WrongBucket, id_of_file};
pub use calendar::reading;
pub use copy::{CopyState, Destination};
pub use finding::{Finding, Level, verdict};
pub use form::{Compression, Form, Place};
pub use health::{GRACE, Look, is_sound, spell_age};
pub use retention::{Action, Decision, Plan, Policy, RETENTION, plan};
pub use rights::{Grant, Grants, KeyName, Revoked, Right, Rights, Who, WrongKeyName};
pub use room::room_needed;
pub use run::{ABANDONED, Owed, Progress, Run, RunState, Runs, Todo};
pub use schedule::{Frequency, MOST_BACKUPS, Schedule, Timing};
pub use scrub::scrub;
pub use service::{Datastore, Service, ServiceName, WrongName};
pub use shrink::suspicion;
pub use state::{Listed, Presence, Status, Trust, newest_good};
pub use swap::{Swap, Swapped};
