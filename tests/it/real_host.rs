//! What was found on a real host: the commit that a linked app runs, whichever way it was deployed; triggers without a
//! binary (most of it in `tests/plugin_life.sh`).

use dokku_backups::domain::Datastore;
use serde_json::Value;

use crate::support::{Host, Run, finish};

const ITEMS: &str = "create table items as select g id from generate_series(1, 500) g;";

/// A host with a service and an app that is linked to it.
fn linked() -> Host {
    let host = Host::up();
    host.database("shop", ITEMS);
    host.dokku(&["apps:create", "web"]).expect(0);
    host.dokku(&["postgres:link", "shop", "web"]).expect(0);
    host
}

/// `git push` of a new commit to `branch`; its hash.
fn push(host: &Host, branch: &str, what: &str) -> String {
    host.dokku(&["sandbox:deploy", "--branch", branch, "web", what]).expect(0).id()
}

/// What a backup made now records of the app.
fn recorded(host: &Host) -> (Value, Value) {
    let id = host.dokku(&["backups:export", "shop", "--at", &host.moment()]).expect(0).id();
    let info = host.info("shop", &id);
    (info["apps"][0].clone(), info)
}

#[track_caller]
fn runs(host: &Host, sha: &str, branch: &str) {
    let (app, info) = recorded(host);
    assert_eq!((app["git_sha"].as_str(), app["deploy_branch"].as_str()), (Some(sha), Some(branch)), "{app}");
    assert!(app["branch_sha"].is_null() && info["notes"].as_array().is_none_or(Vec::is_empty), "{info}");
}

/// git in the app's repository.
fn git(host: &Host, args: &[&str]) -> String {
    let mut git = host.command("git");
    git.args(["-c", "safe.directory=*", "--git-dir", &format!("{}/web", host.var("DOKKU_ROOT"))]).args(args);
    finish(git).expect(0).out().trim().to_owned()
}

fn report(host: &Host) -> String {
    host.dokku(&["git:report", "web", "--git-sha"]).expect(0).out().trim().to_owned()
}

fn import(host: &Host, id: &str) -> Run {
    host.dokku(&["backups:import", "shop", "--id", id, "--force", "--no-backup", "--with-code"])
}

#[test]
fn host_201_a_fresh_app_deployed_from_main() {
    let host = linked();
    let sha = push(&host, "main", "file=1");
    assert_eq!(report(&host), "HEAD", "the stand-in is not as the real one");
    runs(&host, &sha, "main");
    let shown = host.dokku(&["backups:info", "shop", "--latest"]).expect(0).out();
    assert!(shown.contains(&format!("web: {sha} (main), from git-push")), "{shown}");
}

#[test]
fn host_201_an_app_that_moved_from_master_to_main_and_back_to_the_backup() {
    let host = linked();
    let old = push(&host, "master", "file=1");
    runs(&host, &old, "master");
    let then = push(&host, "main", "file=2");
    assert_eq!(report(&host), old, "the stand-in is not as the real one");
    runs(&host, &then, "main");
    let id = host.list("shop")[0]["id"].as_str().expect("an id").to_owned();
    let now = push(&host, "main", "file=3");
    runs(&host, &now, "main");
    let run = import(&host, &id).expect(0);
    for words in [
        format!("web ran {} then, runs {} now", &then[..10], &now[..10]),
        format!("git push --force dokku@HOST:web {then}:refs/heads/main"),
        format!("then web is deployed at {then}, and its deploy branch set to that commit"),
        format!("web: {then} is deployed again, and its branch main is at it"),
        "git push dokku@HOST:web main".to_owned(),
    ] {
        assert!(run.stderr.contains(&words), "{words:?} is not said: {}", run.stderr);
    }
    runs(&host, &then, "main");
    let again = import(&host, &id).expect(0);
    assert!(again.stderr.contains(&format!("web: runs {then} already")), "{}", again.stderr);
}

#[test]
fn host_204_the_push_after_with_code_fits() {
    let host = linked();
    let then = push(&host, "main", "file=1");
    let (_, info) = recorded(&host);
    let now = push(&host, "main", "file=2");
    import(&host, info["id"].as_str().expect("an id")).expect(0);
    // No commit of Dokku's own: the branch is at the developer's, and what was pushed later can be pushed again.
    assert_eq!(git(&host, &["rev-parse", "refs/heads/main"]), then);
    git(&host, &["merge-base", "--is-ancestor", "refs/heads/main", &now]);
    assert_eq!(git(&host, &["show", "refs/heads/main:file"]), "1");
    let next = push(&host, "main", "file=3");
    assert_eq!(git(&host, &["rev-parse", &format!("{next}^")]), then);
    runs(&host, &next, "main");
}

#[test]
fn host_204_a_build_that_fails_leaves_the_branch_where_it_was() {
    let host = linked();
    push(&host, "main", "file=1");
    let (_, info) = recorded(&host);
    let now = push(&host, "main", "file=2");
    let fails = host.dir().join("run/build-fails");
    std::fs::write(&fails, "").expect("a build that fails");
    let run = import(&host, info["id"].as_str().expect("an id")).expect(3);
    std::fs::remove_file(fails).expect("builds again");
    for words in ["1 app could not be redeployed", "its branch main is at", "git push --force"] {
        assert!(run.stderr.contains(words), "{words:?} is not said: {}", run.stderr);
    }
    assert_eq!(git(&host, &["rev-parse", "refs/heads/main"]), now);
    runs(&host, &now, "main");
}

#[test]
fn host_201_other_branches_and_a_push_that_deploys_nothing() {
    let host = linked();
    host.dokku(&["git:set", "web", "deploy-branch", "release/2026"]).expect(0);
    let sha = push(&host, "release/2026", "file=1");
    runs(&host, &sha, "release/2026");
    push(&host, "main", "file=2");
    runs(&host, &sha, "release/2026");
    // The branch it is to be deployed from is another one now, and nothing was deployed from it yet.
    host.dokku(&["git:set", "web", "deploy-branch", "main"]).expect(0);
    let (app, info) = recorded(&host);
    assert_eq!(app["git_sha"], sha.as_str(), "{app}");
    assert_eq!(app["branch_sha"], git(&host, &["rev-parse", "refs/heads/main"]), "{app}");
    let note = info["notes"][0].as_str().unwrap_or_default();
    assert!(note.contains(&format!("Dokku deployed {sha}, but its branch main is at")), "{info}");
}

#[test]
fn host_201_a_rejected_push_changes_nothing() {
    let host = linked();
    host.dokku(&["sandbox:deploy", "--rejected", "--branch", "main", "web", "file=0"]).expect(1);
    let (app, _) = recorded(&host);
    assert!(app["git_sha"].is_null() && app["deploy_source"].is_null(), "{app}");
    let sha = push(&host, "main", "file=1");
    let failed = host.dokku(&["sandbox:deploy", "--rejected", "--branch", "main", "web", "file=2"]).expect(1).id();
    assert_eq!(host.dokku(&["config:get", "web", "GIT_REV"]).out().trim(), failed, "as on the real host");
    runs(&host, &sha, "main");
}

#[test]
fn host_201_git_sync_with_and_without_a_build() {
    let host = linked();
    host.dokku(&["apps:create", "upstream"]).expect(0);
    let upstream = |what: &str| {
        host.dokku(&["sandbox:deploy", "--branch", "trunk", "upstream", what]).expect(0).out().trim().to_owned()
    };
    let remote = format!("{}/upstream", host.var("DOKKU_ROOT"));
    let first = upstream("file=1");
    host.dokku(&["git:sync", "web", &remote, "trunk"]).expect(0);
    let (app, _) = recorded(&host);
    assert!(app["git_sha"].is_null(), "fetched and never built: {app}");
    host.dokku(&["git:sync", "--build", "web", &remote, "trunk"]).expect(0);
    runs(&host, &first, "trunk");
    let second = upstream("file=2");
    host.dokku(&["git:sync", "web", &remote, "trunk"]).expect(0);
    let (app, _) = recorded(&host);
    assert_eq!((app["git_sha"].as_str(), app["branch_sha"].as_str()), (Some(&*first), Some(&*second)), "{app}");
    let shown = host.dokku(&["backups:info", "shop", "--latest"]).expect(0).out();
    assert!(shown.contains(&format!("web: {first} (trunk at {second}), from git-sync")), "{shown}");
    host.dokku(&["git:sync", "--build", "web", &remote, "trunk"]).expect(0);
    runs(&host, &second, "trunk");
}

#[test]
fn host_201_images_and_archives() {
    let host = linked();
    host.dokku(&["git:from-image", "web", "example/shop:1"]).expect(0);
    let sha = git(&host, &["rev-parse", "refs/heads/master"]);
    runs(&host, &sha, "master");
    let (app, info) = recorded(&host);
    assert_eq!(
        (app["deploy_source"].as_str(), app["deploy_source_metadata"].as_str()),
        (Some("docker-image"), Some("example/shop:1"))
    );
    host.dokku(&["git:from-image", "web", "example/shop:2"]).expect(0);
    import(&host, info["id"].as_str().expect("an id")).expect(0);
    assert!(git(&host, &["show", "refs/heads/master:Dockerfile"]).contains("FROM example/shop:1"));
    runs(&host, &sha, "master");
    // An archive on top of an app that is deployed from main, while HEAD is on master.
    let host = linked();
    push(&host, "main", "file=1");
    let tar = host.dir().join("tmp/app.tar");
    let mut pack = host.command("bash");
    pack.args(["-c", "cd $DOKKU_SANDBOX_DIR/tmp && echo 2 >file && tar -cf app.tar file && chmod 644 app.tar"]);
    finish(pack).expect(0);
    host.dokku(&["git:from-archive", "web", &format!("file://{}", tar.display())]).expect(0);
    let sha = git(&host, &["rev-parse", "refs/heads/main"]);
    assert_eq!(git(&host, &["show", &format!("{sha}:file")]), "2");
    runs(&host, &sha, "main");
    // And pushed to once more: HEAD stays at what the archive left there.
    let sha = push(&host, "main", "file=3");
    assert_ne!(report(&host), sha);
    runs(&host, &sha, "main");
}

#[test]
fn host_202_the_gate_without_a_binary_knows_every_datastore() {
    let shim = include_str!("../../subcommands/default");
    for datastore in Datastore::ALL {
        let words = format!("trigger:service-action pre-delete {}\"", datastore.name());
        assert!(shim.contains(&words), "subcommands/default: may_pass does not know {}", datastore.name());
    }
}
