//! Files that a scan ignored because they are not audio, counted by extension.
//!
//! Invariant: memory is bounded for any directory content; the total stays exact.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde::Serialize;

use crate::text::pluralize;

/// Extensions beyond this number are counted together.
const MAX_EXTENSIONS: usize = 200;

/// Extensions shown to people.
const SHOWN: usize = 6;

/// A longer suffix, or one with characters that are not alphanumeric, does not count as an extension.
const LONGEST: usize = 12;

/// Files that are not audio.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct NotAudio {
    total: u64,
    /// Lower case, without the dot; empty for files without one.
    by_extension: BTreeMap<String, u64>,
    /// Files with extensions beyond the first [`MAX_EXTENSIONS`].
    others: u64,
}

impl NotAudio {
    /// Counts a file of this extension.
    pub fn count(&mut self, extension: &str) {
        let is_extension = extension.len() <= LONGEST && extension.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let extension = if is_extension { extension.to_ascii_lowercase() } else { String::new() };
        self.total += 1;
        let has_space = self.by_extension.len() < MAX_EXTENSIONS;
        match self.by_extension.entry(extension) {
            Entry::Occupied(mut count) => *count.get_mut() += 1,
            Entry::Vacant(entry) if has_space => drop(entry.insert(1)),
            Entry::Vacant(_) => self.others += 1,
        }
    }

    pub fn total(&self) -> u64 {
        self.total
    }

    /// `5 files are not audio (.txt 3, .jpg 2)`, most frequent first. None if there are no such files.
    pub fn summary(&self) -> Option<String> {
        let mut counts: Vec<(&str, u64)> =
            self.by_extension.iter().map(|(extension, count)| (extension.as_str(), *count)).collect();
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let rest = self.others + counts.iter().skip(SHOWN).map(|(_, count)| count).sum::<u64>();
        let shown = counts.iter().take(SHOWN).map(|(extension, count)| match *extension {
            "" => format!("no extension {count}"),
            extension => format!(".{extension} {count}"),
        });
        let rest = (rest > 0).then(|| format!("others {rest}"));
        let parts: Vec<String> = shown.chain(rest).collect();
        let verb = if self.total == 1 { "is" } else { "are" };
        (self.total > 0).then(|| format!("{} {verb} not audio ({})", pluralize(self.total, "file"), parts.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(extensions: &[&str]) -> NotAudio {
        let mut counted = NotAudio::default();
        extensions.iter().for_each(|extension| counted.count(extension));
        counted
    }

    #[test]
    fn the_most_frequent_extensions_come_first() {
        assert_eq!(NotAudio::default().summary(), None);
        assert_eq!(counted(&["txt"]).summary().unwrap(), "1 file is not audio (.txt 1)");
        let summary = counted(&["jpg", "txt", "TXT", "jpg", "txt"]).summary().unwrap();
        assert_eq!(summary, "5 files are not audio (.txt 3, .jpg 2)");
        let summary = counted(&["", "\x1b[2J", "wav~", "a", "b", "c", "d", "e", "f"]).summary().unwrap();
        assert_eq!(summary, "9 files are not audio (no extension 3, .a 1, .b 1, .c 1, .d 1, .e 1, others 1)");
    }

    #[test]
    fn a_million_extensions_use_bounded_memory() {
        let mut many = NotAudio::default();
        (0..1_000_000).for_each(|number| many.count(&number.to_string()));
        assert_eq!((many.total(), many.by_extension.len(), many.others), (1_000_000, MAX_EXTENSIONS, 999_800));
    }
}
