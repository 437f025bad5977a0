//! Statements in every disguise, against the table and against a model.

use std::collections::HashMap;

use proptest::prelude::*;

use super::table::TABLE;
use super::*;

fn class(text: &str) -> Class {
    judged(text, false).class
}

fn judged(text: &str, clean: bool) -> Judged {
    let asked = HashMap::new();
    let mut statements = Statements::new(text.as_bytes(), false);
    let statement = statements.next().flatten().unwrap_or_else(|| panic!("{text}: not one statement"));
    assert_eq!(statements.next(), None, "{text}");
    judge(statement, &Context { backslashes: false, clean, asked: &asked })
}

/// The class in a letter: `a`llowed, `l`eft out, `p`rivileged and harmless, `d`angerous, `u`nlisted, `r`efused.
fn letter(class: &Class) -> char {
    match class {
        Class::Allowed => 'a',
        Class::LeftOut => 'l',
        Class::Privileged(asked) if asked.danger.is_none() => 'p',
        Class::Privileged(_) => 'd',
        Class::Unlisted(_) => 'u',
        Class::Refused(_) => 'r',
    }
}

#[test]
fn attack_404_every_statement_of_the_grammar_has_its_class() {
    for (name, expected, text) in TABLE {
        assert_eq!(letter(&class(text)), *expected, "{name}: {text}: {:?}", class(text));
    }
}

/// The words of a statement, written otherwise: case, comments, other white space.
fn disguised(text: &str) -> Vec<String> {
    let swapped = |c: char| if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
    let outside = |change: &dyn Fn(char) -> String| {
        let (mut out, mut quote, mut dollars) = (String::new(), None, 0);
        for c in text.chars() {
            // `$$ ... $$` is four of them.
            let dollar = dollars % 4 != 0;
            match (quote, c) {
                (None, '$') => dollars += 1,
                (None, '\'' | '"') if !dollar => quote = Some(c),
                (Some(q), c) if q == c => quote = None,
                _ => {}
            }
            if quote.is_some() || dollar { out.push(c) } else { out.push_str(&change(c)) }
        }
        out
    };
    vec![
        outside(&|c| swapped(c).to_string()),
        outside(&|c| if c == ' ' { "/* ; /* ' */ $$ */".to_owned() } else { c.to_string() }),
        outside(&|c| if c == ' ' { "\u{b}-- ';$$\n\u{c}".to_owned() } else { c.to_string() }),
        format!("\u{feff}--x\r/**/\n{text} -- ;"),
    ]
}

#[test]
fn attack_404_in_any_disguise() {
    for (name, expected, text) in TABLE {
        for text in disguised(text) {
            assert_eq!(letter(&class(&text)), *expected, "{name}: {text}");
        }
    }
    let unicode = "CREATE FUNCTION sys(cstring) RETURNS int AS '/lib/libc.so.6', 'system' LANGUAGE U&\"\\0063\" STRICT";
    assert_eq!(letter(&class(unicode)), 'd');
    assert_eq!(letter(&class("SET U&\"!0072ole\" UESCAPE '!' TO postgres")), 'r');
    assert_eq!(letter(&class("CREATE FUNCTION f() RETURNS int LANGUAGE E'\\x43' AS $a$ $b$ ; $a$")), 'd');
    assert_eq!(letter(&class("CREATE EXTENSION U&\"file_\\0066dw\"")), 'd');
}

#[test]
fn attack_402_what_is_hidden_behind_a_statements_end_is_seen() {
    let all = |text: &str| Statements::new(text.as_bytes(), false).map(|one| one.is_some()).collect::<Vec<_>>();
    assert_eq!(all("a; b;; c ; -- d"), [true, true, true]);
    // `psql` would send these as one.
    for text in [
        "CREATE FUNCTION begin() RETURNS int LANGUAGE sql AS ''; ALTER ROLE a SUPERUSER; END",
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1 AS case; END; ALTER ROLE a SUPERUSER; END",
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1 case; END; ALTER ROLE a SUPERUSER; END",
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT a.case; END; ALTER ROLE a SUPERUSER; END",
        "CREATE TABLE t (a int; ALTER ROLE a SUPERUSER)",
        "SELECT 1)); SELECT 2",
        "SELECT 'a",
        "SELECT $a$",
        "SELECT 1e'x'",
        "SELECT $1$a$ ; $a$",
        "SELECT /* /* */",
    ] {
        let found = all(text);
        assert!(found.len() > 1 || found == [false], "{text}: {found:?}");
    }
}

#[test]
fn what_a_superuser_is_asked_is_one_statement_written_anew() {
    let sql = |text: &str| match class(text) {
        Class::Privileged(asked) => (asked.item, asked.sql),
        other => panic!("{text}: {other:?}"),
    };
    let pair = |item: &str, sql: &str| (item.to_owned(), sql.to_owned());
    assert_eq!(
        sql("create extension /* x */ HStore schema \"My, s\" version '1.0' cascade"),
        pair("extension:hstore", "CREATE EXTENSION IF NOT EXISTS \"hstore\" WITH SCHEMA \"My, s\" CASCADE")
    );
    assert_eq!(sql("COMMENT ON EXTENSION hstore IS E'a\\'; b'").1, "COMMENT ON EXTENSION hstore IS 'a''; b'");
    assert_eq!(
        sql("create function \"S p\".f() returns int as $x$lib$x$, U&'\\0061;' language c"),
        pair("function:S%20p.f", "create function \"S p\" . f ( ) returns int as 'lib' , 'a;' language c")
    );
    assert_eq!(sql("CREATE EVENT TRIGGER \"a,b\" ON x EXECUTE FUNCTION f()").0, "event-trigger:a%2Cb");
    let languages = sql("CREATE TRUSTED LANGUAGE plperl HANDLER evil_handler VALIDATOR evil");
    assert_eq!(languages, pair("language:plperl", "CREATE EXTENSION IF NOT EXISTS \"plperl\""));
}

/// A piece of SQL and whether it can hide a `;`.
fn piece() -> impl Strategy<Value = String> {
    let inside = "[a-z;'\"$\\\\ \n*/-]{0,12}";
    prop_oneof![
        inside.prop_map(|text| format!("+ '{}' ", text.replace('\'', "''"))),
        inside.prop_map(|text| format!("+ E'{}' ", text.replace('\\', "\\\\").replace('\'', "\\'"))),
        inside.prop_map(|text| format!("+ \"x{}\" ", text.replace('"', "\"\""))),
        inside.prop_map(|text| format!("+ $t${}$t$ ", text.replace('t', "u"))),
        inside.prop_map(|text| format!(" -- {}\n", text.replace('\n', " "))),
        inside.prop_map(|text| format!(" /*{}*/ ", text.replace(['*', '/'], ""))),
        "[a-z]{1,6}( |\\+|,|=)".prop_map(|word| word),
        "[0-9]{1,4} ".prop_map(|word| word),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]
    /// Statements made of quoted pieces are told apart at the `;` between them and nowhere else; `psql`'s lexer agrees.
    #[test]
    fn quoted_text_never_shifts_the_ends(statements in proptest::collection::vec(proptest::collection::vec(piece(), 1..6), 1..5)) {
        let texts: Vec<String> = statements.iter().map(|pieces| format!("truncate {}", pieces.concat())).collect();
        let whole = texts.join(";");
        let found: Vec<_> = Statements::new(whole.as_bytes(), false).collect();
        prop_assert_eq!(found.len(), texts.len(), "{}", whole);
        prop_assert!(found.iter().all(Option::is_some), "{}", whole);
        let commands = whole.clone() + ";\n\\! id\n";
        if let Ok(read) = crate::engine::postgres::plain::read(commands.as_bytes()) {
            prop_assert_eq!(read.code.refused.len(), 1, "{}", commands);
            prop_assert_eq!(read.code.unlisted.len(), 0, "{}", commands);
        }
    }

    #[test]
    fn no_bytes_break_it(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in "[a-zA-Z ;'\"$\\\\(),.*/=\n-]{0,80}") {
        for text in [bytes.as_slice(), text.as_bytes()] {
            for statement in Statements::new(text, false).flatten() {
                let asked = HashMap::new();
                let _ = judge(statement, &Context { backslashes: true, clean: true, asked: &asked });
            }
            let _ = crate::engine::postgres::plain::read(text);
        }
    }
}
