//! Everything that programs may read: the types that are printed as JSON, and a schema of each, generated from the very
//! type. No field is ever absent: null stands for what is not known; times are UTC, sizes are bytes. A new answer is a
//! type in this folder and a line in `answers!`; `make schema` writes `docs/schema/`.

mod archive;
mod backup;
mod changes;
mod failure;
mod health;
mod notification;
mod others;
mod report;
mod retention;
mod schedule;
mod schema;
mod settings;
mod sync;
mod words;

pub use backup::{BackupJson, Backups, Cancelled, CopyJson, OriginWord, copy_of};
pub use changes::{Begun, Changed, RightsChanged};
pub use failure::{ErrorJson, FailureJson};
pub use health::{Brief, Check, HostHealth, ServiceHealth};
pub use notification::{Event, FailedBackup, FailedVerification, TriedAddress};
pub use others::{Downloaded, Forgotten, LogLines, Unscheduled, Version};
pub use report::{Copies, Destroy, GlobalReport, GrantJson, Report, Reports, Rights, RightsState};
pub use retention::{DecisionJson, PrunedJson, Prunes};
pub use schedule::{RunStatus, ScheduleJson, Schedules, schedule_report, timing};
pub use schema::{Described, schema};
pub use settings::{GlobalSettings, ServiceSettings, Setting};
pub use sync::{Lost, Refused, Synced, Syncs, TakenOver};
pub use words::{Words, listing, words};

use crate::ui::Answer;

/// What an answer's schema is called, and who prints it.
macro_rules! answers {
    ($($type:ty => $name:literal, $title:literal;)+) => {
        $(impl Answer for $type {
            const NAME: &'static str = $name;
            const TITLE: &'static str = $title;
        })+

        /// Every document there is, with its schema.
        pub fn schemas() -> Vec<Described> {
            vec![$(schema::<$type>()),+]
        }
    };
}

answers! {
    BackupJson<'_> => "backup",
        "One backup: info; export, verify, import and fork of one backup; keep; of reset, what was there before";
    Backups<'_> => "backups", "Backups: list, delete; export and verify where several can be meant";
    Cancelled<'_> => "cancelled", "cancel: the backup that was worked on";
    Changed<'_> => "set", "set: what was changed, and all that is set now";
    RightsChanged<'_> => "rights", "grant, revoke: what was given or taken";
    Begun<'_> => "begun", "sync --detach: what goes on by itself";
    Check<'_> => "check", "The verdict of check";
    FailureJson<'_> => "error", "The last line on stderr of every command that fails";
    Downloaded<'_> => "download", "download -o FILE";
    Forgotten<'_> => "forget", "forget";
    LogLines<'_> => "logs", "What was logged for one backup";
    FailedBackup<'_> => "notification", "The document that notify-url is sent";
    FailedVerification<'_> => "notification-verification", "The document that notify-url is sent when a backup does not restore";
    TriedAddress<'_> => "notification-test", "The document that an address is sent when it is set as notify-url";
    Prunes<'_> => "prune", "What prune removed, or would, service by service";
    Report<'_> => "report", "report of one service";
    GlobalReport => "report-global", "report --global";
    Reports<'_> => "reports", "report of all services";
    ScheduleJson<'_> => "schedule", "A schedule that was made or changed";
    Schedules<'_> => "schedules", "Schedules";
    Syncs => "sync", "What sync found, service by service";
    Unscheduled<'_> => "unschedule", "Schedules that were removed";
    Version => "version", "version";
}
