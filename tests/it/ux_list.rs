//! The list, and deleting from it (ux 310, 311, 313, 335).

use serde_json::{Value, json};

use super::support::{Deed, Host, SHOP};

/// A host with backups of several kinds: their ids, the oldest first.
fn several() -> (Host, Vec<String>) {
    let host = Host::up();
    host.database("shop", SHOP);
    let long = "before the migration of everything to something else, which took a while to plan";
    let mut ids = vec![host.dokku(&["backups:export", "shop", "--at", "2026-01-01T00:00:00Z"]).expect(0).id()];
    let words = ["backups:export", "shop", "--label", "before Upgrade", "--at", "2026-03-01T00:00:00Z"];
    ids.push(host.dokku(&words).expect(0).id());
    ids.push(host.dokku(&["backups:export", "shop", "--verify", "--at", "2026-03-02T00:00:00Z"]).expect(0).id());
    ids.push(host.dokku(&["backups:export", "shop", "--label", long]).expect(0).id());
    host.dokku(&["backups:keep", "shop", "--id", &ids[1]]).expect(0);
    host.dokku(&["--force", "backups:import", "shop", "--id", &ids[2]]).expect(0);
    (host, ids)
}

#[test]
fn ux_310_311_the_list_is_made_for_80_columns_and_shows_what_counts() {
    let (host, ids) = several();
    let text = host.dokku(&["backups:list", "shop"]).expect(0).out();
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    let title: Vec<&str> = text.lines().nth(1).expect("titles").split_whitespace().collect();
    assert_eq!(title, ["Name", "Age", "Size", "Trust", "Source", "Remarks"]);
    let row = |id: &str| text.lines().find(|line| line.starts_with(id)).unwrap_or_else(|| panic!("{id}: {text}"));
    assert!(row(&ids[0]).contains(" Created ") && row(&ids[0]).contains("w "), "{text}");
    assert!(row(&ids[1]).contains("kept, \"before Upgr"), "{text}");
    assert!(row(&ids[2]).contains(" Restorable ") && row(&ids[3]).contains('…'), "{text}");
    assert!(text.contains(" safety"), "{text}");
    assert!(!text.contains("restore-verified"), "{text}");
    // Everything else is there when it is asked for.
    let verbose = host.dokku(&["backups:list", "shop", "--verbose"]).expect(0).out();
    for words in ["Created, not restore-verified", "Schedule", "Restore status", "done 20", "SHA-256", "Label"] {
        assert!(verbose.contains(words), "{words}: {verbose}");
    }
    assert_eq!(host.info("shop", &ids[0])["trust_label"], "Created, not restore-verified");
    // A suspicious one is marked where one looks first.
    host.sql("shop", "truncate items cascade");
    let emptied = host.export("shop");
    let text = host.dokku(&["backups:list", "shop"]).expect(0).out();
    assert!(text.lines().any(|line| line.starts_with(&emptied) && line.contains("suspicious")), "{text}");
}

#[test]
fn ux_335_the_list_can_be_narrowed() {
    let (host, ids) = several();
    let list = |words: &[&str]| -> (Vec<String>, Value) {
        let answer = host.dokku(&[&["backups:list", "shop", "--format", "json"], words].concat()).expect(0).json();
        let ids = answer["backups"].as_array().expect("backups").iter();
        (ids.map(|backup| backup["id"].as_str().expect("an id").to_owned()).collect(), answer["total"].clone())
    };
    let all = list(&[]);
    assert_eq!((all.0.len(), &all.1), (5, &json!(5)));
    let newest_first: Vec<String> = ids.iter().rev().cloned().collect();
    assert_eq!(list(&["--source", "manual"]), (newest_first, json!(4)));
    assert_eq!(list(&["--source", "safety"]).0.len(), 1);
    assert_eq!(list(&["--trust", "restorable"]).0, [ids[2].clone()]);
    assert_eq!(list(&["--label", "UPGRADE"]).0, [ids[1].clone()]);
    assert_eq!(list(&["--since", "2026-03-02T00:00:00Z", "--source", "manual"]).0, [ids[3].clone(), ids[2].clone()]);
    assert_eq!(list(&["--since", "1h", "--source", "manual"]).0, [ids[3].clone()]);
    // A page knows how many there are in all.
    assert_eq!(list(&["--limit", "2"]), (all.0[..2].to_vec(), json!(5)));
    assert_eq!(list(&["--limit", "1", "--source", "manual"]), (vec![ids[3].clone()], json!(4)));
    assert_eq!(list(&["--status", "failed"]), (Vec::new(), json!(0)));
    let text = host.dokku(&["backups:list", "shop", "--limit", "1", "--source", "manual"]).expect(0).out();
    assert!(text.contains(&ids[3]) && !text.contains(&ids[2]), "{text}");
    for wrong in [["--limit", "0"], ["--since", "yesterday"], ["--trust", "good"], ["--source", "me"]] {
        host.dokku(&[&["backups:list", "shop"], &wrong[..]].concat()).expect(2);
    }
}

#[test]
fn ux_313_delete_asks_on_a_terminal() {
    let (host, ids) = several();
    let delete = ["backups:delete", "shop", "--id", &ids[0]];
    let there = |id: &str| host.dump_file("shop", id).is_file();
    for typed in [&b"no\n"[..], b"\n", b"\x03"] {
        let run = host.on_terminal(&delete, "to proceed, type \"shop\"", Deed::Types(typed));
        assert!(matches!(run.code, Some(7 | 130)) && run.stderr.contains("nothing was changed"), "{run:?}");
        assert!(run.stderr.contains(&format!("Deleting 1 backup: {}", ids[0])), "{}", run.stderr);
        assert!(there(&ids[0]));
    }
    host.on_terminal(&delete, "to proceed", Deed::Types(b"shop\n")).expect(0);
    assert!(!there(&ids[0]));
    // A program has meant it; --force asks nobody.
    host.dokku(&["backups:fork", "shop", "--id", &ids[1], "forked"]).expect(0);
    let run = host.dokku(&["backups:delete", "shop", "--id", &ids[1]]).expect(0);
    assert!(run.stderr.contains("forked was forked from") && run.stderr.contains("reset"), "{}", run.stderr);
    assert!(!there(&ids[1]));
    host.on_terminal(&["--force", "backups:delete", "shop", "--id", &ids[3]], "Deleted", Deed::Types(b"")).expect(0);
    assert!(!there(&ids[3]));
}
