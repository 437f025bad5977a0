//! The program itself is replaced while it works, as an update of the plugin does.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::support::{Host, Running, SHOP, wait_for};

#[test]
fn fault_090_a_run_is_unharmed_when_the_binary_is_replaced() {
    let host = Host::up();
    host.database("shop", SHOP);
    let mut command = host.dokku_command(&["backups:export", "shop", "--verify"]);
    command.env("DOKKU_SANDBOX_FAULT", "postgres:export/slow=900");
    let running = Running::start(command);
    wait_for("a row in progress", || host.list("shop").into_iter().find(|backup| backup["status"] == "in-progress"));
    let plugin = Path::new(host.var("DOKKU_LIB_ROOT")).join("plugins/enabled/backups/bin");
    let (binary, aside) = (plugin.join("dokku-backups"), plugin.join("aside"));
    let other = plugin.join("other");
    fs::write(&other, "#!/bin/sh\nexit 42\n").expect("another program");
    fs::set_permissions(&other, fs::Permissions::from_mode(0o755)).expect("mode");
    fs::hard_link(&binary, &aside).expect("the binary");
    fs::rename(&other, &binary).expect("replaced");
    let id = running.wait().expect(0).id();
    host.dokku(&["backups:list", "shop"]).expect(42);
    fs::rename(&aside, &binary).expect("back");
    assert_eq!(host.trust("shop", &id), "restorable");
    host.check("shop", &[id], true);
}
