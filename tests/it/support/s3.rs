//! A real S3 server for all tests: started once, when the first test asks for it, shared by test programs that run at
//! the same time, and gone when the last of them is. Every test has a bucket of its own.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::signer::{SignedUrlOptions, Signer};
use object_store::{Attribute, Attributes, ObjectStore, PutOptions, PutPayload};

use super::{Host, Run, fast_folder, repository};

/// How long the server may take to start on a busy machine.
const STARTING: Duration = Duration::from_secs(120);

/// The running server.
pub struct S3 {
    /// Its address.
    pub endpoint: String,
    /// Public half of its only key; also a canary.
    pub key_id: String,
    /// Secret half; a canary too.
    pub secret: String,
}

/// One test's bucket.
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// The server.
    pub s3: &'static S3,
    signer: AmazonS3,
}

impl S3 {
    /// The server; started where it does not run yet.
    pub fn shared() -> &'static S3 {
        static SHARED: OnceLock<S3> = OnceLock::new();
        SHARED.get_or_init(|| {
            let dir = fast_folder().join(format!("dbk-s3-{}", nix::unistd::geteuid()));
            let lock = File::create(dir.with_extension("lock")).expect("a lock");
            lock.lock().expect("the lock");
            let ready = dir.join("ready");
            let running = answers(&ready);
            if !running {
                // One that was killed leaves all of its files behind.
                let _ = fs::remove_dir_all(&dir);
            }
            fs::create_dir_all(dir.join("users")).expect("a folder");
            fs::write(dir.join("users").join(std::process::id().to_string()), "").expect("a user");
            if !running {
                start(&dir);
            }
            let text = fs::read_to_string(&ready).expect("the server's address");
            let mut lines = text.lines().map(str::to_owned);
            let mut next = || lines.next().expect("a line");
            S3 { endpoint: next(), key_id: next(), secret: next() }
        })
    }

    /// A new bucket.
    pub fn bucket(&'static self) -> Bucket {
        let bucket = self.named();
        assert_eq!(bucket.ask(reqwest::Method::PUT, "", &[], Vec::new()).0, 200, "a bucket");
        bucket
    }

    /// A new bucket with Object Lock: whatever is put there is kept for `days`.
    pub fn bucket_with_lock(&'static self, days: u32) -> Bucket {
        let bucket = self.named();
        let enabled = [("x-amz-bucket-object-lock-enabled", "true".to_owned())];
        assert_eq!(bucket.ask_with(reqwest::Method::PUT, "", &[], &enabled, Vec::new()).0, 200, "a bucket");
        let rule = format!("<DefaultRetention><Mode>COMPLIANCE</Mode><Days>{days}</Days></DefaultRetention>");
        let lock = format!(
            "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule>{rule}</Rule></ObjectLockConfiguration>"
        );
        let query = [("object-lock", "")];
        let (status, said) = bucket.ask_with(reqwest::Method::PUT, "", &query, &[], lock.into_bytes());
        assert_eq!(status, 200, "a lock: {}", String::from_utf8_lossy(&said));
        bucket
    }

    fn named(&'static self) -> Bucket {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("t{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        Bucket { signer: self.signer(&name), name, s3: self }
    }

    fn signer(&self, bucket: &str) -> AmazonS3 {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder =
            AmazonS3Builder::new().with_endpoint(&self.endpoint).with_allow_http(true).with_bucket_name(bucket);
        builder.with_access_key_id(&self.key_id).with_secret_access_key(&self.secret).build().expect("a signer")
    }
}

/// Whether there is a server behind the address in that file: one that was killed leaves the file behind.
fn answers(ready: &Path) -> bool {
    let text = fs::read_to_string(ready).unwrap_or_default();
    let address = text.lines().next().unwrap_or_default().trim_start_matches("http://").to_owned();
    std::net::TcpStream::connect(address).is_ok()
}

/// Starts the supervisor, which outlives this function and ends itself when no test program is left.
#[allow(clippy::zombie_processes)] // It outlives us: that is its work.
fn start(dir: &Path) {
    let out = File::create(dir.join("out")).expect("a file");
    let mut command = Command::new(repository().join("tests/s3.d/ceph"));
    command.arg(dir).process_group(0).stdin(Stdio::null()).stdout(out.try_clone().expect("a file")).stderr(out);
    let mut supervisor = command.spawn().expect("tests/s3.d/ceph");
    let since = Instant::now();
    while !dir.join("ready").exists() {
        let said = || fs::read_to_string(dir.join("out")).unwrap_or_default();
        assert!(supervisor.try_wait().expect("wait").is_none(), "the S3 server does not start: {}", said());
        assert!(since.elapsed() < STARTING, "the S3 server takes too long: {}", said());
        std::thread::sleep(Duration::from_millis(100));
    }
}

impl Bucket {
    /// The destination to set, with a prefix.
    pub fn uri(&self) -> String {
        format!("s3://{}/some/where", self.name)
    }

    /// One request, signed; its status and body.
    pub fn ask(&self, method: reqwest::Method, key: &str, query: &[(&str, &str)], body: Vec<u8>) -> (u16, Vec<u8>) {
        self.ask_with(method, key, query, &[], body)
    }

    /// The same with headers, which are not signed.
    fn ask_with(
        &self,
        method: reqwest::Method,
        key: &str,
        query: &[(&str, &str)],
        headers: &[(&str, String)],
        body: Vec<u8>,
    ) -> (u16, Vec<u8>) {
        let options = SignedUrlOptions::new().with_query(query.iter().copied());
        let path = object_store::path::Path::parse(key).expect("a key");
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let signed = self.signer.signed_url_opts(method.clone(), &path, Duration::from_secs(60), &options);
        let url = runtime.block_on(signed).expect("a signed address");
        let client = reqwest::blocking::Client::new();
        let mut request = client.request(method, url).body(body);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let answer = request.send().expect("an answer");
        (answer.status().as_u16(), answer.bytes().expect("a body").to_vec())
    }

    /// Keys and sizes of all objects.
    pub fn objects(&self) -> Vec<(String, u64)> {
        let (status, body) = self.ask(reqwest::Method::GET, "", &[("list-type", "2")], Vec::new());
        assert_eq!(status, 200);
        let text = String::from_utf8(body).expect("XML");
        let inner = |text: &str, tag: &str| {
            let (_, rest) = text.split_once(&format!("<{tag}>")).expect("a tag");
            rest.split_once(&format!("</{tag}>")).expect("its end").0.to_owned()
        };
        let one = |piece: &str| (inner(piece, "Key"), inner(piece, "Size").parse().expect("a size"));
        text.split("<Contents>").skip(1).map(one).collect()
    }

    /// Keys of uploads in parts that were never finished.
    pub fn unfinished(&self) -> Vec<String> {
        let (status, body) = self.ask(reqwest::Method::GET, "", &[("uploads", "")], Vec::new());
        let text = String::from_utf8(body).expect("XML");
        // So says rclone where there was never one.
        assert!(status == 200 || status == 404 && text.contains("NoSuchUpload"), "{status} {text}");
        let key = |piece: &str| piece.split("<Key>").nth(1)?.split("</Key>").next().map(str::to_owned);
        text.split("<Upload>").skip(1).filter_map(key).collect()
    }

    /// An object's bytes.
    pub fn get(&self, key: &str) -> Vec<u8> {
        let (status, body) = self.ask(reqwest::Method::GET, key, &[], Vec::new());
        assert_eq!(status, 200, "{key}");
        body
    }

    /// Puts an object.
    pub fn put(&self, key: &str, bytes: Vec<u8>) {
        assert_eq!(self.ask(reqwest::Method::PUT, key, &[], bytes).0, 200, "{key}");
    }

    /// Puts an object that carries the word of an upload.
    pub fn put_marked(&self, key: &str, bytes: Vec<u8>, mark: &str) {
        let word = Attribute::Metadata("dokku-backups".into());
        let attributes = Attributes::from_iter([(word, mark.to_owned())]);
        let options = PutOptions { attributes, ..PutOptions::default() };
        let path = object_store::path::Path::parse(key).expect("a key");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(self.signer.put_opts(&path, PutPayload::from(bytes), options)).expect("put");
    }

    /// Removes an object.
    pub fn delete(&self, key: &str) {
        assert_eq!(self.ask(reqwest::Method::DELETE, key, &[], Vec::new()).0, 204, "{key}");
    }

    /// The key of a file of `service`.
    pub fn key(&self, service: &str, file: &str) -> String {
        format!("some/where/postgres/{service}/{file}")
    }
}

impl Host {
    /// Lets addresses of loopback be asked, where the servers of the tests are.
    pub fn allow_private(&self) {
        self.dokku(&["backups:set", "--global", "private-addresses", "127.0.0.0/8 ::1"]).expect(0);
    }

    /// Sets everything but the destination itself, for all services.
    pub fn store_access(&self, endpoint: &str, key_id: &str, secret: &str) {
        self.allow_private();
        self.dokku(&["backups:set", "--global", "destination-endpoint", endpoint]).expect(0);
        self.dokku_stdin(key_id.as_bytes(), &["backups:set", "--global", "destination-key-id", "-"]).expect(0);
        self.dokku_stdin(secret.as_bytes(), &["backups:set", "--global", "destination-secret", "-"]).expect(0);
    }

    /// Sets the destination of all services.
    pub fn set_destination(&self, uri: &str) -> Run {
        self.dokku(&["backups:set", "--global", "destination", uri])
    }

    /// A host whose copies go to a bucket of its own, by way of `endpoint`, with a service `shop` that has data.
    pub fn with_bucket_by(endpoint: &str) -> (Host, Bucket) {
        let bucket = S3::shared().bucket();
        (Host::copying_to(&bucket, endpoint), bucket)
    }

    /// A host whose copies go to `bucket` by way of `endpoint`, with a service `shop` that has data.
    pub fn copying_to(bucket: &Bucket, endpoint: &str) -> Host {
        let host = Host::up();
        host.database("shop", super::SHOP);
        host.store_access(endpoint, &bucket.s3.key_id, &bucket.s3.secret);
        host.set_destination(&bucket.uri()).expect(0);
        host
    }

    /// The same straight to the server.
    pub fn with_bucket() -> (Host, Bucket) {
        Host::with_bucket_by(&S3::shared().endpoint)
    }

    /// Exports under another copy of the destination's record: the state of the copy of `id`.
    #[track_caller]
    pub fn copy_state(&self, service: &str, id: &str) -> String {
        self.info(service, id)["copy"]["state"].as_str().unwrap_or("none").to_owned()
    }

    /// A file of the configuration.
    pub fn config(&self, file: &str) -> PathBuf {
        Path::new(self.var("DOKKU_LIB_ROOT")).join("config/backups").join(file)
    }

    /// Makes the local file of a backup go away, as a lost disk does.
    pub fn lose(&self, service: &str, id: &str) -> PathBuf {
        let file = self.dump_file(service, id);
        fs::remove_file(&file).expect("the dump");
        file
    }
}
