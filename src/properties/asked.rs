//! What is asked of a property: whether a value fits it, what it is for, how its value is shown.

use super::known::{
    ALL, DESTINATION, DESTINATION_ENDPOINT, DESTINATION_KEY_ID, DESTINATION_SECRET, ENCRYPT, ENCRYPT_TO, FORMERLY,
    HEARTBEAT_URL, IDENTITY_FILE, NOTIFY_URL, PARALLEL_RUNS, PRIVATE_ADDRESSES, Property,
};
use crate::domain::{host_only, scrub};
use crate::error::{Failure, Kind, Result};

impl Property {
    /// The property called `key`.
    pub fn parse(key: &str) -> Result<&'static Property> {
        let key = if key == FORMERLY { PRIVATE_ADDRESSES.key } else { key };
        ALL.iter().copied().find(|property| property.key == key).ok_or_else(|| {
            let shown: String = scrub(key).chars().take(64).collect();
            Failure::new(Kind::Usage, format!("there is no property {shown:?}"))
                .hint(format!("there are: {}", Property::keys()))
        })
    }

    /// Whether it is the host's and no service has one of its own.
    pub fn is_global(&self) -> bool {
        [PARALLEL_RUNS.key, PRIVATE_ADDRESSES.key].contains(&self.key)
    }

    /// All keys, for messages.
    pub fn keys() -> String {
        ALL.iter().map(|property| property.key).collect::<Vec<_>>().join(", ")
    }

    /// Whether it is taken from stdin only, and its value never shown.
    pub fn is_secret(&self) -> bool {
        self.key == DESTINATION_SECRET.key
    }

    /// Whether the destination has to be tested again when it changes.
    pub fn is_about_destination(&self) -> bool {
        self.key.starts_with(DESTINATION.key)
    }

    /// Whether its value is an address, which may hold a password or a token.
    pub fn is_address(&self) -> bool {
        [HEARTBEAT_URL.key, NOTIFY_URL.key, DESTINATION_ENDPOINT.key].contains(&self.key)
    }

    /// A value as reports show it: of a key only its end, of a secret only that there is one, of an address only its host.
    pub fn shown(&self, value: &str) -> String {
        if value.is_empty() {
            return String::new();
        }
        match value.char_indices().nth_back(3) {
            Some((at, _)) if self.key == DESTINATION_KEY_ID.key && value.len() > 8 => {
                format!("********{}", &value[at..])
            }
            _ if self.is_secret() || self.key == DESTINATION_KEY_ID.key => "********".to_owned(),
            _ if self.is_address() => host_only(value),
            // Whatever somebody has written there by hand, `s3://KEY:SECRET@...`.
            _ if self.key == DESTINATION.key && !(self.fits)(value) => "********".to_owned(),
            _ => value.to_owned(),
        }
    }

    /// Whether the backups of a service that is gone are reached or opened by it.
    pub fn is_of_kept_backups(&self) -> bool {
        let keys = [ENCRYPT_TO.key, ENCRYPT.key, IDENTITY_FILE.key];
        self.is_about_destination() || keys.contains(&self.key)
    }

    /// A size in bytes: `512m`.
    pub fn bytes(&self, value: &str) -> Option<u64> {
        let shift = match value.as_bytes().last()? {
            b'k' => 10,
            b'm' => 20,
            b'g' => 30,
            _ => return None,
        };
        value[..value.len() - 1].parse::<u64>().ok()?.checked_mul(1 << shift)
    }

    /// Refuses a value that would not work.
    pub fn check(&self, value: &str) -> Result<()> {
        if (self.fits)(value) {
            return Ok(());
        }
        if self.is_secret() || self.is_address() || self.key == DESTINATION.key {
            return Err(Failure::new(Kind::Usage, format!("{} is {}", self.key, self.form)));
        }
        let shown: String = scrub(value).chars().take(64).collect();
        Err(Failure::new(Kind::Usage, format!("{} cannot be {shown:?}: it is {}", self.key, self.form)))
    }
}
