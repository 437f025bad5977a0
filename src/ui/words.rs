//! Figures and times as people read them.

use chrono::{DateTime, Utc};

use crate::domain::spell;

/// `1.4 MiB`; bytes below a KiB as they are.
pub fn bytes(count: u64) -> String {
    let mut value = count as f64;
    for unit in ["B", "KiB", "MiB", "GiB", "TiB"] {
        if value < 1024.0 {
            return if unit == "B" { format!("{count} B") } else { format!("{value:.1} {unit}") };
        }
        value /= 1024.0;
    }
    format!("{value:.1} PiB")
}

/// `2026-04-08 14:30:00 UTC`.
pub fn time(at: DateTime<Utc>) -> String {
    spell(at, "0000-00-00 00:00:00 UTC")
}

#[cfg(test)]
mod tests {
    #[test]
    fn sizes() {
        assert_eq!(super::bytes(863), "863 B");
        assert_eq!(super::bytes(1024), "1.0 KiB");
        assert_eq!(super::bytes(28_100_000), "26.8 MiB");
    }
}
