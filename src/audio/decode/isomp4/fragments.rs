//! Reads movie fragments (ISO 14496-12, 8.8).
//!
//! After bytes that are not a box, reading continues at the next fragment, so that only damaged fragments are lost.
//!
//! Invariant: the runs of one fragment are in memory at a time, as offsets in the file.

use std::collections::VecDeque;
use std::io;

use super::super::view::View;
use super::boxes::{Part, child, children, part};
use super::tables::Sample;

/// Maximum number of runs of one track in one fragment.
const MAX_RUNS: usize = 10_000;

/// Default sample properties: `mvex/trex`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Defaults {
    /// Number of the sample entry.
    pub entry: u32,
    pub duration: u32,
    pub size: u32,
}

/// A run of consecutive samples in the file.
struct Run {
    flags: u32,
    /// Offset of the next entry.
    entry: u64,
    left: u32,
    /// Offset of the next sample.
    at: u64,
    defaults: Defaults,
}

/// The next item.
pub enum Next {
    Sample(Sample),
    /// Fragments are missing before the next sample, or bytes that are not a box were skipped.
    Lost,
    /// The file ends, after a complete box or not, or after a box and this many zeros.
    End {
        cut: bool,
        zeros: u64,
    },
}

pub struct Fragments {
    view: View,
    /// Offset of the next box.
    at: u64,
    track: u32,
    defaults: Defaults,
    runs: VecDeque<Run>,
    /// Time of the next sample, in ticks.
    time: u64,
    /// Whether the track has started: a late start is not a loss.
    has_begun: bool,
    /// Common offset of all times in the file, in ticks, once it is known.
    origin: Option<u64>,
    second: u64,
    cut: bool,
}

impl Fragments {
    /// Reads fragments from offset `at`. `time` is the end of the movie's own samples.
    pub fn new(view: &View, at: u64, track: u32, defaults: Defaults, time: u64, scale: u32) -> Fragments {
        let view = view.another(1 << 14);
        let (origin, has_begun) = ((time > 0).then_some(0), time > 0);
        let second = u64::from(scale);
        Fragments { view, at, track, defaults, runs: VecDeque::new(), time, has_begun, origin, second, cut: false }
    }

    /// Sets the offset that is subtracted from the times of a movie that was cut out of a longer one.
    pub fn set_origin(&mut self, origin: u64) {
        self.origin = Some(origin);
    }

    pub fn next(&mut self) -> io::Result<Next> {
        loop {
            if let Some(sample) = self.sample()? {
                return Ok(Next::Sample(sample));
            }
            let Some(found) = part(&mut self.view, self.at, u64::MAX)? else {
                let ends_here = self.at >= self.view.length();
                return if ends_here { Ok(Next::End { cut: self.cut, zeros: 0 }) } else { self.resync() };
            };
            match &found.name {
                _ if found.end > self.view.length() && &found.name != b"mdat" => return self.resync(),
                b"moof" => {
                    self.at = found.end;
                    if self.open(found)? {
                        return Ok(Next::Lost);
                    }
                }
                name if !name.iter().all(|byte| (0x20..0x7F).contains(byte)) => return self.resync(),
                _ => {
                    // The last box of a cut file; its available samples have been returned already.
                    self.cut |= found.end > self.view.length();
                    self.at = found.end;
                }
            }
        }
    }

    /// Searches for the next fragment after bytes that are not a box.
    fn resync(&mut self) -> io::Result<Next> {
        if self.view.is_zero_from(self.at)? {
            let zeros = self.view.length() - self.at;
            self.at = self.view.length();
            return Ok(Next::End { cut: self.cut, zeros });
        }
        let mut from = self.at + 1;
        while let Some(name) = self.view.find(b"moof", from + 3, u64::MAX)? {
            from = name;
            let is_fragment = part(&mut self.view, name - 4, u64::MAX)?
                .is_some_and(|part| part.end <= self.view.length() && part.end - part.at > 24);
            if is_fragment && self.view.array(name + 8)? == *b"mfhd" {
                self.at = name - 4;
                return Ok(Next::Lost);
            }
        }
        self.at = self.view.length();
        Ok(Next::End { cut: true, zeros: 0 })
    }

    /// Queues the fragment's runs of this track. True if samples are missing before them.
    fn open(&mut self, moof: Part) -> io::Result<bool> {
        let mut lost = false;
        for traf in children(&mut self.view, moof, b"traf", 1000)? {
            let Some(tfhd) = child(&mut self.view, traf, &[b"tfhd"])? else { continue };
            if self.view.u32(tfhd.start + 4)? != self.track {
                continue;
            }
            if let Some(tfdt) = child(&mut self.view, traf, &[b"tfdt"])? {
                let time = decode_time(&mut self.view, tfdt)?;
                lost |= self.set_time(time);
            }
            self.take_runs(moof, traf, tfhd)?;
        }
        Ok(lost)
    }

    fn set_time(&mut self, time: u64) -> bool {
        let time = time.saturating_sub(*self.origin.get_or_insert(time));
        let is_later = time > self.time.saturating_add(self.second / 10);
        let is_lost = is_later && self.has_begun;
        self.time = if is_later || !self.has_begun { time } else { self.time };
        self.has_begun = true;
        is_lost
    }

    fn take_runs(&mut self, moof: Part, traf: Part, tfhd: Part) -> io::Result<()> {
        let flags = self.view.u32(tfhd.start)?;
        let mut field = tfhd.start + 8;
        let mut optional = |view: &mut View, flag: u32, width: u64| -> io::Result<Option<u64>> {
            if flags & flag == 0 {
                return Ok(None);
            }
            field += width;
            let value = if width == 8 { view.u64(field - 8)? } else { u64::from(view.u32(field - 4)?) };
            Ok(Some(value))
        };
        let base = optional(&mut self.view, 0x01, 8)?.unwrap_or(moof.at);
        let entry = optional(&mut self.view, 0x02, 4)?.map_or(self.defaults.entry, |value| value as u32);
        let duration = optional(&mut self.view, 0x08, 4)?.map_or(self.defaults.duration, |value| value as u32);
        let size = optional(&mut self.view, 0x10, 4)?.map_or(self.defaults.size, |value| value as u32);
        let mut at = base;
        for trun in children(&mut self.view, traf, b"trun", MAX_RUNS)? {
            at = self.take_run(trun, base, at, Defaults { entry, duration, size })?;
        }
        Ok(())
    }

    /// Queues a run; returns the offset after it, where the next run without an offset starts.
    fn take_run(&mut self, trun: Part, base: u64, follows: u64, defaults: Defaults) -> io::Result<u64> {
        let (flags, count) = (self.view.u32(trun.start)?, self.view.u32(trun.start + 4)?);
        let (mut entry, mut at) = (trun.start + 8, follows);
        if flags & 0x01 != 0 {
            at = base.saturating_add_signed(i64::from(self.view.u32(entry)? as i32));
            entry += 4;
        }
        entry += if flags & 0x04 != 0 { 4 } else { 0 };
        let width = width(flags);
        let entries_that_fit = trun.end.saturating_sub(entry).checked_div(width).unwrap_or(u64::MAX);
        let left = u32::try_from(entries_that_fit).unwrap_or(u32::MAX).min(count);
        let mut end = at;
        match flags & 0x200 {
            0 => end = end.saturating_add(u64::from(left) * u64::from(defaults.size)),
            _ => {
                for sample in 0..u64::from(left) {
                    let size = self.view.u32(entry + sample * width + if flags & 0x100 != 0 { 4 } else { 0 })?;
                    end = end.saturating_add(u64::from(size));
                }
            }
        }
        // A run of empty samples could have any length.
        if end > at {
            self.runs.push_back(Run { flags, entry, left, at, defaults });
        }
        Ok(end)
    }

    /// The next sample of the queued runs.
    fn sample(&mut self) -> io::Result<Option<Sample>> {
        while self.runs.front().is_some_and(|run| run.left == 0) {
            self.runs.pop_front();
        }
        let Some(run) = self.runs.front_mut() else { return Ok(None) };
        let mut entry = run.entry;
        let mut field = |view: &mut View, flag: u32, default: u32| -> io::Result<u32> {
            if run.flags & flag == 0 {
                return Ok(default);
            }
            entry += 4;
            view.u32(entry - 4)
        };
        let duration = u64::from(field(&mut self.view, 0x100, run.defaults.duration)?);
        let size = u64::from(field(&mut self.view, 0x200, run.defaults.size)?);
        let sample = Sample { at: run.at, size, time: self.time, duration, entry: run.defaults.entry };
        run.entry += width(run.flags);
        run.left -= 1;
        run.at = run.at.saturating_add(size);
        self.time = self.time.saturating_add(duration);
        Ok(Some(sample))
    }
}

/// Bytes per entry of a run.
fn width(flags: u32) -> u64 {
    4 * u64::from((flags & 0xF00).count_ones())
}

fn decode_time(view: &mut View, tfdt: Part) -> io::Result<u64> {
    match view.array::<1>(tfdt.start)? {
        [1] => view.u64(tfdt.start + 4),
        _ => view.u32(tfdt.start + 4).map(u64::from),
    }
}

/// The time of the first fragment of a track, without correction.
pub fn first_time(view: &mut View, from: u64, track: u32) -> io::Result<Option<u64>> {
    let mut at = from;
    for _ in 0..100 {
        let Some(found) = part(view, at, u64::MAX)? else { break };
        at = found.end;
        if &found.name != b"moof" {
            continue;
        }
        for traf in children(view, found, b"traf", 1000)? {
            let Some(tfhd) = child(view, traf, &[b"tfhd"])? else { continue };
            if view.u32(tfhd.start + 4)? == track {
                let tfdt = child(view, traf, &[b"tfdt"])?;
                return tfdt.map(|tfdt| decode_time(view, tfdt)).transpose();
            }
        }
    }
    Ok(None)
}
