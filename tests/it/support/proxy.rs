//! A store that misbehaves: stands between the program and the real S3 server, passes requests on, and answers those it
//! was told of wrongly. One request a connection.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// What becomes of a request.
#[derive(Clone, Debug)]
pub enum Act {
    /// This status and this code of S3's.
    Status(u16, &'static str),
    /// The connection is closed before anything is answered.
    Close,
    /// Half of the real answer, then the connection is closed.
    Half,
    /// It reaches the server, but its answer reaches nobody.
    Lose,
    /// It is answered only after this time.
    Slow(Duration),
    /// Elsewhere.
    Redirect(&'static str),
    /// What does not carry this header meets this status and this code of S3's; what does passes.
    Unless(&'static str, u16, &'static str),
    /// A part of an object, said to be all of it.
    SaysAll,
    /// The real answer with one more header.
    Adds(&'static str, String),
    /// It reaches the server with another first byte.
    Spoil,
}

#[derive(Clone, Debug)]
struct Rule {
    method: &'static str,
    part: &'static str,
    times: usize,
    act: Act,
}

/// The proxy; it lives as long as the test program.
pub struct Proxy {
    /// Its address.
    pub endpoint: String,
    rules: Arc<Mutex<Vec<Rule>>>,
    seen: Arc<Mutex<Vec<String>>>,
}

/// For ever.
pub const ALWAYS: usize = usize::MAX;

trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

impl Proxy {
    /// A proxy before the server at `upstream`.
    pub fn before(upstream: &str) -> Proxy {
        Proxy::start(upstream, None)
    }

    /// The same, speaking TLS with a certificate.
    pub fn with_tls(upstream: &str, certificate: &Certificate) -> Proxy {
        let chain = CertificateDer::pem_file_iter(&certificate.chain).expect("PEM").map(|c| c.expect("PEM")).collect();
        let key = PrivateKeyDer::from_pem_file(&certificate.key).expect("PEM");
        let _ = rustls::crypto::ring::default_provider().install_default();
        let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).expect("a certificate");
        Proxy::start(upstream, Some(Arc::new(config)))
    }

    fn start(upstream: &str, tls: Option<Arc<ServerConfig>>) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let scheme = if tls.is_some() { "https" } else { "http" };
        let proxy = Proxy { endpoint: format!("{scheme}://{address}"), rules: Arc::default(), seen: Arc::default() };
        let (rules, seen) = (Arc::clone(&proxy.rules), Arc::clone(&proxy.seen));
        let upstream = upstream.trim_start_matches("http://").to_owned();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (rules, seen, upstream, tls) =
                    (Arc::clone(&rules), Arc::clone(&seen), upstream.clone(), tls.clone());
                std::thread::spawn(move || {
                    let mut stream: Box<dyn Stream> = match tls {
                        None => Box::new(stream),
                        Some(config) => Box::new(StreamOwned::new(ServerConnection::new(config).expect("TLS"), stream)),
                    };
                    let _ = serve(stream.as_mut(), &upstream, &rules, &seen);
                });
            }
        });
        proxy
    }

    /// From now on the next `times` requests of `method` whose address holds `part` meet `act`.
    pub fn on(&self, method: &'static str, part: &'static str, times: usize, act: Act) -> &Proxy {
        self.rules.lock().expect("rules").push(Rule { method, part, times, act });
        self
    }

    /// It behaves again.
    pub fn well(&self) {
        self.rules.lock().expect("rules").clear();
        self.seen.lock().expect("seen").clear();
    }

    /// Requests since then whose first line begins with `method` and holds `part`.
    pub fn count(&self, method: &str, part: &str) -> usize {
        let seen = self.seen.lock().expect("seen");
        seen.iter().filter(|line| line.starts_with(method) && line.contains(part)).count()
    }
}

fn serve(
    client: &mut dyn Stream,
    upstream: &str,
    rules: &Mutex<Vec<Rule>>,
    seen: &Mutex<Vec<String>>,
) -> io::Result<()> {
    let (head, body) = request(client)?;
    let line = head.lines().next().unwrap_or_default().to_owned();
    seen.lock().expect("seen").push(line.clone());
    let act = {
        let mut rules = rules.lock().expect("rules");
        let fits = |rule: &&mut Rule| rule.times > 0 && line.starts_with(rule.method) && line.contains(rule.part);
        rules.iter_mut().find(fits).map(|rule| {
            rule.times -= 1;
            rule.act.clone()
        })
    };
    let plain = |client: &mut dyn Stream, status: &str, headers: &str, body: &str| {
        let length = body.len();
        write!(client, "HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}")?;
        client.flush()
    };
    match act {
        None => pass(client, upstream, &head, &body),
        Some(Act::Slow(time)) => {
            std::thread::sleep(time);
            pass(client, upstream, &head, &body)
        }
        Some(Act::Unless(header, ..)) if has(&head, header) => pass(client, upstream, &head, &body),
        Some(Act::SaysAll) => {
            let mut answer = io::Cursor::new(Vec::new());
            pass(&mut answer, upstream, &head, &body)?;
            let answer = answer.into_inner();
            let end = answer.windows(4).position(|four| four == b"\r\n\r\n").map_or(0, |at| at + 2);
            let lines = String::from_utf8_lossy(&answer[..end]).replacen(" 206 Partial Content", " 200 OK", 1);
            let lines = lines.split_inclusive("\r\n").filter(|line| !line.to_lowercase().starts_with("content-range:"));
            client.write_all(lines.collect::<String>().as_bytes())?;
            client.write_all(&answer[end..])?;
            client.flush()
        }
        Some(Act::Adds(header, value)) => {
            let mut answer = io::Cursor::new(Vec::new());
            pass(&mut answer, upstream, &head, &body)?;
            let answer = answer.into_inner();
            let status = answer.iter().position(|byte| *byte == b'\n').map_or(0, |end| end + 1);
            client.write_all(&answer[..status])?;
            write!(client, "{header}: {value}\r\n")?;
            client.write_all(&answer[status..])?;
            client.flush()
        }
        Some(Act::Spoil) => {
            let mut body = body;
            body.iter_mut().take(1).for_each(|byte| *byte ^= 1);
            pass(client, upstream, &head, &body)
        }
        Some(Act::Status(status, code) | Act::Unless(_, status, code)) => {
            let canary = key_in(&head);
            let body = format!(
                "<Error><Code>{code}</Code><Message>no {canary}</Message><AWSAccessKeyId>{canary}</AWSAccessKeyId></Error>"
            );
            plain(client, &format!("{status} X"), "", if line.starts_with("HEAD") { "" } else { &body })
        }
        Some(Act::Redirect(to)) => plain(client, "307 X", &format!("Location: {to}\r\n"), ""),
        Some(Act::Close) => Ok(()),
        Some(Act::Lose) => pass(&mut io::Cursor::new(Vec::new()), upstream, &head, &body),
        Some(Act::Half) => {
            let mut answer = io::Cursor::new(Vec::new());
            pass(&mut answer, upstream, &head, &body)?;
            let answer = answer.into_inner();
            client.write_all(&answer[..answer.len() / 2 + 1])?;
            client.flush()
        }
    }
}

fn has(head: &str, header: &str) -> bool {
    head.lines().filter_map(|line| line.split_once(':')).any(|(name, _)| name.eq_ignore_ascii_case(header))
}

/// The public half of the key, as it stands in the signature: what a careless message would repeat.
fn key_in(head: &str) -> String {
    let rest = head.split("Credential=").nth(1).unwrap_or_default();
    rest.split('/').next().unwrap_or_default().to_owned()
}

fn request(client: &mut dyn Stream) -> io::Result<(String, Vec<u8>)> {
    let mut head = Vec::new();
    let mut byte = [0u8; 1];
    let mut client = io::BufReader::new(client);
    while !head.ends_with(b"\r\n\r\n") {
        client.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let fields: HashMap<String, &str> =
        head.lines().filter_map(|line| line.split_once(": ")).map(|(k, v)| (k.to_lowercase(), v)).collect();
    let mut body = vec![0; fields.get("content-length").and_then(|n| n.parse().ok()).unwrap_or(0)];
    client.read_exact(&mut body)?;
    Ok((head, body))
}

fn pass(client: &mut dyn Stream, upstream: &str, head: &str, body: &[u8]) -> io::Result<()> {
    let mut server = TcpStream::connect(upstream)?;
    server.write_all(head.replacen("\r\n", "\r\nConnection: close\r\n", 1).as_bytes())?;
    server.write_all(body)?;
    io::copy(&mut server, client)?;
    client.flush()
}

/// A certificate for 127.0.0.1 that a made-up authority signed.
pub struct Certificate {
    /// The certificate and what signed it.
    pub chain: PathBuf,
    key: PathBuf,
    /// The authority's own: what `SSL_CERT_FILE` names.
    pub authority: PathBuf,
}

impl Certificate {
    /// Makes one in `dir`, valid for a day from today or, if `expired`, no more.
    pub fn make(dir: &Path, expired: bool) -> Certificate {
        let script = r#"set -e; cd "$1"
openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 3 -subj /CN=tests -addext basicConstraints=critical,CA:true 2>/dev/null
openssl req -newkey rsa:2048 -nodes -keyout key.pem -out one.csr -subj /CN=store 2>/dev/null
printf 'subjectAltName=IP:127.0.0.1\n' >ext
openssl x509 -req -in one.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out one.pem -days "$2" -extfile ext 2>/dev/null
cat one.pem ca.pem >chain.pem; chmod 755 .; chmod 644 ca.pem"#;
        let days = if expired { "-1" } else { "1" };
        let dir = tempfile::Builder::new().prefix("tls").tempdir_in(dir).expect("a folder").keep();
        let made = Command::new("bash").args(["-c", script, "-"]).arg(&dir).arg(days).status().expect("bash");
        assert!(made.success(), "openssl made no certificate");
        Certificate { chain: dir.join("chain.pem"), key: dir.join("key.pem"), authority: dir.join("ca.pem") }
    }
}
