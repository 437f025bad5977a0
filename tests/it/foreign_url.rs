//! Dumps that are fetched from an address: what may be asked, what it may answer, and what stays secret.

use super::foreign::packed;
use super::support::web::{Answer, Web};
use super::support::{Host, SHOP, finish};

/// Never to be seen anywhere.
const CANARY: &str = "canary-5ecr3t";

fn path(path: &str, answer: Answer) -> (String, Answer) {
    (path.to_owned(), answer)
}

/// A host with something to lose, and the dump of another service.
fn host() -> (Host, Vec<u8>) {
    let host = Host::up();
    host.elsewhere("shop");
    host.dokku(&["postgres:create", "target"]).expect(0);
    let dump = host.pg_dump("shop", &["-Fc"]);
    (host, dump)
}

impl Host {
    fn import_url(&self, url: &str, more: &[&str]) -> super::support::Run {
        self.dokku(&[&["--force", "backups:import", "target", "--url", url, "--no-backup"], more].concat())
    }

    fn fetch_only(&self, url: &str) -> super::support::Run {
        self.dokku(&["backups:import", "target", "--url", url, "--no-restore", "--format", "json"])
    }
}

#[test]
fn row_052_from_an_address_with_redirects_and_without_telling_it() {
    let (host, dump) = host();
    let sql = host.pg_dump("shop", &["--inserts"]);
    let truth = host.digest("shop");
    host.dokku(&["backups:set", "--global", "private-addresses", "on"]).expect(0);
    let hop = |n: usize| path(&format!("/hop{n}"), Answer::Redirect(format!("/hop{}?token={CANARY}", n - 1)));
    let mut answers = vec![
        path(&format!("/shop.dump?token={CANARY}"), Answer::Bytes(dump.clone())),
        path("/shop.sql.gz", Answer::Unmeasured(packed("gzip", &sql))),
        path("/shop", Answer::Unmeasured(packed("zstd", &dump))),
        path(&format!("/hop0?token={CANARY}"), Answer::Bytes(dump.clone())),
        path("/loop", Answer::Redirect("/loop".to_owned())),
    ];
    answers.extend((1..=6).map(hop));
    answers.extend(
        (1..=6).map(|n| {
            path(&format!("/hop{n}?token={CANARY}"), Answer::Redirect(format!("/hop{}?token={CANARY}", n - 1)))
        }),
    );
    let web = Web::up(answers);
    let secret = format!("http://user:{CANARY}@{}/shop.dump?token={CANARY}", web.address);
    for url in [secret, web.http("/shop.sql.gz"), web.http("/shop"), web.http("/hop5")] {
        host.sql("target", "drop schema public cascade; create schema public;");
        let run = host.import_url(&url, &[]).expect(0);
        assert!(!run.stderr.contains(CANARY) && !run.out().contains(CANARY), "{}", run.stderr);
        assert_eq!(host.digest("target"), truth, "{url}");
        assert_eq!(host.info("target", &run.id())["label"], "127.0.0.1");
    }
    assert!(web.heads().contains("authorization: Basic"), "{}", web.heads());
    for url in ["/hop6", "/loop"] {
        let run = host.fetch_only(&web.http(url)).expect(1);
        assert!(run.error()["message"].as_str().unwrap_or_default().contains("redirects more than 5 times"), "{run:?}");
    }
    for (path, text) in host.files() {
        assert!(!text.contains(CANARY), "fault 89: {path}");
    }
}

#[test]
fn row_052_an_address_over_tls() {
    let (host, dump) = host();
    let folder = tempfile::tempdir().expect("a folder");
    host.dokku(&["backups:set", "--global", "private-addresses", "on"]).expect(0);
    let web = Web::up_tls(vec![path("/shop.dump", Answer::Bytes(dump))], folder.path());
    let url = format!("https://localhost:{}/shop.dump", web.address.port());
    let run = host.fetch_only(&url).expect(1);
    assert!(run.error()["message"].as_str().unwrap_or_default().contains("certificate"), "{run:?}");
    let certificate = std::fs::read(folder.path().join("certificate.pem")).expect("a certificate");
    let certificate = host.file("certificate.pem", &certificate);
    let mut command = host.alone(&["backups:import", "target", "--url", &url, "--no-restore"]);
    command.env("SSL_CERT_FILE", &certificate);
    let id = finish(command).expect(0).id();
    host.dokku(&["backups:import", "target", "--id", &id, "--force", "--no-backup"]).expect(0);
    assert_eq!(host.digest("target"), host.digest("shop"));
}

#[test]
fn fault_087_what_only_this_host_can_reach_is_not_asked() {
    let (host, dump) = host();
    let web = Web::up(vec![
        path("/shop.dump", Answer::Bytes(dump)),
        path("/out", Answer::Redirect("http://1.1.1.1/shop.dump".to_owned())),
        path("/file", Answer::Redirect("file:///etc/passwd".to_owned())),
    ]);
    let port = web.address.port();
    let hosts = [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "2130706433",
        "0x7f.1",
        "017700000001",
        "127.1",
        "0",
    ];
    for name in hosts {
        for scheme in ["https", "http"] {
            let run = host.fetch_only(&format!("{scheme}://{name}:{port}/shop.dump"));
            assert_eq!(run.code, Some(7), "{scheme} {name}: {run:?}");
            assert!(run.stderr.contains("private-addresses"), "{scheme} {name}: {run:?}");
        }
    }
    for name in
        ["169.254.169.254", "10.0.0.1", "192.168.0.1", "100.64.0.1", "[fe80::1]", "[fd00::1]", "[64:ff9b::7f00:1]"]
    {
        host.fetch_only(&format!("https://{name}/latest/meta-data/")).expect(7);
    }
    assert_eq!(web.asked(), 0, "somebody was asked");
    // A service's own value allows nothing, and is refused.
    host.dokku(&["backups:set", "target", "private-addresses", "on"]).expect(2);
    host.dokku(&["backups:set", "--global", "private-addresses", "on"]).expect(0);
    // Every redirect is checked like the first address.
    let run = host.fetch_only(&web.http("/out")).expect(7);
    assert!(run.stderr.contains("in the clear"), "{}", run.stderr);
    host.fetch_only(&web.http("/file")).expect(2);
    host.fetch_only("http://1.1.1.1/shop.dump").expect(7);
    host.fetch_only("ftp://127.0.0.1/shop.dump").expect(2);
    host.fetch_only("not an address").expect(2);
    assert!(host.list("target").is_empty());
}

#[test]
fn row_052_wrong_answers_leave_nothing_behind() {
    let (host, dump) = host();
    host.dokku(&["backups:set", "--global", "private-addresses", "on"]).expect(0);
    host.dokku(&["backups:set", "target", "import-timeout", "3"]).expect(0);
    let before = host.digest("target");
    let web = Web::up(vec![
        path("/cut", Answer::Cut(dump.clone(), dump.len() / 2)),
        path("/stall", Answer::Stall(dump.clone(), dump.len() / 2)),
        path("/drip", Answer::Drip),
        path("/denied", Answer::Status("403 Forbidden")),
        path("/page", Answer::Bytes(b"<!DOCTYPE html><title>Sign in</title>".to_vec())),
        path("/huge", Answer::Huge(1 << 60)),
        path("/nothing", Answer::Bytes(Vec::new())),
    ]);
    let cases = [
        ("/cut", "io", "could not be read"),
        ("/drip", "timeout", "longer than allowed"),
        ("/stall", "timeout", "nothing more comes"),
        ("/denied", "io", "answered 403"),
        ("/absent", "io", "answered 404"),
        ("/page", "damaged", "a web page"),
        ("/huge", "no-space", "may be taken"),
        ("/nothing", "damaged", "an empty file"),
    ];
    for (url, kind, words) in cases {
        let args = ["backups:import", "target", "--url", &web.http(url), "--no-restore", "--format", "json"];
        let run = host.dokku_with("DOKKU_BACKUPS_IDLE_TIMEOUT", if url == "/stall" { "1" } else { "900" }, &args);
        let error = run.error();
        assert_eq!(error["kind"], kind, "{url}: {error}");
        assert!(error["message"].as_str().unwrap_or_default().contains(words), "{url}: {error}");
    }
    let refused = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    host.fetch_only(&format!("http://{refused}/x")).expect(1);
    host.fetch_only("https://no-such-host.invalid/x").expect(1);
    assert!(host.list("target").is_empty());
    host.check("target", &[], true);
    assert_eq!(host.digest("target"), before);
}

#[test]
fn fault_025_an_interrupted_fetch_leaves_nothing_behind() {
    let host = Host::up();
    host.database("target", SHOP);
    host.dokku(&["backups:set", "--global", "private-addresses", "on"]).expect(0);
    let web = Web::up(vec![path("/drip", Answer::Drip)]);
    let child = host.start_binary(&["backups:import", "target", "--url", &web.http("/drip"), "--no-restore"], &[]);
    host.wait_until("asked", || web.asked() > 0);
    std::thread::sleep(std::time::Duration::from_millis(500));
    super::support::send(&child, nix::sys::signal::Signal::SIGTERM);
    super::support::wait(child).expect(143);
    assert!(host.list("target").is_empty());
    host.check("target", &[], true);
}
