//! The directory name of a source's clips: readable, and different for every source.
//!
//! ```text
//! safe source name   ->  the name itself                        neil
//! any other          ->  readable part + "_" + 16 digits of      neil-a_1581012e8bb07c80
//!                        its SHA-256
//! ```
//!
//! A safe name never contains an underscore, so the two forms cannot collide. Safe names are lower-case ASCII because
//! some file systems ignore case or Unicode normalization forms.

use sha2::{Digest, Sha256};

/// Hexadecimal digits of the hash.
const DIGITS: usize = 16;
/// Maximum number of characters of the readable part.
const LONGEST: usize = 64;
/// Names that Windows reserves. They cannot be used on a mounted Windows file system.
const RESERVED: [&str; 4] = ["con", "prn", "aux", "nul"];
const NUMBERED: [&str; 2] = ["com", "lpt"];

/// The directory name of a source.
pub fn source_folder(source: &str) -> String {
    if is_safe(source) {
        return source.to_owned();
    }
    let readable: String = super::name::readable(source).to_lowercase().chars().take(LONGEST).collect();
    let hash: String = Sha256::digest(source).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}_{}", readable.trim_end_matches('-'), &hash[..DIGITS])
}

/// Whether a directory of this name may belong to a source.
pub fn is_folder(name: &str) -> bool {
    let is_readable = |name: &str| is_words(name) && name.len() <= LONGEST;
    let is_hash = |hash: &str| hash.len() == DIGITS && hash.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    match name.split_once('_') {
        Some((readable, hash)) => is_readable(readable) && is_hash(hash),
        None => is_safe(name),
    }
}

fn is_safe(name: &str) -> bool {
    let number = |prefix: &&str| name.strip_prefix(*prefix).is_some_and(|rest| rest.len() <= 1);
    let is_reserved = RESERVED.contains(&name) || NUMBERED.iter().any(number);
    is_words(name) && name.len() <= LONGEST && !is_reserved
}

/// Lower-case letters and digits, with single hyphens between them.
fn is_words(name: &str) -> bool {
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    name.split('-').all(is_word)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// Names that some file systems treat as equal, and names that some reject.
    const NAMES: [&str; 30] = [
        "neil",
        "Neil",
        "NEIL",
        "neil-a",
        "neil a",
        "neil_a",
        "neil--a",
        "neil-a-",
        "-neil-a",
        "neil/a",
        "neil.a",
        "neil-a.",
        "../neil-a",
        "jürgen",
        "ju\u{308}rgen",
        "JÜRGEN",
        "j-rgen",
        "straße",
        "strasse",
        "STRASSE",
        "\u{130}lk",
        "ilk",
        "",
        " ",
        "…",
        "source",
        "con",
        "com1",
        "neil-a_0123456789abcdef",
        "neil\0a",
    ];

    #[test]
    fn no_two_sources_share_a_directory_even_if_case_is_ignored() {
        let long = ["x".repeat(64), "x".repeat(65), "x".repeat(66), "ä".repeat(300)];
        let names: Vec<&str> = NAMES.into_iter().chain(long.iter().map(String::as_str)).collect();
        let folders: BTreeSet<String> = names.iter().map(|name| source_folder(name).to_uppercase()).collect();
        assert_eq!(folders.len(), names.len(), "{folders:?}");
    }

    #[test]
    fn safe_names_are_unchanged_and_others_stay_readable() {
        for name in ["neil", "neil-a", "mic2", "2025-10-24", "comet", "com10", "null"] {
            assert_eq!(source_folder(name), name);
        }
        assert!(source_folder("Anna-Lena 2").starts_with("anna-lena-2_"));
        assert!(source_folder("…").starts_with("source_") && source_folder("NUL").starts_with("nul_"));
        assert_eq!(source_folder("neil a"), "neil-a_1581012e8bb07c80");
    }

    proptest! {
        #[test]
        fn every_directory_name_is_recognized_short_and_plain(source in ".{0,300}", other in ".{0,40}") {
            let folder = source_folder(&source);
            prop_assert!(is_folder(&folder), "{}", folder);
            prop_assert!(folder.len() <= 100 && folder.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)));
            prop_assert!(source == other || folder != source_folder(&other));
        }
    }

    #[test]
    fn other_names_are_not_source_directories() {
        for name in
            ["", ".", "..", "Neil", "con", "neil_", "_0123456789abcdef", "neil_0123456789ABCDEF", "neil_0123", "a b"]
        {
            assert!(!is_folder(name), "{name}");
        }
    }
}
