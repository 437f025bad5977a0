//! `s3://BUCKET[/PREFIX]`.

use super::are_steps;

/// A bucket and the folder in it, without a slash at either end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    /// Name of the bucket.
    pub name: String,
    /// Folder in it; empty for none.
    pub prefix: String,
}

impl Bucket {
    pub(super) fn of(place: &str) -> Bucket {
        let (name, prefix) = place.split_once('/').unwrap_or((place, ""));
        Bucket { name: name.to_owned(), prefix: prefix.to_owned() }
    }
}

pub(super) fn is_place(place: &str) -> bool {
    let (name, prefix) = place.split_once('/').unwrap_or((place, ""));
    let edge = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    let inside = |c: u8| edge(c) || c == b'-' || c == b'.';
    let bytes = name.as_bytes();
    let named = (3..=63).contains(&bytes.len()) && bytes.iter().all(|c| inside(*c)) && !name.contains("..");
    let framed = bytes.first().is_some_and(|c| edge(*c)) && bytes.last().is_some_and(|c| edge(*c));
    named && framed && (!place.contains('/') || are_steps(prefix))
}

#[cfg(test)]
mod tests {
    use super::super::Destination;
    use super::*;

    #[test]
    fn buckets_and_prefixes() {
        let bucket = |text: &str| text.parse::<Destination>().unwrap().bucket().unwrap();
        let of = |name: &str, prefix: &str| Bucket { name: name.to_owned(), prefix: prefix.to_owned() };
        assert_eq!(bucket("s3://my-bucket/a/b_c/"), of("my-bucket", "a/b_c"));
        assert_eq!(bucket("s3://abc"), of("abc", ""));
        for bad in [
            "s3://",
            "s3://ab",
            "s3://Bad",
            "s3://a..b",
            "s3://abc//d",
            "s3://abc/../d",
            "s3://u:p@abc/d",
            "s3://abc/d?x",
        ] {
            assert!(bad.parse::<Destination>().is_err(), "{bad}");
        }
    }
}
