//! Where clips are: a directory of this machine, or a prefix of a bucket.

use std::env;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::domain::Reason;
use crate::object_store::{ObjectUrl, is_object_url};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClipLocation {
    Folder(PathBuf),
    Bucket(ObjectUrl),
}

impl ClipLocation {
    /// # Errors
    /// The directory does not exist: creating it would hide a typing error or an unmounted disk. Or the URL is wrong.
    pub fn parse(path: &Path) -> Result<ClipLocation, Reason> {
        if !is_object_url(path) {
            let missing = || format!("{} is not a folder; create it, or mount its disk", path.display()).into();
            return if path.is_dir() { Ok(ClipLocation::Folder(path.to_owned())) } else { Err(missing()) };
        }
        let url = ObjectUrl::parse(path).unwrap_or_else(|| Err("it is not valid UTF-8".to_owned()));
        let url = url.map_err(|error| Reason::new(format!("'{}': {error}", path.display())))?;
        if url.has_dots() {
            return Err(format!("'{url}' has a part . or .., which no address can have").into());
        }
        Ok(ClipLocation::Bucket(url))
    }

    /// None for a bucket.
    pub fn folder(&self) -> Option<&Path> {
        match self {
            ClipLocation::Folder(folder) => Some(folder),
            ClipLocation::Bucket(_) => None,
        }
    }

    /// Where samples are kept until the clips are cut: beside local clips, else in the folder for temporary files.
    pub fn scratch_folder(&self) -> PathBuf {
        self.folder().map_or_else(env::temp_dir, Path::to_owned)
    }
}

impl fmt::Display for ClipLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ClipLocation::Folder(folder) => folder.display().fmt(f),
            ClipLocation::Bucket(url) => url.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<ClipLocation, String> {
        ClipLocation::parse(Path::new(text)).map_err(|reason| reason.to_string())
    }

    #[test]
    fn a_url_is_a_bucket_and_any_other_path_must_be_a_folder() {
        assert_eq!(parse("s3://life/clips").unwrap().to_string(), "s3://life/clips");
        assert_eq!(parse("/").unwrap().folder(), Some(Path::new("/")));
        assert!(parse("/no/such/folder").unwrap_err().ends_with("is not a folder; create it, or mount its disk"));
    }

    #[test]
    fn a_url_without_a_usable_key_is_refused() {
        assert!(parse("s3://").unwrap_err().contains("give a URL such as s3://bucket/prefix"));
        assert!(parse("s3://life/../clips").unwrap_err().contains("has a part . or .."));
    }
}
