//! The one error type. Every failure names its object, says what to type next, and knows its exit code.

mod about;
mod kept;
mod remedy;
mod values;

use std::error::Error;
use std::fmt;
use std::io;

pub use about::{About, AtWork, Phase, Stage, Word};
pub use kept::{CUT, Speech, kept, kept_of, learn};
pub use remedy::{Remedies, Remedy};

/// Longest reason that is kept or sent: 1 KiB.
pub const LONGEST: usize = 1 << 10;
/// How far from the end the error itself is looked for, in lines: what it is about may follow it.
const FARTHEST: usize = 30;
/// Longest reason that a terminal shows: 4 KiB.
const LONGEST_SHOWN: usize = 4 << 10;

/// Result of everything that can fail for a reason a person must hear about.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

/// What sort of failure it is; decides the exit code (`design`: one table of exit codes).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The command line is wrong.
    Usage,
    /// What was to be made is there already.
    Exists,
    /// The host is not set up as it must be; the hint mends it.
    Config,
    /// No such service or backup, or not the caller's: the same words.
    NotFound,
    /// Somebody else is working on the service.
    Busy,
    /// Bytes are not what they must be.
    Damaged,
    /// A safety rule said no.
    Refused,
    /// A program we started failed.
    Child,
    /// Nothing moved for too long.
    Timeout,
    /// No room: disk, quota, file size limit, inodes.
    NoSpace,
    /// The operating system refused.
    Io,
    /// The catalogue's own files are not as they must be.
    Catalogue,
    /// The clock cannot be right.
    Clock,
    /// The backup is good, something beside it is not; or some of several failed.
    Partial,
    /// `check` found something failing.
    Check,
    /// A restore stopped after it began to change the target.
    RestoreIncomplete,
    /// Ended by this signal.
    Interrupted(i32),
}

impl Kind {
    /// The exit code of the process. 10 and 20 mean something to Dokku and 255 to ssh: never used.
    pub fn exit_code(self) -> u8 {
        match self {
            Kind::Check
            | Kind::Child
            | Kind::Timeout
            | Kind::NoSpace
            | Kind::Io
            | Kind::Catalogue
            | Kind::Config
            | Kind::Clock => 1,
            Kind::Usage => 2,
            Kind::Partial => 3,
            Kind::NotFound => 4,
            Kind::Busy => 5,
            Kind::Damaged => 6,
            Kind::Refused => 7,
            Kind::Exists => 9,
            Kind::RestoreIncomplete => 8,
            Kind::Interrupted(signal) => 128u8.wrapping_add(u8::try_from(signal).unwrap_or(0)),
        }
    }

    /// The word for it in JSON.
    pub fn word(self) -> Word {
        match self {
            Kind::Usage => Word::Usage,
            Kind::Exists => Word::Exists,
            Kind::Config => Word::Config,
            Kind::NotFound => Word::NotFound,
            Kind::Busy => Word::Busy,
            Kind::Damaged => Word::Damaged,
            Kind::Refused => Word::Refused,
            Kind::Child => Word::Child,
            Kind::Timeout => Word::Timeout,
            Kind::NoSpace => Word::NoSpace,
            Kind::Io => Word::Io,
            Kind::Catalogue => Word::Catalogue,
            Kind::Clock => Word::Clock,
            Kind::Check => Word::Check,
            Kind::Partial => Word::Partial,
            Kind::RestoreIncomplete => Word::RestoreIncomplete,
            Kind::Interrupted(_) => Word::Interrupted,
        }
    }
}

/// A failure: a lower-case fragment naming the object, its cause, and what to type next.
#[derive(Debug)]
pub struct Failure {
    /// Decides the exit code.
    pub kind: Kind,
    /// Lower-case fragment, without full stop.
    pub message: String,
    /// What to do next; that of its cause comes last.
    pub remedies: Vec<Remedy>,
    /// What programs may want to know beside the words.
    pub about: Box<About>,
    /// How many of the remedies are the cause's.
    inherited: usize,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl Failure {
    /// A failure of `kind` that says `message`.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Failure {
            kind,
            message: message.into(),
            remedies: Vec::new(),
            about: Box::default(),
            inherited: 0,
            source: None,
        }
    }

    /// Adds what to do next, in words.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<Remedy>) -> Self {
        self.remedies.insert(self.remedies.len().saturating_sub(self.inherited), hint.into());
        self
    }

    /// Adds the backup that it is about, as programs read it.
    #[must_use]
    pub fn with_backup(mut self, backup: serde_json::Value) -> Self {
        self.about.backup = Some(backup);
        self
    }

    /// Adds who is at work.
    #[must_use]
    pub fn with_work(mut self, work: Option<AtWork>) -> Self {
        self.about.at_work = work;
        self
    }

    /// Adds a whole command to run next, and what it is for.
    #[must_use]
    pub fn remedy(self, note: impl Into<String>, command: impl Into<String>) -> Self {
        self.hint(Remedy::noted(note, command))
    }

    /// Adds a whole command to run next, which speaks for itself.
    #[must_use]
    pub fn command(self, command: impl Into<String>) -> Self {
        self.hint(Remedy::command(command))
    }

    /// Adds the cause, with what it says to type next.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let source = source.into();
        let causes = source.downcast_ref::<Failure>().map_or(&[][..], |cause| &cause.remedies);
        let new: Vec<Remedy> = causes.iter().filter(|remedy| !self.remedies.contains(remedy)).cloned().collect();
        self.inherited += new.len();
        self.remedies.extend(new);
        self.source = Some(source);
        self
    }

    /// The message with its chain of causes, on one line: what may be kept and sent. Nobody's data is in it, and it is
    /// at most 1 KiB long.
    pub fn reason(&self) -> String {
        shortened(&self.chain(&|error| error.to_string()), LONGEST)
    }

    /// The same with all that a program said, for the terminal of whoever asked for the work.
    pub fn whole_reason(&self) -> String {
        let words = |error: &(dyn Error + 'static)| {
            error.downcast_ref().map_or_else(|| error.to_string(), |said: &Said| said.whole.clone())
        };
        shortened(&self.chain(&words), LONGEST_SHOWN)
    }

    /// All that the failed program said last, which may hold data: to be looked into, never to be kept.
    pub fn said(&self) -> Option<&str> {
        let mut cause = self.source.as_deref().map(|e| e as &(dyn Error + 'static));
        while let Some(error) = cause {
            if let Some(said) = error.downcast_ref::<Said>() {
                return Some(&said.whole);
            }
            cause = error.source();
        }
        None
    }

    fn chain(&self, words: &dyn Fn(&(dyn Error + 'static)) -> String) -> String {
        let mut text = self.message.clone();
        let mut cause = self.source.as_deref().map(|e| e as &(dyn Error + 'static));
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&words(error));
            cause = error.source();
        }
        text
    }
}

/// What a program said last, on one line: all of it, and what of it may be kept.
#[derive(Debug)]
pub struct Said {
    whole: String,
    kept: String,
}

impl Said {
    /// The last `count` lines of `text` that say something, and more where the error itself is further up; `None` where there
    /// are none.
    pub fn last(text: &str, count: usize) -> Option<Said> {
        let (whole, short) = (last_lines(text, count), last_lines(&kept(text), count));
        (!whole.is_empty()).then_some(Said { whole, kept: short })
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kept)
    }
}

impl Error for Said {}

fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> =
        text.lines().map(|l| l.trim_start_matches([' ', '!'])).map(str::trim).filter(|l| !l.is_empty()).collect();
    let last = lines.len().saturating_sub(count);
    let error = lines.iter().rposition(|line| line.contains("ERROR:") || line.contains("FATAL:")).unwrap_or(last);
    lines[last.min(error.max(lines.len().saturating_sub(FARTHEST)))..].join("; ")
}

/// At most `most` bytes of `text`, cut between two characters, with a mark where something is missing.
pub fn shortened(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    format!("{}...", &text[..text.floor_char_boundary(most - 3)])
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|e| e as &(dyn Error + 'static))
    }
}

impl From<io::Error> for Failure {
    /// The operating system's errors, sorted into the kinds a caller can act on.
    fn from(error: io::Error) -> Self {
        use io::ErrorKind as E;
        if error.get_ref().is_some_and(|inner| inner.is::<Failure>()) {
            return *error.into_inner().and_then(|e| e.downcast::<Failure>().ok()).expect("checked just above");
        }
        match error.kind() {
            E::StorageFull | E::QuotaExceeded | E::FileTooLarge => Failure::new(Kind::NoSpace, error.to_string())
                .hint("make room, or delete old backups with: dokku backups:delete SERVICE --id ID"),
            E::ReadOnlyFilesystem => Failure::new(Kind::Io, error.to_string())
                .remedy("the file system is mounted read-only; the kernel does that after errors", "dmesg | tail")
                .hint("see how it is mounted: findmnt --target PATH; make it writable: sudo mount -o remount,rw MOUNT-POINT"),
            E::PermissionDenied => Failure::new(Kind::Io, error.to_string())
                .hint("see whose it is: ls -ld PATH; everything of ours belongs to Dokku's user, folders have mode 700"),
            _ => Failure::new(Kind::Io, error.to_string()),
        }
    }
}

impl From<Failure> for io::Error {
    /// Lets a failure travel through `Read` and `Write` and come out again whole.
    fn from(failure: Failure) -> Self {
        io::Error::other(failure)
    }
}

#[cfg(test)]
mod tests {
    use super::{Failure, Kind, Remedy};

    #[test]
    fn the_hints_of_a_cause_are_not_lost() {
        let cause = || Failure::new(Kind::NoSpace, "the disk is full").hint("make room");
        let failure = Failure::new(Kind::Refused, "nothing was restored").because(cause()).hint("or go without");
        assert_eq!(failure.remedies, ["or go without", "make room"].map(Remedy::from));
        assert_eq!(failure.reason(), "nothing was restored: the disk is full");
        let same = Failure::new(Kind::Refused, "nothing was restored").hint("make room").because(cause());
        assert_eq!(same.remedies, ["make room"].map(Remedy::from));
    }
}
