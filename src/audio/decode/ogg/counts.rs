//! Counts what was ignored, repaired or estimated while reading an Ogg file.

/// Counts of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Bytes outside of pages.
    pub skipped_bytes: u64,
    /// Pages with a wrong checksum.
    pub damaged_pages: u64,
    pub gaps: u64,
    /// Gaps whose length was estimated from the number of missing pages.
    pub estimated_gaps: u64,
    /// Granule positions that contradict the packets.
    pub odd_granules: u64,
    /// Pages that end a packet and have no granule position.
    pub untimed_pages: u64,
    pub repeated_pages: u64,
    pub swapped_pages: u64,
    /// Streams whose first page is lost, decoded without it.
    pub headless_streams: u64,
    /// Streams without information on how to decode them.
    pub orphaned_streams: u64,
    /// Streams whose headers are damaged.
    pub undecodable_streams: u64,
    pub trailing_bytes: u64,
    /// No checksum is correct; none was checked.
    pub is_unchecked: bool,
    /// There is no end-of-stream page.
    pub has_no_end: bool,
}

impl Counts {
    /// One message per kind.
    pub fn messages(&self) -> Vec<String> {
        let counted = [
            (self.skipped_bytes, "bytes between its pages that are not Ogg, skipped"),
            (self.damaged_pages, "damaged pages (wrong checksum), skipped"),
            (self.gaps, "gaps, filled with silence"),
            (self.estimated_gaps, "gaps whose length is estimated from the number of missing pages"),
            (self.odd_granules, "granule positions that contradict the packets, ignored"),
            (self.untimed_pages, "pages without a granule position, timed by their packets"),
            (self.repeated_pages, "duplicate pages, skipped"),
            (self.swapped_pages, "pages out of order, reordered"),
            (self.headless_streams, "Opus streams without their first page, decoded without it"),
            (self.trailing_bytes, "bytes after its last page that are not Ogg, ignored"),
        ];
        let counted = counted.iter().filter(|(count, _)| *count > 0);
        let mut messages: Vec<String> = counted.map(|(count, what)| format!("{what}: {count}")).collect();
        if self.is_unchecked {
            messages.push("checksums are not valid and were not checked".into());
        }
        if self.has_no_end {
            messages.push("has no end-of-stream page; treated as complete, because its last page is complete".into());
        }
        messages
    }
}
