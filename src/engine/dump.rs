//! Proven bytes, on their way into a server. Nothing else is ever poured.

use super::Content;
use crate::domain::{Consent, Origin, Session};
use crate::sys::followed::followed;
use crate::sys::stdin::Input;

/// A dump whose hash was just read, at its first byte.
#[derive(Debug)]
pub struct Dump {
    input: Input,
    content: Box<Content>,
    origin: Origin,
    consent: Consent,
    session: Session,
}

impl Dump {
    /// For whoever has just proven it: read it to its end and held its hash against the record.
    pub fn proven(input: Input, content: Content, origin: Origin, consent: Consent) -> Dump {
        Dump { input, content: Box::new(content), origin, consent, session: Session::new() }
    }

    /// The same, its values written by these settings.
    #[must_use]
    pub fn written_by(mut self, session: Session) -> Dump {
        self.session = session;
        self
    }

    /// The settings by which its values were written, as far as they are known.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// What it holds.
    pub fn content(&self) -> &Content {
        &self.content
    }

    /// Whose it is.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// What it may do, where it was made elsewhere.
    pub fn consent(&self) -> &Consent {
        &self.consent
    }

    /// The very file that was hashed, not opened a second time; what is left out is still in it.
    pub fn into_input(self) -> Input {
        self.input
    }

    /// How many bytes are to be poured, where that is known.
    pub fn length(&self) -> Option<u64> {
        match &self.input {
            Input::File(file) => file.metadata().ok().map(|file| file.len()),
            Input::Nothing | Input::Stream(_) => None,
        }
    }

    /// The same; `passed` is told of the bytes that have been taken from it.
    #[must_use]
    pub fn followed(self, passed: impl FnMut(usize) + Send + 'static) -> Dump {
        Dump { input: Input::Stream(Box::new(followed(self.input.into_stream(), passed))), ..self }
    }

    /// The same, with all that is known of it.
    pub(super) fn into_parts(self) -> (Input, Box<Content>, Origin, Consent) {
        let Dump { input, content, origin, consent, .. } = self;
        (input, content, origin, consent)
    }
}
