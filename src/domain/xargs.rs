//! How Dokku splits a line that came over SSH: with `xargs`, which stops at a quote that has no partner and hands on
//! what came before it.

/// Whether `xargs` would lose the end of `line`: a quote is not closed, or not before the end of its line.
pub fn unmatched_quote(line: &[u8]) -> bool {
    let mut open: Option<u8> = None;
    let mut bytes = line.iter();
    while let Some(&byte) = bytes.next() {
        match (open, byte) {
            (None, b'\\') => {
                bytes.next();
            }
            (None, b'\'' | b'"') => open = Some(byte),
            (Some(_), b'\n') => return true,
            (Some(quote), _) if quote == byte => open = None,
            _ => {}
        }
    }
    open.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fault_060_only_unmatched_quotes_cut_a_line() {
        for whole in
            ["", "a b", "a 'b c' \"d 'e\"", "it\\'s", "a \"\" ''", "'a\\'", "a\nb", "a\\\nb", "grüße \\", "\"'\""]
        {
            assert!(!unmatched_quote(whole.as_bytes()), "{whole:?}");
        }
        for cut in ["it's", "'", "a \"b", "'a\nb'", "\"a'", "'a\\'b'", "x \\\\'", "--force it's --from-service b"] {
            assert!(unmatched_quote(cut.as_bytes()), "{cut:?}");
        }
    }

    #[test]
    fn fault_060_xargs_itself_agrees() {
        use std::io::Write;
        use std::process::{Command, Stdio};
        let mut state = 7u64;
        let (mut cut, count) = (0, 300);
        for _ in 0..count {
            let mut line = Vec::new();
            for _ in 0..9 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                line.push(b"ab  ''\"\"\\\n"[(state >> 33) as usize % 10]);
            }
            let mut xargs = Command::new("xargs");
            let xargs = xargs.args(["-n", "1"]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
            let mut child = xargs.spawn().unwrap();
            child.stdin.take().unwrap().write_all(&line).unwrap();
            let lost = !child.wait().unwrap().success();
            // A lone quote at the very end loses nothing; it is refused all the same.
            let lone = line.ends_with(b"'") || line.ends_with(b"\"");
            assert!(unmatched_quote(&line) == lost || (lone && !lost), "{:?}", String::from_utf8_lossy(&line));
            cut += usize::from(lost);
        }
        assert!(cut > 50 && cut < count - 50, "{cut} of {count}");
    }
}
