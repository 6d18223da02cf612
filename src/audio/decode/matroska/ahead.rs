//! Looks ahead in a file, with a walk of its own: the start of the recording, the usual length of packets, and the blocks
//! after the current one.
//!
//! Invariant: reads a bounded number of elements.

use std::io;

use super::clock::{Ahead, Mark};
use super::lacing::{self, Block};
use super::walk::{FoundBlock, Step};
use super::{MAX_BLOCK, Reader, SECOND, signed};
use crate::audio::decode::opus_lengths::{self, PacketLengths};

/// Number of blocks that are searched for the file's earliest timestamp.
const FIRST_BLOCKS: usize = 200;

/// Maximum number of elements that are examined after a step of the timestamps, to the end of the cluster.
const MAX_AHEAD: usize = 20_000;

/// If a track starts later than the others by this much, its timestamps have another origin.
const DAY: i64 = 86_400 * SECOND;

impl Reader {
    /// The first timestamp of any track: the start of the recording, also if it was cut out of a longer one.
    pub(super) fn earliest(&mut self) -> io::Result<i64> {
        let mut firsts: Vec<(Option<u64>, Vec<i64>)> = Vec::new();
        self.scout.place = self.walk.place;
        let mut blocks = 0;
        while blocks < FIRST_BLOCKS {
            match self.scout.step()? {
                Step::Block(found) => {
                    blocks += 1;
                    let (track, Some(time)) = self.scout.head(&found)? else { continue };
                    match firsts.iter_mut().find(|(number, _)| *number == track) {
                        Some((_, times)) => times.push(time),
                        None => firsts.push((track, vec![time])),
                    }
                }
                Step::Passed => (),
                Step::Damaged | Step::Beyond | Step::Zeros(_) | Step::End => break,
            }
        }
        let earliest = firsts.iter().filter_map(|(_, times)| first(times)).min().unwrap_or(0);
        let own = firsts.iter().find(|(number, _)| *number == Some(self.track.number));
        let own = own.and_then(|(_, times)| first(times)).unwrap_or(earliest);
        Ok(if own.saturating_sub(earliest) > DAY { own } else { earliest })
    }

    /// The durations of the first Opus packets.
    pub(super) fn opus_lengths(&mut self) -> io::Result<PacketLengths> {
        self.scout.place = self.walk.place;
        let (mut first, mut blocks) = (Vec::new(), 0);
        while first.len() < opus_lengths::FIRST && blocks < FIRST_BLOCKS {
            match self.scout.step()? {
                Step::Block(found) => {
                    blocks += 1;
                    if let (Some(number), _) = self.scout.head(&found)?
                        && number == self.track.number
                        && let Some(bytes) = found.data.bytes(&mut self.scout.view, MAX_BLOCK)?
                        && let Some(block) = lacing::read(bytes)
                    {
                        let frames =
                            block.frames.iter().filter_map(|frame| self.track.decompress(&bytes[frame.clone()]));
                        first.extend(frames.map(|frame| opus_lengths::length(&frame)));
                    }
                }
                Step::Passed => (),
                _ => break,
            }
        }
        Ok(PacketLengths::new(&first))
    }

    /// The blocks of this track after the current one: the next few, and those around the end of the cluster if
    /// `to_border` is set.
    pub(super) fn ahead(&mut self, most: usize, to_border: bool) -> io::Result<Ahead> {
        self.scout.place = self.walk.place;
        let (mut ahead, mut last) = (Ahead::default(), None::<Mark>);
        for _ in 0..MAX_AHEAD {
            let found = match self.scout.step()? {
                Step::Block(found) => found,
                Step::Passed => continue,
                _ => break,
            };
            let (Some(number), Some(time)) = self.scout.head(&found)? else { continue };
            if number != self.track.number {
                continue;
            }
            let bytes = found.data.bytes(&mut self.scout.view, MAX_BLOCK)?.unwrap_or_default().to_vec();
            let length = lacing::read(&bytes).and_then(|block| self.length(&found, &bytes, &block));
            let mark = Mark { time, length, cluster: self.scout.place.clusters };
            if let Some(last) = last.filter(|last| last.cluster != mark.cluster) {
                ahead.border = ahead.border.or(Some((last, mark)));
            }
            last = Some(mark);
            if ahead.next.len() < most {
                ahead.next.push(mark);
            }
            if ahead.next.len() >= most && (!to_border || ahead.border.is_some()) {
                break;
            }
        }
        Ok(ahead)
    }

    /// The duration of a block, nanoseconds; None if unknown before decoding.
    pub(super) fn length(&self, found: &FoundBlock, bytes: &[u8], block: &Block) -> Option<i64> {
        if self.lengths.is_some() {
            let frames = block.frames.iter().filter_map(|frame| self.track.decompress(&bytes[frame.clone()]));
            return Some(frames.map(|frame| opus_lengths::length(&frame)).sum());
        }
        let count = block.frames.len() as u64;
        let frame = if self.track.frame > 0 { self.track.frame } else { self.codec_frame };
        let length = found.duration.unwrap_or(frame.saturating_mul(count));
        (length > 0).then(|| signed(length))
    }
}

/// The first of a track's timestamps; one that is far from the next ones is ignored.
fn first(times: &[i64]) -> Option<i64> {
    match *times {
        [first, second, third, ..] if first.abs_diff(second) > 1 << 30 && second.abs_diff(third) < 1 << 30 => {
            Some(second)
        }
        [first, ..] => Some(first),
        [] => None,
    }
}
