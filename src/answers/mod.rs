//! Everything that programs may read: the types that are printed as JSON, and a schema of each, generated from the very
//! type. No field is ever absent: null stands for what is not known; times are UTC, sizes are bytes. A new answer is a
//! type in this folder and a line in [`schemas`]; `make schema` writes `docs/schema/`. Only the failure with which a
//! command ends lies with `ui`, which prints it.

mod backup;
mod health;
mod notification;
mod others;
mod report;
mod retention;
mod schedule;
mod sync;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};

use crate::ui::FailureJson;

pub use backup::{BackupJson, DestinationJson, copy_of};
pub use health::{Brief, Check, HostHealth, ServiceHealth};
pub use notification::{FailedBackup, TriedAddress};
pub use others::{Downloaded, LogLines, Unscheduled, Version};
pub use report::{Destroy, GlobalReport, GlobalValues, GrantJson, Offsite, OwnValues, Report, Reports, Rights, Values};
pub use retention::{DecisionJson, PrunedJson};
pub use schedule::{ScheduleJson, schedule_report, timing};
pub use sync::{Lost, Refused, Synced, TakenOver};

/// One document and where it appears.
#[derive(Debug)]
pub struct Answer {
    /// Name of the schema's file, without ending.
    pub name: &'static str,
    /// Who prints it, and when.
    pub title: &'static str,
    /// Its schema.
    pub schema: Schema,
}

/// Every document there is.
pub fn schemas() -> Vec<Answer> {
    vec![
        answer::<BackupJson>(
            "backup",
            "One backup: info; export, verify, import and fork of one backup; keep; of reset, what was there before",
        ),
        answer::<Vec<BackupJson>>("backups", "Backups: list, delete; export and verify where several can be meant"),
        answer::<Option<BackupJson>>("cancelled", "cancel: the backup that was worked on; null where there was none"),
        answer::<Check>("check", "The verdict of check"),
        answer::<FailureJson>("error", "The last line on stderr of every command that fails"),
        answer::<Downloaded>("download", "download -o FILE"),
        answer::<LogLines>("logs", "What was logged for one backup"),
        answer::<FailedBackup>("notification", "The document that notify-url is sent"),
        answer::<TriedAddress>(
            "notification-test",
            "The document that an address is sent when it is set as notify-url",
        ),
        answer::<Vec<PrunedJson>>("prune", "What prune removed, or would, service by service"),
        answer::<Report>("report", "report of one service"),
        answer::<GlobalReport>("report-global", "report --global"),
        answer::<Reports>("reports", "report of all services, by their names"),
        answer::<ScheduleJson>("schedule", "A schedule that was made or changed"),
        answer::<Vec<ScheduleJson>>("schedules", "Schedules"),
        answer::<Vec<Synced>>("sync", "What sync found, service by service"),
        answer::<Unscheduled>("unschedule", "Schedules that were removed"),
        answer::<Version>("version", "version"),
    ]
}

fn answer<T: JsonSchema>(name: &'static str, title: &'static str) -> Answer {
    // What is written is described, not what would be read: a field that may be null is still always there.
    let mut schema = SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>();
    schema.insert("title".to_owned(), title.into());
    Answer { name, title, schema }
}
