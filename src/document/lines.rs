//! A document of many lines that is written and read piece by piece: it may hold more than belongs into memory. It has the
//! same first line, mark and checksum as any other.

use std::io::{self, BufRead, Write};

use sha2::{Digest, Sha256};

use super::{CHECKSUM, FORMAT, HostKey, Purpose, Seal, hex, seal};

/// What each line of it begins with: to a reader of TOML it is a remark.
const LINE: &str = "#: ";

/// Writes one.
#[derive(Debug)]
pub struct LinesWriter<W> {
    out: W,
    sum: Sha256,
    written: u64,
}

impl<W: Write> LinesWriter<W> {
    /// Begins it.
    pub fn begin(out: W) -> io::Result<LinesWriter<W>> {
        let mut writer = LinesWriter { out, sum: Sha256::new(), written: 0 };
        writer.put(format!("format = {FORMAT}\n").as_bytes())?;
        Ok(writer)
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)?;
        self.sum.update(bytes);
        self.written += bytes.len() as u64;
        Ok(())
    }

    /// Adds a line, made of `parts`, which hold no end of line; returns where in the document the parts begin, in bytes.
    pub fn line(&mut self, parts: &[&[u8]]) -> io::Result<u64> {
        self.put(LINE.as_bytes())?;
        let at = self.written;
        parts.iter().try_for_each(|part| self.put(part))?;
        self.put(b"\n")?;
        Ok(at)
    }

    /// Ends it with the mark of the host that has `key`.
    pub fn finish(mut self, purpose: Purpose, key: &HostKey) -> io::Result<W> {
        let mark = key.line(purpose, &self.sum.clone().finalize());
        self.put(mark.as_bytes())?;
        let sum = hex(&self.sum.finalize());
        self.out.write_all(format!("{CHECKSUM}{sum}\n").as_bytes())?;
        Ok(self.out)
    }
}

/// Reads one to its end and gives every line, with where in the document it begins, to `take`. Whose mark it bears is
/// known only afterwards, and `None` means that it is no whole document of this kind: then what was given is worth nothing.
pub fn read_lines(
    mut from: impl BufRead,
    purpose: Purpose,
    key: Option<&HostKey>,
    take: &mut dyn FnMut(u64, &str),
) -> io::Result<Option<Seal>> {
    let (mut sum, mut at, mut line) = (Sha256::new(), 0, Vec::new());
    let mut mark: Option<(Vec<u8>, String)> = None;
    loop {
        line.clear();
        if from.read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        let Ok(text) = std::str::from_utf8(&line) else { return Ok(None) };
        match (text.strip_prefix(LINE), text.strip_prefix(CHECKSUM), &mark) {
            (_, Some(rest), _) => {
                let fits = rest.strip_suffix('\n') == Some(hex(&sum.finalize()).as_str());
                if !fits || !from.fill_buf()?.is_empty() {
                    return Ok(None);
                }
                return Ok(Some(match &mark {
                    Some((digest, words)) => seal::judge(words, purpose, digest, key),
                    None => Seal::Missing,
                }));
            }
            (Some(rest), None, None) => take(at + LINE.len() as u64, rest.trim_end_matches('\n')),
            (None, None, None) if text.starts_with(seal::MARK) => {
                mark = Some((sum.clone().finalize().to_vec(), text.to_owned()));
            }
            (None, None, None) if at == 0 && text.trim_end() == format!("format = {FORMAT}") => {}
            // Something else, or something below the mark.
            _ => return Ok(None),
        }
        sum.update(&line);
        at += line.len() as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(key: &HostKey, lines: &[&str]) -> (Vec<u8>, Vec<u64>) {
        let mut writer = LinesWriter::begin(Vec::new()).unwrap();
        let at = lines.iter().map(|line| writer.line(&[line.as_bytes()]).unwrap()).collect();
        (writer.finish(Purpose::Index, key).unwrap(), at)
    }

    fn read(bytes: &[u8], key: &HostKey) -> Option<(Seal, Vec<(u64, String)>)> {
        let mut lines = Vec::new();
        let mut take = |at, line: &str| lines.push((at, line.to_owned()));
        let seal = read_lines(bytes, Purpose::Index, Some(key), &mut take).unwrap()?;
        Some((seal, lines))
    }

    #[test]
    fn lines_come_back_with_their_places() {
        let key = HostKey::parse(&"ab".repeat(32)).unwrap();
        let lines = ["one", "", "# sha256 of nothing", "é and more"];
        let (bytes, at) = written(&key, &lines);
        let (seal, found) = read(&bytes, &key).unwrap();
        assert_eq!(seal, Seal::Ours);
        assert_eq!(found, at.iter().copied().zip(lines.map(str::to_owned)).collect::<Vec<_>>());
        for (at, line) in &found {
            let at = usize::try_from(*at).unwrap();
            assert_eq!(&bytes[at..at + line.len()], line.as_bytes());
        }
        // It is a document like any other.
        assert!(super::super::decode::<toml::Table>(&bytes).is_ok());
    }

    #[test]
    fn fault_050_lines_that_are_cut_or_changed_are_no_document() {
        let key = HostKey::parse(&"ab".repeat(32)).unwrap();
        let (bytes, _) = written(&key, &["one", "two"]);
        for cut in 0..bytes.len() {
            assert!(read(&bytes[..cut], &key).is_none(), "cut at {cut}");
        }
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert!(read(&changed, &key).is_none(), "changed at {at}");
        }
        assert!(read(&[&bytes[..], b"more"].concat(), &key).is_none());
        let other = HostKey::parse(&"cd".repeat(32)).unwrap();
        assert_eq!(read(&bytes, &other).map(|(seal, _)| seal), Some(Seal::Other(key.id())));
    }
}
