//! CELT frames (RFC 6716, 4.3), mono at 16 kHz.

use ruopus::RangeDecoder;
use ruopus::celt::decoder::CeltDecoder;

use super::RATE;

pub struct Celt {
    decoder: CeltDecoder,
    silent: bool,
    end: usize,
}

impl Celt {
    pub fn new() -> Celt {
        Celt { decoder: CeltDecoder::with_rate(1, RATE), silent: true, end: 21 }
    }

    /// Forgets all that was decoded.
    pub fn reset(&mut self) {
        if !self.silent {
            *self = Celt::new();
        }
    }

    /// Decodes one frame of `channels`, coded below band `end`, into all of `out`.
    pub fn decode(&mut self, data: &[u8], channels: usize, end: usize, out: &mut [f32]) {
        (self.silent, self.end) = (false, end);
        let mut coder = RangeDecoder::new(data);
        let pcm = self.decoder.decode_frame(&mut coder, data.len(), out.len() * 3, channels, 0, end);
        out.copy_from_slice(&pcm);
    }

    /// Fills `out`, 2.5 to 20 ms, with what might have been there.
    pub fn lose(&mut self, out: &mut [f32]) {
        out.copy_from_slice(&self.decoder.decode_lost(out.len() * 3, 0, self.end));
    }

    /// Adds to 2.5 ms what is left to sound of the last frame, and forgets it.
    pub fn ring_out(&mut self, out: &mut [f32]) {
        if !self.silent {
            let mut rest = [0.0; 40];
            self.decode(&[0xFF, 0xFF], 1, self.end, &mut rest);
            out.iter_mut().zip(rest).for_each(|(out, rest)| *out += rest);
            self.reset();
        }
    }
}
