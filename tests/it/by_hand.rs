//! What docs/by-hand.md says, with nothing of ours but the dump and its record.

use std::path::PathBuf;
use std::process::Stdio;

use super::delta::{differing, nights};
use super::support::fixture::ITEMS;
use super::support::{Host, finish, truth};

/// A host with one backup, and the backup's path without ending.
fn backed_up() -> (Host, PathBuf) {
    let host = Host::up();
    let shop = &host.name("shop");
    host.database(shop, ITEMS);
    let backup = host.folder(shop).join(host.export(shop));
    (host, backup)
}

/// `script` in a shell, `$backup` being the backup, `$shop` its service and `$in_container` the way into its container.
fn shell(host: &Host, backup: &std::path::Path, script: &str) -> String {
    let shop = host.name("shop");
    let mut command = host.command("bash");
    command.args(["-euc", script]).env("backup", backup).env("shop", &shop).stdin(Stdio::null());
    command.env("in_container", format!("docker container exec -i dokku.postgres.{shop}"));
    finish(command).expect(0).out().trim().to_owned()
}

#[test]
fn the_hashes_of_dump_and_record_can_be_checked() {
    let (host, backup) = backed_up();
    let dump = shell(&host, &backup, r#"grep '^sha256' $backup.toml; sha256sum $backup.dump*"#);
    let sums: Vec<&str> = dump.split_whitespace().collect();
    assert_eq!(sums[2].trim_matches('"'), sums[3], "{dump}");
    let record = shell(&host, &backup, "head -n -1 $backup.toml | sha256sum; tail -n 1 $backup.toml");
    let sums: Vec<&str> = record.split_whitespace().collect();
    assert_eq!(sums[0], sums[4], "{record}");
}

#[test]
fn sql_from_elsewhere_is_restored_once_its_owners_are_there() {
    let (host, _) = backed_up();
    let shop = &host.name("shop");
    host.sql(shop, "create role somebody; alter table items owner to somebody");
    let sql = shell(
        &host,
        "x".as_ref(),
        "docker container exec dokku.postgres.$shop pg_dump -U postgres -d \"$(dokku postgres:info $shop --dsn | sed 's|.*/||')\"",
    );
    host.sql(shop, "drop table items; drop role somebody");
    let run = host.dokku_stdin(format!("{sql}\n").as_bytes(), &["backups:import", shop, "--file", "-", "--no-restore"]);
    let backup = host.folder(shop).join(run.expect(0).id());
    let owners = shell(&host, &backup, "grep -oE ' OWNER TO [^;]+;' $backup.sql | sort | uniq -c");
    assert!(owners.contains("OWNER TO somebody;"), "{owners}");
    shell(&host, &backup, "$in_container createuser -U postgres --no-login somebody");
    shell(&host, &backup, "$in_container createdb -U postgres -T template0 restored");
    let pour = "$in_container psql -X -U postgres -v ON_ERROR_STOP=1 --single-transaction -d restored < $backup.sql";
    shell(&host, &backup, pour);
    let count =
        shell(&host, &backup, "$in_container psql -XAt -U postgres -d restored -c 'select count(*) from items'");
    assert_eq!(count, "500");
}

#[test]
fn a_dump_goes_into_a_new_service_by_the_stock_import() {
    let (host, backup) = backed_up();
    let restored = &host.name("restored");
    host.dokku(&["postgres:create", restored]).expect(0);
    let bytes = std::fs::read(backup.with_extension("dump")).expect("the dump");
    host.dokku_stdin(&bytes, &["postgres:import", restored]).expect(0);
    assert_eq!(host.sql(restored, "select count(*) from items"), "500");
}

#[test]
fn a_dump_is_restored_beside_the_live_database_and_exchanged() {
    let (host, backup) = backed_up();
    let shop = &host.name("shop");
    let list = shell(&host, &backup, "$in_container pg_restore --list < $backup.dump");
    assert!(list.contains("TABLE DATA public items"), "{list}");
    host.sql(shop, "delete from items where id > 10");
    let database = host.sql(shop, "select current_database()");
    shell(&host, &backup, "$in_container createdb -U postgres -T template0 restored");
    let pour = "$in_container pg_restore -U postgres --exit-on-error --no-owner --no-acl -d restored < $backup.dump";
    shell(&host, &backup, pour);
    let exchange = format!(
        "$in_container psql -U postgres -d postgres -v ON_ERROR_STOP=1 <<'SQL'\n\
         alter database \"{database}\" rename to \"{database}_before\";\n\
         alter database \"restored\" rename to \"{database}\";\nSQL"
    );
    shell(&host, &backup, &exchange);
    assert_eq!(host.sql(shop, "select count(*) from items"), "500");
}

/// The block of docs/by-hand.md that puts differences together, on a chain of eleven backups and in a folder of copies.
#[test]
fn row_071_differences_are_put_together_by_hand() {
    let host = differing();
    let (ids, _) = nights(&host, 1..12);
    host.dokku(&["backups:delete", "shop", "--id", &ids[4]]).expect(0);
    let document =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/by-hand.md")).expect("the document");
    let block = document.split("```sh\n").find(|block| block.starts_with("index()")).expect("the block");
    let script = block.split("```").next().expect("its end");
    let folder = host.dir().join("copies");
    std::fs::create_dir(&folder).expect("a folder");
    for file in std::fs::read_dir(host.folder("shop")).expect("the backups").flatten() {
        if file.file_name().display().to_string().contains(".dump.") {
            std::fs::copy(file.path(), folder.join(file.file_name())).expect("a copy");
        }
    }
    for id in [&ids[8], &ids[10], &ids[0]] {
        let mut command = host.command("bash");
        command.args(["-euc", script]).env("backup", id).current_dir(&folder).stdin(Stdio::null());
        finish(command).expect(0);
        let archive = std::fs::read(folder.join(format!("{id}.archive"))).expect("the archive");
        assert_eq!(host.info("shop", id)["archive"]["sha256"], truth::hex(&archive), "{id}");
        assert!(archive.starts_with(b"PGDMP"));
    }
}
