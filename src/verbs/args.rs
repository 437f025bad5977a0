//! The grammar: one definition for parsing, help and the man page.

use chrono::{DateTime, Utc};
use clap::{Args, Parser, Subcommand};

use crate::domain::{BackupId, Datastore, ServiceName};
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
        after_help = "Examples:\n  dokku backups:export my-db\n  dokku backups:export --all\n  ssh dokku@host backups:export my-db --at 2026-04-08T14:30:00Z"
    )]
    Export(ExportArgs),
    /// List backups, newest first
    #[command(
        after_help = "Examples:\n  dokku backups:list my-db\n  dokku backups:list --status failed\n  dokku backups:list my-db --format json"
    )]
    List(ListArgs),
    /// Show everything about one backup
    #[command(
        after_help = "Examples:\n  dokku backups:info my-db --latest\n  dokku backups:info my-db --id my-db-2026-04-08-14-30-00 --format json"
    )]
    Info(InfoArgs),
    /// Show what was logged for one backup
    #[command(
        after_help = "Examples:\n  dokku backups:logs my-db --latest\n  dokku backups:logs my-db --latest --tail"
    )]
    Logs(LogsArgs),
    /// Restore a backup into a live service; destructive
    #[command(
        after_help = "Examples:\n  dokku backups:import my-db --latest\n  dokku backups:import my-db --id my-db-2026-04-08-14-30-00 --force\n  dokku backups:import staging-db --from-service my-db --latest"
    )]
    Import(ImportArgs),
    /// Show that backups restore: into a disposable database, and compare
    #[command(
        after_help = "Examples:\n  dokku backups:verify my-db --latest\n  dokku backups:export my-db && dokku backups:verify my-db --latest\n  dokku backups:verify my-db --all"
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
    #[command(
        override_usage = "dokku backups:set <--global|SERVICE> <KEY> [VALUE]",
        after_help = "Properties:\n  gate             on or off: refuse to destroy a service without a Restorable backup\n  verify-memory    memory of a verification's disposable database: 512m, 2g\n  restore-timeout  seconds that filling a database may take\n\nExamples:\n  dokku backups:set my-db gate off\n  dokku backups:set --global verify-memory 2g\n  dokku backups:set my-db gate"
    )]
    Set(SetArgs),
    /// Show what is set
    #[command(after_help = "Examples:\n  dokku backups:report my-db\n  dokku backups:report --global --format json")]
    Report(ReportArgs),
    /// Delete backups; their records stay
    #[command(
        after_help = "Examples:\n  dokku backups:delete my-db --id my-db-2026-04-08-14-30-00\n  dokku backups:delete my-db --id ID --id ID --force"
    )]
    Delete(DeleteArgs),
    /// Compare records with what is there, and put them right
    #[command(after_help = "Examples:\n  dokku backups:sync\n  dokku backups:sync my-db")]
    Sync(SyncArgs),
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
    /// Dokku's install trigger, after the binary is in its place.
    #[command(name = "trigger:install", hide = true)]
    TriggerInstall {
        /// As Dokku passes it on.
        #[arg(hide = true)]
        rest: Vec<String>,
    },
}

impl Verb {
    /// Whether root's own start of it must become Dokku's system user first. Laying out folders below `/var/lib/dokku`
    /// needs root; help and version need no Dokku at all.
    pub fn leaves_root(&self) -> bool {
        !matches!(self, Verb::TriggerInstall { .. } | Verb::Version { .. } | Verb::Help { .. } | Verb::HelpLine { .. })
    }
}

/// `[datastore:]name`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceArg {
    /// The datastore, where it was named.
    pub datastore: Option<Datastore>,
    /// The service's name.
    pub name: ServiceName,
}

impl std::str::FromStr for ServiceArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (datastore, name) = match text.split_once(':') {
            Some((word, name)) => {
                let known = Datastore::ALL.iter().find(|datastore| datastore.name() == word);
                let all: Vec<_> = Datastore::ALL.iter().map(|datastore| datastore.name()).collect();
                (Some(*known.ok_or_else(|| format!("datastore not supported; supported: {}", all.join(", ")))?), name)
            }
            None => (None, text),
        };
        Ok(ServiceArg { datastore, name: name.parse().map_err(|e: crate::domain::WrongName| e.to_string())? })
    }
}

/// Exactly one backup of a service.
#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = false)]
pub struct Selector {
    /// The newest one.
    #[arg(long)]
    pub latest: bool,
    /// The one with this id.
    #[arg(long, value_name = "ID")]
    pub id: Option<BackupId>,
}

/// `backups:export`
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Services to back up.
    #[arg(value_name = "SERVICE", required_unless_present = "all")]
    pub services: Vec<ServiceArg>,
    /// Every service.
    #[arg(long, conflicts_with = "services")]
    pub all: bool,
    /// Name the backup by this time instead of now (RFC 3339).
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub at: Option<DateTime<Utc>>,
    /// Verify it at once: restore it into a disposable database and compare.
    #[arg(long)]
    pub verify: bool,
    /// Words to find it by later.
    #[arg(long, value_name = "TEXT", value_parser = parse_label)]
    pub label: Option<String>,
    /// Wait this long when the service is busy.
    #[arg(long, value_name = "SECONDS", default_value_t = 0, hide_default_value = true)]
    pub wait: u32,
    /// What to print.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// `backups:list`
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Only this service.
    pub service: Option<ServiceArg>,
    /// Only backups with this status: in-progress, success or failed.
    #[arg(long, value_parser = ["in-progress", "success", "failed"])]
    pub status: Option<String>,
    /// Paths, hashes, commits, versions, times and errors too.
    #[arg(long)]
    pub verbose: bool,
    /// Deleted ones too.
    #[arg(long)]
    pub deleted: bool,
    /// What to print.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// `backups:info`
#[derive(Debug, Args)]
pub struct InfoArgs {
    /// The service.
    pub service: ServiceArg,
    /// Which of its backups.
    #[command(flatten)]
    pub which: Selector,
    /// What to print.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// `backups:logs`
#[derive(Debug, Args)]
pub struct LogsArgs {
    /// The service.
    pub service: ServiceArg,
    /// Which of its backups.
    #[command(flatten)]
    pub which: Selector,
    /// Follow until nobody works on the service any more.
    #[arg(long)]
    pub tail: bool,
}

/// `backups:import`
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// The service to restore into.
    pub service: ServiceArg,
    /// Which backup.
    #[command(flatten)]
    pub which: Selector,
    /// Take the backup from this service instead.
    #[arg(long, value_name = "SERVICE")]
    pub from_service: Option<ServiceArg>,
    /// Take no safety backup of what is there now.
    #[arg(long)]
    pub no_backup: bool,
    /// Use the stock import, straight into the live database: merges rather than replaces.
    #[arg(long)]
    pub in_place: bool,
    /// Then redeploy the recorded commit of every linked app.
    #[arg(long)]
    pub with_code: bool,
    /// Wait this long when the service is busy.
    #[arg(long, value_name = "SECONDS", default_value_t = 0, hide_default_value = true)]
    pub wait: u32,
    /// What to print.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// `backups:verify`
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("which").required(true).args(["latest", "id", "all"]))]
pub struct VerifyArgs {
    /// The service.
    pub service: ServiceArg,
    /// The newest good backup.
    #[arg(long)]
    pub latest: bool,
    /// The one with this id.
    #[arg(long, value_name = "ID")]
    pub id: Option<BackupId>,
    /// Every good backup, newest first.
    #[arg(long)]
    pub all: bool,
    /// Wait this long for the service to write the result down (at least 600).
    #[arg(long, value_name = "SECONDS", default_value_t = 0, hide_default_value = true)]
    pub wait: u32,
    /// What to print.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// `backups:fork`
#[derive(Debug, Args)]
pub struct ForkArgs {
    /// The service whose backup it is.
    pub service: ServiceArg,
    /// Which backup.
    #[command(flatten)]
    pub which: Selector,
    /// The service to make.
    pub new_service: ServiceArg,
    /// Wait this long when the service is busy.
    #[arg(long, value_name = "SECONDS", default_value_t = 0, hide_default_value = true)]
    pub wait: u32,
    /// What to print.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// `backups:reset`
#[derive(Debug, Args)]
pub struct ResetArgs {
    /// The service.
    pub service: ServiceArg,
    /// Wait this long when the service is busy.
    #[arg(long, value_name = "SECONDS", default_value_t = 0, hide_default_value = true)]
    pub wait: u32,
}

/// `backups:set`
#[derive(Debug, Args)]
pub struct SetArgs {
    /// For every service that has no value of its own.
    #[arg(long)]
    pub global: bool,
    /// The service (unless --global), the property, and its value; without a value it is cleared.
    #[arg(value_name = "SERVICE KEY VALUE", num_args = 0..=3)]
    pub words: Vec<String>,
}

/// `backups:report`
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Only this service.
    #[arg(conflicts_with = "global")]
    pub service: Option<ServiceArg>,
    /// What is set for every service.
    #[arg(long)]
    pub global: bool,
    /// What to print.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// `backups:delete`
#[derive(Debug, Args)]
pub struct DeleteArgs {
    /// The service.
    pub service: ServiceArg,
    /// Ids of the backups to delete.
    #[arg(long = "id", value_name = "ID", required = true)]
    pub ids: Vec<BackupId>,
    /// Wait this long when the service is busy.
    #[arg(long, value_name = "SECONDS", default_value_t = 0, hide_default_value = true)]
    pub wait: u32,
    /// What to print.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// `backups:sync`
#[derive(Debug, Args)]
pub struct SyncArgs {
    /// Only this service.
    pub service: Option<ServiceArg>,
    /// Wait this long when a service is busy.
    #[arg(long, value_name = "SECONDS", default_value_t = 0, hide_default_value = true)]
    pub wait: u32,
    /// What to print.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

fn parse_time(text: &str) -> Result<DateTime<Utc>, String> {
    let time = DateTime::parse_from_rfc3339(text)
        .map_err(|_| "not an RFC 3339 time, such as 2026-04-08T14:30:00Z".to_owned())?
        .with_timezone(&Utc);
    // chrono reads second 60 as a leap second; no clock of ours ever shows one.
    if time.timestamp_subsec_nanos() >= 1_000_000_000 {
        return Err("second 60 has no name".to_owned());
    }
    Ok(time)
}

fn parse_label(text: &str) -> Result<String, String> {
    if text.chars().count() > 200 || text.chars().any(char::is_control) {
        return Err("at most 200 characters, none of them control characters".to_owned());
    }
    Ok(text.to_owned())
}
