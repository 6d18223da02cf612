//! Locates the samples of a track with its sample tables (ISO 14496-12, 8.6.1, 8.7).
//!
//! Invariant: tables are read in pieces, so memory does not grow with them.

use std::io;

use super::super::view::View;
use super::boxes::{Part, child};

/// Bytes of a table per read.
const WINDOW: usize = 4096;

/// PCM frames per packet.
const FRAMES_AT_ONCE: u32 = 4096;

/// Maximum number of runs of the time table that are added up; for a longer table, the header's duration is used.
const MAX_RUNS: u32 = 1_000_000;

/// A piece of a track's data with its time, in ticks of the track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    pub at: u64,
    pub size: u64,
    pub time: u64,
    pub duration: u64,
    /// The sample entry that describes it, from 1.
    pub entry: u32,
}

/// Entries of equal width.
struct Table {
    view: View,
    start: u64,
    width: u64,
    count: u32,
}

impl Table {
    /// The entries at `offset` in the box; their number is stored directly before them and limited to the box.
    fn new(view: &mut View, part: Part, offset: u64, width: u64) -> io::Result<Table> {
        let (start, count) = (part.start + offset, view.u32(part.start + offset - 4)?);
        let entries_that_fit = part.end.saturating_sub(start) / width;
        let count = u32::try_from(entries_that_fit).unwrap_or(u32::MAX).min(count);
        Ok(Table { view: view.another(WINDOW), start, width, count })
    }

    /// The 32 bits at a column of an entry.
    fn field(&mut self, entry: u32, column: u64) -> io::Result<u32> {
        self.view.u32(self.start + u64::from(entry) * self.width + 4 * column)
    }
}

/// The tables of one track, read from front to back.
pub struct Tables {
    times: Table,
    /// The next run of the time table, and the remaining samples and the duration of the current one.
    run: (u32, u32, u32),
    sizes: Table,
    /// The common size of all samples; 0 if they differ.
    size: u32,
    samples: u32,
    /// The number of samples in the box's header, even if the box is cut.
    stated: u32,
    chunks: Table,
    groups: Table,
    group: u32,
    chunk: u32,
    left_in_chunk: u32,
    per_chunk: u32,
    entry: u32,
    at: u64,
    sample: u32,
    time: u64,
    /// Bytes per PCM frame; 0 for packets.
    frame: u32,
}

impl Tables {
    /// Errors: `InvalidData` if a table is missing.
    pub fn read(view: &mut View, stbl: Part) -> io::Result<Tables> {
        let mut named = |name: &[u8; 4]| child(view, stbl, &[name]);
        let (stts, stsz, stsc) = (named(b"stts")?, named(b"stsz")?, named(b"stsc")?);
        let (stco, co64) = (named(b"stco")?, named(b"co64")?);
        let missing = || io::Error::from(io::ErrorKind::InvalidData);
        let (stts, stsz, stsc) = (stts.ok_or_else(missing)?, stsz.ok_or_else(missing)?, stsc.ok_or_else(missing)?);
        let width = if stco.is_some() { 4 } else { 8 };
        let chunks = stco.or(co64).ok_or_else(missing)?;
        let size = view.u32(stsz.start + 4)?;
        let sizes = Table::new(view, stsz, 12, 4)?;
        let stated = view.u32(stsz.start + 8)?;
        let samples = if size == 0 { sizes.count } else { stated };
        Ok(Tables {
            times: Table::new(view, stts, 8, 8)?,
            run: (0, 0, 0),
            sizes,
            size,
            samples,
            stated,
            chunks: Table::new(view, chunks, 8, width)?,
            groups: Table::new(view, stsc, 8, 12)?,
            group: 0,
            chunk: 0,
            left_in_chunk: 0,
            per_chunk: 0,
            entry: 1,
            at: 0,
            sample: 0,
            time: 0,
            frame: 0,
        })
    }

    /// Sets the size of a PCM frame. Each frame is a sample, so many are read together. Old QuickTime files store a
    /// size of 1.
    pub fn set_pcm(&mut self, frame: u32) {
        if self.size == 1 || self.size == frame {
            (self.size, self.frame) = (frame, frame);
        }
    }

    /// The total length in ticks, and the most frequent sample duration.
    pub fn measure(&mut self) -> io::Result<Option<(u64, u64)>> {
        if self.times.count > MAX_RUNS {
            return Ok(None);
        }
        let (mut sum, mut usual) = (0u64, (0, 0));
        for run in 0..self.times.count {
            let (count, duration) = (self.times.field(run, 0)?, self.times.field(run, 1)?);
            sum = sum.saturating_add(u64::from(count) * u64::from(duration));
            usual = usual.max((count, duration));
        }
        Ok(Some((sum, u64::from(usual.1))))
    }

    /// The next sample; None at the end.
    pub fn next(&mut self) -> io::Result<Option<Sample>> {
        if self.sample >= self.samples || (self.left_in_chunk == 0 && !self.open_chunk()?) {
            return Ok(None);
        }
        let duration = self.duration()?;
        let count = match self.frame {
            0 => 1,
            _ => FRAMES_AT_ONCE.min(self.left_in_chunk).min(self.samples - self.sample).min(self.run.1 + 1),
        };
        let size = if self.size == 0 { self.sizes.field(self.sample, 0)? } else { self.size };
        let (size, duration) = (u64::from(size) * u64::from(count), u64::from(duration) * u64::from(count));
        let sample = Sample { at: self.at, size, time: self.time, duration, entry: self.entry };
        self.run.1 -= count - 1;
        self.sample += count;
        self.left_in_chunk -= count;
        self.at = self.at.saturating_add(size);
        self.time = self.time.saturating_add(duration);
        Ok(Some(sample))
    }

    /// The duration of the next sample. If the table is too short, the last duration applies.
    fn duration(&mut self) -> io::Result<u32> {
        while self.run.1 == 0 && self.run.0 < self.times.count {
            let (count, duration) = (self.times.field(self.run.0, 0)?, self.times.field(self.run.0, 1)?);
            self.run = (self.run.0 + 1, count, duration);
        }
        self.run.1 = self.run.1.saturating_sub(1);
        Ok(self.run.2)
    }

    /// Advances to the next chunk with samples. False if there is none.
    fn open_chunk(&mut self) -> io::Result<bool> {
        if self.chunk >= self.chunks.count {
            return Ok(false);
        }
        while self.group < self.groups.count && self.groups.field(self.group, 0)? <= self.chunk + 1 {
            self.per_chunk = self.groups.field(self.group, 1)?;
            self.entry = self.groups.field(self.group, 2)?;
            self.group += 1;
        }
        self.at = match self.chunks.width {
            4 => u64::from(self.chunks.field(self.chunk, 0)?),
            _ => u64::from(self.chunks.field(self.chunk, 0)?) << 32 | u64::from(self.chunks.field(self.chunk, 1)?),
        };
        self.chunk += 1;
        self.left_in_chunk = self.per_chunk;
        Ok(self.per_chunk > 0)
    }

    /// Whether the last sample has been returned.
    pub fn is_at_end(&self) -> bool {
        self.sample >= self.samples
    }

    /// Whether fewer samples have been returned than the box announces.
    pub fn lacks_samples(&self) -> bool {
        self.sample < self.stated
    }

    pub fn time(&self) -> u64 {
        self.time
    }
}
