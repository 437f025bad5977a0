//! PostgreSQL, in a sandbox.

use std::ffi::OsString;

use dokku_backups::domain::{Datastore, DumpFormat, Service};
use dokku_backups::engine::{self, Engine};
use dokku_backups::sys::docker::Docker;

use super::Fixture;
use crate::support::Host;

const SHOP: &str = "create table items(id int primary key, name text);
insert into items select g, 'item ' || g from generate_series(1, 40) g;
create table empty_one(id int);
create view all_items as select * from items;
create sequence tickets; select nextval('tickets');
create function two() returns int language sql as 'select 2';";

/// A host with the service `shop`.
pub struct Shop(Host);

/// Starts it.
pub fn up() -> Shop {
    let host = Host::up();
    host.database("shop", SHOP);
    Shop(host)
}

impl Fixture for Shop {
    fn engine(&self) -> &'static dyn Engine {
        engine::of(Datastore::Postgres)
    }

    fn service(&self) -> Service {
        Service { datastore: Datastore::Postgres, name: "shop".parse().expect("a name") }
    }

    fn database(&self) -> Option<String> {
        Some("shop".to_owned())
    }

    fn docker(&self) -> Docker {
        let command = self.0.command("docker");
        let env: Vec<(OsString, OsString)> =
            command.get_envs().filter_map(|(key, value)| Some((key.to_owned(), value?.to_owned()))).collect();
        let path = env.iter().find(|(key, _)| key == "PATH").expect("PATH").1.clone();
        Docker::find("docker", &path, env).expect("docker")
    }

    fn image(&self) -> String {
        self.0.dokku(&["postgres:info", "shop", "--version"]).expect(0).out().trim().to_owned()
    }

    fn data(&self) -> String {
        self.0.digest("shop")
    }

    fn nothing(&self) -> String {
        self.0.dokku(&["postgres:create", "new"]).expect(0);
        self.0.digest("new")
    }

    fn remove_a_row(&self) {
        self.0.sql("shop", "delete from items where id = 40");
    }

    fn lose(&self) {
        self.0.psql("shop", "postgres", "drop database shop with (force)");
    }

    fn export(&self) -> Vec<u8> {
        self.0.dokku(&["postgres:export", "shop"]).expect(0).stdout
    }

    fn samples(&self) -> Vec<(&'static str, Vec<u8>, DumpFormat)> {
        let dump = |args: &[&str]| {
            let all = ["container", "exec", "dokku.postgres.shop", "pg_dump", "-U", "postgres", "-d", "shop"];
            self.0.docker(&[&all[..], args].concat()).expect(0).stdout
        };
        vec![
            ("shop.dump", self.export(), DumpFormat::Custom),
            ("whatever", dump(&["-Fc", "-Z0"]), DumpFormat::Custom),
            ("shop.sql", dump(&[]), DumpFormat::Plain),
            ("inserts", dump(&["--inserts", "--no-owner"]), DumpFormat::Plain),
        ]
    }

    fn left(&self) -> String {
        let roles = "select rolname from pg_roles where rolname like 'dokku_backups%' order by 1";
        self.0.left_databases("shop") + &self.0.psql("shop", "postgres", roles)
    }

    fn scratches(&self) -> String {
        self.0.disposables()
    }
}
