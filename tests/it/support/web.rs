//! A small web server for what addresses may answer, rightly and wrongly.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// What the server answers to a path.
#[derive(Clone)]
pub enum Answer {
    /// These bytes.
    Bytes(Vec<u8>),
    /// The same, without saying how many.
    Unmeasured(Vec<u8>),
    /// Only the first of them, though all are announced.
    Cut(Vec<u8>, usize),
    /// The first of them, then nothing for ever.
    Stall(Vec<u8>, usize),
    /// A byte now and then.
    Drip,
    /// Look there instead.
    Redirect(String),
    /// This status line.
    Status(&'static str),
    /// So many bytes are announced.
    Huge(u64),
}

/// A server on loopback; its threads end with the test program.
pub struct Web {
    /// Where it listens.
    pub address: SocketAddr,
    asked: Arc<AtomicUsize>,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Web {
    /// Starts one that answers these paths.
    pub fn up(answers: Vec<(String, Answer)>) -> Web {
        Web::start(answers, None)
    }

    /// The same over TLS, with a new certificate for `localhost` that is written to `folder/certificate.pem`.
    pub fn up_tls(answers: Vec<(String, Answer)>, folder: &Path) -> Web {
        let (key, certificate) = (folder.join("key.pem"), folder.join("certificate.pem"));
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"])
            .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"])
            .args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout"])
            .arg(&key)
            .arg("-out")
            .arg(&certificate)
            .output()
            .expect("openssl");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let _ = rustls::crypto::ring::default_provider().install_default();
        let chain = vec![CertificateDer::from_pem_file(&certificate).expect("a certificate")];
        let key = PrivateKeyDer::from_pem_file(&key).expect("a key");
        let config = rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).expect("TLS");
        Web::start(answers, Some(Arc::new(config)))
    }

    fn start(answers: Vec<(String, Answer)>, tls: Option<Arc<rustls::ServerConfig>>) -> Web {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let (asked, heads) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(Vec::new())));
        let (counter, seen, answers) = (Arc::clone(&asked), Arc::clone(&heads), Arc::new(answers));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                counter.fetch_add(1, Ordering::SeqCst);
                let (answers, tls, seen) = (Arc::clone(&answers), tls.clone(), Arc::clone(&seen));
                std::thread::spawn(move || match tls {
                    None => answer(stream, &answers, &seen),
                    Some(config) => {
                        let connection = rustls::ServerConnection::new(config).expect("TLS");
                        answer(rustls::StreamOwned::new(connection, stream), &answers, &seen);
                    }
                });
            }
        });
        Web { address, asked, heads }
    }

    /// How many connections it was asked for.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// Every request's head.
    pub fn heads(&self) -> String {
        self.heads.lock().expect("heads").join("\n")
    }

    /// An address of it in the clear.
    pub fn http(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

trait Both: Read + Write {}
impl Both for TcpStream {}
impl Both for rustls::StreamOwned<rustls::ServerConnection, TcpStream> {}

fn answer(mut stream: impl Both, answers: &[(String, Answer)], seen: &Mutex<Vec<String>>) {
    let mut head = String::new();
    let mut reader = BufReader::new(&mut stream);
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).unwrap_or(0) == 0 {
            return;
        }
    }
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    seen.lock().expect("heads").push(head);
    let found = answers.iter().find(|(known, _)| *known == path).map(|(_, answer)| answer.clone());
    let _ = say(&mut stream, found.unwrap_or(Answer::Status("404 Not Found")));
    let _ = stream.flush();
}

fn say(stream: &mut impl Both, answer: Answer) -> std::io::Result<()> {
    let measured = |length: u64| format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
    match answer {
        Answer::Bytes(bytes) => {
            stream.write_all(measured(bytes.len() as u64).as_bytes())?;
            stream.write_all(&bytes)
        }
        Answer::Unmeasured(bytes) => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n")?;
            for piece in bytes.chunks(10_000) {
                stream.write_all(format!("{:x}\r\n", piece.len()).as_bytes())?;
                stream.write_all(piece)?;
                stream.write_all(b"\r\n")?;
            }
            stream.write_all(b"0\r\n\r\n")
        }
        Answer::Cut(bytes, length) => {
            stream.write_all(measured(bytes.len() as u64).as_bytes())?;
            stream.write_all(&bytes[..length])
        }
        Answer::Stall(bytes, length) => {
            stream.write_all(measured(bytes.len() as u64).as_bytes())?;
            stream.write_all(&bytes[..length])?;
            stream.flush()?;
            std::thread::sleep(Duration::from_secs(60));
            Ok(())
        }
        Answer::Drip => {
            stream.write_all(measured(1 << 20).as_bytes())?;
            stream.write_all(b"-- PostgreSQL\n")?;
            loop {
                stream.write_all(b"-")?;
                stream.flush()?;
                std::thread::sleep(Duration::from_millis(100));
            }
        }
        Answer::Redirect(to) => stream.write_all(
            format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
                .as_bytes(),
        ),
        Answer::Status(status) => {
            stream.write_all(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").as_bytes())
        }
        Answer::Huge(length) => {
            stream.write_all(measured(length).as_bytes())?;
            stream.write_all(b"-- PostgreSQL database dump\n")
        }
    }
}
