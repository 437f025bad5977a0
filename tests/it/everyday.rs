//! The everyday path: export, list, info, delete rows, import, and the rows are back. These tests also run against a
//! real host (`make test-host`): every service is called `host.name(...)`, and nothing but `dokku` is used.

use super::support::Host;
use super::support::fixture::ITEMS;

#[test]
fn rows_deleted_after_a_backup_come_back() {
    let host = Host::up();
    let shop = &host.name("shop");
    host.database(shop, ITEMS);
    let id = host.export(shop);
    assert!(id.starts_with(&format!("{shop}-20")), "{id}");
    host.sql(shop, "delete from items where id > 10");
    host.dokku(&["backups:import", shop, "--id", &id, "--force"]).expect(0);
    assert_eq!(host.sql(shop, "select count(*) from items"), "500");
    let info = host.info(shop, &id);
    assert_eq!(info["restores"][0]["status"], "success");
    assert_eq!(info["tables"][0]["rows"], 500);
    host.check(shop, &[id], true);
}
