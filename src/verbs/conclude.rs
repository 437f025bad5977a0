//! How a command ends that did the same to several things: one failure is the command's own, of several the last one's
//! words and remedies stay.

use crate::error::{Failure, Kind, Result};
use crate::operations::Context;

/// Ends a command that was asked for `asked` things, of which these `failures` came. `kind` is the exit code's when there
/// are several, `summary` says what did not work with how many of them.
pub fn conclude(
    context: &Context,
    asked: usize,
    kind: impl FnOnce(Kind) -> Kind,
    summary: impl FnOnce(usize) -> String,
    mut failures: Vec<Failure>,
) -> Result<()> {
    let Some(last) = failures.pop() else { return Ok(()) };
    if (asked <= 1 && failures.is_empty()) || matches!(last.kind, Kind::Interrupted(_)) {
        failures.iter().for_each(|failure| context.ui.warn(&failure.reason()));
        return Err(last);
    }
    failures.iter().for_each(|failure| context.ui.warn(&failure.reason()));
    let text = format!("{}; the last: {}", summary(failures.len() + 1), last.reason());
    Err(last.remedies.into_iter().fold(Failure::new(kind(last.kind), text), Failure::hint))
}
