//! `s3://bucket/prefix`.

use std::fmt;
use std::path::Path;

const SCHEME: &str = "s3://";

/// A bucket, and the prefix of keys in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectUrl {
    pub bucket: String,
    /// As a folder it ends with `/`, or is empty; otherwise it may also be the key of one object.
    pub prefix: String,
}

impl ObjectUrl {
    /// None if the path is not such a URL.
    pub fn parse(path: &Path) -> Option<Result<ObjectUrl, String>> {
        let rest = path.to_str()?.strip_prefix(SCHEME)?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        let is_valid = (1..=255).contains(&bucket.len()) && bucket.bytes().all(is_name) && !bucket.starts_with('.');
        let url = ObjectUrl { bucket: bucket.to_owned(), prefix: prefix.to_owned() };
        Some(is_valid.then_some(url).ok_or_else(|| "give a URL such as s3://bucket/prefix".to_owned()))
    }

    /// Whether its keys have a part `.` or `..`.
    pub fn has_dots(&self) -> bool {
        self.prefix.split('/').any(is_dots)
    }

    /// The prefix of keys in this folder.
    pub fn folder(&self) -> String {
        match self.prefix.as_str() {
            "" => String::new(),
            prefix if prefix.ends_with('/') => prefix.to_owned(),
            prefix => format!("{prefix}/"),
        }
    }
}

/// `.` and `..`: part of a key as any other text, but of no address.
pub fn is_dots(part: &str) -> bool {
    part == "." || part == ".."
}

/// Whether the path names a bucket, not a file of this machine.
pub fn is_object_url(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().starts_with(SCHEME.as_bytes())
}

impl fmt::Display for ObjectUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}/{}", self.bucket, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Option<Result<ObjectUrl, String>> {
        ObjectUrl::parse(Path::new(text))
    }

    #[test]
    fn a_url_has_a_bucket_and_a_prefix() {
        let url = |text: &str| parse(text).unwrap().unwrap();
        assert_eq!((url("s3://life").prefix.as_str(), url("s3://life/").folder().as_str()), ("", ""));
        assert_eq!(url("s3://my.life/neil/2025").folder(), "neil/2025/");
        assert_eq!(url("s3://life/neil/").to_string(), "s3://life/neil/");
        assert_eq!(url("s3://life//neil//").folder(), "/neil//", "every byte of a key counts");
    }

    #[test]
    fn what_is_not_a_url_is_a_path_or_refused() {
        for path in ["/srv/s3", "s3:/life", "S3", "recordings"] {
            assert_eq!(parse(path), None, "{path}");
        }
        for wrong in ["s3://", "s3:///key", "s3://a b/x", "s3://../x", "s3://user@host/x", "s3://host:1/x"] {
            assert!(parse(wrong).unwrap().is_err(), "{wrong}");
        }
    }
}
