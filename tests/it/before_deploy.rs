//! `before-deploy`: a backup before a linked app's release, and no release without it.

use super::support::Host;

const ROWS: &str = "create table t(id int primary key); insert into t select generate_series(1, 300);";

fn linked() -> Host {
    let host = Host::up();
    host.database("shop", ROWS);
    host.dokku(&["postgres:create", "other"]).expect(0);
    host.dokku(&["apps:create", "web"]).expect(0);
    host.dokku(&["apps:create", "alone"]).expect(0);
    for service in ["shop", "other"] {
        host.dokku(&["postgres:link", service, "web", "--no-restart"]);
    }
    host
}

#[test]
fn only_services_that_ask_for_it_are_backed_up() {
    let host = linked();
    host.dokku(&["sandbox:deploy", "web"]).expect(0);
    assert!(host.list("shop").is_empty());
    host.dokku(&["backups:set", "shop", "before-deploy", "on"]).expect(0);
    host.dokku(&["sandbox:deploy", "alone"]).expect(0);
    assert!(host.list("shop").is_empty(), "an app that is not linked");
    host.dokku(&["sandbox:deploy", "web"]).expect(0);
    let backups = host.list("shop");
    assert_eq!(backups.len(), 1);
    assert_eq!((&backups[0]["source"], &backups[0]["status"]), (&"before-deploy".into(), &"success".into()));
    assert_eq!(backups[0]["label"], "before a release of web");
    assert!(host.list("other").is_empty());
    // For all, but for one.
    host.dokku(&["backups:set", "--global", "before-deploy", "on"]).expect(0);
    host.dokku(&["backups:set", "shop", "before-deploy", "off"]).expect(0);
    host.dokku(&["sandbox:deploy", "web"]).expect(0);
    assert_eq!((host.list("shop").len(), host.list("other").len()), (1, 1));
}

#[test]
fn a_failed_backup_stops_the_deploy() {
    let host = linked();
    let before = host.dokku(&["sandbox:deploy", "web", "a=1"]).expect(0).out();
    host.dokku(&["backups:set", "shop", "before-deploy", "on"]).expect(0);
    let run = host
        .dokku_with("DOKKU_SANDBOX_FAULT", "postgres:export/broken=100", &["sandbox:deploy", "web", "a=2"])
        .expect(7);
    assert!(run.stderr.contains("web is not released: the backup of shop before it failed"), "{}", run.stderr);
    assert!(run.stderr.contains("dokku backups:set postgres:shop before-deploy off"), "{}", run.stderr);
    let now = host.dokku(&["git:report", "web", "--git-sha"]).expect(0).out();
    assert_eq!(now.trim(), before.trim(), "nothing was deployed");
    assert_eq!(host.list("shop")[0]["status"], "failed");
    // A stopped service as well: without a backup nothing is released.
    host.dokku(&["postgres:stop", "shop"]).expect(0);
    host.dokku(&["sandbox:deploy", "web", "a=3"]).expect(7);
    host.dokku(&["backups:set", "postgres:shop", "before-deploy", "off"]).expect(0);
    host.dokku(&["sandbox:deploy", "web", "a=3"]).expect(0);
}
