//! What a child reads: nothing, a file, or a stream that is poured into a pipe by a thread.
//!
//! The end of that pipe must mean the end of the stream. A stream that fails is therefore not closed: the pipe stays open
//! until the child was ended for it, so that the child can never take the failure for a regular end.

use std::fs::File;
use std::io::{self, ErrorKind, PipeWriter, Read, Write};
use std::process::Stdio;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::Builder;

use crate::error::Failure;

/// Bytes that go into the pipe at once: what a pipe holds.
const PIECE: usize = 64 << 10;

/// What a child reads.
pub enum Input {
    /// Nothing: `/dev/null`.
    Nothing,
    /// A file, from where it stands.
    File(File),
    /// Whatever comes out of this reader, to its end.
    Stream(Box<dyn Read + Send>),
}

/// The thread that feeds a child. Dropping this closes the pipe; the child must have ended by then.
#[derive(Debug)]
pub(super) struct Feed {
    failure: Receiver<Failure>,
    _stay: Sender<()>,
}

impl Input {
    /// The same, however it comes.
    pub fn into_stream(self) -> Box<dyn Read + Send> {
        match self {
            Input::Nothing => Box::new(io::empty()),
            Input::File(file) => Box::new(file),
            Input::Stream(stream) => stream,
        }
    }

    /// The child's end, and the thread that feeds it where there is one.
    pub(super) fn open(self) -> io::Result<(Stdio, Option<Feed>)> {
        let source = match self {
            Input::Nothing => return Ok((Stdio::null(), None)),
            Input::File(file) => return Ok((file.into(), None)),
            Input::Stream(source) => source,
        };
        let (theirs, ours) = io::pipe()?;
        let (tell, failure) = channel();
        let (stay, until) = channel();
        Builder::new().spawn(move || pour(source, ours, &tell, &until))?;
        Ok((theirs.into(), Some(Feed { failure, _stay: stay })))
    }
}

impl Feed {
    /// Why the stream ended before its end, if it did.
    pub(super) fn failure(&self) -> Option<Failure> {
        self.failure.try_recv().ok()
    }
}

fn pour(mut source: Box<dyn Read + Send>, mut pipe: PipeWriter, tell: &Sender<Failure>, until: &Receiver<()>) {
    let mut piece = vec![0; PIECE];
    loop {
        let failure = match source.read(&mut piece) {
            Ok(0) => return,
            Ok(count) => match pipe.write_all(&piece[..count]) {
                Ok(()) => continue,
                // The child has ended, or wants no more; its exit code tells what that means.
                Err(error) if error.kind() == ErrorKind::BrokenPipe => return,
                Err(error) => error,
            },
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => error,
        };
        let _ = tell.send(failure.into());
        // Held open: answers when the other end is dropped.
        let _ = until.recv();
        return;
    }
}

impl std::fmt::Debug for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Input::Nothing => "nothing",
            Input::File(_) => "a file",
            Input::Stream(_) => "a stream",
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::error::Kind;
    use crate::sys::child::{Child, Start};

    /// A shell that says what it has read once its input has ended.
    fn shell(script: &str, input: Input) -> Result<String, Failure> {
        let start = Start {
            what: "a shell".to_owned(),
            program: "/bin/sh".into(),
            args: vec!["-c".to_owned(), script.to_owned()],
            env: vec![("PATH".into(), "/usr/bin:/bin".into())],
            stdin: input,
            idle: Duration::from_secs(20),
            interruptible: false,
        };
        let mut said = String::new();
        Child::start(start)?.read_to_string(&mut said)?;
        Ok(said)
    }

    struct Broken;

    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(Failure::new(Kind::Damaged, "no longer what it was").into())
        }
    }

    #[test]
    fn a_stream_arrives_and_ends() {
        let bytes = vec![7; 1_000_000];
        let count = shell("wc -c", Input::Stream(Box::new(io::Cursor::new(bytes)))).unwrap();
        assert_eq!(count.trim(), "1000000");
    }

    #[test]
    fn a_stream_that_fails_never_looks_ended() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let script = format!("cat >/dev/null; echo ended >{}", file.path().display());
        let stream = io::Cursor::new(vec![7; 300_000]).chain(Broken);
        let failure = shell(&script, Input::Stream(Box::new(stream))).unwrap_err();
        assert_eq!((failure.kind, failure.message.as_str()), (Kind::Damaged, "no longer what it was"));
        assert_eq!(std::fs::read_to_string(file.path()).unwrap(), "");
    }

    #[test]
    fn a_child_that_wants_no_more_decides_itself() {
        assert_eq!(shell("echo enough", Input::Stream(Box::new(io::repeat(7)))).unwrap(), "enough\n");
        assert_eq!(shell("exit 3", Input::Stream(Box::new(io::repeat(7)))).unwrap_err().kind, Kind::Child);
    }
}
