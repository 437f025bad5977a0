//! What "clean" means after a backup that failed.

use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

use super::{Host, Run};

/// Three tables that are worth a dump: rows, text that does not compress to nothing, and a view.
pub const SHOP: &str = "create table items(id int primary key, name text);
insert into items select g, md5(g::text) from generate_series(1, 500) g;
create table orders(id int primary key, item int references items);
insert into orders select g, g % 500 + 1 from generate_series(1, 200) g;
create table empty(x int);
create view sold as select name from items join orders on orders.item = items.id;";

/// Everything that a failed backup must leave alone.
pub struct Before {
    records: Vec<Value>,
    dumps: BTreeMap<String, Vec<u8>>,
    rows: String,
}

static SECOND: AtomicU32 = AtomicU32::new(0);

impl Host {
    /// A host whose service `shop` has data and one good backup, and that backup's id.
    pub fn with_backup() -> (Host, String) {
        let host = Host::up();
        host.database("shop", SHOP);
        let id = host.dokku(&["backups:export", "shop", "--at", "2020-01-01T00:00:00Z"]).expect(0).id();
        (host, id)
    }

    /// A time nobody else uses: two backups of one second would wait for each other.
    pub fn moment(&self) -> String {
        let number = SECOND.fetch_add(1, Ordering::Relaxed);
        format!("2021-01-01T{:02}:{:02}:{:02}Z", number / 3600, number / 60 % 60, number % 60)
    }

    /// The state to compare with after a failure.
    pub fn before(&self, service: &str) -> Before {
        Before { records: self.list(service), dumps: self.dumps(service), rows: self.fingerprint(service) }
    }

    /// Every dump that lies in the folder of `service`.
    pub fn dumps(&self, service: &str) -> BTreeMap<String, Vec<u8>> {
        let Ok(entries) = fs::read_dir(self.folder(service)) else { return BTreeMap::new() };
        let dump = |entry: fs::DirEntry| {
            let name = entry.file_name().into_string().expect("a name");
            name.contains(".dump").then(|| (name, fs::read(entry.path()).expect("a dump")))
        };
        entries.flatten().filter_map(dump).collect()
    }

    /// One line that changes with any row of the tables of `SHOP`.
    pub fn fingerprint(&self, service: &str) -> String {
        self.sql(
            service,
            "select (select string_agg(i::text, ',' order by id) from items i) ||
             (select string_agg(o::text, ',' order by id) from orders o) || (select count(*) from empty);",
        )
    }

    /// Asserts that the only thing a failed backup has left is a failed record whose reason contains `reason`.
    #[track_caller]
    pub fn assert_clean(&self, service: &str, before: &Before, reason: &str) -> Value {
        let after = self.list(service);
        let known = |id: &Value| before.records.iter().any(|record| record["id"] == *id);
        let (old, new): (Vec<Value>, Vec<Value>) = after.into_iter().partition(|record| known(&record["id"]));
        assert_eq!(old, before.records, "records from before have changed");
        let [failed] = new.as_slice() else { panic!("not one new record: {new:#?}") };
        assert_eq!(failed["status"], "failed", "{failed}");
        let said = failed["reason"].as_str().unwrap_or_default();
        assert!(said.contains(reason), "the reason does not say {reason:?}: {said}");
        for field in ["file", "path", "size", "sha256", "trust"] {
            assert!(failed[field].is_null(), "{field} of a failed backup: {failed}");
        }
        assert_eq!(self.dumps(service), before.dumps, "dumps have changed");
        assert_eq!(self.fingerprint(service), before.rows, "the live database has changed");
        self.assert_no_strays();
        let good: Vec<String> = before.records.iter().filter(|r| r["status"] == "success").map(id_of).collect();
        self.dokku(&["backups:sync", service]).expect(0);
        self.check(service, &good, true);
        assert_eq!(self.list(service).iter().find(|r| r["id"] == failed["id"]), Some(failed), "changed by recovery");
        failed.clone()
    }

    /// Exports under a fault with a short idle limit, and asserts the error's kind, its words, and that all is clean.
    #[track_caller]
    pub fn export_fails(&self, service: &str, fault: &str, kind: &str, words: &str) -> Run {
        let before = self.before(service);
        self.fault(fault);
        let at = self.moment();
        let run = self.dokku_with(
            "DOKKU_BACKUPS_IDLE_TIMEOUT",
            "1",
            &["backups:export", service, "--format", "json", "--at", &at],
        );
        self.fault("");
        let error = run.error();
        assert_eq!(error["kind"], kind, "{fault}: {run:?}");
        assert_eq!(error["exit_code"].as_i64(), run.code.map(i64::from), "{fault}: {run:?}");
        assert!(run.stdout.is_empty(), "{fault}: {run:?}");
        let said = error["message"].as_str().expect("a message");
        assert!(said.contains(words), "{fault}: does not say {words:?}: {said}");
        self.assert_clean(service, &before, words);
        run
    }
}

fn id_of(record: &Value) -> String {
    record["id"].as_str().expect("an id").to_owned()
}
