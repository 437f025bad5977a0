//! The two halves of a key: recipients (public) stand in properties and records, identities (private) are only ever read
//! from a file and held in memory. Only X25519 keys, as `age-keygen` makes them: a passphrase would need 1 GB of memory.

use age::x25519::{Identity, Recipient};
use age::{EncryptError, Encryptor};

use super::header::MOST_KEYS;
use crate::error::{Failure, Kind, Result};

/// Public keys that a dump is encrypted to; without any it is not encrypted.
#[derive(Clone, Default)]
pub struct Recipients(Vec<Recipient>);

impl Recipients {
    /// Nobody: not encrypted.
    pub fn none() -> Recipients {
        Recipients::default()
    }

    /// Reads public keys separated by blanks or commas. A repeated one counts once.
    pub fn parse(text: &str) -> Result<Recipients> {
        let mut keys: Vec<Recipient> = Vec::new();
        for word in text.split([' ', ',', '\t', '\n']).filter(|word| !word.is_empty()) {
            let key: Recipient = word.parse().map_err(|_| not_a_recipient(word))?;
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        if keys.len() > MOST_KEYS {
            return Err(Failure::new(Kind::Usage, format!("a dump is encrypted to at most {MOST_KEYS} keys")));
        }
        Ok(Recipients(keys))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The keys as they are written.
    pub fn words(&self) -> Vec<String> {
        self.0.iter().map(Recipient::to_string).collect()
    }

    pub(super) fn encryptor(&self) -> Result<Option<Encryptor>> {
        if self.is_empty() {
            return Ok(None);
        }
        let encryptor = Encryptor::with_recipients(self.0.iter().map(|key| key as &dyn age::Recipient));
        let failed = |_: EncryptError| Failure::new(Kind::Config, "could not encrypt to these recipients");
        encryptor.map(Some).map_err(failed)
    }
}

/// Repeats the word only where it looks like the public half.
fn not_a_recipient(word: &str) -> Failure {
    if word.to_ascii_uppercase().starts_with("AGE-SECRET-KEY-") {
        return Failure::new(Kind::Usage, "that is a private key; dumps are encrypted to the public one")
            .hint("its public half: age-keygen -y IDENTITY-FILE")
            .hint("a private key that was typed may be in the shell's history: make a new one with age-keygen");
    }
    let what = match word.chars().take(64).collect::<String>() {
        shown if shown.starts_with("age1") && shown.is_ascii() => shown,
        _ => "one word".to_owned(),
    };
    Failure::new(Kind::Usage, format!("{what} is no public key of age: one begins with age1 and has 62 characters"))
        .hint("make a pair, away from this host, with: age-keygen -o IDENTITY-FILE")
}

/// Private keys. Neither shown nor written anywhere.
#[derive(Clone, Default)]
pub struct Identities(Vec<Identity>);

impl Identities {
    /// Nobody's.
    pub fn none() -> Identities {
        Identities::default()
    }

    /// Reads an identity file: one private key a line, `#` begins a comment. `name` is for messages.
    pub fn parse(text: &str, name: &str) -> Result<Identities> {
        let mut found = Vec::new();
        for (number, line) in text.lines().map(str::trim).enumerate() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            found.push(line.parse().map_err(|_| not_an_identity(name, number + 1, line))?);
        }
        if found.is_empty() {
            return Err(Failure::new(Kind::Config, format!("{name} holds no private key"))
                .hint("one begins with AGE-SECRET-KEY-1, as age-keygen writes it"));
        }
        Ok(Identities(found))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of them opens what was encrypted to `recipients`.
    pub fn open(&self, recipients: &[String]) -> bool {
        self.recipients().iter().any(|own| recipients.contains(own))
    }

    /// The public halves.
    pub fn recipients(&self) -> Vec<String> {
        self.0.iter().map(|identity| identity.to_public().to_string()).collect()
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &dyn age::Identity> {
        self.0.iter().map(|identity| identity as &dyn age::Identity)
    }
}

/// Never repeats the line.
fn not_an_identity(name: &str, number: usize, line: &str) -> Failure {
    let failure = Failure::new(Kind::Config, format!("line {number} of {name} is no private key of age"));
    if line.starts_with("-----BEGIN AGE ENCRYPTED FILE") || line.starts_with("age-encryption.org/") {
        return failure.hint("it is protected by a passphrase; decrypt it first: age -d");
    }
    failure.hint("one begins with AGE-SECRET-KEY-1, as age-keygen writes it")
}

impl std::fmt::Debug for Recipients {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.words()).finish()
    }
}

impl std::fmt::Debug for Identities {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} private keys", self.0.len())
    }
}
