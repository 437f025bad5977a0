//! What is asked of the lexer between two steps.

use super::super::archive::ArchiveError;
use super::lexer::{Event, Lexer};
use super::place::Place;

impl Lexer {
    /// What just ended, once.
    pub(super) fn event(&mut self) -> Option<Event> {
        self.event.take()
    }

    /// Whether the next bytes are rows.
    pub(super) fn is_in_data(&self) -> bool {
        matches!(self.place, Place::Data(_))
    }

    /// Whether the next bytes are a meta-command's.
    pub(super) fn is_in_meta(&self) -> bool {
        matches!(self.place, Place::Meta)
    }

    /// Whether the statement so far is an INSERT of values: one that may be of any length.
    pub(super) fn is_in_values(&self) -> bool {
        self.nesting.is_insert() && self.nesting.has_values()
    }

    /// Why it cannot be read on, once.
    pub(super) fn failure(&mut self) -> Option<ArchiveError> {
        self.reading.failure()
    }

    /// Whether no statement has begun: what goes by is white space and comments.
    pub(super) fn is_outside_statements(&self) -> bool {
        self.statement.is_empty()
    }
}
