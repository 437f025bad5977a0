//! Randomness, from the kernel.

use std::io::{self, Read};

/// A word that nobody can guess: 32 hex digits.
pub fn word() -> io::Result<String> {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/uuid")?;
    Ok(text.chars().filter(char::is_ascii_hexdigit).collect())
}

/// A longer one: 64.
pub fn long_word() -> io::Result<String> {
    Ok(word()? + &word()?)
}

/// Bytes for a key. The kernel has gathered enough for them long before Dokku runs.
pub fn key() -> io::Result<[u8; 32]> {
    let mut bytes = [0; 32];
    std::fs::File::open("/dev/urandom")
        .map_err(|e| super::file::on_path("open", "/dev/urandom".as_ref(), e))?
        .read_exact(&mut bytes)?;
    Ok(bytes)
}
