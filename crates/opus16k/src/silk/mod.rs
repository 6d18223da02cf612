//! SILK (RFC 6716, 4.2): linear prediction of speech at an internal sampling rate of 8, 12 or 16 kHz.
//!
//! Wideband is 16 kHz as it is, and is what hybrid frames have below 8 kHz. Narrowband and mediumband are resampled. Of
//! two channels only mid, their mean, is decoded.

mod cng;
mod decoder;
mod excitation;
mod fixed;
mod indices;
mod lpc;
mod lpc_filter;
mod lsf;
mod output;
mod plc;
mod resampler;
mod sizes;
mod synthesis;
mod tables;
#[cfg(test)]
mod tests;

use crate::packet::Bandwidth;
use crate::range_decoder::RangeDecoder;
use decoder::RateDecoder;
use output::Output;
use synthesis::Memory;
use tables::{MEDIUMBAND, NARROWBAND, WIDEBAND};

/// What the table of contents says about the SILK part of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Format {
    pub(crate) bandwidth: Bandwidth,
    pub(crate) channels: usize,
}

/// The SILK decoder of one elementary stream.
pub(crate) struct SilkDecoder {
    rate: AnyRate,
    output: Output,
}

enum AnyRate {
    Narrowband(Box<RateDecoder<10, 40>>),
    Mediumband(Box<RateDecoder<10, 60>>),
    Wideband(Box<RateDecoder<16, 80>>),
}

/// Runs an expression for the decoder of whatever rate.
macro_rules! with_rate {
    ($rate:expr, $decoder:ident => $run:expr) => {
        match $rate {
            AnyRate::Narrowband($decoder) => $run,
            AnyRate::Mediumband($decoder) => $run,
            AnyRate::Wideband($decoder) => $run,
        }
    };
}

impl SilkDecoder {
    pub(crate) fn new() -> SilkDecoder {
        SilkDecoder { rate: AnyRate::new(Bandwidth::Wide, Memory::default()), output: Output::new() }
    }

    /// Decodes the SILK part of a frame of 10, 20, 40 or 60 ms into `out`: mono, 16 kHz, -1 to 1. Returns the range
    /// decoder at what follows.
    pub(crate) fn decode<'a>(&mut self, data: &'a [u8], format: Format, out: &mut [f32]) -> RangeDecoder<'a> {
        self.set_bandwidth(format.bandwidth);
        let mut decoder = RangeDecoder::new(data);
        let output = &mut self.output;
        with_rate!(&mut self.rate, rate => rate.decode(&mut decoder, format.channels, output, out));
        decoder
    }

    /// Decodes what a frame says about the one before it, which was lost; returns how many samples of its end.
    pub(crate) fn decode_fec(&mut self, data: &[u8], format: Format, out: &mut [f32]) -> usize {
        self.set_bandwidth(format.bandwidth);
        let mut decoder = RangeDecoder::new(data);
        let output = &mut self.output;
        with_rate!(&mut self.rate, rate => rate.decode_fec(&mut decoder, format.channels, output, out))
    }

    /// Fills `out`, 2.5, 5, 10 or 20 ms, with concealment.
    pub(crate) fn conceal(&mut self, out: &mut [f32]) {
        with_rate!(&mut self.rate, rate => rate.conceal(&mut self.output, out));
    }

    /// Another internal sampling rate begins anew.
    fn set_bandwidth(&mut self, bandwidth: Bandwidth) {
        if !self.rate.is_of(bandwidth) {
            let memory = with_rate!(&self.rate, rate => rate.memory());
            self.rate = AnyRate::new(bandwidth, memory);
        }
        self.output.set_rate(self.rate.khz());
    }
}

impl AnyRate {
    fn new(bandwidth: Bandwidth, memory: Memory) -> AnyRate {
        match bandwidth {
            Bandwidth::Narrow => AnyRate::Narrowband(Box::new(RateDecoder::new(&NARROWBAND, memory))),
            Bandwidth::Medium => AnyRate::Mediumband(Box::new(RateDecoder::new(&MEDIUMBAND, memory))),
            _ => AnyRate::Wideband(Box::new(RateDecoder::new(&WIDEBAND, memory))),
        }
    }

    fn is_of(&self, bandwidth: Bandwidth) -> bool {
        match self {
            AnyRate::Narrowband(_) => bandwidth == Bandwidth::Narrow,
            AnyRate::Mediumband(_) => bandwidth == Bandwidth::Medium,
            AnyRate::Wideband(_) => !matches!(bandwidth, Bandwidth::Narrow | Bandwidth::Medium),
        }
    }

    fn khz(&self) -> usize {
        match self {
            AnyRate::Narrowband(_) => NARROWBAND.khz,
            AnyRate::Mediumband(_) => MEDIUMBAND.khz,
            AnyRate::Wideband(_) => WIDEBAND.khz,
        }
    }
}
