//! Everything that can be set: one constant a property, with its default, its form and its one line of help.

use super::fits::{are_recipients, is_address, is_check, is_endpoint, is_number, is_size, is_switch, is_word};
use crate::domain::{Compression, Destination, Private, Storage};

/// Something that can be set.
#[derive(Debug)]
pub struct Property {
    /// The key on the command line.
    pub key: &'static str,
    /// What holds where nothing is set; empty for none.
    pub default: &'static str,
    /// The form of its value, for messages.
    pub form: &'static str,
    /// One line of help.
    pub about: &'static str,
    /// What its value is for programs.
    pub json: Form,
    /// Whether a value is of that form.
    pub(super) fits: fn(&str) -> bool,
}

/// What the value of a property is for programs; true where words are values, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A boolean.
    Switch(bool),
    /// A whole number.
    Number(bool),
    /// A whole number of bytes.
    Size(bool),
    /// A text.
    Text,
}

/// Whether `postgres:destroy` is refused without a `Restorable` backup: `on` or `off`.
pub const GATE: Property = Property {
    key: "gate",
    default: "on",
    form: "on or off",
    about: "on or off: refuse to destroy a service without a Restorable backup",
    json: Form::Switch(false),
    fits: is_switch,
};

/// Whether `check` looks after a service: `on`; or `off`, and why in words.
pub const CHECK: Property = Property {
    key: "check",
    default: "on",
    form: "on; or off, and why: off practice database",
    about: "on, or off and why: whether check and report raise alarms for it",
    json: Form::Switch(true),
    fits: is_check,
};

/// How often the newest good backup of a service with schedules is verified by itself.
pub const VERIFY: Property = Property {
    key: "verify",
    default: "daily",
    form: "every, daily, weekly or off",
    about: "every, daily, weekly or off: how often the newest backup of a service with schedules is verified by itself",
    json: Form::Text,
    fits: |value| matches!(value, "every" | "daily" | "weekly" | "off"),
};

/// Memory of the disposable database of a verification, in Docker's words: `512m`, `2g`.
pub const VERIFY_MEMORY: Property = Property {
    key: "verify-memory",
    default: "1g",
    form: "a number with k, m or g, such as 512m",
    about: "memory of a verification's disposable database: 512m, 2g",
    json: Form::Size(false),
    fits: is_size,
};

/// What the disposable database of a verification may write, in Docker's words for memory: `20g`.
pub const VERIFY_DISK: Property = Property {
    key: "verify-disk",
    default: "auto",
    form: "auto, or a number with k, m or g, such as 20g",
    about: "disk of a verification's disposable database: 20g; auto: 4g and eight times the dump's data",
    json: Form::Size(true),
    fits: |value| value == "auto" || is_size(value),
};

/// Seconds that filling a database may take, in a verification or a restore.
pub const RESTORE_TIMEOUT: Property = Property {
    key: "restore-timeout",
    default: "21600",
    form: "a number of seconds",
    about: "seconds that filling a database may take",
    json: Form::Number(false),
    fits: is_number,
};

/// How many clients fill a database at once: a number, or as many as there are processors.
pub const RESTORE_JOBS: Property = Property {
    key: "restore-jobs",
    default: "auto",
    form: "auto, or a number from 1 to 32",
    about: "1 to 32: indexes that are built at once when a database is filled; auto: as many as there are processors, 4 at most",
    json: Form::Text,
    fits: |value| value == "auto" || value.parse::<u8>().is_ok_and(|number| (1..=32).contains(&number)),
};

/// Asked after every scheduled backup that ended well: a monitor that misses the sign raises the alarm.
pub const HEARTBEAT_URL: Property = Property {
    key: "heartbeat-url",
    default: "",
    form: "an http:// or https:// address",
    about: "address that is asked after every scheduled backup that ended well",
    json: Form::Text,
    fits: is_address,
};

/// Sent a JSON document after every scheduled backup that did not end well.
pub const NOTIFY_URL: Property = Property {
    key: "notify-url",
    default: "",
    form: "an http:// or https:// address",
    about: "address that is sent a JSON document after every scheduled backup that failed",
    json: Form::Text,
    fits: is_address,
};

/// Whether a deploy of a linked app is preceded by a backup, and stopped when that fails.
pub const BEFORE_DEPLOY: Property = Property {
    key: "before-deploy",
    default: "off",
    form: "on or off",
    about: "on or off: back up before a linked app is deployed; the deploy stops when that fails",
    json: Form::Switch(false),
    fits: is_switch,
};

/// How many scheduled backups run at once on this host.
pub const PARALLEL_RUNS: Property = Property {
    key: "parallel-runs",
    default: "2",
    form: "a number from 1 to 16",
    about: "1 to 16: scheduled backups that run at once; --global only",
    json: Form::Number(false),
    fits: |value| value.parse::<u8>().is_ok_and(|number| (1..=16).contains(&number)),
};

/// Days after which a backup expires that no schedule made.
pub const RETENTION: Property = Property {
    key: "retention",
    default: "",
    form: "a number of days from 1 to 3650, or none",
    about: "days after which backups expire that no schedule made, or none; nothing set: never",
    json: Form::Number(true),
    fits: |value| value == "none" || value.parse::<u32>().is_ok_and(|days| (1..=3650).contains(&days)),
};

/// By what a service is dumped: the plugin's export, or the dump program of its own image with what makes it fast.
pub const DUMP: Property = Property {
    key: "dump",
    default: "stock",
    form: "stock or direct",
    about: "stock: by the plugin's own export; direct: by the service's own dump program, faster and smaller",
    json: Form::Text,
    fits: |value| matches!(value, "stock" | "direct"),
};

/// Whether direct dumps hold owners and privileges, and restores give them back.
pub const GRANTS: Property = Property {
    key: "grants",
    default: "off",
    form: "on or off",
    about: "on or off: direct dumps hold owners and privileges, and restores give them back to roles that are there",
    json: Form::Switch(false),
    fits: is_switch,
};

/// Whether new backups are stored each by itself, or as differences from an earlier one.
pub const STORAGE: Property = Property {
    key: "storage",
    default: "whole",
    form: "whole or delta",
    about: "whole: each new backup by itself; delta: only its differences from an earlier one, where that saves room",
    json: Form::Text,
    fits: |value| value.parse::<Storage>().is_ok(),
};

/// How new dumps are compressed in their files.
pub const COMPRESSION: Property = Property {
    key: "compression",
    default: "none",
    form: "none, gzip or zstd",
    about: "none, gzip or zstd: how new dumps are compressed in their files",
    json: Form::Text,
    fits: |value| value.parse::<Compression>().is_ok(),
};

/// Public keys of age that new dumps are encrypted to.
pub const ENCRYPT_TO: Property = Property {
    key: "encrypt-to",
    default: "",
    form: "one or several public keys of age (age1...), separated by blanks or commas",
    about: "public keys of age (age1...) that new dumps are encrypted to",
    json: Form::Text,
    fits: are_recipients,
};

/// Which copies are encrypted, where `encrypt-to` is set.
pub const ENCRYPT: Property = Property {
    key: "encrypt",
    default: "both",
    form: "local, off-site or both",
    about: "local, off-site or both: which copies are encrypted to those keys",
    json: Form::Text,
    fits: |value| matches!(value, "local" | "off-site" | "both"),
};

/// File with the private keys, for verifications without anybody there.
pub const IDENTITY_FILE: Property = Property {
    key: "identity-file",
    default: "",
    form: "the absolute path of a file on this host",
    about: "file on this host with the private keys, to verify and restore unattended",
    json: Form::Text,
    fits: |value| value.starts_with('/') && !value.chars().any(char::is_control),
};

/// Where copies of backups go: `s3://BUCKET[/PREFIX]`, `file:///FOLDER`, or `none`.
pub const DESTINATION: Property = Property {
    key: "destination",
    default: "none",
    form: "s3://BUCKET, s3://BUCKET/PREFIX or file:///FOLDER, or none",
    about: "s3://BUCKET/PREFIX, file:///FOLDER of another disk (not over SSH), or none: where copies of backups go; \
            tested when it is set",
    json: Form::Text,
    fits: |value| value == "none" || value.parse::<Destination>().is_ok(),
};

/// Address of the S3 store; empty for AWS itself.
pub const DESTINATION_ENDPOINT: Property = Property {
    key: "destination-endpoint",
    default: "",
    form: "https://HOST[:PORT], or http:// for a store without TLS",
    about: "address of the S3 store, such as https://s3.example.com; AWS itself where none is set",
    json: Form::Text,
    fits: is_endpoint,
};

/// The store's region.
pub const DESTINATION_REGION: Property = Property {
    key: "destination-region",
    default: "us-east-1",
    form: "the name of a region, such as eu-central-1",
    about: "region of the bucket",
    json: Form::Text,
    fits: |value| value.len() <= 64 && value.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-'),
};

/// Public half of the store's key.
pub const DESTINATION_KEY_ID: Property = Property {
    key: "destination-key-id",
    default: "",
    form: "the id of an access key",
    about: "id of the access key",
    json: Form::Text,
    fits: is_word,
};

/// Secret half of the store's key. Read from stdin only, and never shown.
pub const DESTINATION_SECRET: Property = Property {
    key: "destination-secret",
    default: "",
    form: "one line of printable characters without spaces",
    about: "secret of the access key; say - and give it on stdin",
    json: Form::Text,
    fits: is_word,
};

/// The largest dump that `import` takes in from elsewhere, unpacked.
pub const IMPORT_LIMIT: Property = Property {
    key: "import-limit",
    default: "",
    form: "a number with k, m or g, such as 20g",
    about: "largest dump that import takes in, unpacked: 20g; without it, what the disk has room for",
    json: Form::Size(false),
    fits: is_size,
};

/// Seconds that fetching a dump from an address may take.
pub const IMPORT_TIMEOUT: Property = Property {
    key: "import-timeout",
    default: "21600",
    form: "a number of seconds",
    about: "seconds within which a dump from elsewhere must be here: a file, stdin, an address, another server",
    json: Form::Number(false),
    fits: is_number,
};

/// Which addresses of this host and its networks may be asked by whatever somebody names: imports, notices, copies. Only
/// its global value counts, and no SSH key sets it.
pub const PRIVATE_ADDRESSES: Property = Property {
    key: "private-addresses",
    default: "off",
    form: "off, on, or addresses and networks such as 10.0.0.5 and 192.168.1.0/24, separated by blanks or commas",
    about: "off, on or a list (10.0.0.5, 10.1.0.0/16), --global only: addresses of this host and its networks that \
            imports, notices and copies may ask, imports those without TLS",
    json: Form::Switch(true),
    fits: |value| value.parse::<Private>().is_ok(),
};
/// Its name when only imports obeyed it.
pub(super) const FORMERLY: &str = "import-private";

/// All of them, in the order reports show them.
pub const ALL: &[&Property] = &[
    &GATE,
    &CHECK,
    &VERIFY,
    &VERIFY_MEMORY,
    &VERIFY_DISK,
    &RESTORE_TIMEOUT,
    &RESTORE_JOBS,
    &BEFORE_DEPLOY,
    &HEARTBEAT_URL,
    &NOTIFY_URL,
    &PARALLEL_RUNS,
    &RETENTION,
    &DUMP,
    &GRANTS,
    &STORAGE,
    &COMPRESSION,
    &ENCRYPT_TO,
    &ENCRYPT,
    &IDENTITY_FILE,
    &DESTINATION,
    &DESTINATION_ENDPOINT,
    &DESTINATION_REGION,
    &DESTINATION_KEY_ID,
    &DESTINATION_SECRET,
    &IMPORT_LIMIT,
    &IMPORT_TIMEOUT,
    &PRIVATE_ADDRESSES,
];
