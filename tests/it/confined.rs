//! A verification's disposable database: what it may do, how much, and what becomes of it when the verification is
//! killed. `attack_425` is what attack.md lists among what held: the *disk* of a verification had no limit.

use std::fs;

use nix::sys::signal::Signal;

use super::support::faults::Mounted;
use super::support::fixture::ITEMS;
use super::support::{Host, Run, send, wait};

const FAULT: &str = "DOKKU_SANDBOX_FAULT";
/// A constraint that is true, and writes some ten gigabytes to be so anywhere but in `shop`.
const SWELLS: &str = "create function swells(int) returns boolean language plpgsql as $$ begin
  if current_setting('autovacuum') = 'off' then
    create table public.junk as select g, repeat(md5(g::text), 100) as it from generate_series(1, 100000000) g;
  end if;
  return true; end $$;
create table few(id int check (public.swells(id)));
insert into few select 1;";

/// The container of the verification that runs.
fn container(host: &Host) -> String {
    host.wait_until("a disposable database", || !host.disposables().is_empty());
    host.disposables().trim().to_owned()
}

fn inspect(host: &Host, container: &str, format: &str) -> String {
    host.docker(&["container", "inspect", "--format", format, container]).expect(0).out().trim().to_owned()
}

/// Asserts that `run` ended without a word about the backup, and left nothing.
#[track_caller]
fn says_nothing(host: &Host, id: &str, run: Run, words: &str) -> Run {
    let run = run.expect(1);
    assert!(run.stderr.contains(words), "{}", run.stderr);
    assert_eq!(host.trust("shop", id), "created", "{}", run.stderr);
    assert_eq!(host.disposables(), "");
    run
}

#[test]
fn attack_425_nothing_but_the_restore_is_allowed() {
    let host = Host::up();
    host.database("shop", ITEMS);
    let id = host.export("shop");
    let args = ["backups:verify", "shop", "--id", &id];
    let child = host.start_dokku(&args, &[(FAULT, "docker:exec:pg_restore/delay=3")]);
    let name = container(&host);
    for (field, value) in [
        (".HostConfig.NetworkMode", "none"),
        (".HostConfig.Memory", "1073741824"),
        (".HostConfig.MemorySwap", "1073741824"),
        (".HostConfig.PidsLimit", "256"),
        (".HostConfig.CapDrop", "[ALL]"),
        (".HostConfig.CapAdd", "[]"),
        (".HostConfig.SecurityOpt", "[no-new-privileges]"),
        (".HostConfig.ReadonlyRootfs", "true"),
        (".HostConfig.Privileged", "false"),
        (".HostConfig.RestartPolicy.Name", "no"),
        (".HostConfig.LogConfig.Config", "map[max-size:1m max-file:1]"),
        (".Config.User", "postgres"),
        ("index .Config.Labels \"dokku-backups.service\"", "postgres:shop"),
    ] {
        assert_eq!(inspect(&host, &name, &format!("{{{{{field}}}}}")), value, "{field}");
    }
    wait(child).expect(0);
    assert_eq!(host.trust("shop", &id), "restorable");
    let marks = host.data_root().join(".disposables");
    assert_eq!(fs::read_dir(marks).expect("marks").count(), 0, "the mark is gone with the container");
}

#[test]
fn attack_425_an_image_that_needs_root_gets_what_it_needs_and_the_log_says_so() {
    let host = Host::up();
    host.database("shop", ITEMS);
    let id = host.export("shop");
    host.put(&host.dir().join("image-needs-root"), b"", 0o644);
    let args = ["backups:verify", "shop", "--id", &id];
    let child = host.start_dokku(&args, &[(FAULT, "docker:exec:pg_restore/delay=3")]);
    let mut name = String::new();
    host.wait_until("the second container", || {
        name = host.disposables().trim().to_owned();
        let format = ["container", "inspect", "--format", "{{.State.Running}} {{.HostConfig.CapAdd}}", &name];
        !name.is_empty() && host.docker(&format).out().contains("true [CAP_CHOWN")
    });
    let rights =
        "{{.HostConfig.CapDrop}} {{.HostConfig.CapAdd}} {{.HostConfig.SecurityOpt}} {{.HostConfig.NetworkMode}}";
    assert_eq!(
        inspect(&host, &name, rights),
        "[ALL] [CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER CAP_SETGID CAP_SETUID] [no-new-privileges] none"
    );
    wait(child).expect(0);
    assert_eq!(host.trust("shop", &id), "restorable");
    let log = host.dokku(&["backups:logs", "shop", "--id", &id]).expect(0).out();
    assert!(log.contains("does not come up as postgres on a read-only file system"), "{log}");
    assert_eq!(host.disposables(), "");
}

#[test]
fn attack_425_verification_disk_is_bounded() {
    let host = Host::up();
    host.database("shop", SWELLS);
    let id = host.export("shop");
    host.dokku(&["backups:set", "shop", "verify-disk", "200m"]).expect(0);
    let run = host.dokku(&["backups:verify", "shop", "--id", &id]);
    let run = says_nothing(&host, &id, run, "the restore needs more than 200.0 MiB of disk");
    assert!(run.stderr.contains("dokku backups:set shop verify-disk"), "{}", run.stderr);
    let log = host.dokku(&["backups:logs", "shop", "--id", &id]).expect(0).out();
    assert!(log.contains("not verified: the restore needs more than"), "{log}");
    for (value, code) in [("2", 2), ("all", 2), ("0g", 2), ("auto", 0)] {
        host.dokku(&["backups:set", "shop", "verify-disk", value]).expect(code);
    }
}

#[test]
fn attack_425_what_hides_from_being_counted_is_ended() {
    let host = Host::up();
    host.database("shop", ITEMS);
    let id = host.export("shop");
    for hides in ["docker:exec:du/fail=hidden", "docker:exec:du/exit=137"] {
        let faults = format!("docker:exec:pg_restore/delay=8,{hides}");
        let run = host.dokku_with(FAULT, &faults, &["backups:verify", "shop", "--id", &id]);
        says_nothing(&host, &id, run, "what the restore writes could not be counted");
    }
    // Twice is bad luck.
    let faults = "docker:exec:pg_restore/delay=6,docker:exec:du/exit=137@1,docker:exec:du/exit=1@2";
    host.dokku_with(FAULT, faults, &["backups:verify", "shop", "--id", &id]).expect(0);
}

#[test]
fn attack_425_the_hosts_disk_is_never_filled() {
    let host = Host::up();
    let Some(_mounted) = Mounted::tmpfs(&host, "size=64m") else { return };
    host.database("shop", ITEMS);
    let id = host.export("shop");
    let docker_info = format!("docker:info/out={}", host.data_root().display());
    let faults = format!("docker:exec:pg_restore/delay=20,{docker_info}");
    let child = host.start_dokku(&["backups:verify", "shop", "--id", &id], &[(FAULT, &faults)]);
    host.wait_until("the watch", || host.calls("docker:info") > 0);
    std::thread::sleep(std::time::Duration::from_secs(1));
    host.put(&host.data_root().join("filler"), &vec![7; 60 << 20], 0o600);
    let run = wait(child);
    fs::remove_file(host.data_root().join("filler")).expect("filler");
    says_nothing(&host, &id, run, "hardly any disk");
}

#[test]
fn attack_425_a_full_disk_is_no_fault_of_the_backup() {
    let host = Host::up();
    host.database("shop", ITEMS);
    let id = host.export("shop");
    let full = "docker:exec:pg_restore/fail=pg_restore:%20error:%20could%20not%20execute%20query:%20ERROR:%20%20could\
        %20not%20extend%20file%20\"base/16384/16401\":%20No%20space%20left%20on%20device";
    let run = host.dokku_with(FAULT, full, &["backups:verify", "shop", "--id", &id]);
    says_nothing(&host, &id, run, "no disk was left");
}

#[test]
fn host_207_the_tick_removes_what_a_killed_verification_left() {
    let host = Host::up();
    host.database("shop", ITEMS);
    let id = host.export("shop");
    host.dokku(&["backups:schedule", "shop", "weekly"]).expect(0);
    let child =
        host.start_binary(&["backups:verify", "shop", "--id", &id], &[(FAULT, "docker:exec:pg_restore/delay=5")]);
    container(&host);
    // While it works the tick leaves it alone, and asks nobody.
    host.dokku_with(FAULT, "docker:ps/fail=asked", &["backups:tick"]).expect(0);
    assert_ne!(host.disposables(), "");
    send(&child, Signal::SIGKILL);
    wait(child);
    assert_ne!(host.disposables(), "");
    // Docker does not answer just then: another tick comes back to it.
    let run = host.dokku_with(FAULT, "docker:ps/fail=gone", &["backups:tick"]).expect(0);
    assert!(run.stderr.contains("gone"), "{}", run.stderr);
    assert_ne!(host.disposables(), "");
    let run = host.dokku(&["backups:tick"]).expect(0);
    assert!(run.stderr.contains("killed verifications: 1"), "{}", run.stderr);
    assert_eq!(host.disposables(), "");
    let run = host.dokku_with(FAULT, "docker:ps/fail=asked", &["backups:tick"]).expect(0);
    assert!(!run.stderr.contains("asked"), "with nothing left nobody is asked: {}", run.stderr);
}

#[test]
fn host_207_another_datastores_verification_is_never_removed() {
    let host = Host::up();
    host.database("shop", ITEMS);
    let id = host.export("shop");
    let image = format!("postgres:{}", host.info("shop", &id)["image_version"].as_str().expect("version"));
    let root = format!("dokku-backups.disposable={}", host.data_root().display());
    let backup = format!("dokku-backups.backup={id}");
    let run = |name: &str, service: &[&str]| {
        let start = ["run", "--detach", "--name", name, "--env", "POSTGRES_HOST_AUTH_METHOD=trust"];
        host.docker(&[&start, &["--label", &root, "--label", &backup][..], service, &[&image]].concat()).expect(0);
    };
    run("of-redis", &["--label", "dokku-backups.service=redis:shop"]);
    run("ours", &["--label", "dokku-backups.service=postgres:shop"]);
    run("of-an-earlier-version", &[]);
    host.dokku(&["backups:verify", "shop", "--id", &id]).expect(0);
    assert_eq!(host.disposables().trim(), "of-redis");
}
