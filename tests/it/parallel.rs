//! Restoring with several clients at once: what comes out is what one client makes, and what fails leaves all as it was.

use super::likeness::generator::database;
use super::support::{Host, soaking};

/// What can be built at the same time, what must not, and what needs something that comes later.
const BUILT: &str = r#"
    CREATE TABLE a (id int PRIMARY KEY, kind int, t text, CONSTRAINT "odd ""name" UNIQUE (kind, id));
    INSERT INTO a SELECT g, g % 7, md5(g::text) FROM generate_series(1, 2000) g;
    CREATE INDEX "Ä b" ON a (t); CREATE INDEX ON a (lower(t)); CREATE INDEX ON a (kind) WHERE kind > 3;
    CREATE UNIQUE INDEX a_clustered ON a (t, id); ALTER TABLE a CLUSTER ON a_clustered;
    CREATE TABLE b (id int NOT NULL, a int REFERENCES a, r int4range, EXCLUDE USING gist (r WITH &&));
    INSERT INTO b SELECT g, g, int4range(g, g + 1) FROM generate_series(1, 500) g;
    CREATE UNIQUE INDEX b_identity ON b (id); ALTER TABLE b REPLICA IDENTITY USING INDEX b_identity;
    CREATE INDEX b_statistics ON b ((a + 1)); ALTER INDEX b_statistics ALTER COLUMN 1 SET STATISTICS 500;
    CREATE STATISTICS s ON id, a FROM b;
    COMMENT ON INDEX b_statistics IS 'said'; COMMENT ON CONSTRAINT a_pkey ON a IS 'said too';
    CREATE TABLE p (id int, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
    CREATE TABLE p_1 PARTITION OF p FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
    CREATE TABLE p_2 PARTITION OF p FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
    CREATE INDEX ON p (at); INSERT INTO p SELECT g, '2020-01-01'::date + g FROM generate_series(0, 700) g;
    CREATE MATERIALIZED VIEW m AS SELECT kind, count(*) AS n FROM a GROUP BY kind; CREATE UNIQUE INDEX ON m (kind);
    CREATE FUNCTION known(k int) RETURNS text LANGUAGE sql IMMUTABLE
      BEGIN ATOMIC SELECT t || kind FROM a WHERE id = k GROUP BY id; END;
    CREATE TABLE late (k int); INSERT INTO late VALUES (1), (2); CREATE INDEX late_idx ON late (known(k));
    CREATE VIEW grouped AS SELECT id, kind, t FROM a GROUP BY id;
    CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'begin return new; end'; CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION f();
    CREATE RULE r AS ON DELETE TO late DO INSTEAD NOTHING;
    SELECT lo_from_bytea(0, 'large');
"#;

/// A fault of nothing: while there is one, the stand-in counts what is started.
const COUNTING: &str = "docker:none/exit";

/// How often pg_restore was started since the last time.
fn clients(host: &Host) -> usize {
    let calls = host.dir().join("run/calls/docker:exec:pg_restore");
    let count = std::fs::read_to_string(&calls).unwrap_or_default().lines().count();
    let _ = std::fs::remove_file(calls);
    count
}

#[test]
fn row_073_several_clients_restore_what_one_does() {
    let host = Host::up();
    host.database("shop", BUILT);
    let id = host.export("shop");
    let full = host.digest("shop");
    host.fault(COUNTING);
    // For so little one is enough.
    host.dokku(&["backups:verify", "shop", "--id", &id]).expect(0);
    assert_eq!(clients(&host), 1);
    host.dokku(&["backups:set", "shop", "restore-jobs", "3"]).expect(0);
    let run = host.dokku(&["backups:verify", "shop", "--id", &id]).expect(0);
    assert!(run.stderr.contains("every definition and every row is that of the backup"), "{}", run.stderr);
    assert_eq!(clients(&host), 5, "rows, three lots and the rest");
    host.sql("shop", "drop table late, b; delete from p");
    host.dokku(&["backups:import", "shop", "--id", &id, "--force", "--no-backup"]).expect(0);
    assert_eq!(clients(&host), 5);
    assert_eq!(host.digest("shop"), full);
    // Whatever form the backup is stored in.
    host.dokku(&["backups:set", "shop", "storage", "delta"]).expect(0);
    for _ in 0..2 {
        host.export("shop");
        host.dokku(&["backups:verify", "shop", "--latest"]).expect(0);
        assert_eq!(clients(&host), 5);
    }
    host.dokku(&["backups:set", "shop", "restore-jobs", "1"]).expect(0);
    host.dokku(&["backups:verify", "shop", "--latest"]).expect(0);
    assert_eq!(clients(&host), 1);
    host.dokku(&["backups:set", "shop", "restore-jobs", "0"]).expect(2);
}

#[test]
fn row_073_whatever_is_in_a_database_several_clients_restore_it() {
    let host = Host::up();
    host.dokku(&["backups:set", "--global", "restore-jobs", "4"]).expect(0);
    host.fault(COUNTING);
    for seed in 1..=soaking(4, 100) {
        let service = format!("made-{seed}");
        host.database(&service, &database(seed));
        clients(&host);
        host.dokku(&["backups:export", &service, "--verify"]).expect(0);
        assert!(clients(&host) > 3, "seed {seed} was restored by one client");
        host.dokku(&["postgres:destroy", &service, "--force"]).expect(0);
    }
}

#[test]
fn fault_065_one_of_several_clients_fails_and_all_is_as_it_was() {
    let host = Host::up();
    host.database("shop", BUILT);
    host.dokku(&["backups:set", "shop", "restore-jobs", "3"]).expect(0);
    let id = host.export("shop");
    host.sql("shop", "create table later (i int)");
    let before = host.digest("shop");
    for client in 1..=5 {
        for fault in ["die", "exit=1", "exit=0"] {
            clients(&host);
            host.fault(&format!("docker:exec:pg_restore/{fault}@{client}"));
            let run = host.dokku(&["backups:import", "shop", "--id", &id, "--force", "--no-backup"]);
            assert_ne!(run.code, Some(0), "{fault}@{client}: {}", run.stderr);
            assert!(run.stderr.contains("is as it was"), "{fault}@{client}: {}", run.stderr);
            assert_eq!(host.digest("shop"), before, "{fault}@{client}");
            host.check_settled("shop", fault);
        }
    }
    host.fault("");
    // An index that cannot be built anywhere else: the others are ended, and it is what is told.
    host.sql(
        "shop",
        "create function here(i int) returns int immutable language plpgsql as $$ begin
           if current_database() <> 'shop' then raise 'not at home'; end if; return i; end $$;
         create index on a (here(id))",
    );
    let broken = host.export("shop");
    let before = host.digest("shop");
    let run = host.dokku(&["backups:import", "shop", "--id", &broken, "--force", "--no-backup"]).expect(1);
    assert!(run.stderr.contains("pg_restore") && run.stderr.contains("is as it was"), "{}", run.stderr);
    assert!(!run.stderr.contains("administrator command"), "{}", run.stderr);
    assert_eq!(host.digest("shop"), before);
    host.assert_no_strays();
}
