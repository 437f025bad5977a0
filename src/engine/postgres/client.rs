//! One `psql` in the container that stays open. To start a program through Docker costs about a tenth of a second, and a
//! restore has a dozen questions: asked one by one they took longer than a small database itself.
//!
//! `psql` flushes what it has written before it reads the next line (`MainLoop` in `mainloop.c`, since 9.0 at least), so an answer
//! never waits in it.

use std::sync::Mutex;

use crate::error::Result;
use crate::sys::dialogue::Dialogue;
use crate::sys::docker::Docker;
use crate::sys::failpoints;
use crate::sys::random;

/// Before each question: whatever an earlier one has left in the session is gone.
const AS_NEW: &str = "DISCARD ALL";

/// The client of a server, once somebody has asked something.
#[derive(Debug, Default)]
pub(super) struct Client(Mutex<Option<Open>>);

/// How the client is started, and what it is asked.
#[derive(Debug)]
pub(super) struct Question<'a> {
    /// The container.
    pub container: &'a str,
    /// The program and its arguments, without the database.
    pub args: &'a [&'a str],
    /// The database.
    pub database: &'a str,
    /// What each session begins with.
    pub first: &'a str,
    /// What the client is told, whole lines. Names in it are quoted: it is `psql`'s language.
    pub words: &'a str,
}

#[derive(Debug)]
struct Open {
    dialogue: Dialogue,
    /// Which database it is connected to.
    database: String,
}

impl Client {
    /// What the client answers; none where it is busy with another question, or cannot go to that database: then somebody
    /// else has to be asked. The first error ends it, and the next question opens another one.
    pub(super) fn ask(&self, docker: &Docker, question: &Question<'_>) -> Result<Option<String>> {
        let Ok(mut kept) = self.0.try_lock() else { return Ok(None) };
        if !can_be_connected_to(question.database) {
            return Ok(None);
        }
        failpoints::pass("ask")?;
        let begun = kept.take().and_then(|open| open.renewed(docker, question));
        let (mut open, first) = match begun {
            Some(open) => (open, String::new()),
            None => (Open::start(docker, question)?, format!("{};\n", question.first)),
        };
        let answer = open.say(docker, &(first + question.words))?;
        *kept = Some(open);
        Ok(Some(answer))
    }
}

impl Open {
    fn start(docker: &Docker, question: &Question<'_>) -> Result<Open> {
        let mut args = question.args.to_vec();
        args.extend(["-d", question.database]);
        let dialogue = docker.open(question.container, &args)?;
        Ok(Open { dialogue, database: question.database.to_owned() })
    }

    /// The same client with a session as good as a new one, in the database that is asked about. None where it is not there
    /// any more: its server was restarted, or its session ended.
    fn renewed(mut self, docker: &Docker, question: &Question<'_>) -> Option<Open> {
        let Question { database, first, .. } = *question;
        let begin = match self.database == database {
            true => format!("{AS_NEW};\n{first};\n"),
            false => format!("\\connect \"{database}\"\n{first};\n"),
        };
        self.say(docker, &begin).ok()?;
        database.clone_into(&mut self.database);
        Some(self)
    }

    fn say(&mut self, docker: &Docker, words: &str) -> Result<String> {
        let end = random::word()?;
        docker.ask(&mut self.dialogue, &format!("{words}\\echo {end}\n"), &end)
    }
}

/// Whether `\connect` takes this name for what it is, and not for an address or a word of its own.
fn can_be_connected_to(database: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    !database.starts_with('-') && !database.is_empty() && database.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::can_be_connected_to;

    #[test]
    fn only_plain_names_are_connected_to() {
        for name in ["postgres", "my-db", "Shop_2"] {
            assert!(can_be_connected_to(name), "{name}");
        }
        for name in ["", "-", "host=evil", "postgresql://evil/x", "a b", "a\"b", "a\\b", "ä", ":x"] {
            assert!(!can_be_connected_to(name), "{name}");
        }
    }
}
