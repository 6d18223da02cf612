//! What stands for packets that are missing or damaged: concealment, silence, and a missing range.
//!
//! Invariant: as many samples are put in as are missing, so that what follows keeps its time.

use std::time::Duration;

use symphonia::core::formats::well_known::FORMAT_ID_OGG;
use symphonia::core::packet::Packet;

use super::Stream;
use crate::audio::decode::faults;
use crate::audio::decode::track::{Decoder, Jump};
use crate::record::{MissingKind, MissingRange, RecordingError};

/// Pauses longer than this, all of one file together, are a lie of its timestamps.
const LONGEST_PAUSE: Duration = Duration::from_secs(24 * 3600);

/// No packet that could not be decoded is taken for longer, samples.
const MAX_PACKET: usize = 1 << 20;

/// Lost packets of Opus are concealed for so long: its longest packet.
const CONCEALED: Duration = Duration::from_millis(120);

/// Something that is missing before the next packet.
pub(super) struct Loss {
    kind: MissingKind,
    reason: String,
    /// How long it is, where the next packet does not tell; samples, 0 if that is not known.
    length: u64,
}

impl Stream {
    /// The reader passed over something: what is missing until the next packet is a loss.
    pub fn lose(&mut self, kind: MissingKind, reason: String) {
        self.lost = Some(Loss { kind, reason, length: 0 });
    }

    /// Puts silence in the place of a packet that could not be decoded, as long as the container says it is. Matroska's
    /// timestamps say it better than its durations: there it ends where the next packet begins.
    pub(super) fn pass_over(&mut self, packet: &Packet, reason: String) {
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
        self.settle(packet);
    }

    /// At the end: what was lost, and no packet came behind it.
    pub fn finish(&mut self) {
        if let Some(Loss { kind, reason, length }) = self.lost.take() {
            self.note(length, kind, reason);
        }
    }

    fn longest_concealed(&self) -> usize {
        CONCEALED.as_millis() as usize * self.rate as usize / 1000
    }

    /// The next `length` samples will be silence that was not recorded. Nothing tells the end of one of no length.
    pub(super) fn note(&mut self, length: u64, kind: MissingKind, reason: String) {
        let start = self.position() + self.time(self.pause + self.concealed.len() as u64);
        let end = (length > 0).then(|| start + self.time(length));
        self.missing.push(MissingRange { start, end, kind, reason });
    }

    /// Fills a gap before a packet with silence; where the container's timestamps mean loss, it is
    /// missing too, and Opus conceals its beginning.
    pub(super) fn bridge(&mut self, packet: &Packet) -> Result<(), RecordingError> {
        let is_first = self.produced == 0 && self.ready.is_empty();
        let (gap, lost) = (self.gap(packet), self.lost.take());
        let gap = if lost.is_some() && self.jump == Jump::Pause { self.whole_packets(gap) } else { gap };
        let tolerance =
            if lost.is_some() { self.tolerance().min(u64::from(self.rate / 500)) } else { self.tolerance() };
        if gap > tolerance && self.jump != Jump::Nothing {
            let filled = self.paused.saturating_add(gap);
            if self.time(filled) > LONGEST_PAUSE {
                return Err(faults::corrupt("its timestamps jump by more than a day", self.position()));
            }
            let is_lost = lost.is_some() || self.jump == Jump::Loss;
            if let Some(Loss { kind, reason, .. }) = lost {
                self.note(gap, kind, reason);
            } else if is_lost {
                self.note(gap, MissingKind::Gap, format!("{} of sound are missing here", faults::span(self.time(gap))));
            } else if is_first && self.jump == Jump::Pause {
                self.begin_late();
            }
            self.paused = filled;
            self.pause = gap;
            self.produced += gap;
            if is_lost {
                self.conceal();
            }
        }
        Ok(())
    }

    /// What is lost are whole packets: timestamps in milliseconds say it almost.
    fn whole_packets(&self, gap: u64) -> u64 {
        let unit = self.unit.max(1);
        let whole = (gap + unit / 2) / unit * unit;
        if whole.abs_diff(gap) <= u64::from(self.rate / 500) { whole } else { gap }
    }

    /// What the encoder put in front stands before the sound, not before the silence: dropped where it is known, and
    /// else as long as it was when it was recorded.
    fn begin_late(&mut self) {
        self.late_skip = if self.knows_delay { std::mem::take(&mut self.skip) } else { 0 };
        self.skip = 0;
    }

    /// Lets the decoder stand in for the beginning of a loss.
    fn conceal(&mut self) {
        let length = self.pause.min(self.longest_concealed() as u64);
        if let Decoder::Opus(decoder) = &mut self.decoder {
            decoder.conceal(length as usize, &mut self.concealed);
            self.pause -= length;
        }
    }

    /// Timestamps within 20 ms of the sample count are jitter (Matroska counts in milliseconds). Ogg's are made from
    /// the packets' lengths, and what MP4's reader says is meant.
    pub(super) fn tolerance(&self) -> u64 {
        match (self.jump, self.format) {
            (Jump::Told, _) => 0,
            (_, FORMAT_ID_OGG) => u64::from(self.rate / 1000),
            _ => u64::from(self.rate / 50),
        }
    }

    /// Samples that are missing before a packet.
    fn gap(&mut self, packet: &Packet) -> u64 {
        let timestamp = packet.pts.get();
        if self.jump == Jump::Told {
            return self.samples(timestamp.abs_diff(packet.dts.get()));
        }
        if self.origin.is_none() {
            // Ogg's count from zero, even where the first packets are lost.
            let delay = i64::try_from(packet.trim_start.get()).unwrap_or(0);
            self.origin = Some(if self.format == FORMAT_ID_OGG { -delay } else { timestamp });
        }
        self.gap_from(timestamp)
    }

    /// Matroska puts the encoder's delay before time zero, and only there (Opus' own header knows it better).
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
