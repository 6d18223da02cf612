//! One elementary stream: SILK, CELT and the seams between them (RFC 6716, 3 and 4.5), mono at 16 kHz.
//!
//! A hybrid frame's CELT part begins at 8 kHz, the highest that 16 kHz holds: it is not decoded at all.
//! Nothing behind it needs it either, for CELT starts afresh or from a redundant frame after such frames.
//!
//! Invariant: every frame gives as many samples as its table of contents says, whatever its bytes are.

use ruopus::celt::tables::WINDOW120;
use ruopus::{Bandwidth, Mode, Toc};

use super::celt::Celt;
use super::silk::rest::Rest;
use super::silk::{Packet, Silk};
use super::{CLOCK, RATE};

/// Samples of 2.5 ms, the length of every fade (4.5.1.4 and on).
const FADE: usize = 40;
/// Samples of 5 ms: a redundant frame, and what is concealed where there is none.
const BRIDGE: usize = 2 * FADE;
/// Samples of 20 ms, the longest frame of CELT and of SILK.
const LONGEST: usize = 8 * FADE;
/// Samples at 48 kHz to one of ours.
const THIRD: usize = (CLOCK / RATE) as usize;

/// Decodes the frames of one elementary stream.
pub struct Layer {
    silk: Silk,
    celt: Celt,
    /// What the last frame that arrived was.
    mode: Option<Mode>,
    /// It ended with a redundant frame that leads over to CELT.
    leads_over: bool,
    samples: usize,
}

/// A frame and what its table of contents says of it.
struct Frame<'a> {
    mode: Mode,
    bandwidth: Bandwidth,
    channels: usize,
    samples: usize,
    data: &'a [u8],
}

/// Five milliseconds of CELT at the end of a SILK or hybrid frame (4.5.1).
struct Redundancy<'a> {
    /// It leads from CELT to this frame, not from this frame to CELT.
    from_celt: bool,
    data: &'a [u8],
}

impl Layer {
    pub fn new() -> Layer {
        Layer { silk: Silk::new(), celt: Celt::new(), mode: None, leads_over: false, samples: FADE }
    }

    /// A layer for comparison with ruopus, see [`Celt::with_opposite_phases`].
    #[cfg(test)]
    pub fn with_opposite_phases() -> Layer {
        Layer { celt: Celt::with_opposite_phases(), ..Layer::new() }
    }

    /// Appends one frame's audio to `out`.
    pub fn decode(&mut self, toc: Toc, data: &[u8], out: &mut Vec<f32>) {
        let samples = toc.frame_size().samples_per_channel_48k() / THIRD;
        let (mode, bandwidth, channels) = (toc.mode(), toc.bandwidth(), usize::from(toc.channels()));
        let frame = Frame { mode, bandwidth, channels, samples, data };
        let start = out.len();
        out.resize(start + samples, 0.0);
        self.leads_over = match mode {
            Mode::CeltOnly => self.decode_celt(&frame, &mut out[start..]),
            Mode::SilkOnly | Mode::Hybrid => self.decode_silk(&frame, &mut out[start..]),
        };
        (self.mode, self.samples) = (Some(mode), samples);
    }

    /// Appends `samples` of concealment to `out`, in the manner of the last frame.
    pub fn lose(&mut self, samples: usize, out: &mut Vec<f32>) {
        let start = out.len();
        out.resize(start + samples, 0.0);
        self.conceal(&mut out[start..]);
        if self.leads_over {
            // What was led over to is where the next frame comes from.
            (self.mode, self.leads_over) = (Some(Mode::CeltOnly), false);
        }
    }

    fn conceal(&mut self, out: &mut [f32]) {
        let silk = matches!(self.mode, Some(Mode::SilkOnly | Mode::Hybrid)) && !self.leads_over;
        match self.mode {
            None => (),
            Some(_) if silk => self.pieces(out, |layer, piece| layer.silk.lose(piece)),
            Some(_) => self.pieces(out, |layer, piece| layer.celt.lose(piece)),
        }
    }

    /// Hands `out` on in lengths that a frame may have, none longer than the last one was.
    fn pieces(&mut self, out: &mut [f32], mut conceal: impl FnMut(&mut Layer, &mut [f32])) {
        let mut rest = out;
        while !rest.is_empty() {
            let most = rest.len().min(self.samples);
            let length = [LONGEST, LONGEST / 2, BRIDGE, FADE].into_iter().find(|&length| length <= most);
            let (piece, behind) = rest.split_at_mut(length.unwrap_or(most));
            conceal(self, piece);
            rest = behind;
        }
    }

    /// Where SILK ends without a redundant frame, its concealment fades into CELT.
    fn decode_celt(&mut self, frame: &Frame, out: &mut [f32]) -> bool {
        let switched = self.mode.is_some_and(|mode| mode != Mode::CeltOnly) && !self.leads_over;
        let mut bridge = [0.0; BRIDGE];
        if switched {
            self.conceal(&mut bridge[..BRIDGE.min(out.len())]);
            self.celt.reset();
        }
        let end = end_band(frame.bandwidth);
        self.celt.decode(frame.data, frame.channels, end, out);
        if switched && out.len() >= BRIDGE {
            cross(&bridge, out);
        } else if switched {
            fade(&bridge, out);
        }
        false
    }

    /// Decodes a SILK or hybrid frame; says whether it leads over to CELT.
    fn decode_silk(&mut self, frame: &Frame, out: &mut [f32]) -> bool {
        if self.mode == Some(Mode::CeltOnly) {
            self.silk = Silk::new();
        }
        let Frame { bandwidth, channels, samples, .. } = *frame;
        let rest = self.silk.decode(frame.data, Packet { bandwidth, channels, samples }, out);
        let lead = redundancy(rest, frame);
        let from_celt = lead.as_ref().is_some_and(|lead| lead.from_celt);

        let bridge = self.bridge_from_celt(frame, lead.as_ref());
        self.ring_out(frame.mode, from_celt, out);
        // A bridge from CELT that comes late is built on a state of long ago.
        let late = self.mode == Some(Mode::SilkOnly) && !self.leads_over;
        bridge.iter().filter(|_| !late).for_each(|bridge| cross(bridge, out));

        let lead = lead.filter(|_| !from_celt);
        if let Some(lead) = &lead {
            self.lead_over(frame, lead, out);
        }
        lead.is_some()
    }

    /// What a frame behind CELT begins with: a redundant frame, or what might have been there.
    fn bridge_from_celt(&mut self, frame: &Frame, lead: Option<&Redundancy>) -> Option<[f32; BRIDGE]> {
        let mut bridge = [0.0; BRIDGE];
        match lead {
            Some(lead) if lead.from_celt => {
                self.celt.decode(lead.data, frame.channels, end_band(frame.bandwidth), &mut bridge);
            }
            None if self.mode == Some(Mode::CeltOnly) => self.celt.lose(&mut bridge),
            _ => return None,
        }
        Some(bridge)
    }

    /// A redundant frame of a new CELT fades in over the frame's end.
    fn lead_over(&mut self, frame: &Frame, lead: &Redundancy, out: &mut [f32]) {
        let (mut bridge, tail) = ([0.0; BRIDGE], out.len() - FADE);
        self.celt.reset();
        self.celt.decode(lead.data, frame.channels, end_band(frame.bandwidth), &mut bridge);
        fade_in(&bridge[FADE..], &mut out[tail..]);
    }

    /// What CELT has begun and not ended sounds into the frame behind it, unless it is stale.
    fn ring_out(&mut self, mode: Mode, from_celt: bool, out: &mut [f32]) {
        let heard = match mode {
            Mode::Hybrid => self.mode == Some(Mode::Hybrid) || self.leads_over,
            _ => self.mode == Some(Mode::Hybrid) && !(from_celt && self.leads_over),
        };
        if heard {
            self.celt.ring_out(&mut out[..FADE]);
        } else if mode == Mode::Hybrid {
            self.celt.reset();
        }
    }
}

/// Reads behind the SILK part whether CELT follows, in which bytes, and from which side.
fn redundancy<'a>(mut rest: Rest, frame: &Frame<'a>) -> Option<Redundancy<'a>> {
    let (length, hybrid) = (frame.data.len(), frame.mode == Mode::Hybrid);
    if rest.tell() as usize + 17 + 20 * usize::from(hybrid) > 8 * length {
        return None;
    }
    if hybrid && !rest.bit(12) {
        return None;
    }
    let from_celt = rest.bit(1);
    let bytes = match hybrid {
        true => rest.byte() + 2,
        false => length.saturating_sub((rest.tell() as usize).div_ceil(8)),
    };
    // A count that reaches into what is already read is a lie.
    let main = length.checked_sub(bytes).filter(|main| 8 * main >= rest.tell() as usize)?;
    Some(Redundancy { from_celt, data: &frame.data[main..] })
}

/// The band at which CELT ends (RFC 6716, table 55).
fn end_band(bandwidth: Bandwidth) -> usize {
    match bandwidth {
        Bandwidth::NarrowBand => 13,
        Bandwidth::MediumBand | Bandwidth::WideBand => 17,
        Bandwidth::SuperWideBand => 19,
        Bandwidth::FullBand => 21,
    }
}

/// CELT's window, squared, at 16 kHz: it begins at nothing and ends at one.
fn rise() -> impl Iterator<Item = f32> {
    WINDOW120.iter().step_by(THIRD).map(|w| w * w)
}

/// From `before` to what `out` holds, in 2.5 ms.
fn fade(before: &[f32], out: &mut [f32]) {
    let pairs = out.iter_mut().zip(before).zip(rise());
    pairs.for_each(|((out, before), w)| *out = w * *out + (1.0 - w) * before);
}

/// From what `out` holds to `after`, in 2.5 ms.
fn fade_in(after: &[f32], out: &mut [f32]) {
    let pairs = out.iter_mut().zip(after).zip(rise());
    pairs.for_each(|((out, after), w)| *out = w * after + (1.0 - w) * *out);
}

/// Half of the bridge alone, then from the other half to what `out` holds.
fn cross(bridge: &[f32; BRIDGE], out: &mut [f32]) {
    let (alone, fading) = bridge.split_at(FADE);
    out[..FADE].copy_from_slice(alone);
    fade(fading, &mut out[FADE..]);
}
