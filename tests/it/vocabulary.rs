//! Words that must not come back: each has a standard term that is used instead, in code, texts and documents.

use std::fs;
use std::path::{Path, PathBuf};

/// The word, and what is written instead. A word is matched as a whole, in the given case.
const REPLACED: &[(&str, &str)] = &[
    // runs and recordings
    ("heard", "analyzed"),
    ("hear", "analyze"),
    ("hears", "analyzes"),
    ("hearing", "analyzing"),
    ("unfinished", "in progress"),
    ("began_at", "started_at"),
    ("began_from", "start_source"),
    ("clips_lost", "clips_failed"),
    ("single_files", "explicit_files"),
    ("surest", "highest-scoring"),
    ("twin", "reference"),
    ("twins", "reference tests"),
    ("rooms", "modules"),
    ("house", "crate, or say which"),
    ("settle", "say what is decided"),
    ("settled", "say what is decided"),
    ("patience", "a timeout"),
    ("trouble", "error, failure"),
    ("troubles", "errors, failures"),
    ("at work", "running, in progress"),
    ("looked_at", "scanned"),
    ("strangers", "unmatched, third parties"),
    // flags and commands
    ("--join", "--merge-gap"),
    ("--pad", "--padding"),
    ("--pre", "--clip-before"),
    ("--post", "--clip-after"),
    ("--beside", "--sidecar"),
    ("--no-level", "--no-normalize"),
    ("--levelled", "--normalize"),
    ("giggles notes", "giggles review"),
    ("giggles reviews", "giggles review"),
    // detection
    ("levelled", "normalized"),
    ("levelling", "loudness normalization"),
    ("leveller", "Normalizer"),
    ("Weigher", "LogitSmoother"),
    ("Valleys", "RangeMin"),
    // types
    ("Ear", "Analyzer"),
    ("Unheard", "AnalyzeError"),
    ("Stations", "Batcher"),
    ("Fate", "Status"),
    ("Judgement", "Verdict"),
    ("Trouble", "RetryClass"),
    ("Cure", "ErrorClass"),
    ("Hindrance", "MigrationBlocker"),
    ("Remark", "Issue"),
    ("Patience", "BusyTimeout"),
    ("Elsewhere", "OutsideWindow"),
    ("Watch", "StabilityCheck"),
    ("Watched", "RunGuard"),
    ("Night", "RunMonitor"),
    ("Joined", "MergedDetection"),
    ("Paper", "PageOptions"),
    ("Whose", "SourceFilter"),
    ("Telling", "ReportView"),
    ("Lying", "ClipFile"),
    ("tape", "sample_buffer"),
    ("noting", "reviews"),
    ("checkup", "probe"),
    ("give_back", "release"),
    ("lock_out", "lock_exclusive"),
    ("last_words", "shutdown_hook"),
    ("second_chances", "retry_copies"),
];

/// Where a word stands for something else: the end of the path, the word, and the reason.
const EXCEPTIONS: &[(&str, &str, &str)] = &[("vocabulary.rs", "", "lists the words")];

/// Every text of these files and directories is read.
const READ: &[&str] = &[
    "src",
    "crates",
    "docs",
    "deploy",
    "scripts",
    "benches",
    "fuzz/src",
    "fuzz/fuzz_targets",
    "tests",
    "Cargo.toml",
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "RELEASING.md",
    "crontab.example",
];

fn texts(path: &Path, found: &mut Vec<(PathBuf, String)>) {
    if path.is_dir() {
        let mut entries: Vec<_> = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        entries.iter().for_each(|entry| texts(entry, found));
    } else if let Ok(text) = fs::read_to_string(path) {
        found.push((path.to_owned(), text));
    }
}

/// Whether the text has the word, not as a part of another one. The words of an identifier stand alone.
fn has_word(text: &str, word: &str) -> bool {
    let is_part = |character: Option<char>| character.is_some_and(|c| c.is_alphanumeric() || c == '-');
    text.match_indices(word)
        .any(|(at, _)| !is_part(text[..at].chars().next_back()) && !is_part(text[at + word.len()..].chars().next()))
}

#[test]
fn replaced_words_do_not_come_back() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    READ.iter().for_each(|path| texts(&root.join(path), &mut found));
    assert!(found.len() > 300, "{} files were read", found.len());
    let mut faults = Vec::new();
    for (path, text) in &found {
        let path = path.strip_prefix(root).unwrap().to_str().unwrap();
        for (number, line) in text.lines().enumerate() {
            let is_exception = |word: &str| {
                EXCEPTIONS.iter().any(|(end, of, _)| path.ends_with(end) && (*of == word || of.is_empty()))
            };
            let found = REPLACED.iter().filter(|(word, _)| has_word(line, word) && !is_exception(word));
            for (word, instead) in found {
                faults.push(format!("{path}:{}: `{word}`; write: {instead}", number + 1));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_replaced_word_is_found_as_a_whole_word() {
    assert!(has_word("it was heard.", "heard") && has_word("--pad 1", "--pad") && has_word("`Ear`", "Ear"));
    assert!(has_word("fn a_copy_is_heard_once", "heard"));
    assert!(!has_word("unheard_of, --padding, Early, overheard", "heard"));
    assert!(!has_word("--padding", "--pad") && !has_word("Early", "Ear"));
}
