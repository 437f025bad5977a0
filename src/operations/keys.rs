//! Whom backups are encrypted to, and the private keys that open them: from the file that was named, or from the one that
//! is set. Whether they fit is said before anything is touched.

use std::path::{Path, PathBuf};

use crate::codec::{Identities, Recipients};
use crate::domain::{Backup, Consent, Place, Service};
use crate::error::{Failure, Kind, Result};
use crate::operations::Context;
use crate::properties::{ENCRYPT, ENCRYPT_TO, IDENTITY_FILE};
use crate::sys::secret;

/// What one command was given to open backups with: identities, and leave to restore what reaches beyond the database.
#[derive(Debug, Default)]
pub struct Keys {
    /// What dumps made elsewhere may do.
    pub consent: Consent,
    given: Option<(Identities, String)>,
}

impl Keys {
    /// Reads the file that was named on the line, if one was: a wrong one is refused whether it is needed or not.
    pub fn given(path: Option<&Path>) -> Result<Keys> {
        let Some(path) = path else { return Ok(Keys::default()) };
        Ok(Keys { given: Some(read(path)?), ..Keys::default() })
    }

    /// The same, with the consent that was given on the line.
    #[must_use]
    pub fn allowing(self, consent: Consent) -> Keys {
        Keys { consent, ..self }
    }

    /// What opens `backup`; nothing for one that is not encrypted.
    pub fn of(&self, context: &Context, backup: &Backup) -> Result<Identities> {
        if !backup.form().encrypted {
            return Ok(Identities::none());
        }
        let service = Service { datastore: backup.datastore, name: backup.service.clone() };
        self.fitting(context, &service, &backup.encrypted_to, &backup.id.to_string())
    }

    /// What opens something that is, or will be, encrypted to `recipients`.
    pub fn fitting(
        &self,
        context: &Context,
        service: &Service,
        recipients: &[String],
        what: &str,
    ) -> Result<Identities> {
        let (identities, name) = match &self.given {
            Some(given) => given.clone(),
            None => configured(context, service)?.ok_or_else(|| missing(what, recipients))?,
        };
        // A record that was made anew does not say whose it is; then the file itself is asked.
        if recipients.is_empty() || identities.open(recipients) {
            return Ok(identities);
        }
        let own = identities.recipients().join(", ");
        Err(Failure::new(Kind::Config, format!("{what} is encrypted to {}", recipients.join(", ")))
            .because(format!("{name} holds the private key of {own} only"))
            .hint("give the file with the right private key: --identity FILE"))
    }
}

/// The identities of the file that is set for `service`, and its name.
pub fn configured(context: &Context, service: &Service) -> Result<Option<(Identities, String)>> {
    let path = context.properties().computed(service, &IDENTITY_FILE)?;
    if path.is_empty() { Ok(None) } else { read(&PathBuf::from(path)).map(Some) }
}

fn read(path: &Path) -> Result<(Identities, String)> {
    let (text, name) = if path == Path::new("-") {
        (secret::stdin()?, "stdin".to_owned())
    } else {
        (secret::file(path)?, path.display().to_string())
    };
    Ok((Identities::parse(&text, &name)?, name))
}

fn missing(what: &str, recipients: &[String]) -> Failure {
    let whom = if recipients.is_empty() { String::new() } else { format!(" to {}", recipients.join(", ")) };
    Failure::new(Kind::Config, format!("{what} is encrypted{whom}, and no private key was given"))
        .hint("give the file with the private key: --identity FILE, or --identity - with the key on stdin")
        .hint("or, for verifications without anybody there: dokku backups:set SERVICE identity-file FILE")
}

/// Whom the copy there of a dump of `service` is encrypted to.
pub fn recipients(context: &Context, service: &Service, place: Place) -> Result<Recipients> {
    let properties = context.properties();
    let which = properties.computed(service, &ENCRYPT)?;
    let other = match place {
        Place::Local => "off-site",
        Place::OffSite => "local",
    };
    if which == other {
        return Ok(Recipients::none());
    }
    Recipients::parse(&properties.computed(service, &ENCRYPT_TO)?).map_err(|failure| {
        Failure::new(Kind::Config, format!("nothing was dumped: encrypt-to of {service} does not work"))
            .because(failure)
            .hint(format!("set it again: dokku backups:set {service} encrypt-to age1..."))
    })
}
