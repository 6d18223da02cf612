//! Names the type of a file that is not a regular one. Such a file must not be opened: opening a pipe blocks.

use std::fs::FileType;
use std::os::unix::fs::FileTypeExt;

/// None for a regular file.
pub fn special_kind(file_type: FileType) -> Option<&'static str> {
    match () {
        () if file_type.is_file() => None,
        () if file_type.is_fifo() => Some("a pipe"),
        () if file_type.is_socket() => Some("a socket"),
        () if file_type.is_dir() => Some("a folder"),
        () => Some("a device"),
    }
}
