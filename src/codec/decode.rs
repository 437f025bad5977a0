//! A reader that gives back the dump in a stored file. Its end of file is proof: every layer has reached its own end and
//! nothing follows. Failures of the file itself pass through as they are; everything else is damage.

use std::io::{self, BufRead, BufReader, Read};

use age::{DecryptError, Decryptor};

use super::{Identities, header};
use crate::domain::{Compression, StoredAs};
use crate::error::{Failure, Kind, Result};
use crate::sys::file::{Anywhere, NamedFile};

/// Bytes fetched from the file at once.
const BUFFER: usize = 256 << 10;
/// The largest zstd window accepted, 128 MiB: what `unzstd` accepts. Level 3 writes 2 MiB.
const ZSTD_WINDOW_LOG: u32 = 27;

/// The dump in a stored file.
pub struct Decoder<'a> {
    inner: Box<dyn Read + Send + 'a>,
    form: StoredAs,
}

/// Reads the dump stored in `source`. Without an identity that opens it, an encrypted one fails as `config`.
pub fn decode<'a>(source: impl Read + Send + 'a, form: StoredAs, identities: &Identities) -> Result<Decoder<'a>> {
    let mut source = BufReader::with_capacity(BUFFER, Own(source));
    if !form.fits(source.fill_buf()?) {
        return Err(damaged(form, "it does not begin like one"));
    }
    let opened: Box<dyn Read + Send + 'a> =
        if form.encrypted { open(source, identities).map_err(|error| refused(form, error))? } else { Box::new(source) };
    let inner: Box<dyn Read + Send + 'a> = match form.compression {
        Compression::None => opened,
        Compression::Gzip => Box::new(flate2::read::MultiGzDecoder::new(opened)),
        Compression::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::new(opened)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG)?;
            Box::new(decoder)
        }
    };
    Ok(Decoder { inner, form })
}

/// Takes the encryption alone off the file `source`, so that what is in it can be read from anywhere. Fails like [`decode`].
pub fn anywhere(source: NamedFile, form: StoredAs, identities: &Identities) -> Result<Box<dyn Anywhere>> {
    if !form.encrypted {
        return Ok(Box::new(source));
    }
    let mut source = source;
    // Its head is looked at before the library sees it, and read again.
    header::bounded(BufReader::with_capacity(BUFFER, &mut source)).map_err(|error| told(form, error))?;
    source.rewind()?;
    let opened = Decryptor::new(source).and_then(|opened| opened.decrypt(identities.all()));
    Ok(Box::new(opened.map_err(|error| refused(form, error))?))
}

fn open<'a>(
    source: impl BufRead + Send + 'a,
    identities: &Identities,
) -> Result<Box<dyn Read + Send + 'a>, DecryptError> {
    let bounded = header::bounded(source)?;
    Ok(Box::new(Decryptor::new_buffered(bounded)?.decrypt(identities.all())?))
}

fn refused(form: StoredAs, error: DecryptError) -> Failure {
    match error {
        DecryptError::NoMatchingKeys => Failure::new(Kind::Config, "no identity given opens it"),
        DecryptError::Io(error) => told(form, error),
        // In words of ours: the library's own are looked up in files that a build without optimisation reads at run time.
        DecryptError::UnknownFormat => damaged(form, "it is of a format that is not known"),
        DecryptError::InvalidMac => damaged(form, "the mark at the end of its header does not fit"),
        DecryptError::KeyDecryptionFailed => damaged(form, "the key in its header does not fit"),
        _ => damaged(form, "its header is not one"),
    }
}

impl Read for Decoder<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.inner.read(into) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(told(self.form, error).into()),
                Ok(count) => return Ok(count),
            }
        }
    }
}

/// Tells failures of the source itself from what a decoder says of the bytes.
fn told(form: StoredAs, error: io::Error) -> Failure {
    match error.get_ref() {
        Some(inner) if inner.is::<Failure>() => Failure::from(error),
        _ => damaged(form, &error.to_string()),
    }
}

fn damaged(form: StoredAs, why: &str) -> Failure {
    Failure::new(Kind::Damaged, format!("the .{} file is damaged", form.ending())).because(why.to_owned())
}

/// Marks the source's own failures, so that they come out again as they were.
struct Own<R>(R);

impl<R: Read> Read for Own<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.read(into).map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => error,
            _ => Failure::from(error).into(),
        })
    }
}

impl std::fmt::Debug for Decoder<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Decoder of .{}", self.form.ending())
    }
}
