//! Replaces missing or damaged packets by concealment and silence, and records the missing range.
//!
//! ```text
//! gap = timestamp of the packet - samples so far
//! gap <= tolerance            -> none (jitter)
//! the reader reported a loss,
//!     or timestamps of this container mean loss -> missing range; concealment (Opus, at most 120 ms), then silence;
//!                                                  what an Opus packet has of the frame before it is not missing
//! otherwise                   -> silence: a pause in the recording
//! ```
//!
//! Invariant: exactly the missing number of samples is inserted, so that later samples keep their time.

use std::time::Duration;

use symphonia::core::formats::well_known::FORMAT_ID_OGG;
use symphonia::core::packet::Packet;

use super::Stream;
use crate::audio::decode::error_map;
use crate::audio::decode::track::{Decoder, Jump, rescale};
use crate::domain::{MissingKind, MissingRange, RecordingError};

/// If the pauses of one file exceed this in total, its timestamps are wrong.
const LONGEST_PAUSE: Duration = Duration::from_secs(24 * 3600);

/// Maximum length of a packet that could not be decoded, samples.
const MAX_PACKET: usize = 1 << 20;

/// Maximum duration of concealment: the longest Opus packet.
const CONCEALED: Duration = Duration::from_millis(120);

/// A loss before the next packet.
pub(super) struct Loss {
    kind: MissingKind,
    reason: String,
    /// Its length, if the next packet does not show it, samples; 0 if unknown.
    length: u64,
}

impl Stream {
    /// Records that the reader skipped damage: the gap before the next packet is a loss.
    pub fn mark_lost(&mut self, kind: MissingKind, reason: String) {
        self.lost = Some(Loss { kind, reason, length: 0 });
    }

    /// Replaces an undecodable packet by silence of its duration. In Matroska, timestamps are more reliable
    /// than durations, so there the silence ends where the next packet starts.
    pub(super) fn replace_by_silence(&mut self, packet: &Packet, reason: String) {
        let length = self.samples(packet.block_dur().get());
        self.ready.clear();
        if self.jump == Jump::Pause {
            self.lost = Some(Loss { kind: MissingKind::Corrupt, reason, length });
            return;
        }
        self.note(length, MissingKind::Corrupt, reason);
        let (length, most) = (usize::try_from(length).unwrap_or(0).min(MAX_PACKET), self.longest_concealed());
        if let Decoder::Opus(decoder) = &mut self.decoder {
            decoder.conceal(length.min(most), &mut self.ready);
        }
        self.ready.resize(length, 0.0);
        self.finish_packet(packet);
    }

    /// At the end of the stream: records a loss that no packet follows.
    pub fn finish(&mut self) {
        if let Some(Loss { kind, reason, length }) = self.lost.take() {
            self.note(length, kind, reason);
        }
    }

    fn longest_concealed(&self) -> usize {
        CONCEALED.as_millis() as usize * self.rate as usize / 1000
    }

    /// Records that the next `length` samples are missing. The end of a range of length 0 is unknown.
    pub(super) fn note(&mut self, length: u64, kind: MissingKind, reason: String) {
        let waiting = self.concealed.len() as u64 + self.pause + self.recovered.len() as u64;
        let start = self.position() + self.time(waiting);
        let end = (length > 0).then(|| start + self.time(length));
        self.missing.push(MissingRange { start, end, kind, reason });
    }

    /// Fills a gap before a packet with silence. A loss is recorded as missing, unless it is recovered.
    pub(super) fn fill_gap(&mut self, packet: &Packet) -> Result<(), RecordingError> {
        let is_first = self.produced == 0 && self.ready.is_empty();
        let (gap, lost) = (self.gap(packet), self.lost.take());
        let gap = if lost.is_some() && self.jump == Jump::Pause { self.whole_packets(gap) } else { gap };
        let tolerance =
            if lost.is_some() { self.tolerance().min(u64::from(self.rate / 500)) } else { self.tolerance() };
        if gap > tolerance && self.jump != Jump::Nothing {
            let filled = self.paused.saturating_add(gap);
            if self.time(filled) > LONGEST_PAUSE {
                return Err(error_map::corrupt("its timestamps jump by more than a day", self.position()));
            }
            self.paused = filled;
            self.produced += gap;
            if lost.is_some() || self.jump == Jump::Loss {
                self.fill_loss(gap, lost, &packet.data);
            } else {
                if is_first && self.jump == Jump::Pause {
                    self.start_with_pause();
                }
                self.pause = gap;
            }
        }
        Ok(())
    }

    /// Rounds a gap to whole packets, because timestamps are rounded to milliseconds.
    fn whole_packets(&self, gap: u64) -> u64 {
        let unit = self.unit.max(1);
        let whole = (gap + unit / 2) / unit * unit;
        if whole.abs_diff(gap) <= u64::from(self.rate / 500) { whole } else { gap }
    }

    /// At a pause before the first packet, the encoder delay is after the pause, not before it. It is dropped there if
    /// it is known, and kept otherwise.
    fn start_with_pause(&mut self) {
        self.late_skip = if self.knows_delay { std::mem::take(&mut self.skip) } else { 0 };
        self.skip = 0;
    }

    /// Conceals, silences and recovers a loss before the packet `next`, and records what of it is missing.
    fn fill_loss(&mut self, gap: u64, lost: Option<Loss>, next: &[u8]) {
        let longest = self.longest_concealed() as u64;
        let (mut concealed, mut recovered) = (Vec::new(), Vec::new());
        let (mut silent, mut from_next) = (gap, 0);
        if let Decoder::Opus(decoder) = &mut self.decoder {
            let coded = if decoder.has_lbrr(next) { opus16k::packet_length(next) as u64 } else { 0 };
            let tail = rescale(coded, (1, opus16k::CLOCK), self.rate).min(gap);
            let head = longest.min(gap - tail);
            decoder.conceal(head as usize, &mut concealed);
            if tail > 0 {
                from_next = decoder.decode_fec(next, tail as usize, &mut recovered) as u64;
            }
            silent = gap - head - tail;
        }
        let missing = gap - from_next;
        let reason = || format!("{} of sound are missing here", error_map::span(self.time(missing)));
        let (kind, reason) = lost.map_or_else(|| (MissingKind::Gap, reason()), |lost| (lost.kind, lost.reason));
        if missing > 0 {
            self.note(missing, kind, reason);
        }
        (self.concealed, self.pause, self.recovered) = (concealed, silent, recovered);
    }

    /// Differences of up to 20 ms between timestamps and the sample count are jitter (Matroska: milliseconds). Those
    /// of Ogg are computed from packet lengths, and the gaps of MP4 are exact.
    pub(super) fn tolerance(&self) -> u64 {
        match (self.jump, self.format) {
            (Jump::Explicit, _) => 0,
            (_, FORMAT_ID_OGG) => u64::from(self.rate / 1000),
            _ => u64::from(self.rate / 50),
        }
    }

    /// The length of the gap before a packet, samples.
    fn gap(&mut self, packet: &Packet) -> u64 {
        let timestamp = packet.pts.get();
        if self.jump == Jump::Explicit {
            return self.samples(timestamp.abs_diff(packet.dts.get()));
        }
        if self.origin.is_none() {
            // In Ogg, timestamps count from zero, even if the first packets are lost.
            let delay = i64::try_from(packet.trim_start.get()).unwrap_or(0);
            self.origin = Some(if self.format == FORMAT_ID_OGG { -delay } else { timestamp });
        }
        self.gap_from(timestamp)
    }

    /// In Matroska, only samples before time zero are encoder delay (for Opus, its own header is used instead).
    pub(super) fn lead(&mut self, timestamp: i64) {
        if timestamp < 0 && self.codec != "opus" {
            self.skip = self.samples(timestamp.unsigned_abs());
            self.knows_delay = true;
        }
    }

    pub(super) fn gap_from(&self, timestamp: i64) -> u64 {
        let ticks = timestamp.saturating_sub(self.origin.unwrap_or(0));
        self.samples(u64::try_from(ticks).unwrap_or(0)).saturating_sub(self.produced)
    }
}
