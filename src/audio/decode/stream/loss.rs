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

impl Stream {
    /// Puts silence in the place of a packet that could not be decoded, as long as the container says it is.
    pub(super) fn pass_over(&mut self, packet: &Packet, reason: String) {
        let length = self.samples(packet.block_dur().get());
        self.ready.clear();
        self.note(length, MissingKind::Corrupt, reason);
        let (length, most) = (usize::try_from(length).unwrap_or(0).min(MAX_PACKET), self.longest_concealed());
        if let Decoder::Opus(decoder) = &mut self.decoder {
            decoder.conceal(length.min(most), &mut self.ready);
        }
        self.ready.resize(length, 0.0);
        self.settle(packet);
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
        let gap = self.gap(packet);
        let lost = self.lost.take();
        if gap > self.tolerance() && self.jump != Jump::Nothing {
            let filled = self.paused.saturating_add(gap);
            if self.time(filled) > LONGEST_PAUSE {
                return Err(faults::corrupt("its timestamps jump by more than a day", self.position()));
            }
            if let Some(reason) = lost {
                self.note(gap, MissingKind::Corrupt, reason);
            } else if self.jump == Jump::Loss {
                self.note(gap, MissingKind::Gap, format!("{} of sound are missing here", faults::span(self.time(gap))));
            }
            self.paused = filled;
            self.pause = gap;
            self.produced += gap;
            self.conceal();
        }
        Ok(())
    }

    /// Lets the decoder stand in for the beginning of a loss.
    fn conceal(&mut self) {
        let length = self.pause.min(self.longest_concealed() as u64);
        if let (Decoder::Opus(decoder), Jump::Loss) = (&mut self.decoder, self.jump) {
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
        }
    }

    pub(super) fn gap_from(&self, timestamp: i64) -> u64 {
        let ticks = timestamp.saturating_sub(self.origin.unwrap_or(0));
        self.samples(u64::try_from(ticks).unwrap_or(0)).saturating_sub(self.produced)
    }
}
