//! A program that stays open and is asked again and again: what it is told ends with the command to say a word that nobody
//! can foresee, and its answer is what comes before that word.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use super::child::{Child, Start};
use super::stdin::Input;
use crate::error::{Failure, Kind, Result};

/// More than this is no answer to a short question: 64 MiB.
const LONGEST: usize = 64 << 20;
/// How long it may take to end once nothing more will be asked.
const ENDING: Duration = Duration::from_millis(500);

/// A program that is spoken to. Dropping it ends its input, and then itself.
#[derive(Debug)]
pub struct Dialogue {
    /// Dropped first: the end of its input is what ends it.
    to: Option<Sender<Vec<u8>>>,
    child: Child,
    what: String,
}

impl Dialogue {
    /// Starts it; what it reads is what it will be told.
    pub fn start(start: Start) -> Result<Dialogue> {
        let (to, told) = channel();
        let input = Input::Stream(Box::new(Told { told, left: Vec::new(), taken: 0 }));
        let what = start.what.clone();
        Ok(Dialogue { to: Some(to), child: Child::start(Start { stdin: input, ..start })?, what })
    }

    /// Says `words`, which make it say the line `end`, and returns the lines before that. Nothing may come for `limit`;
    /// INT, TERM and HUP end it where it is `interruptible`. After a failure nothing more is to be asked.
    pub fn ask(&mut self, words: &str, end: &str, limit: Duration, interruptible: bool) -> Result<String> {
        self.child.expect(limit, interruptible);
        // Where it has ended already, reading says why.
        let _ = self.to.as_ref().map(|to| to.send(words.as_bytes().to_vec()));
        let end = format!("{end}\n");
        let (mut answer, mut piece) = (Vec::new(), [0; 8192]);
        loop {
            let count = self.child.read(&mut piece).map_err(Failure::from)?;
            if count == 0 {
                return Err(Failure::new(Kind::Child, format!("{} ended before it answered", self.what)));
            }
            answer.extend_from_slice(&piece[..count]);
            if let Some(before) =
                answer.strip_suffix(end.as_bytes()).filter(|before| matches!(before.last(), None | Some(b'\n')))
            {
                return Ok(String::from_utf8_lossy(before).into_owned());
            }
            if answer.len() > LONGEST {
                return Err(Failure::new(Kind::Child, format!("{}: the answer does not end", self.what)));
            }
        }
    }
}

impl Drop for Dialogue {
    fn drop(&mut self) {
        self.to = None;
        self.child.await_end(ENDING);
    }
}

/// What it is told, as a stream: its end is that nobody can tell it anything any more.
struct Told {
    told: Receiver<Vec<u8>>,
    left: Vec<u8>,
    taken: usize,
}

impl Read for Told {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.left.len() {
            self.left = self.told.recv().unwrap_or_default();
            self.taken = 0;
        }
        let mut rest = &self.left[self.taken..];
        let count = rest.read(buf)?;
        self.taken += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell() -> Dialogue {
        let start = Start {
            what: "a shell".to_owned(),
            program: "/bin/sh".into(),
            args: Vec::new(),
            env: vec![("PATH".into(), "/usr/bin:/bin".into())],
            stdin: Input::Nothing,
            idle: Duration::from_secs(20),
            interruptible: false,
        };
        Dialogue::start(start).unwrap()
    }

    fn ask(dialogue: &mut Dialogue, words: &str) -> Result<String> {
        dialogue.ask(&format!("{words}\necho the-end\n"), "the-end", Duration::from_secs(20), false)
    }

    #[test]
    fn it_answers_as_often_as_it_is_asked() {
        let mut shell = shell();
        assert_eq!(ask(&mut shell, "a=1; echo one").unwrap(), "one\n");
        assert_eq!(ask(&mut shell, ":").unwrap(), "");
        assert_eq!(ask(&mut shell, "echo \"$a\"; echo not-the-end").unwrap(), "1\nnot-the-end\n");
        let long = ask(&mut shell, "head -c 300000 /dev/zero | tr '\\0' a; echo").unwrap();
        assert_eq!(long.len(), 300_001);
    }

    #[test]
    fn an_end_is_no_answer() {
        assert!(ask(&mut shell(), "echo half; exit 0").unwrap_err().message.contains("ended before it answered"));
        let failure = ask(&mut shell(), "echo half; echo why >&2; exit 3").unwrap_err();
        assert!(failure.message.contains("exit code 3") && failure.reason().contains("why"), "{failure:?}");
        let mut hung = shell();
        let failure = hung.ask("sleep 30\n", "the-end", Duration::from_millis(200), false).unwrap_err();
        assert_eq!(failure.kind, Kind::Timeout);
    }
}
