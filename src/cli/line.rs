//! The line as it was sent over SSH. Dokku splits it with `xargs` and drops everything from an unmatched quote on: what
//! is left may be a whole command that does more, and `--force` counts even where it stood behind the quote.

use crate::domain::unmatched_quote;
use crate::error::{Failure, Kind, Result};
use crate::settings::Settings;
use crate::sys::ssh_command::{Sent, sent};

/// Refuses a line that has lost its end, whatever it says: `--from-service=it's` would be gone with all its narrowing. Returns what is known of the line.
pub fn whole(settings: &Settings, words: &[String]) -> Result<Sent> {
    // A trigger runs within somebody else's command, whose line is not ours to judge.
    let trigger = words.get(1).is_some_and(|verb| verb.starts_with("trigger:"));
    if !settings.caller.remote || trigger {
        return Ok(Sent::Nothing);
    }
    let sent = sent();
    match &sent {
        Sent::Line(line) if unmatched_quote(line) => {
            Err(Failure::new(Kind::Usage, "the line has an unmatched quote, and Dokku has dropped what comes after it")
                .hint("nothing was done")
                .hint("quote for the shell there too: ssh dokku@HOST \"backups:export my-db --label 'two words'\""))
        }
        _ => Ok(sent),
    }
}

/// Refuses where it cannot be seen whether the line has lost its end: nothing is replaced or removed unasked then.
pub fn known(sent: &Sent) -> Result<()> {
    match sent {
        Sent::Unknown => Err(Failure::new(
            Kind::Refused,
            "this host does not show the line as it was sent, so --force does not count",
        )
        .hint("without --force you are asked")
        .hint("root at the shell of the host may say --force")),
        _ => Ok(()),
    }
}
