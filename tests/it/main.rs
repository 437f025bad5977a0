//! The program as its users meet it: through Dokku's own dispatch, on real PostgreSQL data, in a sandbox of its own for
//! every test. `DOKKU_BACKUPS_TEST_HOST=1` runs those of `everyday` and `by_hand` against this machine's `dokku` instead.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros)] // A test starts programs and breaks files; that is its work.

mod support;

mod acceptance;
mod adopt;
mod attack_addresses;
mod attack_copies;
mod attack_newest;
mod attack_restore;
mod attack_rights;
mod before_deploy;
mod bounds;
mod bounds_data;
mod by_hand;
mod check;
mod completion;
mod confined;
mod conformance;
mod destination;
mod destination_folder;
mod docs;
mod download;
mod drill;
mod encryption;
#[path = "../engine/mod.rs"]
mod engine;
mod everyday;
mod faults_destination;
mod faults_export;
mod faults_kills;
mod faults_many;
mod faults_records;
mod faults_storage;
mod faults_words;
mod foreign;
mod foreign_code;
mod foreign_server;
mod foreign_url;
mod forms;
mod gate;
mod jobs;
mod page;
mod platform;
mod real_host;
mod remote;
mod replace;
mod replaced;
mod report;
mod reports;
mod reports_stores;
mod reports_words;
mod restore;
mod retention;
mod retention_faults;
mod rights;
mod rights_table;
mod schedule;
mod schedule_runs;
mod schedule_week;
mod schedule_zones;
mod schemas;
mod strangers;
mod tell;
mod truth_kills;
mod verify;
