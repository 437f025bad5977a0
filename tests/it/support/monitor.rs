//! A listener for what the scheduler tells the outside.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A request as it came: method and path, and the body.
pub type Request = (String, String);

/// A listener that gives every request the same answer and remembers it.
pub struct Monitor {
    /// Where it listens.
    pub address: String,
    seen: Arc<Mutex<Vec<Request>>>,
}

impl Monitor {
    /// Answers with these bytes; with none it keeps the caller waiting.
    pub fn answering(answer: &'static str) -> Monitor {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://{}/ping/token", listener.local_addr().expect("address"));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&seen);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                kept.lock().expect("seen").push(serve(stream, answer));
            }
        });
        Monitor { address, seen }
    }

    /// What it has seen, which is forgotten.
    pub fn take(&self) -> Vec<Request> {
        std::mem::take(&mut self.seen.lock().expect("seen"))
    }

    /// The same, which stays.
    pub fn seen(&self) -> Vec<Request> {
        self.seen.lock().expect("seen").clone()
    }
}

fn serve(mut stream: TcpStream, answer: &str) -> Request {
    let mut reader = BufReader::new(stream.try_clone().expect("stream"));
    let (mut first, mut length) = (String::new(), 0);
    let _ = reader.read_line(&mut first);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 || line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    let mut body = vec![0; length];
    let _ = reader.read_exact(&mut body);
    if answer.is_empty() {
        std::thread::sleep(Duration::from_secs(30));
    }
    let _ = stream.write_all(answer.as_bytes());
    (first.split(" HTTP").next().unwrap_or_default().to_owned(), String::from_utf8_lossy(&body).into_owned())
}
