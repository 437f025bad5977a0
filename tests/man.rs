//! The committed man page is what the grammar says today.

#![allow(clippy::disallowed_methods)] // A test starts programs.

use std::path::Path;
use std::process::Command;

#[test]
fn the_man_page_is_up_to_date() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    // Cargo builds the examples before it runs the tests, beside them.
    let test = std::env::current_exe().expect("this test");
    let program = test.parent().and_then(Path::parent).expect("target").join("examples/manpage");
    let page = Command::new(&program).output().unwrap_or_else(|e| panic!("{}: {e}", program.display()));
    assert!(page.status.success(), "{}", String::from_utf8_lossy(&page.stderr));
    let committed = std::fs::read_to_string(repository.join("man/dokku-backups.1")).expect("man/dokku-backups.1");
    assert_eq!(String::from_utf8_lossy(&page.stdout), committed, "run `make man` and commit man/dokku-backups.1");
}
