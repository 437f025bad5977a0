//! Where this host lets itself be sent, what of an address is shown, and with whose key it speaks to whom.

use super::support::s3::S3;
use super::support::web::{Answer, Web};
use super::support::{Host, Run, SHOP};

/// What only this host can reach, in many spellings.
const INSIDE: [&str; 12] = [
    "127.0.0.1",
    "localhost",
    "127.1",
    "2130706433",
    "0x7f.1",
    "0.0.0.0",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "169.254.169.254",
    "10.0.0.5",
    "172.17.0.2",
    "[fe80::1]",
];
const TOKEN: &str = "canary-7a0c";

fn listener() -> Web {
    Web::up(vec![
        ("/ping".to_owned(), Answer::Status("200 OK")),
        ("/out".to_owned(), Answer::Redirect("http://127.0.0.1:1/".to_owned())),
    ])
}

fn untold(host: &Host) -> String {
    host.dokku(&["backups:check", "shop", "--format", "json"]).out()
}

#[test]
fn attack_412_no_key_sends_this_host_to_its_own_networks() {
    let host = Host::up();
    host.database("shop", SHOP);
    let web = listener();
    let port = web.address.port();
    for property in ["notify-url", "heartbeat-url", "destination-endpoint"] {
        for name in INSIDE {
            for scheme in ["http", "https"] {
                let url = format!("{scheme}://{name}:{port}/ping");
                for run in [
                    host.as_key("ci", &["backups:set", "shop", property, &url]),
                    host.as_key("ci", &["backups:set", "--global", property, &url]),
                ] {
                    let run = run.expect(7);
                    assert!(run.stderr.contains("private-addresses"), "{property} {url}: {}", run.stderr);
                }
            }
        }
        // As a list on stdin too, and root is told the same and how to allow it.
        let list = format!("{property} http://localhost:{port}/ping\n");
        host.dokku_stdin(list.as_bytes(), &["backups:set", "shop", "-"]).expect(7);
    }
    assert_eq!(web.asked(), 0, "somebody was asked");
    // No key opens the networks, by neither name; a login at the host does, and only as far as it says.
    for name in ["private-addresses", "import-private"] {
        host.as_key("ci", &["backups:set", "--global", name, "on"]).expect(7);
    }
    host.as_key("ci", &["backups:set", "shop", "private-addresses", "on"]).expect(2);
    host.as_root(&["backups:set", "--global", "private-addresses", "minio.lan"]).expect(2);
    host.as_root(&["backups:set", "--global", "private-addresses", "127.0.0.0/8"]).expect(0);
    host.as_key("ci", &["backups:set", "shop", "heartbeat-url", &web.http("/ping")]).expect(0);
    host.as_key("ci", &["backups:set", "shop", "heartbeat-url", "http://10.0.0.5/"]).expect(7);
}

#[test]
fn attack_412_what_was_set_is_judged_again_when_it_is_asked() {
    let host = Host::up();
    host.database("shop", SHOP);
    let web = listener();
    host.dokku_at("", "2026-01-01T00:00:00Z", &["backups:schedule", "shop", "daily", "--at", "03:00"]).expect(0);
    host.as_root(&["backups:set", "--global", "private-addresses", "on"]).expect(0);
    let tick = |day: u32| host.dokku_at("", &format!("2026-01-{day:02}T03:00:10Z"), &["backups:tick"]);
    // A number, and a name: what it stands for now is what counts.
    for (day, name) in [(2, "127.0.0.1"), (4, "localhost")] {
        host.as_root(&["backups:set", "--global", "private-addresses", "on"]).expect(0);
        let url = format!("http://{name}:{}/ping", web.address.port());
        host.dokku(&["backups:set", "shop", "heartbeat-url", &url]).expect(0);
        let asked = web.asked();
        tick(day).expect(0);
        assert_eq!(web.asked(), asked + 1, "{name}");
        host.as_root(&["backups:set", "--global", "private-addresses", "off"]).expect(0);
        let run = tick(day + 1).expect(0);
        assert_eq!(web.asked(), asked + 1, "{name} was asked");
        assert!(run.stderr.contains("of its own networks"), "{}", run.stderr);
        assert!(untold(&host).contains("of its own networks"), "{}", untold(&host));
    }
    // A proxy would go anywhere for us.
    let proxy = web.http("");
    host.dokku(&["backups:set", "shop", "heartbeat-url", "http://192.0.2.1.nip.invalid/"]).expect(0);
    let asked = web.asked();
    host.dokku_env(
        &[("DOKKU_BACKUPS_CLOCK", "2026-01-08T03:00:10Z"), ("http_proxy", &proxy), ("HTTP_PROXY", &proxy)],
        &["backups:tick"],
    )
    .expect(0);
    assert_eq!(web.asked(), asked);
}

#[test]
fn attack_412_a_store_is_asked_within_reach_only() {
    let (host, bucket) = Host::with_bucket();
    let first = host.export("shop");
    assert_eq!(host.copy_state("shop", &first), "stored");
    host.as_root(&["backups:set", "--global", "private-addresses", "10.0.0.0/8"]).expect(0);
    let before = bucket.objects().len();
    let run = host.dokku(&["backups:export", "shop"]).expect(3);
    assert!(run.stderr.contains("of its own networks") && run.stderr.contains("good here"), "{}", run.stderr);
    assert_eq!(bucket.objects().len(), before);
    let check = host.dokku(&["backups:check", "shop", "--read"]);
    assert!(check.out().contains("of its own networks"), "{}", check.out());
    let name = S3::shared().endpoint.replace("127.0.0.1", "localhost");
    let run = host.dokku(&["backups:set", "--global", "destination-endpoint", &name]).expect(7);
    assert!(run.stderr.contains("private-addresses"), "{}", run.stderr);
    host.allow_private();
    host.dokku(&["backups:sync", "shop"]).expect(0);
}

#[test]
fn attack_412_import_from_another_service_takes_the_same_rule() {
    let host = Host::up();
    host.database("shop", SHOP);
    host.dokku(&["postgres:create", "target"]).expect(0);
    let import = |address: &str| -> Run {
        let dsn = format!("postgresql://postgres:{TOKEN}@{address}/shop");
        host.dokku_stdin(dsn.as_bytes(), &["backups:import", "target", "--no-restore", "--from", "-"])
    };
    let port = host.psql("shop", "postgres", "show port");
    for address in [
        format!("127.0.0.1:{port}"),
        format!("localhost:{port}"),
        "172.17.0.2:5432".to_owned(),
        "[::1]:5432".to_owned(),
        "[::ffff:172.17.0.2]:5432".to_owned(),
        "0x7f.1:5432".to_owned(),
        "169.254.169.254:5432".to_owned(),
    ] {
        let run = import(&address).expect(7);
        assert!(run.stderr.contains("private-addresses") && !run.stderr.contains(TOKEN), "{address}: {}", run.stderr);
    }
    // Neither several hosts in one word, nor the folder of a socket.
    for address in ["127.0.0.1,example.com:5432", "%2Fvar%2Frun%2Fpostgresql"] {
        let code = import(address).code;
        assert!(matches!(code, Some(1 | 2 | 7)), "{address}: {code:?}");
    }
    assert_eq!(host.calls("docker:run"), 0, "a container was started");
    assert!(host.list("target").is_empty());
}

#[test]
fn attack_413_of_an_address_reports_show_the_host_only() {
    let host = Host::up();
    host.database("shop", SHOP);
    host.grant("reader", "read", "");
    let hook = format!("https://user:{TOKEN}@192.0.2.7.invalid:8443/services/{TOKEN}?key={TOKEN}");
    for key in ["notify-url", "heartbeat-url"] {
        let run = host.dokku(&["backups:set", "--global", key, &hook]).expect(0);
        assert!(!run.stderr.contains(TOKEN), "{}", run.stderr);
    }
    host.dokku(&["backups:set", "shop", "heartbeat-url", &format!("https://hooks.example.invalid/{TOKEN}")]).expect(0);
    // Written by hand, or by an older version that took it.
    for (key, value) in [
        ("destination-endpoint", format!("https://{TOKEN}:{TOKEN}@s3.example.invalid/{TOKEN}")),
        ("destination", format!("s3://{TOKEN}:{TOKEN}@bucket/{TOKEN}")),
    ] {
        std::fs::write(host.config("--global").join(key), value).expect("a value");
    }
    for words in [
        &["backups:report"][..],
        &["backups:report", "shop"],
        &["backups:report", "shop", "--format", "json"],
        &["backups:report", "--format", "json"],
        &["backups:report", "--format", "html"],
        &["backups:report", "--global"],
        &["backups:report", "--global", "--format", "json"],
        &["backups:check", "--read"],
        &["backups:export", "shop"],
    ] {
        for run in [host.as_key("reader", words), host.dokku(words)] {
            assert!(!run.out().contains(TOKEN) && !run.stderr.contains(TOKEN), "{words:?}: {run:?}");
        }
    }
    let report = host.dokku(&["backups:report", "shop", "--format", "json"]).expect(0).json();
    assert_eq!(report["properties"]["notify_url"]["global"], "https://192.0.2.7.invalid:8443/...");
    assert_eq!(report["properties"]["heartbeat_url"]["computed"], "https://hooks.example.invalid/...");
    assert_eq!(report["properties"]["destination_endpoint"]["global"], "https://s3.example.invalid/...");
    let run = host.dokku(&["backups:set", "shop", "notify-url", &format!("ftp://u:{TOKEN}@h/{TOKEN}")]).expect(2);
    assert!(!run.stderr.contains(TOKEN), "{}", run.stderr);
}

#[test]
fn attack_415_the_hosts_key_signs_for_the_hosts_store_only() {
    let (host, bucket) = Host::with_bucket();
    let other = S3::shared().bucket();
    let web = listener();
    let set = |words: &[&str]| host.dokku(&[&["backups:set", "shop"], words].concat());
    for words in [
        &["destination-endpoint", &web.http("")][..],
        &["destination", &other.uri()],
        &["destination", &format!("s3://{}/elsewhere", bucket.name)],
    ] {
        let run = set(words).expect(7);
        for hint in ["backups:set shop destination-key-id", "backups:set shop - <"] {
            assert!(run.stderr.contains(hint), "{words:?}: {}", run.stderr);
        }
    }
    // Half a key of its own is none.
    let list = |text: String| host.dokku_stdin(text.as_bytes(), &["backups:set", "shop", "-"]);
    let run = list(format!("destination-key-id mine\ndestination {}\n", other.uri())).expect(7);
    assert!(run.stderr.contains("destination-secret is not set"), "{}", run.stderr);
    // What stands there from before is not used either: nothing is sent, and the backup is good here.
    host.dokku(&["backups:set", "shop", "gate", "on"]).expect(0);
    let own = |key: &str| host.config("postgres:shop").join(key);
    std::fs::write(own("destination-endpoint"), web.http("")).expect("a value");
    let run = host.dokku(&["backups:export", "shop"]).expect(3);
    assert!(run.stderr.contains("takes a key of its own"), "{}", run.stderr);
    for verb in [&["backups:sync", "shop"][..], &["backups:check", "shop", "--read"]] {
        let run = host.dokku(verb);
        assert_ne!(run.code, Some(0));
        let said = format!("{}{}", run.out(), run.stderr);
        assert!(said.contains("takes a key of its own"), "{said}");
    }
    assert_eq!(web.asked(), 0, "somebody got our signature");
    std::fs::remove_file(own("destination-endpoint")).expect("removed");
    // With a key of its own, in one go.
    let (s3, uri) = (S3::shared(), other.uri());
    list(format!("destination-key-id {}\ndestination-secret {}\ndestination {uri}\n", s3.key_id, s3.secret)).expect(0);
    let id = host.export("shop");
    assert_eq!(host.copy_state("shop", &id), "stored");
    assert_eq!(other.objects().len(), 2);
    // Which is not taken away from under it.
    host.dokku(&["backups:set", "shop", "destination-secret"]).expect(7);
    host.dokku(&["backups:set", "shop", "destination", "none"]).expect(0);
}
