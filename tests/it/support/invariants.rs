//! The invariants of the catalogue, asserted after every run and every crash.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use sha2::{Digest, Sha256};

use super::Host;

impl Host {
    /// Asserts that the catalogue of `service` keeps its promises, and that every id in `acknowledged` is still listed as
    /// a success. `settled` says that a changing command has run since the last crash.
    #[track_caller]
    pub fn check(&self, service: &str, acknowledged: &[String], settled: bool) {
        let folder = self.folder(service);
        let listed = self.list(service);
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let mut ids: Vec<_> = listed.iter().map(|backup| text(&backup["id"])).collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), listed.len(), "a backup is listed twice: {listed:?}");
        for backup in &listed {
            let id = text(&backup["id"]);
            if backup["status"] == "success"
                && backup["deleted_at"].is_null()
                && backup["trust"] == "created"
                && backup["presence"] != "remote"
            {
                let bytes = fs::read(text(&backup["path"])).unwrap_or_else(|e| panic!("{id}: {e}"));
                let sum: String = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
                assert_eq!(text(&backup["sha256"]), sum, "{id}: not the recorded bytes");
                assert_eq!(backup["size"], bytes.len(), "{id}: not the recorded size");
                let mode = fs::metadata(text(&backup["path"])).expect("metadata").permissions().mode() & 0o777;
                assert_eq!(mode, 0o400, "{id}: mode {mode:o}");
            }
        }
        for id in acknowledged {
            let found = listed.iter().find(|backup| &text(&backup["id"]) == id);
            let found = found.unwrap_or_else(|| panic!("{id} was acknowledged and is not listed"));
            assert_eq!(found["status"], "success", "{found}");
        }
        if settled && folder.exists() {
            for inner in [".incoming", ".trash"] {
                let left: Vec<_> =
                    fs::read_dir(folder.join(inner)).expect(inner).flatten().map(|e| e.file_name()).collect();
                assert!(left.is_empty(), "{inner} holds {left:?}");
            }
            // The index is only a shortcut: without it the answer is the same.
            let quick = self.asked(&["backups:list", service, "--deleted", "--format", "json"]).expect(0).json();
            let (index, aside) = (folder.join("index.toml"), folder.join("index.aside"));
            fs::rename(&index, &aside).expect("an index");
            let slow = self.asked(&["backups:list", service, "--deleted", "--format", "json"]).expect(0).json();
            fs::rename(&aside, &index).expect("the index");
            let bare = |mut list: serde_json::Value| {
                list["backups"]
                    .as_array_mut()
                    .expect("array")
                    .iter_mut()
                    .for_each(|b| b["tables"] = serde_json::Value::Null);
                list
            };
            assert_eq!(bare(quick), bare(slow), "the index says something else than the records");
        }
        let mode = fs::metadata(&folder).map(|m| m.permissions().mode() & 0o777).unwrap_or(0o700);
        assert_eq!(mode, 0o700, "folder mode {mode:o}");
    }
}
