//! The name of an image, as far as it may meet Docker: `[REGISTRY[:PORT]/]NAME[/NAME...][:TAG][@DIGEST]`. Nothing else is
//! ever handed to it: what is no such name could be an option.

use std::fmt;
use std::str::FromStr;

/// Longest name, with its registry.
const LONGEST: usize = 255;
/// Longest tag.
const LONGEST_TAG: usize = 128;

/// A name of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageRef(String);

/// Why a word is no name of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongImage;

impl fmt::Display for WrongImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not the name of an image: [REGISTRY/]NAME[:TAG][@DIGEST]")
    }
}

impl std::error::Error for WrongImage {}

impl ImageRef {
    /// The image `name` in the version `tag`, as records and `postgres:info` hold them.
    pub fn of(name: &str, tag: &str) -> Result<ImageRef, WrongImage> {
        format!("{name}:{tag}").parse()
    }

    /// The name itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ImageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ImageRef {
    type Err = WrongImage;

    fn from_str(text: &str) -> Result<Self, WrongImage> {
        let (name, digest) = text.split_once('@').map_or((text, None), |(name, digest)| (name, Some(digest)));
        // A colon before the last slash is that of a port.
        let (path, tag) = match name.rsplit_once(':') {
            Some((path, tag)) if !tag.contains('/') => (path, Some(tag)),
            _ => (name, None),
        };
        let (registry, rest) = path.split_once('/').unzip();
        let is_registry = |word: &&str| word.contains(['.', ':']) || *word == "localhost";
        let right = match registry.filter(is_registry) {
            Some(registry) => is_host(registry) && rest.unwrap_or_default().split('/').all(is_part),
            None => path.split('/').all(is_part),
        };
        let fits = right && path.len() <= LONGEST && tag.is_none_or(is_tag) && digest.is_none_or(is_digest);
        if fits { Ok(ImageRef(text.to_owned())) } else { Err(WrongImage) }
    }
}

fn is_part(part: &str) -> bool {
    let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    let inside = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-');
    ends(part.chars().next()) && ends(part.chars().next_back()) && part.chars().all(inside)
}

fn is_host(host: &str) -> bool {
    let (name, port) = host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port)));
    let first = name.chars().next().is_some_and(|c| c.is_ascii_alphanumeric());
    let inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    first && name.chars().all(inside) && port.is_none_or(|port| port.parse::<u16>().is_ok() && !port.starts_with('+'))
}

fn is_tag(tag: &str) -> bool {
    let first = tag.chars().next().is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
    let inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    first && tag.len() <= LONGEST_TAG && tag.chars().all(inside)
}

fn is_digest(digest: &str) -> bool {
    digest.strip_prefix("sha256:").is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|c| c.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attack_408_only_names_of_images() {
        let digest = format!("postgres@sha256:{}", "0a".repeat(32));
        for good in [
            "postgres:17.11",
            "postgres",
            "postgis/postgis:17-3.5",
            "registry.example.com:5000/a/b_c/postgres:15",
            "localhost/pg:x_Y.z-1",
            "timescale/timescaledb-ha:pg15",
            &digest,
            &digest.replace('@', ":15@"),
        ] {
            assert_eq!(good.parse::<ImageRef>().map(|image| image.to_string()), Ok(good.to_owned()));
        }
        for bad in [
            "",
            "--privileged",
            "-v",
            "postgres:-x",
            "postgres:",
            ":15",
            "--volume=/:/host:15",
            "postgres 15",
            "postgres:15\n",
            "postgres:15@sha256:0",
            "postgres:15@sha512:x",
            "Postgres:15",
            "a//b:1",
            "../x:1",
            "/postgres:1",
            "evil.example.com:x/y:1",
            "-evil.example.com/y:1",
            "postgres:1\u{202e}",
            "p\u{f6}stgres",
        ] {
            assert!(bad.parse::<ImageRef>().is_err(), "{bad:?}");
        }
        assert!(ImageRef::of("--privileged", "15").is_err() && ImageRef::of("postgres", "15 --privileged").is_err());
        assert_eq!(ImageRef::of("postgres", "15").unwrap().as_str(), "postgres:15");
    }
}
