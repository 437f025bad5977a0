//! Every statement of PostgreSQL's grammar (`stmt` in `src/backend/parser/gram.y`, 13 to 18) and its class, and the
//! disguises in which it may come.

use std::collections::HashMap;

use proptest::prelude::*;

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

/// Name in the grammar, class, statement.
const TABLE: &[(&str, char, &str)] = &[
    ("AlterEventTrigStmt", 'd', "ALTER EVENT TRIGGER e DISABLE"),
    ("AlterCollationStmt", 'a', "ALTER COLLATION c REFRESH VERSION"),
    ("AlterDatabaseStmt", 'l', "ALTER DATABASE d WITH CONNECTION LIMIT 3"),
    ("AlterDatabaseSetStmt", 'l', "ALTER DATABASE d SET work_mem = 1"),
    ("AlterDefaultPrivilegesStmt", 'l', "ALTER DEFAULT PRIVILEGES FOR ROLE a GRANT ALL ON TABLES TO b"),
    ("AlterDomainStmt", 'a', "ALTER DOMAIN d ADD CONSTRAINT c CHECK (value > 0)"),
    ("AlterEnumStmt", 'a', "ALTER TYPE e ADD VALUE 'x'"),
    ("AlterExtensionStmt", 'u', "ALTER EXTENSION hstore UPDATE"),
    ("AlterExtensionContentsStmt", 'u', "ALTER EXTENSION hstore ADD TABLE t"),
    ("AlterFdwStmt", 'u', "ALTER FOREIGN DATA WRAPPER w OPTIONS (ADD a 'b')"),
    ("AlterForeignServerStmt", 'u', "ALTER SERVER s OPTIONS (SET host 'x')"),
    ("AlterForeignTableStmt", 'd', "ALTER FOREIGN TABLE ONLY public.t ALTER COLUMN c OPTIONS (column_name 'x')"),
    ("AlterForeignTableStmt", 'u', "ALTER FOREIGN TABLE t ADD COLUMN c int DEFAULT f()"),
    ("AlterFunctionStmt", 'a', "ALTER FUNCTION f(int) SET search_path TO public"),
    ("AlterFunctionStmt", 'u', "ALTER FUNCTION f(int) LEAKPROOF"),
    ("AlterGroupStmt", 'r', "ALTER GROUP g ADD USER u"),
    ("AlterObjectDependsStmt", 'a', "ALTER INDEX i DEPENDS ON EXTENSION hstore"),
    ("AlterObjectSchemaStmt", 'a', "ALTER TABLE t SET SCHEMA s"),
    ("AlterOwnerStmt", 'l', "ALTER FUNCTION f(integer, text) OWNER TO \"Some Body\""),
    ("AlterOwnerStmt", 'l', "ALTER LARGE OBJECT 5 OWNER TO a"),
    ("AlterOwnerStmt", 'a', "ALTER TABLE a ADD COLUMN b integer, OWNER TO c"),
    ("AlterOperatorStmt", 'a', "ALTER OPERATOR +(int, int) SET (RESTRICT = NONE)"),
    ("AlterTypeStmt", 'a', "ALTER TYPE t SET (STORAGE = plain)"),
    ("AlterPolicyStmt", 'a', "ALTER POLICY p ON t USING (true)"),
    ("AlterSeqStmt", 'a', "ALTER SEQUENCE s OWNED BY t.c"),
    ("AlterSystemStmt", 'r', "ALTER SYSTEM SET archive_command = 'id'"),
    ("AlterTableStmt", 'a', "ALTER TABLE ONLY public.t ADD CONSTRAINT p PRIMARY KEY (id)"),
    ("AlterTableStmt", 'r', "ALTER TABLE ALL IN TABLESPACE a SET TABLESPACE b"),
    ("AlterTblSpcStmt", 'r', "ALTER TABLESPACE t SET (seq_page_cost = 1)"),
    ("AlterCompositeTypeStmt", 'a', "ALTER TYPE t ADD ATTRIBUTE a int"),
    ("AlterPublicationStmt", 'a', "ALTER PUBLICATION p ADD TABLE ONLY public.t WHERE (a > 1)"),
    ("AlterPublicationStmt", 'p', "ALTER PUBLICATION p ADD TABLES IN SCHEMA s"),
    ("AlterRoleSetStmt", 'l', "ALTER ROLE r IN DATABASE d SET work_mem = 1"),
    ("AlterRoleSetStmt", 'r', "ALTER ROLE ALL SET statement_timeout = 1"),
    ("AlterRoleStmt", 'r', "ALTER ROLE postgres PASSWORD 'owned'"),
    ("AlterRoleStmt", 'r', "ALTER USER CURRENT_USER SUPERUSER"),
    ("AlterSubscriptionStmt", 'r', "ALTER SUBSCRIPTION s ENABLE"),
    ("AlterStatsStmt", 'a', "ALTER STATISTICS s SET STATISTICS 10"),
    ("AlterTSConfigurationStmt", 'a', "ALTER TEXT SEARCH CONFIGURATION c ADD MAPPING FOR word WITH simple"),
    ("AlterTSDictionaryStmt", 'a', "ALTER TEXT SEARCH DICTIONARY d (stopwords = 'a')"),
    ("AlterUserMappingStmt", 'u', "ALTER USER MAPPING FOR a SERVER s OPTIONS (SET user 'b')"),
    ("AnalyzeStmt", 'l', "ANALYZE t"),
    ("CallStmt", 'u', "CALL p()"),
    ("CheckPointStmt", 'r', "CHECKPOINT"),
    ("ClosePortalStmt", 'u', "CLOSE ALL"),
    ("ClusterStmt", 'a', "CLUSTER t USING i"),
    ("CommentStmt", 'a', "COMMENT ON TABLE t IS 'x'"),
    ("CommentStmt", 'l', "COMMENT ON DATABASE d IS 'x'"),
    ("CommentStmt", 'p', "COMMENT ON EXTENSION hstore IS 'x'"),
    ("CommentStmt", 'd', "COMMENT ON EXTENSION file_fdw IS 'x'"),
    ("CommentStmt", 'd', "COMMENT ON EVENT TRIGGER e IS 'x'"),
    ("CommentStmt", 'l', "COMMENT ON EXTENSION plpgsql IS NULL"),
    ("CommentStmt", 'r', "COMMENT ON ROLE postgres IS 'evil'"),
    ("ConstraintsSetStmt", 'a', "SET CONSTRAINTS ALL DEFERRED"),
    ("CopyStmt", 'a', "COPY public.t (a, \"B\") FROM stdin"),
    ("CopyStmt", 'a', "COPY t FROM STDOUT WITH (FORMAT csv, HEADER true, FORCE_NULL (a, b)) WHERE a > 1"),
    ("CopyStmt", 'r', "COPY t FROM STDIN BINARY"),
    ("CopyStmt", 'r', "COPY BINARY t FROM STDIN"),
    ("CopyStmt", 'r', "COPY t FROM STDIN (format 'BINARY')"),
    ("CopyStmt", 'u', "COPY (SELECT a FROM stdin) TO '/tmp/proof'"),
    ("CopyStmt", 'u', "COPY stdin TO STDOUT"),
    ("CopyStmt", 'u', "COPY t FROM '/etc/passwd'"),
    ("CopyStmt", 'u', "COPY t FROM PROGRAM 'id'"),
    ("CreateAmStmt", 'd', "CREATE ACCESS METHOD m TYPE TABLE HANDLER h"),
    ("CreateAsStmt", 'u', "CREATE TABLE t AS SELECT pg_read_file('/etc/passwd')"),
    ("CreateAsStmt", 'u', "CREATE UNLOGGED TABLE t (a) WITH (fillfactor = 10) AS EXECUTE x"),
    ("CreateAsStmt", 'u', "SELECT 1 INTO t"),
    ("CreateAssertionStmt", 'u', "CREATE ASSERTION a CHECK (true)"),
    ("CreateCastStmt", 'a', "CREATE CAST (a AS b) WITH FUNCTION f(a)"),
    ("CreateCastStmt", 'd', "CREATE CAST (public.a AS text) WITHOUT FUNCTION AS IMPLICIT"),
    ("CreateConversionStmt", 'a', "CREATE DEFAULT CONVERSION c FOR 'UTF8' TO 'LATIN1' FROM f"),
    ("CreateDomainStmt", 'a', "CREATE DOMAIN d AS int CHECK (value > 0)"),
    ("CreateExtensionStmt", 'p', "CREATE EXTENSION IF NOT EXISTS \"uuid-ossp\" WITH SCHEMA public"),
    ("CreateExtensionStmt", 'd', "CREATE EXTENSION file_fdw"),
    ("CreateExtensionStmt", 'd', "CREATE EXTENSION never_heard_of"),
    ("CreateExtensionStmt", 'l', "CREATE EXTENSION IF NOT EXISTS plpgsql WITH SCHEMA pg_catalog"),
    ("CreateExtensionStmt", 'u', "CREATE EXTENSION hstore WITH SCHEMA public, x"),
    ("CreateFdwStmt", 'd', "CREATE FOREIGN DATA WRAPPER w HANDLER h VALIDATOR v OPTIONS (a 'b')"),
    ("CreateForeignServerStmt", 'd', "CREATE SERVER s TYPE 'x' VERSION '1' FOREIGN DATA WRAPPER file_fdw"),
    (
        "CreateForeignTableStmt",
        'd',
        "CREATE FOREIGN TABLE f (a text OPTIONS (n 'x') NOT NULL, b numeric(3,1)[]) SERVER s",
    ),
    ("CreateForeignTableStmt", 'u', "CREATE FOREIGN TABLE f (a text DEFAULT g()) SERVER s"),
    ("ImportForeignSchemaStmt", 'u', "IMPORT FOREIGN SCHEMA s FROM SERVER x INTO y"),
    ("CreateFunctionStmt", 'a', "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ begin; end; $$"),
    (
        "CreateFunctionStmt",
        'a',
        "CREATE PROCEDURE p() BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; DELETE FROM a; END",
    ),
    ("CreateFunctionStmt", 'd', "CREATE FUNCTION f() RETURNS int AS 'libc.so', 'system' LANGUAGE C STRICT"),
    ("CreateFunctionStmt", 'd', "CREATE FUNCTION f(x int) RETURNS void AS $$ $$ LANGUAGE plpython3u"),
    ("CreateFunctionStmt", 'd', "CREATE FUNCTION f() RETURNS void LANGUAGE 'plperlu' AS ''"),
    ("CreateFunctionStmt", 'd', "CREATE FUNCTION f() RETURNS void LANGUAGE sql LEAKPROOF AS ''"),
    ("CreateFunctionStmt", 'a', "CREATE FUNCTION f() RETURNS void LANGUAGE sql NOT LEAKPROOF AS ''"),
    ("CreateFunctionStmt", 'u', "CREATE FUNCTION f(x int DEFAULT evil()) RETURNS void LANGUAGE internal AS 'x'"),
    ("CreateGroupStmt", 'r', "CREATE GROUP g"),
    ("CreateMatViewStmt", 'a', "CREATE MATERIALIZED VIEW v AS SELECT 1 WITH NO DATA"),
    (
        "CreateOpClassStmt",
        'd',
        "CREATE OPERATOR CLASS c DEFAULT FOR TYPE t USING btree AS OPERATOR 1 <, FUNCTION 1 f(t, t)",
    ),
    ("CreateOpFamilyStmt", 'd', "CREATE OPERATOR FAMILY public.f USING btree"),
    ("AlterOpFamilyStmt", 'd', "ALTER OPERATOR FAMILY public.f USING btree ADD OPERATOR 1 <(int, int)"),
    ("CreatePublicationStmt", 'a', "CREATE PUBLICATION p WITH (publish = 'insert')"),
    ("CreatePublicationStmt", 'a', "CREATE PUBLICATION p FOR TABLE a, b"),
    ("CreatePublicationStmt", 'p', "CREATE PUBLICATION p FOR ALL TABLES WITH (publish = 'insert, update')"),
    ("CreatePublicationStmt", 'p', "CREATE PUBLICATION p FOR TABLES IN SCHEMA a, b"),
    ("CreatePolicyStmt", 'a', "CREATE POLICY p ON t TO r USING (true)"),
    ("CreatePLangStmt", 'l', "CREATE OR REPLACE PROCEDURAL LANGUAGE plpgsql"),
    ("CreatePLangStmt", 'p', "CREATE TRUSTED PROCEDURAL LANGUAGE plperl HANDLER evil"),
    ("CreatePLangStmt", 'd', "CREATE LANGUAGE plpython3u"),
    ("CreateSchemaStmt", 'a', "CREATE SCHEMA \"We ird\""),
    ("CreateSchemaStmt", 'l', "CREATE SCHEMA public"),
    ("CreateSchemaStmt", 'u', "CREATE SCHEMA s CREATE TABLE t (a int) GRANT ALL ON t TO x"),
    ("CreateSeqStmt", 'a', "CREATE SEQUENCE s START 1"),
    (
        "CreateStmt",
        'a',
        "CREATE UNLOGGED TABLE IF NOT EXISTS t (a int DEFAULT f() CHECK (g(a))) PARTITION BY RANGE (a)",
    ),
    ("CreateStmt", 'a', "CREATE TEMPORARY TABLE stdin (a int)"),
    (
        "CreateSubscriptionStmt",
        'd',
        "CREATE SUBSCRIPTION s CONNECTION 'host=x' PUBLICATION p WITH (connect = false, slot_name = 's')",
    ),
    ("CreateSubscriptionStmt", 'r', "CREATE SUBSCRIPTION s CONNECTION 'host=x' PUBLICATION p"),
    ("CreateStatsStmt", 'a', "CREATE STATISTICS s ON a, b FROM t"),
    ("CreateTableSpaceStmt", 'r', "CREATE TABLESPACE t LOCATION '/tmp'"),
    ("CreateTransformStmt", 'd', "CREATE TRANSFORM FOR hstore LANGUAGE plperl (FROM SQL WITH FUNCTION f(internal))"),
    ("CreateTrigStmt", 'a', "CREATE CONSTRAINT TRIGGER t AFTER INSERT ON a FOR EACH ROW EXECUTE FUNCTION f()"),
    (
        "CreateEventTrigStmt",
        'd',
        "CREATE EVENT TRIGGER e ON ddl_command_end WHEN TAG IN ('A', 'B') EXECUTE FUNCTION s.f()",
    ),
    ("CreateRoleStmt", 'r', "CREATE ROLE evil SUPERUSER"),
    ("CreateUserStmt", 'r', "CREATE USER evil"),
    ("CreateUserMappingStmt", 'd', "CREATE USER MAPPING FOR PUBLIC SERVER s OPTIONS (user 'x')"),
    ("CreatedbStmt", 'l', "CREATE DATABASE d WITH TEMPLATE = template0"),
    ("DeallocateStmt", 'u', "DEALLOCATE ALL"),
    ("DeclareCursorStmt", 'u', "DECLARE c CURSOR FOR SELECT 1"),
    ("DefineStmt", 'a', "CREATE AGGREGATE a(int) (SFUNC = int4pl, STYPE = int)"),
    ("DefineStmt", 'd', "CREATE AGGREGATE a(int) (SFUNC = f, STYPE = internal)"),
    ("DefineStmt", 'a', "CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq)"),
    ("DefineStmt", 'd', "CREATE TYPE public.t"),
    ("DefineStmt", 'd', "CREATE TYPE t (INPUT = i, OUTPUT = o, INTERNALLENGTH = VARIABLE)"),
    ("DefineStmt", 'a', "CREATE TYPE t AS ENUM ('a')"),
    ("DefineStmt", 'a', "CREATE TYPE t AS RANGE (SUBTYPE = int)"),
    ("DefineStmt", 'd', "CREATE TEXT SEARCH PARSER p (START = s)"),
    ("DefineStmt", 'd', "CREATE TEXT SEARCH TEMPLATE t (LEXIZE = l)"),
    ("DefineStmt", 'a', "CREATE TEXT SEARCH DICTIONARY d (TEMPLATE = simple)"),
    ("DefineStmt", 'a', "CREATE TEXT SEARCH CONFIGURATION c (PARSER = default)"),
    ("DefineStmt", 'a', "CREATE COLLATION c (provider = icu, locale = 'de')"),
    ("DeleteStmt", 'a', "DELETE FROM t"),
    ("DiscardStmt", 'r', "DISCARD ALL"),
    ("DoStmt", 'u', "DO $$ BEGIN END $$"),
    ("DropCastStmt", 'a', "DROP CAST (a AS b)"),
    ("DropOpClassStmt", 'l', "DROP OPERATOR CLASS c USING btree"),
    ("DropOpFamilyStmt", 'l', "DROP OPERATOR FAMILY f USING btree"),
    ("DropOwnedStmt", 'r', "DROP OWNED BY postgres"),
    ("DropStmt", 'a', "DROP TABLE IF EXISTS t"),
    ("DropStmt", 'l', "DROP EXTENSION hstore"),
    ("DropStmt", 'l', "DROP SCHEMA IF EXISTS public CASCADE"),
    ("DropSubscriptionStmt", 'r', "DROP SUBSCRIPTION s"),
    ("DropTableSpaceStmt", 'r', "DROP TABLESPACE t"),
    ("DropTransformStmt", 'l', "DROP TRANSFORM FOR a LANGUAGE b"),
    ("DropRoleStmt", 'r', "DROP ROLE postgres"),
    ("DropUserMappingStmt", 'l', "DROP USER MAPPING FOR a SERVER s"),
    ("DropdbStmt", 'l', "DROP DATABASE shop WITH (FORCE)"),
    ("ExecuteStmt", 'u', "EXECUTE x"),
    ("ExplainStmt", 'u', "EXPLAIN ANALYZE SELECT f()"),
    ("FetchStmt", 'u', "FETCH ALL FROM c"),
    ("GrantStmt", 'l', "GRANT ALL ON TABLE a TO b"),
    ("GrantRoleStmt", 'l', "GRANT postgres TO CURRENT_USER"),
    ("IndexStmt", 'a', "CREATE UNIQUE INDEX i ON t USING gin (f(a)) WHERE a > 1"),
    ("InsertStmt", 'a', "INSERT INTO t (a) OVERRIDING SYSTEM VALUE VALUES (1), (f('x')) ON CONFLICT DO NOTHING"),
    ("InsertStmt", 'a', "INSERT INTO t DEFAULT VALUES"),
    ("InsertStmt", 'u', "INSERT INTO t SELECT pg_read_file('/etc/passwd')"),
    ("InsertStmt", 'u', "INSERT INTO t VALUES (1) UNION SELECT 2"),
    ("InsertStmt", 'u', "INSERT INTO t TABLE x"),
    ("ListenStmt", 'r', "LISTEN a"),
    ("RefreshMatViewStmt", 'a', "REFRESH MATERIALIZED VIEW v"),
    ("LoadStmt", 'r', "LOAD 'evil'"),
    ("LockStmt", 'a', "LOCK TABLE t IN SHARE MODE"),
    ("MergeStmt", 'u', "MERGE INTO a USING b ON true WHEN MATCHED THEN DELETE"),
    ("NotifyStmt", 'r', "NOTIFY a, 'x'"),
    ("PrepareStmt", 'u', "PREPARE x AS SELECT 1"),
    ("ReassignOwnedStmt", 'r', "REASSIGN OWNED BY a TO b"),
    ("ReindexStmt", 'a', "REINDEX TABLE t"),
    ("ReindexStmt", 'r', "REINDEX (VERBOSE) DATABASE d"),
    ("RemoveAggrStmt", 'a', "DROP AGGREGATE a(int)"),
    ("RemoveFuncStmt", 'a', "DROP FUNCTION f(int)"),
    ("RemoveOperStmt", 'a', "DROP OPERATOR + (int, int)"),
    ("RenameStmt", 'a', "ALTER TABLE a RENAME TO b"),
    ("RenameStmt", 'r', "ALTER ROLE a RENAME TO b"),
    ("RenameStmt", 'l', "ALTER DATABASE shop RENAME TO gone"),
    ("RevokeStmt", 'l', "REVOKE ALL ON SCHEMA public FROM PUBLIC"),
    ("RevokeRoleStmt", 'l', "REVOKE a FROM b"),
    ("RuleStmt", 'a', "CREATE RULE r AS ON DELETE TO a DO (INSERT INTO b VALUES (1); DELETE FROM c)"),
    ("SecLabelStmt", 'a', "SECURITY LABEL FOR x ON TABLE t IS 'y'"),
    ("SecLabelStmt", 'r', "SECURITY LABEL ON ROLE a IS 'y'"),
    ("SecLabelStmt", 'l', "SECURITY LABEL ON DATABASE a IS 'y'"),
    ("SelectStmt", 'a', "SELECT pg_catalog.set_config('search_path', '', false)"),
    ("SelectStmt", 'u', "SELECT pg_catalog.set_config('role', 'postgres', false)"),
    ("SelectStmt", 'u', "SELECT public.set_config('search_path', '', false)"),
    ("SelectStmt", 'a', "SELECT pg_catalog.setval('public.s', 7, true)"),
    ("SelectStmt", 'a', "SELECT pg_catalog.setval(pg_catalog.pg_get_serial_sequence('t', 'id'), 7, true)"),
    ("SelectStmt", 'u', "SELECT setval('s', (SELECT f()))"),
    ("SelectStmt", 'u', "SELECT setval('s', 1, true) FROM evil()"),
    ("SelectStmt", 'a', "SELECT pg_catalog.lo_create('123')"),
    ("SelectStmt", 'a', "SELECT pg_catalog.lo_open('123', 131072)"),
    ("SelectStmt", 'a', "SELECT pg_catalog.lowrite(0, '\\x61')"),
    ("SelectStmt", 'a', "SELECT pg_catalog.lo_close(0)"),
    (
        "SelectStmt",
        'l',
        "SELECT CASE WHEN EXISTS(SELECT 1 FROM pg_catalog.pg_largeobject_metadata WHERE oid = '1') THEN pg_catalog.lo_unlink('1') END",
    ),
    (
        "SelectStmt",
        'a',
        "SELECT * FROM pg_catalog.pg_restore_relation_stats('version', '180000'::integer, 'relpages', '1'::integer, 'x', '{1}'::real[])",
    ),
    ("SelectStmt", 'u', "SELECT * FROM pg_catalog.pg_restore_relation_stats('version', evil())"),
    ("SelectStmt", 'u', "SELECT lo_import('/etc/passwd')"),
    ("SelectStmt", 'u', "VALUES (pg_reload_conf())"),
    ("SelectStmt", 'u', "TABLE t"),
    ("SelectStmt", 'u', "WITH x AS (SELECT lo_export(1, '/x')) SELECT 1"),
    ("SelectStmt", 'u', "(SELECT 1)"),
    ("TransactionStmt", 'l', "BEGIN ISOLATION LEVEL SERIALIZABLE"),
    ("TransactionStmt", 'l', "START TRANSACTION"),
    ("TransactionStmt", 'l', "COMMIT WORK"),
    ("TransactionStmt", 'l', "END"),
    ("TransactionStmt", 'r', "COMMIT AND CHAIN"),
    ("TransactionStmt", 'r', "COMMIT PREPARED 'x'"),
    ("TransactionStmt", 'r', "ROLLBACK"),
    ("TransactionStmt", 'r', "ROLLBACK PREPARED 'x'"),
    ("TransactionStmt", 'r', "ABORT"),
    ("TransactionStmt", 'r', "SAVEPOINT a"),
    ("TransactionStmt", 'r', "RELEASE a"),
    ("TransactionStmt", 'r', "PREPARE TRANSACTION 'x'"),
    ("TruncateStmt", 'a', "TRUNCATE t"),
    ("UnlistenStmt", 'r', "UNLISTEN *"),
    ("UpdateStmt", 'a', "UPDATE t SET a = 1"),
    ("VacuumStmt", 'l', "VACUUM FULL"),
    ("VariableResetStmt", 'r', "RESET ALL"),
    ("VariableResetStmt", 'r', "RESET ROLE"),
    ("VariableResetStmt", 'l', "RESET SESSION AUTHORIZATION"),
    ("VariableResetStmt", 'a', "RESET search_path"),
    ("VariableSetStmt", 'a', "SET client_encoding = 'UTF8'"),
    ("VariableSetStmt", 'a', "SET search_path TO \"$user\", public"),
    ("VariableSetStmt", 'a', "SET TIME ZONE 'UTC'"),
    ("VariableSetStmt", 'l', "SET transaction_timeout = 0"),
    ("VariableSetStmt", 'l', "SET default_tablespace = ''"),
    ("VariableSetStmt", 'l', "SET SESSION AUTHORIZATION postgres"),
    ("VariableSetStmt", 'r', "SET ROLE postgres"),
    ("VariableSetStmt", 'r', "SET LOCAL \"ROLE\" TO postgres"),
    ("VariableSetStmt", 'r', "SET session_authorization = 'postgres'"),
    ("VariableSetStmt", 'r', "SET TRANSACTION READ ONLY"),
    ("VariableSetStmt", 'r', "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"),
    ("VariableSetStmt", 'u', "SET session_replication_role = replica"),
    ("VariableSetStmt", 'u', "SET local_preload_libraries = 'evil'"),
    ("VariableShowStmt", 'u', "SHOW ALL"),
    ("ViewStmt", 'a', "CREATE OR REPLACE VIEW v AS SELECT 1"),
    ("not SQL", 'u', "DELIMITER"),
];

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
