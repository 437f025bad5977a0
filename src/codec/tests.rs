//! Every form, there and back, and broken in every way.

use std::io::{self, Read, Write};

use super::{Encoder, Identities, Recipients, decode};
use crate::domain::{Compression, StoredAs};
use crate::error::{Failure, Kind, Result};

fn pair() -> (Recipients, Identities) {
    use age::secrecy::ExposeSecret;
    let secret = age::x25519::Identity::generate();
    let identities = Identities::parse(secret.to_string().expose_secret(), "a file").unwrap();
    (Recipients::parse(&secret.to_public().to_string()).unwrap(), identities)
}

fn keys(form: StoredAs) -> (Recipients, Identities) {
    if form.encrypted { pair() } else { (Recipients::none(), Identities::none()) }
}

/// Some noise that compresses a little and fills several pieces of every layer.
fn sample(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8 & 0x3f
    };
    (0..length).map(|_| next()).collect()
}

fn stored(form: StoredAs, recipients: &Recipients, bytes: &[u8]) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new(), form.compression, recipients).unwrap();
    bytes.chunks(10_007).for_each(|piece| encoder.write_all(piece).unwrap());
    encoder.finish().unwrap()
}

fn read(form: StoredAs, identities: &Identities, bytes: &[u8]) -> Result<Vec<u8>> {
    let mut back = Vec::new();
    decode(bytes, form, identities)?.read_to_end(&mut back)?;
    Ok(back)
}

#[test]
fn every_form_comes_back() {
    for form in StoredAs::all() {
        for length in [0, 1, 65_536, 1_000_000] {
            let ((recipients, identities), bytes) = (keys(form), sample(length));
            let stored = stored(form, &recipients, &bytes);
            assert!(form.fits(&stored) && (form.is_as_written() || stored != bytes), "{form:?}");
            assert_eq!(read(form, &identities, &stored).unwrap(), bytes, "{form:?} of {length}");
        }
    }
}

#[test]
fn fault_045_a_cut_changed_or_longer_file_never_reads_to_its_end() {
    for form in StoredAs::all().filter(|form| !form.is_as_written()) {
        let ((recipients, identities), bytes) = (keys(form), sample(200_000));
        let whole = stored(form, &recipients, &bytes);
        let damaged = |bytes: &[u8], how: String| match read(form, &identities, bytes) {
            Err(failure) if failure.kind == Kind::Damaged => {}
            // A changed stanza of the header reads like somebody else's.
            Err(failure) if failure.kind == Kind::Config && form.encrypted => {}
            other => panic!("{form:?} {how}: {:?}", other.map(|bytes| bytes.len())),
        };
        for cut in (0..whole.len()).step_by(whole.len() / 97).chain(whole.len() - 20..whole.len()) {
            damaged(&whole[..cut], format!("cut at {cut}"));
        }
        let longer = [&whole[..], b"\0"].concat();
        damaged(&longer, "longer".to_owned());
        // The first bytes of a gzip header hold a time and a system that nobody reads.
        for at in (20..whole.len()).step_by(whole.len() / 97) {
            let mut changed = whole.clone();
            changed[at] ^= 0x10;
            damaged(&changed, format!("changed at {at}"));
        }
    }
}

#[test]
fn what_is_dropped_unfinished_stays_cut() {
    for form in StoredAs::all().filter(|form| !form.is_as_written()) {
        let (recipients, identities) = keys(form);
        let mut sink = Vec::new();
        let mut encoder = Encoder::new(&mut sink, form.compression, &recipients).unwrap();
        encoder.write_all(&sample(300_000)).unwrap();
        drop(encoder);
        assert!(read(form, &identities, &sink).is_err(), "{form:?}");
    }
}

/// A sink that is full after some bytes, and counts what reaches it after that.
struct Full<'a> {
    left: usize,
    after: &'a mut usize,
}

impl Write for Full<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.left < bytes.len() {
            *self.after += 1;
            return Err(Failure::new(Kind::NoSpace, "full").into());
        }
        self.left -= bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn the_failure_of_a_sink_comes_out_whole_and_once() {
    for form in StoredAs::all() {
        let (recipients, _) = keys(form);
        let mut after = 0;
        let sink = Full { left: 150_000, after: &mut after };
        let mut encoder = Encoder::new(sink, form.compression, &recipients).unwrap();
        let written = encoder.write_all(&sample(600_000)).and_then(|()| encoder.finish().map(|_| ()));
        assert_eq!(Failure::from(written.unwrap_err()).kind, Kind::NoSpace, "{form:?}");
        assert_eq!(after, 1, "{form:?}");
    }
}

#[test]
fn the_failure_of_a_source_is_no_damage() {
    for form in StoredAs::all() {
        let (recipients, identities) = keys(form);
        let whole = stored(form, &recipients, &sample(400_000));
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::from_raw_os_error(5))
            }
        }
        let source = whole[..whole.len() / 2].chain(Broken);
        let read = decode(source, form, &identities).unwrap().read_to_end(&mut Vec::new());
        assert_eq!(Failure::from(read.unwrap_err()).kind, Kind::Io, "{form:?}");
    }
}

#[test]
fn fault_088_only_the_right_key_opens() {
    let ((recipients, identities), (others, wrong)) = (pair(), pair());
    let form = StoredAs { compression: Compression::Zstd, encrypted: true, ..StoredAs::UNCHANGED };
    let bytes = sample(100_000);
    for keys in [&wrong, &Identities::none()] {
        assert_eq!(read(form, keys, &stored(form, &recipients, &bytes)).unwrap_err().kind, Kind::Config);
        assert!(!keys.open(&recipients.words()));
    }
    assert!(identities.open(&recipients.words()));
    let both = Recipients::parse(&[recipients.words(), others.words()].concat().join(" ")).unwrap();
    for keys in [&wrong, &identities] {
        assert_eq!(read(form, keys, &stored(form, &both, &bytes)).unwrap(), bytes);
    }
}

#[test]
fn fault_089_what_is_not_understood_is_not_repeated() {
    use age::secrecy::ExposeSecret;
    let secret = age::x25519::Identity::generate().to_string();
    let secret = secret.expose_secret();
    let said = |failure: Failure| format!("{} {:?}", failure.reason(), failure.remedies);
    let words = [said(Recipients::parse(secret).unwrap_err()), said(Recipients::parse(&secret[1..]).unwrap_err())];
    let lines = [said(Identities::parse(&format!("{secret}x"), "f").unwrap_err())];
    let shown = format!("{:?}", Identities::parse(secret, "f").unwrap());
    for text in words.iter().chain(&lines).chain([&shown]) {
        assert!(!text.contains(&secret[20..40]), "{text}");
    }
    assert!(Identities::parse("# nothing\n", "f").is_err());
}

#[test]
fn fault_045_a_bomb_is_read_in_pieces() {
    let form = StoredAs { compression: Compression::Zstd, ..StoredAs::UNCHANGED };
    let mut encoder = Encoder::new(Vec::new(), form.compression, &Recipients::none()).unwrap();
    let zeros = vec![0; 1 << 20];
    (0..512).for_each(|_| encoder.write_all(&zeros).unwrap());
    let bomb = encoder.finish().unwrap();
    assert!(bomb.len() < 1 << 20);
    let mut decoder = decode(&bomb[..], form, &Identities::none()).unwrap();
    assert_eq!(io::copy(&mut decoder, &mut io::sink()).unwrap(), 512 << 20);
}
