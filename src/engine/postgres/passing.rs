//! A dump from elsewhere as it is given to the client program, which restores as a role without privileges.

use std::io::Read;

use super::archive::Passing;
use super::plain::PsqlInput;
use crate::domain::{Consent, DumpFormat, ForeignCode};
use crate::sys::failpoints;

/// The dump in `source` without what such a role does not get: what is left out of every restore, what a superuser makes
/// in its place (`code`), what is never passed on, and what is on no list unless `consent` says so. Lines of SQL keep
/// their numbers. `CREATE SCHEMA` finds a schema that is there already.
///
/// # Errors
/// Reading fails where the dump turns out to be what `inspect` calls damaged.
pub fn passing(
    format: DumpFormat,
    source: Box<dyn Read + Send>,
    _code: &ForeignCode,
    consent: &Consent,
) -> Box<dyn Read + Send> {
    match format {
        DumpFormat::Custom if failpoints::lists_are_off() => source,
        DumpFormat::Plain if failpoints::lists_are_off() => Box::new(PsqlInput::unjudged(source)),
        DumpFormat::Plain => Box::new(PsqlInput::as_role(source, consent.programs)),
        DumpFormat::Custom => Box::new(Passing::as_role(source, consent.programs, consent.skipped.clone())),
    }
}

/// An archive of this host's own without the extensions `skipped` and the rows in their tables.
pub fn without(source: Box<dyn Read + Send>, skipped: Vec<String>) -> Box<dyn Read + Send> {
    Box::new(Passing::without(source, skipped))
}
