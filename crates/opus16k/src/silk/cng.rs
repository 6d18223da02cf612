//! Comfort noise: what fills a gap once concealment has faded, as loud and as coloured as the frames without voice.
//!
//! As libopus has it. Invariant: knows the noise of frames that came, and adds nothing louder than their mean.

use super::filter::filter;
use super::fixed::times;
use super::lines::{Lines, TOP};
use super::plc::STEP;
use super::voice::{next, synthesize};
use super::{FRAME, ORDER, SUBFRAME};

/// How far the lines move towards each frame's, and the gain towards each subframe's, in 65536ths.
const LINES_PART: i32 = 16_348;
const GAIN_PART: i32 = 4_634;
/// Samples of excitation that are drawn from, for a frame of 20 ms and for a shorter one.
const DRAWN: usize = 256;

pub struct Cng {
    lines: Lines,
    /// In 65536ths.
    gain: i32,
    /// Of the loudest subframes of the last frames, the latest first.
    excitation: [i32; FRAME],
    state: [i32; ORDER],
    seed: u32,
}

impl Cng {
    pub fn new() -> Cng {
        let step = (TOP - 1) / (ORDER as i32 + 1);
        let lines = std::array::from_fn(|line| step * (line as i32 + 1));
        Cng { lines, gain: 0, excitation: [0; FRAME], state: [0; ORDER], seed: 3_176_576 }
    }

    /// A frame without voice has come, of as many subframes as gains.
    pub fn learn(&mut self, lines: &Lines, gains: &[i32], excitation: &[i32]) {
        for (smooth, line) in self.lines.iter_mut().zip(lines) {
            *smooth += times(line - *smooth, LINES_PART);
        }
        // The first of the loudest.
        let loudest = (0..gains.len()).rev().max_by_key(|&subframe| gains[subframe]).unwrap_or(0);
        self.excitation.copy_within(..(gains.len() - 1) * SUBFRAME, SUBFRAME);
        self.excitation[..SUBFRAME].copy_from_slice(&excitation[loudest * SUBFRAME..][..SUBFRAME]);
        for gain in gains {
            self.gain += times(gain - self.gain, GAIN_PART);
        }
    }

    /// A frame has come: the noise of the next gap begins anew.
    pub fn stop(&mut self) {
        self.state = [0; ORDER];
    }

    /// Adds noise to what was concealed, whose own noise has that `level`, in 65536ths: the rest of what there should be.
    pub fn add(&mut self, level: i64, sound: &mut [i16]) {
        let missing = i64::from(self.gain).pow(2) - 2 * level.pow(2);
        let gain = (missing.max(0) as f64).sqrt() as i32;
        let taps = filter(&self.lines);
        let drawn = if sound.len() < FRAME { DRAWN / 2 } else { DRAWN };
        for sound in sound.as_chunks_mut::<STEP>().0 {
            let excitation: [i32; STEP] = std::array::from_fn(|_| {
                self.seed = next(self.seed);
                self.excitation[(self.seed >> 24) as usize % drawn]
            });
            let mut noise = [0; STEP];
            synthesize(&mut self.state, &taps, &excitation, gain >> 6, &mut noise);
            sound.iter_mut().zip(noise).for_each(|(sample, noise)| *sample = sample.saturating_add(noise));
        }
    }
}
