//! Parses the packet table: the bytes and samples of each packet, and the encoder delay.

use symphonia::core::codecs::audio::well_known::CODEC_ID_OPUS;
use symphonia::core::errors::Result;
use symphonia::core::packet::Packet;
use symphonia::core::units::Duration;

use super::codec::Description;
use crate::audio::decode::packets::{self, PacketSource, Window, cut};

/// Maximum size of a packet, bytes.
const MAX_PACKET: u64 = 1 << 20;

/// The chunk `pakt`.
#[derive(Debug, Clone)]
pub struct Table {
    /// Number of valid samples, without priming and remainder.
    valid: u64,
    /// Encoder delay in samples.
    pub priming: u64,
    /// Variable-size integers of seven bits per byte.
    entries: Vec<u8>,
}

impl Table {
    pub fn parse(mut bytes: Vec<u8>) -> Option<Table> {
        let header: &[u8; 24] = bytes.first_chunk()?;
        let long = |at: usize| header[at..].first_chunk().map_or(0, |bytes| i64::from_be_bytes(*bytes));
        let short = |at: usize| header[at..].first_chunk().map_or(0, |bytes| i32::from_be_bytes(*bytes));
        let valid = u64::try_from(long(8)).unwrap_or(0);
        let priming = u64::try_from(short(16)).unwrap_or(0);
        bytes.drain(..24);
        Some(Table { valid, priming, entries: bytes })
    }

    /// Number of valid samples, if the header contains it.
    pub fn valid(&self) -> Option<u64> {
        Some(self.valid).filter(|valid| *valid > 0)
    }
}

/// Reads packets according to a table.
pub struct Packets {
    window: Window,
    table: Table,
    /// Bytes and samples per packet if constant; otherwise 0.
    bytes: u64,
    samples: u64,
    /// Whether the delay is trimmed here; the Opus decoder drops its own pre-skip.
    trims_front: bool,
    at: usize,
    clock: u64,
}

impl Packets {
    pub fn new(window: Window, description: &Description, table: Table) -> Packets {
        Packets {
            window,
            table,
            bytes: description.bytes,
            samples: description.samples,
            trims_front: description.parameters.codec != CODEC_ID_OPUS,
            at: 0,
            clock: 0,
        }
    }

    /// The next integer of the table.
    fn number(&mut self) -> Option<u64> {
        let mut number = 0u64;
        loop {
            let byte = *self.table.entries.get(self.at)?;
            self.at += 1;
            number = number << 7 | u64::from(byte & 0x7F);
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
    }

    /// Bytes and samples of the next packet.
    fn size(&mut self) -> Option<(u64, u64)> {
        if self.at >= self.table.entries.len() {
            return None;
        }
        let bytes = if self.bytes == 0 { self.number()? } else { self.bytes };
        let samples = if self.samples == 0 { self.number()? } else { self.samples };
        Some((bytes.min(MAX_PACKET), samples))
    }
}

impl PacketSource for Packets {
    fn next(&mut self) -> Result<Option<Packet>> {
        let Some((bytes, samples)) = self.size() else {
            return Ok(None);
        };
        let data = self.window.view(bytes as usize)?.get(..bytes as usize).ok_or_else(cut)?;
        let mut packet = packets::packet(self.clock, samples, data);
        self.window.skip(bytes)?;
        let after = self.clock.saturating_add(samples);
        if self.trims_front {
            packet.trim_start = Duration::from(self.table.priming.saturating_sub(self.clock).min(samples));
        }
        if let Some(valid) = self.table.valid() {
            let end = valid.saturating_add(self.table.priming);
            packet.trim_end = Duration::from(after.saturating_sub(end.max(self.clock)).min(samples));
        }
        let trimmed = packet.trim_start.saturating_add(packet.trim_end);
        packet.dur = packet.dur.saturating_sub(trimmed);
        self.clock = after;
        Ok(Some(packet))
    }
}
