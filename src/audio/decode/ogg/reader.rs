//! Reads a physical Ogg stream: multiplexed logical streams, and chained links of them.
//!
//! Implements symphonia's reader trait. Timestamps are the sum of packet lengths and gaps.
//!
//! Invariant: every skipped page is counted; a stream that cannot be identified causes an error.

mod format;

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use symphonia::core::errors::{Error, Result};
use symphonia::core::formats::{MediaInfo, Track};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::MetadataLog;
use symphonia::core::packet::Packet;

use super::clock::LONGEST_GAPS;
use super::codec::{self, Codec, Identity};
use super::comment;
use super::counts::Counts;
use super::link::{Link, MAX_STREAMS, timed};
use super::multiplex::{CHAINED, Selected};
use super::page::{Page, Pages, Rest};
use super::stream::Stream;
use crate::audio::decode::error_map;
use crate::domain::RecordingError;

/// Errors at the end of a file whose recording is incomplete.
const ORPHANED: &str = "the beginning of the following stream is missing";
const UNDECODABLE: &str = "one of its first pages is damaged";
const LAST_DAMAGED: &str = "its last page is damaged";

/// Maximum number of pages of a stream without its start that are kept to identify its codec.
const MAX_ORPHANS: usize = 16;

/// Reads an Ogg file.
pub struct Reader {
    pages: Pages<MediaSourceStream<'static>>,
    link: Link,
    /// The first pages of the next link.
    next: Vec<Page>,
    /// The first page of the next link is missing.
    is_next_headless: bool,
    ready: VecDeque<Packet>,
    tracks: Vec<Track>,
    media: MediaInfo,
    metadata: MetadataLog,
    /// The last Opus header, for a stream whose own header is lost.
    head: Option<Vec<u8>>,
    /// The remaining total length of gaps.
    gap_budget: Duration,
    rest: Option<Rest>,
    counts: Counts,
    /// The selected stream, if there are several.
    selected: Option<Selected>,
    /// The rest of the file cannot be decoded.
    is_refused: bool,
}

impl Reader {
    /// Reads up to the first audio packets. [`super::Tail`] determines whether checksums are checked.
    ///
    /// Errors: unsupported, with the names of the codecs; truncated or corrupt, if no stream has complete headers.
    pub fn open(
        source: MediaSourceStream<'static>,
        checks: bool,
        selected: Option<Selected>,
    ) -> std::result::Result<Reader, RecordingError> {
        let mut reader = Reader {
            pages: Pages::new(source, checks),
            link: Link::default(),
            next: Vec::new(),
            is_next_headless: false,
            ready: VecDeque::new(),
            tracks: Vec::new(),
            media: MediaInfo::default(),
            metadata: MetadataLog::default(),
            head: None,
            gap_budget: LONGEST_GAPS,
            rest: None,
            counts: Counts { is_unchecked: !checks, ..Counts::default() },
            selected,
            is_refused: false,
        };
        reader.begin().map_err(error_map::io)?;
        if reader.tracks.is_empty() {
            return Err(reader.refusal());
        }
        Ok(reader)
    }

    /// What was ignored, repaired or estimated so far.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// The audio streams of the current link.
    pub fn streams(&self) -> &[Stream] {
        &self.link.streams
    }

    /// Whether the current link has ended.
    pub fn is_link_over(&self) -> bool {
        self.rest.is_some() || !self.next.is_empty()
    }

    /// Continues reading without returning packets.
    pub fn skip_packets(&mut self) -> io::Result<()> {
        self.step()?;
        self.ready.clear();
        Ok(())
    }

    /// The error for a file without a stream that can be decoded.
    fn refusal(&self) -> RecordingError {
        let is_cut = self.rest.is_some_and(|rest| rest.is_page);
        match (self.link.unsupported.as_slice(), self.link.streams.is_empty()) {
            _ if is_cut && self.counts.damaged_pages == 0 => error_map::truncated(error_map::SHORT, Duration::ZERO),
            ([], true) if self.counts.damaged_pages + self.counts.orphaned_streams == 0 => {
                error_map::unsupported("none of its streams has a valid header")
            }
            ([], _) => error_map::corrupt(UNDECODABLE, Duration::ZERO),
            (names, _) => error_map::unsupported(error_map::foreign(format!("it is Ogg with {}", names.join(" and ")))),
        }
    }

    /// Reads until the current link contains audio, or to the end of the file.
    fn begin(&mut self) -> io::Result<()> {
        let serial = self.selected.as_ref().map(|selected| selected.serial);
        while !self.link.is_begun(serial) && self.rest.is_none() {
            if self.next.is_empty() {
                self.step()?;
            } else {
                self.start_link();
            }
        }
        self.tracks = self.link.streams.iter().filter_map(|stream| stream.codec.track(stream.serial)).collect();
        let mut heads = self.link.streams.iter().filter_map(|stream| match &stream.codec {
            Codec::Opus { head, .. } => Some(head.clone()),
            _ => None,
        });
        self.head = heads.next_back().or(self.head.take());
        let comments: Vec<Vec<u8>> = self.link.streams.iter_mut().filter_map(|stream| stream.comment.take()).collect();
        comments.iter().filter_map(|comment| comment::read(comment)).for_each(|found| self.metadata.push(found));
        Ok(())
    }

    /// Reads the next page and queues the packets that are complete.
    fn step(&mut self) -> io::Result<()> {
        match self.pages.next()? {
            Ok(page) => {
                self.counts.skipped_bytes += page.skipped;
                self.counts.damaged_pages += u64::from(page.damaged);
                self.dispatch(page);
            }
            Err(rest) => {
                self.counts.damaged_pages += u64::from(rest.damaged);
                self.close_link();
                self.rest = Some(rest);
            }
        }
        self.queue_timed(self.rest.is_some());
        Ok(())
    }

    /// Passes a page to its stream.
    fn dispatch(&mut self, page: Page) {
        let serial = page.serial();
        if self.selected.as_ref().is_some_and(|selected| selected.others.contains(&serial)) {
            return;
        }
        let is_known = self.link.stream(serial).is_some();
        let identity = page.first_packet().map_or(Identity::Unknown, Codec::identify);
        match identity {
            Identity::Audio(codec) => self.begin_stream(page, codec),
            _ if is_known => self.push(page),
            // A link with audio ends where other streams start.
            Identity::Unsupported(_) | Identity::Unknown if page.is_first() && self.link.has_sound() => {
                self.end_link(page);
            }
            _ if self.link.ignored.contains(&serial) => (),
            Identity::Unsupported(name) => self.link.ignore(serial, name),
            Identity::Unknown if page.is_first() => self.link.ignore(serial, ""),
            Identity::Unknown => self.push_headless(page),
        }
    }

    fn push(&mut self, page: Page) {
        let Reader { link, counts, .. } = self;
        if let Some(stream) = link.stream(page.serial()) {
            stream.push(page, counts);
        }
    }

    /// A page with the first header of a codec that can be decoded.
    fn begin_stream(&mut self, page: Page, codec: Codec) {
        let is_other = |selected: &Selected| self.link.has_sound() || selected.serial != page.serial();
        if self.selected.as_ref().is_some_and(|selected| selected.is_one_of_several && is_other(selected)) {
            self.refuse();
            return;
        }
        if self.link.has_sound() {
            self.end_link(page);
            return;
        }
        let serial = page.serial();
        self.link.streams.retain(|stream| stream.serial != serial);
        self.link.streams.truncate(MAX_STREAMS);
        self.link.streams.push(Stream::new(serial, codec, false));
        self.push(page);
    }

    /// Handles a page of a stream whose first page is missing.
    fn push_headless(&mut self, page: Page) {
        let serial = page.serial();
        self.link.orphans.push(page);
        let of_serial = || self.link.orphans.iter().filter(|page| page.serial() == serial);
        let whole = |page: &Page| -> Vec<Vec<u8>> {
            let parts = page.parts().skip(usize::from(page.is_continued()));
            parts.filter(|(_, ends)| *ends).map(|(part, _)| part.to_vec()).collect()
        };
        let is_opus = codec::are_opus(&of_serial().flat_map(whole).collect::<Vec<_>>());
        if !is_opus && of_serial().count() < MAX_ORPHANS && self.link.orphans.len() < 4 * MAX_ORPHANS {
            return;
        }
        let (pages, others) =
            std::mem::take(&mut self.link.orphans).into_iter().partition(|page| page.serial() == serial);
        self.link.orphans = others;
        if !is_opus {
            self.link.ignore(serial, "");
            self.counts.orphaned_streams += 1;
        } else if self.selected.as_ref().is_some_and(|selected| selected.is_one_of_several) {
            self.refuse();
        } else if self.link.has_sound() {
            self.close_link();
            self.next = pages;
            self.is_next_headless = true;
        } else {
            self.adopt(serial, pages);
        }
    }

    /// Starts decoding an Opus stream without its first page.
    fn adopt(&mut self, serial: u32, pages: Vec<Page>) {
        self.counts.headless_streams += 1;
        let codec = self.head.clone().map_or_else(Codec::headless, |head| Codec::Opus { head });
        self.link.streams.push(Stream::new(serial, codec, true));
        pages.into_iter().for_each(|page| self.push(page));
    }

    /// Ends the file here, because the rest cannot be decoded.
    fn refuse(&mut self) {
        self.close_link();
        self.is_refused = true;
        self.rest = Some(Rest::default());
    }

    /// Ends the file here, if no packet of the current link was returned.
    fn refuse_all(&mut self) {
        self.refuse();
        self.ready.clear();
        self.next.clear();
    }

    /// The page is the first of another link.
    fn end_link(&mut self, page: Page) {
        self.close_link();
        self.next.push(page);
    }

    /// Queues all remaining packets of the current link.
    fn close_link(&mut self) {
        self.queue_timed(true);
        let Link { streams, orphans, .. } = &mut self.link;
        let is_lost = |stream: &&Stream| stream.has_sound && !stream.codec.is_ready();
        self.counts.undecodable_streams += streams.iter().filter(is_lost).count() as u64;
        self.counts.orphaned_streams += u64::from(!std::mem::take(orphans).is_empty());
    }

    fn start_link(&mut self) {
        self.link = Link::default();
        self.selected = None;
        if std::mem::take(&mut self.is_next_headless) {
            let pages: Vec<Page> = std::mem::take(&mut self.next);
            let serial = pages.first().map_or(0, Page::serial);
            self.adopt(serial, pages);
        } else if let Some(page) = self.next.pop() {
            self.dispatch(page);
        }
        self.queue_timed(false);
    }

    /// Queues the packets whose times are known.
    fn queue_timed(&mut self, at_end: bool) {
        let Reader { link, gap_budget, counts, ready, .. } = self;
        for stream in &mut link.streams {
            while let Some(placed) = stream.pop(at_end, gap_budget, counts) {
                if stream.codec.is_ready() {
                    ready.extend(timed(stream.serial, placed));
                }
            }
        }
    }

    /// Checks at the end of the file whether the recording is complete.
    fn finish(&mut self) -> Result<Option<Packet>> {
        if self.is_refused {
            return Err(Error::Unsupported(CHAINED));
        }
        let rest = self.rest.unwrap_or_default();
        let is_ended = self.link.is_ended();
        if rest.is_damaged_page {
            return Err(Error::DecodeError(LAST_DAMAGED));
        }
        if rest.is_page || (rest.bytes > 0 && !is_ended) {
            return Err(Error::IoError(io::ErrorKind::UnexpectedEof.into()));
        }
        if self.counts.orphaned_streams > 0 {
            return Err(Error::DecodeError(ORPHANED));
        }
        if self.counts.undecodable_streams > 0 {
            return Err(Error::DecodeError(UNDECODABLE));
        }
        self.counts.trailing_bytes = rest.bytes;
        self.counts.has_no_end = !is_ended;
        Ok(None)
    }
}
