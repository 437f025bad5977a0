//! What a failure of a client program is about, and what to do where that is known. The server's own words stay as they are.

use super::sql;
use crate::domain::shown;
use crate::error::{Failure, Kind};

/// Stands before the statement that failed.
const COMMAND: &str = "Command was: ";

/// The same failure, naming the object that could not be made, with what to do about it.
pub(super) fn explained(mut failure: Failure) -> Failure {
    let Some(said) = failure.said().map(str::to_owned) else { return failure };
    if failure.kind != Kind::Child {
        return failure;
    }
    let command = said.find(COMMAND).map(|at| &said[at + COMMAND.len()..]);
    if let Some(object) = command.and_then(|command| sql::subject(command.as_bytes())) {
        failure.message = format!("{} ({})", failure.message, shown(&object));
    }
    advice(&said).into_iter().fold(failure, Failure::hint)
}

fn advice(said: &str) -> Vec<String> {
    if said.contains("does not exist")
        && let Some(function) = function_in_context(said)
    {
        let function = shown(&function).into_owned();
        return vec![
            format!(
                "{function} finds something by its bare name only; a restore, by hand too, runs without a search_path, \
                 and does not find it"
            ),
            format!("mend it in the database: ALTER FUNCTION {function} SET search_path = public, pg_catalog"),
            "then make another backup: this one keeps the fault".to_owned(),
        ];
    }
    if said.contains("must be loaded via") || said.contains("unrecognized configuration parameter") {
        return vec!["start the server with the library that the dump needs: shared_preload_libraries".to_owned()];
    }
    Vec::new()
}

/// The function in whose body the error came up: `SQL function "f" during inlining`, `PL/pgSQL function s.f(text) line 3`.
fn function_in_context(said: &str) -> Option<String> {
    let context = &said[said.find("CONTEXT:")?..];
    if let Some((_, rest)) = context.split_once("SQL function \"") {
        return rest.split('"').next().map(str::to_owned);
    }
    let (_, rest) = context.split_once("PL/pgSQL function ")?;
    let end = rest.find(')').map_or_else(|| rest.find(' '), |end| Some(end + 1))?;
    Some(rest[..end].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Said;

    #[test]
    fn report_115_what_it_is_about_and_what_to_do() {
        let said = "pg_restore: error: could not execute query: ERROR:  function unaccent(unknown, text) does not exist\n\
                    LINE 1:  select unaccent('unaccent', $1) \n                ^\nHINT:  No function matches.\nQUERY:  select 1\n\
                    CONTEXT:  SQL function \"f_unaccent\" during inlining\n\
                    Command was: CREATE INDEX people_name ON public.people USING btree (public.f_unaccent(name));\n\n\n";
        let failure = Failure::new(Kind::Child, "pg_restore in c failed").because(Said::last(said, 5).unwrap());
        let failure = explained(failure);
        let reason = failure.reason();
        assert!(reason.starts_with("pg_restore in c failed (index people_name): pg_restore: error: "), "{reason}");
        assert!(reason.contains("function unaccent(unknown, text) does not exist"), "{reason}");
        assert!(
            failure.remedies[1].to_string().contains("ALTER FUNCTION f_unaccent SET search_path"),
            "{:?}",
            failure.remedies
        );
        assert_eq!(
            function_in_context("CONTEXT:  PL/pgSQL function s.f(text, integer) line 3 at RETURN").as_deref(),
            Some("s.f(text, integer)")
        );
        assert!(advice("ERROR:  relation \"x\" does not exist").is_empty());
    }
}
