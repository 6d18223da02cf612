//! Paths of files.
//!
//! Invariant: reads no file system.

use std::path::Path;

/// The directory that contains a file: `.` for a name without a directory.
pub fn directory_of(file: &Path) -> &Path {
    file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_a_directory_is_in_the_current_one() {
        let directories = ["a.db", "./a.db", "data/a.db", "/a.db"].map(|file| directory_of(Path::new(file)));
        assert_eq!(directories, [".", ".", "data", "/"].map(Path::new));
    }
}
