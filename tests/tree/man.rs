//! The committed man page is what the grammar says today.

#[path = "../../examples/manpage.rs"]
#[allow(dead_code)] // Its `main`.
mod manpage;

#[test]
fn the_man_page_is_up_to_date() {
    let page = String::from_utf8(manpage::page().expect("a page")).expect("text");
    let committed = concat!(env!("CARGO_MANIFEST_DIR"), "/man/dokku-backups.1");
    let committed = std::fs::read_to_string(committed).expect("man/dokku-backups.1");
    assert_eq!(page, committed, "run `make man` and commit man/dokku-backups.1");
}
