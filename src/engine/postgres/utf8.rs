//! Whether text that comes in pieces is UTF-8.

/// What is known so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Utf8 {
    /// A character that is not whole yet.
    open: Vec<u8>,
    wrong: bool,
}

impl Utf8 {
    /// Takes the next bytes.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        if self.wrong {
            return;
        }
        let joined;
        let bytes = if self.open.is_empty() {
            bytes
        } else {
            joined = [&self.open[..], bytes].concat();
            &joined
        };
        match std::str::from_utf8(bytes) {
            Ok(_) => self.open.clear(),
            Err(error) if error.error_len().is_none() => self.open = bytes[error.valid_up_to()..].to_vec(),
            Err(_) => self.wrong = true,
        }
    }

    /// Whether something that has come, up to here or the end, is none.
    pub(super) fn is_wrong(&self) -> bool {
        self.wrong || !self.open.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::Utf8;

    #[test]
    fn pieces_do_not_matter() {
        for (text, wrong) in
            [("caf\u{e9} \u{1f418}".as_bytes(), false), (b"caf\xe9 x", true), (b"caf\xe9", true), (b"", false)]
        {
            for step in 1..6 {
                let mut utf8 = Utf8::default();
                text.chunks(step).for_each(|piece| utf8.feed(piece));
                assert_eq!(utf8.is_wrong(), wrong, "{text:?} {step}");
            }
        }
    }
}
