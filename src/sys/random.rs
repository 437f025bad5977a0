//! Randomness, from the kernel.

use std::io;

/// A word that nobody can guess: 32 hex digits.
pub fn word() -> io::Result<String> {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/uuid")?;
    Ok(text.chars().filter(char::is_ascii_hexdigit).collect())
}
