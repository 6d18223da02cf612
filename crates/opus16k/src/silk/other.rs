//! Narrow- and mediumband, by ruopus.

use ruopus::silk::api::{DecControl, SilkDecoder};
use ruopus::{Bandwidth, RangeDecoder};

use super::{FRAME, Packet, scale};
use crate::RATE;

pub struct Other {
    decoder: SilkDecoder,
    /// The last packet, for when the next is lost.
    last: Packet,
    pcm: Vec<i16>,
}

impl Other {
    pub fn new(first: Packet) -> Other {
        Other { decoder: SilkDecoder::new(), last: first, pcm: Vec::new() }
    }

    pub fn decode(&mut self, coder: &mut RangeDecoder, packet: Packet, out: &mut [f32]) {
        self.last = packet;
        self.pcm.clear();
        let control = self.control(packet.samples * 1000 / RATE as usize);
        for frame in 0..control.payload_size_ms.div_ceil(20) {
            self.decoder.decode(coder, &control, frame == 0, &mut self.pcm);
        }
        scale(&self.pcm, out);
    }

    pub fn lose(&mut self, out: &mut [f32]) {
        // It gives 10 or 20 ms; what is asked for may end earlier.
        self.pcm.clear();
        let control = self.control(if out.len() >= FRAME { 20 } else { 10 });
        self.decoder.decode_lost(&control, &mut self.pcm);
        scale(&self.pcm, out);
    }

    fn control(&self, payload_size_ms: usize) -> DecControl {
        let internal_sample_rate = if self.last.bandwidth == Bandwidth::NarrowBand { 8_000 } else { 12_000 };
        let (channels_internal, api_sample_rate) = (self.last.channels, RATE as i32);
        DecControl { channels_internal, channels_api: 1, internal_sample_rate, api_sample_rate, payload_size_ms }
    }
}
