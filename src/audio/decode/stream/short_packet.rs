//! Detects packets of MP4 that decode to fewer samples than the index states: damage that the decoder does not report, and
//! that would shift all later audio.
//!
//! ```text
//! decoded = stated                         -> the usual length
//! decoded < stated, stated = usual length  -> the rest is missing, if another packet follows
//! otherwise                                -> the index is rounded or wrong, or this is the last packet: as decoded
//! ```
//!
//! The reader checks Opus packets (`opus_lengths`).

use symphonia::core::packet::Packet;

use super::Stream;
use crate::audio::decode::track::{Decoder, Jump};
use crate::domain::MissingKind;

impl Stream {
    /// Compares the length of the decoded packet with that in the index.
    pub(super) fn check_length(&mut self, packet: &Packet) {
        if self.jump != Jump::Explicit || matches!(self.decoder, Decoder::Opus(_)) {
            return;
        }
        let (stated, decoded) = (self.samples(packet.block_dur().get()), self.ready.len() as u64);
        if stated == self.usual_length && decoded < stated {
            self.short = stated - decoded;
        } else {
            self.usual_length = decoded;
        }
    }

    /// The samples that the previous packet lacks, which are recorded as missing.
    pub(super) fn take_short(&mut self) -> u64 {
        let short = std::mem::take(&mut self.short);
        if short > 0 {
            self.note(short, MissingKind::Corrupt, "a packet is shorter than its index says".to_owned());
            self.produced += short;
        }
        short
    }
}
