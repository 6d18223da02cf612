//! One elementary stream: SILK, CELT and the transitions between them (RFC 6716, 3 and 4.5), mono at 16 kHz.
//!
//! ```text
//! SILK, hybrid   SILK decoder; then from the same bytes: is there a redundant CELT frame of 5 ms (4.5.1), at which end
//! CELT           CELT decoder
//! transitions    a redundant frame, or concealment of the mode before, is cross-faded with the frame in 2.5 ms
//! ```
//!
//! The CELT part of a hybrid frame begins at 8 kHz, the highest frequency at 16 kHz: it is not decoded. Nothing later
//! depends on it, for CELT begins anew, or from a redundant frame, after such frames.

use crate::celt::{CeltDecoder, WINDOW};
use crate::packet::{Bandwidth, DOWNSAMPLING, Mode, Toc};
use crate::range_decoder::RangeDecoder;
use crate::silk::{Format, SilkDecoder};

/// Samples of 2.5 ms, the length of every cross-fade.
const F2_5: usize = 40;
/// Samples of 5 ms, a redundant frame or the concealment in its place.
const F5: usize = 2 * F2_5;
/// Samples of 20 ms, the longest frame of CELT and of SILK.
const F20: usize = 8 * F2_5;

/// The decoder of one elementary stream.
pub(crate) struct Layer {
    silk: SilkDecoder,
    celt: CeltDecoder,
    /// Of the last frame that was received.
    mode: Option<Mode>,
    /// It ended with a redundant frame for the transition to CELT.
    prev_redundancy: bool,
    /// Its length.
    frame_size: usize,
}

/// A frame and what its table of contents says.
struct Frame<'a> {
    mode: Mode,
    bandwidth: Bandwidth,
    channels: usize,
    data: &'a [u8],
}

/// A redundant CELT frame of 5 ms at the end of a SILK or hybrid frame (4.5.1).
struct Redundancy<'a> {
    /// For the transition from CELT to this frame; else for that from this frame to CELT.
    celt_to_silk: bool,
    data: &'a [u8],
}

impl<'a> Frame<'a> {
    fn new(toc: Toc, data: &'a [u8]) -> Frame<'a> {
        Frame { mode: toc.mode(), bandwidth: toc.bandwidth(), channels: toc.channels(), data }
    }

    fn format(&self) -> Format {
        Format { bandwidth: self.bandwidth, channels: self.channels }
    }

    /// The band at which CELT ends (table 55).
    fn end_band(&self) -> usize {
        match self.bandwidth {
            Bandwidth::Narrow => 13,
            Bandwidth::Medium | Bandwidth::Wide => 17,
            Bandwidth::SuperWide => 19,
            Bandwidth::Full => 21,
        }
    }
}

impl Layer {
    pub(crate) fn new() -> Layer {
        let (silk, celt) = (SilkDecoder::new(), CeltDecoder::new());
        Layer { silk, celt, mode: None, prev_redundancy: false, frame_size: F2_5 }
    }

    /// For comparison with ruopus, see [`CeltDecoder::with_phase_inversion`].
    #[cfg(test)]
    pub(crate) fn with_phase_inversion() -> Layer {
        Layer { celt: CeltDecoder::with_phase_inversion(), ..Layer::new() }
    }

    /// Appends a frame to `out`.
    pub(crate) fn decode(&mut self, toc: Toc, data: &[u8], out: &mut Vec<f32>) {
        let frame = Frame::new(toc, data);
        let start = out.len();
        out.resize(start + toc.frame_size(), 0.0);
        self.prev_redundancy = match frame.mode {
            Mode::Celt => self.decode_celt(&frame, &mut out[start..]),
            Mode::Silk | Mode::Hybrid => self.decode_silk(&frame, &mut out[start..]),
        };
        (self.mode, self.frame_size) = (Some(frame.mode), toc.frame_size());
    }

    /// Appends `samples` of concealment to `out`, a multiple of 2.5 ms, in the mode of the last frame.
    pub(crate) fn decode_lost(&mut self, samples: usize, out: &mut Vec<f32>) {
        let start = out.len();
        out.resize(start + samples, 0.0);
        self.conceal(&mut out[start..]);
        if std::mem::take(&mut self.prev_redundancy) && self.mode == Some(Mode::Hybrid) {
            self.celt.finish(&mut out[start..][..F2_5.min(samples)]);
        }
    }

    /// Appends `samples` to `out` that were lost before the frame `data`: its LBRR data (2.1.7) as far as it has any,
    /// and concealment before that. Returns how many samples at the end are from LBRR data.
    pub(crate) fn decode_fec(&mut self, toc: Toc, data: &[u8], samples: usize, out: &mut Vec<f32>) -> usize {
        let (frame, frame_size) = (Frame::new(toc, data), toc.frame_size());
        let usable = frame.mode != Mode::Celt && self.mode != Some(Mode::Celt) && data.len() > 1;
        if !usable || samples < frame_size {
            self.decode_lost(samples, out);
            return 0;
        }
        self.decode_lost(samples - frame_size, out);
        let start = out.len();
        out.resize(start + frame_size, 0.0);
        let recovered = self.silk.decode_fec(data, frame.format(), &mut out[start..]);
        self.finish_celt(frame.mode, false, &mut out[start..]);
        (self.mode, self.prev_redundancy, self.frame_size) = (Some(frame.mode), false, frame_size);
        recovered
    }

    fn conceal(&mut self, out: &mut [f32]) {
        match self.mode {
            None => (),
            Some(Mode::Silk | Mode::Hybrid) => self.in_frames(out, |layer, frame| layer.silk.conceal(frame)),
            Some(Mode::Celt) => self.in_frames(out, |layer, frame| layer.celt.conceal(frame)),
        }
    }

    /// Divides `out` into lengths that a frame may have, none longer than the last frame.
    fn in_frames(&mut self, out: &mut [f32], mut conceal: impl FnMut(&mut Layer, &mut [f32])) {
        let mut rest = out;
        while !rest.is_empty() {
            let most = rest.len().min(self.frame_size);
            let length = [F20, F20 / 2, F5, F2_5].into_iter().find(|&length| length <= most);
            let (frame, behind) = rest.split_at_mut(length.unwrap_or(most));
            conceal(self, frame);
            rest = behind;
        }
    }

    /// After SILK without a redundant frame, its concealment is faded into CELT.
    fn decode_celt(&mut self, frame: &Frame, out: &mut [f32]) -> bool {
        let transition = self.mode.is_some_and(|mode| mode != Mode::Celt) && !self.prev_redundancy;
        let mut before = [0.0; F5];
        if transition {
            self.conceal(&mut before[..F5.min(out.len())]);
            self.celt.reset();
        }
        self.celt.decode(frame.data, frame.channels, frame.end_band(), out);
        if transition && out.len() >= F5 {
            begin_with(&before, out);
        } else if transition {
            fade_from(&before, out);
        }
        false
    }

    /// Decodes a SILK or hybrid frame; returns whether it ended with a redundant frame for the transition to CELT.
    fn decode_silk(&mut self, frame: &Frame, out: &mut [f32]) -> bool {
        if self.mode == Some(Mode::Celt) {
            self.silk = SilkDecoder::new();
        }
        let range_tail = self.silk.decode(frame.data, frame.format(), out);
        let redundancy = redundancy(range_tail, frame);
        let celt_to_silk = redundancy.as_ref().is_some_and(|redundancy| redundancy.celt_to_silk);

        let before = self.transition_from_celt(frame, redundancy.as_ref());
        self.finish_celt(frame.mode, celt_to_silk, out);
        // A redundant frame that comes too late continues an old state.
        let late = self.mode == Some(Mode::Silk) && !self.prev_redundancy;
        before.iter().filter(|_| !late).for_each(|before| begin_with(before, out));

        let to_celt = redundancy.filter(|_| !celt_to_silk);
        if let Some(redundancy) = &to_celt {
            self.end_with_redundancy(frame, redundancy, out);
        }
        to_celt.is_some()
    }

    /// What a frame after CELT begins with: the redundant frame, or concealment.
    fn transition_from_celt(&mut self, frame: &Frame, redundancy: Option<&Redundancy>) -> Option<[f32; F5]> {
        let mut before = [0.0; F5];
        match redundancy {
            Some(redundancy) if redundancy.celt_to_silk => {
                self.celt.decode(redundancy.data, frame.channels, frame.end_band(), &mut before);
            }
            None if self.mode == Some(Mode::Celt) => self.celt.conceal(&mut before),
            _ => return None,
        }
        Some(before)
    }

    /// The second half of the redundant frame of a new CELT decoder fades in at the end.
    fn end_with_redundancy(&mut self, frame: &Frame, redundancy: &Redundancy, out: &mut [f32]) {
        let (mut after, tail) = ([0.0; F5], out.len() - F2_5);
        self.celt.reset();
        self.celt.decode(redundancy.data, frame.channels, frame.end_band(), &mut after);
        fade_to(&after[F2_5..], &mut out[tail..]);
    }

    /// Adds the overlap that the last CELT frame has left to the frame behind it, unless it is out of date.
    fn finish_celt(&mut self, mode: Mode, celt_to_silk: bool, out: &mut [f32]) {
        let continues = if mode == Mode::Hybrid {
            self.mode == Some(Mode::Hybrid) || self.prev_redundancy
        } else {
            self.mode == Some(Mode::Hybrid) && !(celt_to_silk && self.prev_redundancy)
        };
        if continues {
            self.celt.finish(&mut out[..F2_5]);
        } else if mode == Mode::Hybrid {
            self.celt.reset();
        }
    }
}

/// Reads behind the SILK part whether there is a redundant frame, for which transition, and how long it is (4.5.1.1 to
/// 4.5.1.3).
fn redundancy<'a>(mut range_tail: RangeDecoder, frame: &Frame<'a>) -> Option<Redundancy<'a>> {
    let (length, hybrid) = (frame.data.len(), frame.mode == Mode::Hybrid);
    if range_tail.tell() as usize + 17 + 20 * usize::from(hybrid) > 8 * length {
        return None;
    }
    if hybrid && !range_tail.dec_bit_logp(12) {
        return None;
    }
    let celt_to_silk = range_tail.dec_bit_logp(1);
    let bytes = if hybrid {
        range_tail.dec_uint(256).unwrap_or(0) as usize + 2
    } else {
        length.saturating_sub((range_tail.tell() as usize).div_ceil(8))
    };
    // It must not reach into what has been read.
    let main = length.checked_sub(bytes).filter(|main| 8 * main >= range_tail.tell() as usize)?;
    Some(Redundancy { celt_to_silk, data: &frame.data[main..] })
}

/// The squared window of CELT at 16 kHz, from 0 to 1 in 2.5 ms.
fn rising() -> impl Iterator<Item = f32> {
    WINDOW.iter().step_by(DOWNSAMPLING).map(|w| w * w)
}

/// Fades from `before` to what `out` holds.
fn fade_from(before: &[f32], out: &mut [f32]) {
    let samples = out.iter_mut().zip(before).zip(rising());
    samples.for_each(|((out, before), w)| *out = w * *out + (1.0 - w) * before);
}

/// Fades from what `out` holds to `after`.
fn fade_to(after: &[f32], out: &mut [f32]) {
    let samples = out.iter_mut().zip(after).zip(rising());
    samples.for_each(|((out, after), w)| *out = w * after + (1.0 - w) * *out);
}

/// Replaces the first 2.5 ms, then fades from `before` to what `out` holds.
fn begin_with(before: &[f32; F5], out: &mut [f32]) {
    let (alone, fading) = before.split_at(F2_5);
    out[..F2_5].copy_from_slice(alone);
    fade_from(fading, &mut out[F2_5..]);
}
