//! What a dump made elsewhere asks for, held against what was agreed to on the command line.

use crate::domain::{Consent, ForeignCode, Objection};
use crate::error::{Failure, Kind, Result};
use crate::sys::failpoints;

/// Things that are named besides the first.
const NAMED: usize = 4;

/// Refuses `what`, a dump made elsewhere, as long as something in it was not agreed to.
pub fn object(what: &str, code: &ForeignCode, consent: &Consent) -> Result<()> {
    let objections = code.objections(consent);
    let Some(first) = objections.first().filter(|_| !failpoints::lists_are_off()) else { return Ok(()) };
    let mut failure = Failure::new(Kind::Refused, format!("{what} asks for more than its own data: {}", first.what));
    for objection in objections.iter().skip(1).take(NAMED) {
        failure = failure.hint(format!("also {}", objection.what));
    }
    if objections.len() > NAMED + 1 {
        failure = failure.hint(format!("and {} more", objections.len() - NAMED - 1));
    }
    Err(failure.hint(remedy(&objections)))
}

/// What to type, or what to do instead.
fn remedy(objections: &[Objection]) -> String {
    let mut options: Vec<String> = Vec::new();
    for objection in objections {
        match &objection.remedy {
            None => {
                return "no option lets that pass: pour it into a service of its own by hand, look at what it did, and \
                        export that"
                    .to_owned();
            }
            Some(option) if options.contains(option) => {}
            Some(option) => options.push(option.clone()),
        }
    }
    format!("when you trust whoever made it: {}", options.join(" "))
}
