//! One logical stream: orders its pages, assembles packets, and passes them to the clock.
//!
//! Invariant: memory is bounded by [`MAX_PACKET`] and by the clock's queue, for packets over any number of pages.

use std::time::Duration;

use super::clock::{Batch, Clock, MAX_LOST, Placed, Sound};
use super::codec::{Codec, Content};
use super::counts::Counts;
use super::page::Page;
use super::start::Start;

/// The rest of a longer packet (a tag with pictures) is dropped.
const MAX_PACKET: usize = 4 << 20;
/// A page that is early by this many positions is held until the missing page arrives.
const MAX_EARLY: u32 = 4;

pub struct Stream {
    pub serial: u32,
    pub codec: Codec,
    clock: Clock,
    /// Sequence number of the last page.
    number: Option<u32>,
    /// Whether sequence numbers were consecutive so far.
    is_numbered: bool,
    checksum: u32,
    bytes: u64,
    pages: u64,
    /// A page that arrived early.
    early: Option<Page>,
    /// The start of an incomplete packet.
    partial: Option<Vec<u8>>,
    /// The start of a packet is lost, so that its rest is dropped.
    is_torn: bool,
    /// If data is missing before the next batch: about how many pages.
    lost: Option<u32>,
    /// The end-of-stream page was read.
    pub is_ended: bool,
    /// Audio packets were read.
    pub has_sound: bool,
    /// The comments of its header.
    pub comment: Option<Vec<u8>>,
    pub start: Start,
}

impl Stream {
    /// Creates a stream; `is_torn` if its first pages are lost.
    pub fn new(serial: u32, codec: Codec, is_torn: bool) -> Stream {
        let unit = if matches!(codec, Codec::Opus { .. }) { 120 } else { 0 };
        Stream {
            serial,
            clock: Clock::new(codec.rate(), unit),
            codec,
            number: None,
            is_numbered: false,
            checksum: 0,
            bytes: 0,
            pages: 0,
            early: None,
            partial: None,
            is_torn,
            lost: None,
            is_ended: false,
            has_sound: false,
            comment: None,
            start: Start::default(),
        }
    }

    /// Takes the next page of the stream.
    pub fn push(&mut self, page: Page, counts: &mut Counts) {
        if self.is_numbered && self.number == Some(page.sequence()) && self.checksum == page.checksum() {
            counts.repeated_pages += 1;
            return;
        }
        match self.early.take() {
            Some(early) if self.lead(&page) == 0 => {
                counts.swapped_pages += 1;
                self.read(&page, counts);
                self.read(&early, counts);
            }
            Some(early) => {
                self.read(&early, counts);
                self.push(page, counts);
            }
            None if self.is_numbered && (1..=MAX_EARLY).contains(&self.lead(&page)) => self.early = Some(page),
            None => self.read(&page, counts),
        }
    }

    /// The next packets whose times are known; at the end of the stream, all.
    pub fn pop(&mut self, at_end: bool, gap_budget: &mut Duration, counts: &mut Counts) -> Option<Placed> {
        if at_end && let Some(early) = self.early.take() {
            self.read(&early, counts);
        }
        self.clock.pop(at_end, gap_budget, counts)
    }

    /// How far the sequence number of a page is ahead of the expected one.
    fn lead(&self, page: &Page) -> u32 {
        self.number.map_or(0, |number| page.sequence().wrapping_sub(number.wrapping_add(1)))
    }

    fn read(&mut self, page: &Page, counts: &mut Counts) {
        let broken = self.broken(page);
        self.lost = match (self.lost, broken) {
            (Some(before), Some(now)) => Some(before.saturating_add(now)),
            (before, now) => before.or(now),
        };
        let lead = self.lead(page);
        self.is_numbered = self.number.is_some() && (lead == 0 || self.is_numbered && lead <= MAX_LOST);
        self.number = Some(page.sequence());
        self.checksum = page.checksum();
        self.pages += 1;
        self.bytes += page.len() as u64;
        let packets = self.assemble(page, broken.is_some());
        let sounds: Vec<Sound> = packets.into_iter().filter_map(|packet| self.sound(packet)).collect();
        self.is_ended = page.is_last();
        if !sounds.is_empty() {
            self.has_sound = true;
            let granule = Some(page.granule()).filter(|granule| *granule > 0);
            counts.untimed_pages += u64::from(granule.is_none());
            let batch = Batch { packets: sounds, granule, lost: self.lost.take(), is_last: page.is_last() };
            self.start.push(batch.length(), granule, batch.lost.is_some());
            self.clock.push(batch);
        }
    }

    /// If data is missing before a page: about how many pages.
    fn broken(&self, page: &Page) -> Option<u32> {
        let lead = self.lead(page);
        if self.is_numbered {
            // A number that is far off is invalid, or the stream was restarted.
            return (lead > 0).then_some(if lead <= MAX_LOST { lead } else { page.damaged });
        }
        let usual = self.bytes.checked_div(self.pages).unwrap_or(0).max(1);
        let skipped = page.skipped.saturating_add(usual / 2).checked_div(usual).unwrap_or(0);
        let lost = page.damaged.max(u32::try_from(skipped).unwrap_or(u32::MAX)).min(MAX_LOST);
        (page.skipped > 0 && self.pages > 0).then_some(lost)
    }

    /// The packets that end on a page.
    fn assemble(&mut self, page: &Page, is_broken: bool) -> Vec<Vec<u8>> {
        let mut packets = Vec::new();
        if is_broken {
            self.is_torn = true;
            self.partial = None;
        }
        if !page.is_continued() {
            // The page does not continue the packet, so that it ends here.
            packets.extend(self.partial.take());
            self.is_torn = false;
        }
        for (part, ends) in page.parts() {
            if std::mem::take(&mut self.is_torn) {
                self.is_torn = !ends;
                continue;
            }
            let mut packet = self.partial.take().unwrap_or_default();
            let free = MAX_PACKET.saturating_sub(packet.len());
            packet.extend_from_slice(&part[..part.len().min(free)]);
            if ends {
                packets.push(packet);
            } else {
                self.partial = Some(packet);
            }
        }
        packets
    }

    /// The packet, if it contains audio.
    fn sound(&mut self, data: Vec<u8>) -> Option<Sound> {
        match self.codec.content(&data) {
            Content::Header => None,
            Content::Comment(start) => {
                self.comment.get_or_insert_with(|| data.get(start..).unwrap_or_default().to_vec());
                None
            }
            Content::Sound { length, discard } => Some(Sound {
                data,
                length: i64::try_from(length - discard).unwrap_or(0),
                discard: i64::try_from(discard).unwrap_or(0),
            }),
        }
    }
}
