//! The grammar: one definition for parsing, help and the man page. What a verb takes stands in the verb's own file.

use clap::{Parser, Subcommand};

use super::cancel::CancelArgs;
use super::check::CheckArgs;
use super::delete::DeleteArgs;
use super::download::DownloadArgs;
use super::export::ExportArgs;
use super::forget::ForgetArgs;
use super::fork::ForkArgs;
use super::grant::GrantArgs;
use super::import::ImportArgs;
use super::info::InfoArgs;
use super::keep::KeepArgs;
use super::list::ListArgs;
use super::logs::LogsArgs;
use super::prune::PruneArgs;
use super::report::ReportArgs;
use super::reset::ResetArgs;
use super::revoke::RevokeArgs;
use super::schedule::ScheduleArgs;
use super::schedules::SchedulesArgs;
use super::set::SetArgs;
use super::sync::SyncArgs;
use super::unschedule::UnscheduleArgs;
use super::verify::VerifyArgs;
use crate::ui::Format;

/// Backups for Dokku datastores that are checked, listed and restored truthfully.
#[derive(Debug, Parser)]
#[command(name = "dokku", bin_name = "dokku", version, disable_help_subcommand = true, subcommand_value_name = "VERB")]
pub struct Cli {
    /// Print warnings and errors only (Dokku's global flag).
    #[arg(long, global = true, hide = true)]
    pub quiet: bool,
    /// Do not ask, and lift the safety rules that say so (Dokku's global flag).
    #[arg(long, global = true)]
    pub force: bool,
    /// Print what is done in detail (Dokku's global flag).
    #[arg(long, global = true, hide = true)]
    pub trace: bool,
    /// Dokku's global flag for commands about an app; ours are about services and pay no heed to it.
    #[arg(long, global = true, hide = true, num_args = 0..=1, value_name = "APP")]
    pub app: Option<Option<String>>,
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// The verbs; `backups:VERB` on the line.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Back up services; prints the backup's id
    #[command(
        after_help = "Examples:\n  dokku backups:export my-db\n  dokku backups:export --all\n  dokku backups:export my-db --compression zstd\n  ssh dokku@host backups:export my-db --at 2026-04-08T14:30:00Z"
    )]
    Export(ExportArgs),
    /// List backups, newest first
    #[command(
        after_help = "Examples:\n  dokku backups:list my-db\n  dokku backups:list --status failed\n  dokku backups:list my-db --format json"
    )]
    List(ListArgs),
    /// Show everything about one backup
    #[command(
        after_help = "Examples:\n  dokku backups:info my-db --latest\n  dokku backups:info my-db --id my-db-2026-04-08-14-30-00 --format json\n  dokku backups:info my-db --id my-db-2026-04-08-14-30-00 --wait 600"
    )]
    Info(InfoArgs),
    /// Show what was logged for one backup
    #[command(
        after_help = "Examples:\n  dokku backups:logs my-db --latest\n  dokku backups:logs my-db --latest --tail"
    )]
    Logs(LogsArgs),
    /// Restore a backup into a live service; destructive
    #[command(
        after_help = "Examples:\n  dokku backups:import my-db --latest\n  dokku backups:import my-db --id my-db-2026-04-08-14-30-00 --force\n  dokku backups:import staging-db --from-service my-db --latest\n  ssh dokku@host -- --force backups:import my-db --file - < dump.sql.gz\n  dokku backups:import my-db --url https://dumps.example.com/shop.dump --no-restore\n  echo postgres://me:password@db.example.com/shop | dokku backups:import my-db --from - --no-restore"
    )]
    Import(ImportArgs),
    /// Show that backups restore: into a disposable database, and compare
    #[command(
        after_help = "Examples:\n  dokku backups:verify my-db --latest\n  dokku backups:export my-db && dokku backups:verify my-db --latest\n  dokku backups:verify my-db --all\n  ssh dokku@host backups:verify my-db --latest --identity - < backups.key"
    )]
    Verify(VerifyArgs),
    /// Make a new service from a backup
    #[command(
        after_help = "Examples:\n  dokku backups:fork my-db --latest practice-db\n  dokku backups:fork my-db --id my-db-2026-04-08-14-30-00 practice-db"
    )]
    Fork(ForkArgs),
    /// Back to the state of a new service, same connection; destructive
    #[command(after_help = "Examples:\n  dokku backups:reset practice-db\n  dokku backups:reset practice-db --force")]
    Reset(ResetArgs),
    /// Set or clear a property
    #[command(override_usage = "dokku backups:set <--global|SERVICE> <KEY> [VALUE]", after_help = super::set::help())]
    Set(SetArgs),
    /// Show how safe services are, and what is set
    #[command(
        after_help = "Examples:\n  dokku backups:report my-db\n  dokku backups:report --format html >status.html\n  dokku backups:report --global --format json"
    )]
    Report(ReportArgs),
    /// Say whether every service is safe: one verdict each, for monitors
    #[command(
        after_help = "Exit code 1 when anything is failing, 0 when all is well or there are only warnings.\n\nWhat is late: a scheduled backup after 2 hours; a copy after a day; a new service without a backup after a day. What is a warning: a newest backup older than 7 days where no schedule makes one; a verification older than 30 days.\n\nExamples:\n  dokku backups:check\n  dokku backups:check my-db --read\n  dokku --quiet backups:check --format json"
    )]
    Check(CheckArgs),
    /// Copy a backup to stdout, or to a file on the server
    #[command(
        after_help = "Examples:\n  ssh dokku@host backups:download my-db --latest > my-db.dump\n  dokku backups:download my-db --id my-db-2026-04-08-14-30-00 -o /tmp/my-db.dump\n  dokku backups:download my-db --latest --compression zstd | ssh other 'cat > my-db.dump.zst'"
    )]
    Download(DownloadArgs),
    /// Delete backups; their records stay
    #[command(
        after_help = "Examples:\n  dokku backups:delete my-db --id my-db-2026-04-08-14-30-00\n  dokku backups:delete my-db --id ID --id ID --force"
    )]
    Delete(DeleteArgs),
    /// Forget a destroyed service whose backups are deleted: records, schedules, settings
    #[command(after_help = "Examples:\n  dokku backups:forget my-old-db\n  dokku --force backups:forget my-old-db")]
    Forget(ForgetArgs),
    /// Exempt a backup from retention, for ever
    #[command(
        after_help = "Examples:\n  dokku backups:keep my-db --id my-db-2026-04-08-14-30-00\n  dokku backups:keep my-db --id my-db-2026-04-08-14-30-00 --release"
    )]
    Keep(KeepArgs),
    /// Remove the backups that have expired; never the newest good one
    #[command(
        after_help = "Examples:\n  dokku backups:prune my-db --dry-run\n  dokku backups:prune\n  dokku backups:set my-db retention 30"
    )]
    Prune(PruneArgs),
    /// End what is being done to a service, or to one backup
    #[command(
        after_help = "Examples:\n  dokku backups:cancel my-db\n  dokku backups:cancel my-db --id my-db-2026-04-08-14-30-00"
    )]
    Cancel(CancelArgs),
    /// Compare records with what is there, and put them right
    #[command(
        after_help = "Examples:\n  dokku backups:sync\n  dokku backups:sync my-db\n  dokku backups:sync my-db --adopt /var/backups/platform"
    )]
    Sync(SyncArgs),
    /// Back up a service every hour, day or week
    #[command(
        after_help = "Examples:\n  dokku backups:schedule my-db daily --at 03:30 --timezone Europe/Berlin\n  dokku backups:schedule my-db hourly --at :15 --retention 3\n  dokku backups:schedule my-db weekly --day sun --at 04:00\n  dokku backups:schedule my-db daily --retention 10"
    )]
    Schedule(ScheduleArgs),
    /// Stop backing up by a schedule; what it has made stays
    #[command(after_help = "Examples:\n  dokku backups:unschedule my-db daily\n  dokku backups:unschedule my-db --all")]
    Unschedule(UnscheduleArgs),
    /// Show schedules: the last run of each, and the next
    #[command(after_help = "Examples:\n  dokku backups:schedules\n  dokku backups:schedules my-db --format json")]
    Schedules(SchedulesArgs),
    /// What the crontab runs every minute: whatever is due.
    #[command(hide = true)]
    Tick,
    /// Give an SSH key rights; the first grant switches rights on
    #[command(after_help = super::grant::help())]
    Grant(GrantArgs),
    /// Take rights from an SSH key, or switch rights off
    #[command(
        after_help = "Examples:\n  dokku backups:revoke ci create my-db\n  dokku backups:revoke alice read,create,update,delete\n  dokku backups:revoke --all"
    )]
    Revoke(RevokeArgs),
    /// Print the version
    Version {
        /// What to print.
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Show help for all verbs or for one
    Help {
        /// The verb to explain.
        verb: Option<String>,
        /// As Dokku passes it on; nothing is left out anyway.
        #[arg(long, hide = true)]
        all: bool,
    },
    /// What the install script writes down for bash.
    #[command(name = "commands:completion", hide = true)]
    Completion,
    /// What `dokku help` asks every plugin.
    #[command(name = "commands:help", hide = true)]
    HelpLine {
        /// As Dokku passes it on.
        #[arg(hide = true, trailing_var_arg = true, allow_hyphen_values = true)]
        rest: Vec<String>,
    },
    /// Dokku's service-action trigger: the gate before a service is destroyed.
    #[command(name = "trigger:service-action", hide = true)]
    TriggerServiceAction {
        /// As Dokku passes it on.
        #[arg(hide = true, trailing_var_arg = true, allow_hyphen_values = true)]
        rest: Vec<String>,
    },
    /// Dokku's builder-release trigger: backups before an app's release.
    #[command(name = "trigger:builder-release", hide = true)]
    TriggerBuilderRelease {
        /// As Dokku passes it on.
        #[arg(hide = true, trailing_var_arg = true, allow_hyphen_values = true)]
        rest: Vec<String>,
    },
    /// Dokku's cron-entries trigger: the line of the crontab that runs the scheduler.
    #[command(name = "trigger:cron-entries", hide = true)]
    TriggerCronEntries {
        /// As Dokku passes it on.
        #[arg(hide = true, trailing_var_arg = true, allow_hyphen_values = true)]
        rest: Vec<String>,
    },
    /// Dokku's install trigger, after the binary is in its place.
    #[command(name = "trigger:install", hide = true)]
    TriggerInstall {
        /// As Dokku passes it on.
        #[arg(hide = true)]
        rest: Vec<String>,
    },
}

impl Verb {
    /// Whether it replaces or removes something once it is forced.
    pub fn is_destructive(&self) -> bool {
        matches!(self, Verb::Import(_) | Verb::Reset(_) | Verb::Delete(_) | Verb::Forget(_))
    }

    /// Whether it is to go on without its caller.
    pub fn detaches(&self) -> bool {
        match self {
            Verb::Export(args) => args.detach,
            Verb::Verify(args) => args.detach,
            Verb::Import(args) => args.detach,
            Verb::Fork(args) => args.detach,
            Verb::Reset(args) => args.detach,
            Verb::Sync(args) => args.detach,
            _ => false,
        }
    }

    /// Whether root's own start of it must become Dokku's system user first. Laying out folders below `/var/lib/dokku`
    /// needs root; help, version and the line for the crontab need no Dokku at all.
    pub fn leaves_root(&self) -> bool {
        let as_it_is = matches!(self, Verb::TriggerInstall { .. } | Verb::TriggerCronEntries { .. } | Verb::Completion);
        !as_it_is && !matches!(self, Verb::Version { .. } | Verb::Help { .. } | Verb::HelpLine { .. })
    }
}
