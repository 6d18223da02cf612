//! One channel: from symbols and pulses to sound (RFC 6716, 4.2.7.4 and 4.2.7.9).
//!
//! The RFC lets a decoder compute this in floats, some 50 dB beside the reference's whole numbers. While nothing is lost
//! these are the reference's numbers to the bit: near a threshold a laugh would be found by one and not by the other.
//!
//! Invariant: no sum panics, whatever the symbols say; where the reference wraps or saturates, so does this.

use std::sync::LazyLock;

use super::cng::Cng;
use super::filter::{Taps, filter};
use super::fixed::{inverse, quotient, times};
use super::lines::{Lines, between, lines};
use super::plc::{Glue, LongTerm, Plc};
use super::symbols::{Coded, Kind, LONGEST_LAG, Symbols};
use super::tables::pulses::OFFSETS;
use super::{DELAY, FRAME, ORDER, SUBFRAME, SUBFRAMES};

/// Samples that are kept: the longest lag, the taps beside it and the filter's reach fit.
pub const PAST: usize = FRAME + 32;
/// Taps of long-term prediction, about the lag.
pub const TAPS: usize = 5;

/// Gains and changes of it are in 65536ths.
const ONE: i32 = 1 << 16;
/// Levels of gain.
const LEVELS: usize = 64;
/// The level that the first frame, and one behind a gap, steps from.
const FIRST_LEVEL: i32 = 10;
/// Bandwidth expansion of a frame's filters behind concealment, in 65536ths: 0.97.
const EXPANSION: i32 = 63_570;

const _: () = assert!(LONGEST_LAG as usize + TAPS / 2 + ORDER <= PAST);

/// A frame's parameters, as the signal wants them.
struct Parameters {
    /// In 65536ths.
    gains: [i32; SUBFRAMES],
    /// Of each half.
    filters: [Taps; 2],
    /// The halves differ.
    two_filters: bool,
    lags: [usize; SUBFRAMES],
    /// In 16384ths.
    taps: [[i32; TAPS]; SUBFRAMES],
    /// Of the past, at the frame's beginning, in 16384ths.
    scale: i32,
}

pub struct Voice {
    /// [past, frame]
    sound: [i16; PAST + FRAME],
    /// The last samples, latest last: what prediction goes on from. In 16384ths of the gain.
    state: [i32; ORDER],
    /// Of the last subframe.
    gain: i32,
    level: i32,
    /// Of the last frame that came; none before the first.
    lines: Option<Lines>,
    plc: Plc,
    cng: Cng,
    glue: Glue,
    /// What is given out, which has comfort noise in it that prediction does not know.
    heard: [i16; FRAME + DELAY],
}

/// What short-term prediction does not foretell, at the places of `sound`, in 32768ths of the gain.
pub type Residual = [i32; PAST + FRAME];

impl Voice {
    pub fn new() -> Voice {
        Voice {
            sound: [0; PAST + FRAME],
            state: [0; ORDER],
            gain: ONE,
            level: FIRST_LEVEL,
            lines: None,
            plc: Plc::new(),
            cng: Cng::new(),
            glue: Glue::default(),
            heard: [0; FRAME + DELAY],
        }
    }

    /// As many samples as the last frame had, at most [`FRAME`], from [`DELAY`] samples before it began.
    pub fn heard(&self, samples: usize) -> &[i16] {
        &self.heard[FRAME - samples..FRAME]
    }

    /// Decodes a frame of as many samples as there are pulses.
    pub fn decode(&mut self, symbols: &Symbols, coded: Coded, pulses: &[i16]) {
        let subframes = pulses.len() / SUBFRAME;
        let parameters = self.parameters(symbols, coded, subframes);
        let excitation = excitation(symbols, pulses);
        let mut residual = [0; PAST + FRAME];
        let excited = excitation.as_chunks::<SUBFRAME>().0;
        for (subframe, excitation) in excited.iter().enumerate().take(subframes) {
            let start = PAST + subframe * SUBFRAME;
            let change = self.change_gain(parameters.gains[subframe]);
            let foretold = match symbols.kind {
                Kind::Voiced => self.foretell(&parameters, subframe, change, excitation, &mut residual),
                _ => *excitation,
            };
            let filter = &parameters.filters[subframe / 2];
            let gain = parameters.gains[subframe] >> 6;
            synthesize(&mut self.state, filter, &foretold, gain, &mut self.sound[start..][..SUBFRAME]);
        }
        self.learn(symbols, &parameters, &excitation[..pulses.len()]);
        self.pass(pulses.len());
        self.glue.came(&mut self.heard[FRAME + DELAY - pulses.len()..]);
    }

    fn parameters(&mut self, symbols: &Symbols, coded: Coded, subframes: usize) -> Parameters {
        let gains = self.gains(symbols, coded, subframes);
        let now = lines(symbols);
        let later = filter(&now);
        // The first frame has nothing to come from.
        let before = self.lines.filter(|_| symbols.between < 4);
        let earlier = before.map(|before| filter(&between(&before, &now, symbols.between)));
        self.lines = Some(now);
        let mut filters = [earlier.unwrap_or(later), later];
        if self.plc.is_on() {
            // Less sharp, since the past is made up.
            filters.iter_mut().for_each(|filter| filter.narrow(EXPANSION));
        }
        let (lags, taps, scale) = match &symbols.pitch {
            Some(pitch) => {
                let taps = pitch.taps.map(|taps| taps.map(|tap| i32::from(tap) << 7));
                (pitch.lags(subframes), taps, pitch.scale.into())
            }
            None => Default::default(),
        };
        Parameters { gains, filters, two_filters: earlier.is_some(), lags, taps, scale }
    }

    fn gains(&mut self, symbols: &Symbols, coded: Coded, subframes: usize) -> [i32; SUBFRAMES] {
        let mut gains = [0; SUBFRAMES];
        for (subframe, gain) in gains.iter_mut().enumerate().take(subframes) {
            let said = i32::from(symbols.gains[subframe]);
            let next = match (subframe, coded) {
                (1.., _) | (_, Coded::Onward) => {
                    let (step, double_above) = (said - 4, 8 + self.level);
                    self.level + if step > double_above { 2 * step - double_above } else { step }
                }
                // No more than 16 down at once.
                _ => said.max(self.level - 16),
            };
            self.level = next.clamp(0, LEVELS as i32 - 1);
            *gain = GAINS[self.level as usize];
        }
        gains
    }

    /// From here on all is said in another gain; the old one as a part of it, in 65536ths.
    fn change_gain(&mut self, gain: i32) -> Option<i32> {
        if gain == self.gain {
            return None;
        }
        let change = quotient(self.gain, gain);
        self.state.iter_mut().for_each(|sample| *sample = times(change, *sample));
        self.gain = gain;
        Some(change).filter(|&change| change != ONE)
    }

    /// Long-term prediction: the excitation and what was there a pitch ago.
    fn foretell(
        &self,
        parameters: &Parameters,
        subframe: usize,
        change: Option<i32>,
        excitation: &[i32; SUBFRAME],
        residual: &mut Residual,
    ) -> [i32; SUBFRAME] {
        let (start, lag) = (PAST + subframe * SUBFRAME, parameters.lags[subframe]);
        let reach = start - lag - TAPS / 2;
        // Where the filter changes, the past is seen through the new one.
        if subframe == 0 || subframe == 2 && parameters.two_filters {
            let mut inverse = inverse(self.gain, 47);
            if subframe == 0 {
                inverse = times(inverse, parameters.scale) << 2;
            }
            let filter = &parameters.filters[subframe / 2];
            whiten(&self.sound[reach - ORDER..start], filter, inverse, &mut residual[reach..start]);
        } else if let Some(change) = change {
            residual[reach..start].iter_mut().for_each(|sample| *sample = times(change, *sample));
        }
        let taps = &parameters.taps[subframe];
        std::array::from_fn(|i| {
            let window: &[i32; TAPS] = residual[reach + i..].first_chunk().unwrap_or(&[0; TAPS]);
            // Products are rounded down: on the whole by two.
            let sum = (0..TAPS).fold(2i32, |sum, tap| sum.wrapping_add(times(window[TAPS - 1 - tap], taps[tap])));
            let foretold = excitation[i].wrapping_add(sum << 1);
            residual[start + i] = foretold << 1;
            foretold
        })
    }

    fn learn(&mut self, symbols: &Symbols, parameters: &Parameters, excitation: &[i32]) {
        let subframes = excitation.len() / SUBFRAME;
        let gains = &parameters.gains[..subframes];
        let pitch = (symbols.kind == Kind::Voiced).then(|| parameters.long_term(subframes));
        self.plc.learn(&parameters.filters[1], [gains[subframes - 2], gains[subframes - 1]], pitch, excitation);
        if let Some(lines) = self.lines.filter(|_| symbols.kind == Kind::Inactive) {
            self.cng.learn(&lines, gains, excitation);
        }
        self.cng.stop();
    }

    /// The frame is past, and given out.
    fn pass(&mut self, samples: usize) {
        self.heard.copy_within(samples.., 0);
        self.heard[FRAME + DELAY - samples..].copy_from_slice(&self.sound[PAST..PAST + samples]);
        self.sound.copy_within(samples..samples + PAST, 0);
    }

    /// Something in the manner of the last frame where one is lost, at most [`FRAME`].
    pub fn lose(&mut self, samples: usize) {
        self.plc.conceal(&mut self.state, &mut self.sound, samples);
        self.level = FIRST_LEVEL;
        self.pass(samples);
        let heard = &mut self.heard[FRAME + DELAY - samples..];
        self.cng.add(self.plc.noise_level(), heard);
        self.glue.lost(heard);
    }
}

impl Parameters {
    /// Of the subframes that the last pitch period reaches into, the last of those with the most gain.
    fn long_term(&self, subframes: usize) -> LongTerm {
        let reached = self.lags[subframes - 1].div_ceil(SUBFRAME).min(subframes);
        let gain = |subframe: usize| self.taps[subframe].iter().sum::<i32>();
        let best = (subframes - reached..subframes).max_by_key(|&subframe| gain(subframe)).unwrap_or(subframes - 1);
        LongTerm { lag: self.lags[best], gain: gain(best), scale: self.scale }
    }
}

/// Pulses, an offset, and signs that are drawn; in 16384ths of the gain.
fn excitation(symbols: &Symbols, pulses: &[i16]) -> [i32; FRAME] {
    let offset = OFFSETS[usize::from(symbols.kind == Kind::Voiced)][usize::from(symbols.high_offset)];
    let (mut seed, mut excitation) = (symbols.seed, [0; FRAME]);
    for (value, &pulse) in excitation.iter_mut().zip(pulses) {
        let pulse = i32::from(pulse);
        seed = next(seed);
        // Minus one or nothing: half of the signs are turned, so nothing should jump.
        let turned = seed as i32 >> 31;
        // A pulse is a bit nearer to zero than it says, in 1024ths.
        let said = (pulse << 10) - 80 * pulse.signum() + i32::from(offset);
        *value = ((said << 4) ^ turned) - turned;
        seed = seed.wrapping_add_signed(pulse);
    }
    excitation
}

/// The residual of sound, as `filter` would have had it, times `inverse`. The first samples are those before it.
pub fn whiten(sound: &[i16], filter: &Taps, inverse: i32, residual: &mut [i32]) {
    let reversed: [i16; ORDER] = std::array::from_fn(|tap| filter.0[ORDER - 1 - tap]);
    for ((before, &sample), residual) in sound.windows(ORDER).zip(&sound[ORDER..]).zip(residual) {
        let products = before.iter().zip(&reversed).map(|(&sample, &tap)| i32::from(sample) * i32::from(tap));
        let foretold = products.fold(0, i32::wrapping_add);
        let rest = (i32::from(sample) << 12).wrapping_sub(foretold);
        let rest = ((rest >> 11) + 1) >> 1;
        *residual = times(inverse, rest.clamp(i16::MIN.into(), i16::MAX.into()));
    }
}

/// Short-term prediction: each sample from what was foretold and from those before it.
pub fn synthesize<const N: usize>(
    state: &mut [i32; ORDER],
    filter: &Taps,
    foretold: &[i32; N],
    gain: i32,
    sound: &mut [i16],
) {
    const { assert!(N <= SUBFRAME) };
    let mut samples = [0; ORDER + SUBFRAME];
    samples[..ORDER].copy_from_slice(state);
    let reversed: [i32; ORDER] = std::array::from_fn(|tap| filter.0[ORDER - 1 - tap].into());
    let mut latest = state[ORDER - 1];
    for (i, (&foretold, sound)) in foretold.iter().zip(sound).enumerate() {
        let Some(earlier) = samples[i..].first_chunk::<{ ORDER - 1 }>() else { return };
        // Products are rounded down: on the whole by eight. Only the last waits for the sample before.
        let products = earlier.iter().zip(&reversed).map(|(&sample, &tap)| times(sample, tap));
        let sum = products.fold(8, i32::wrapping_add).wrapping_add(times(latest, reversed[ORDER - 1]));
        latest = match sum.checked_mul(16).and_then(|sum| foretold.checked_add(sum)) {
            Some(sample) => sample,
            None => saturated(foretold, sum),
        };
        samples[ORDER + i] = latest;
        let scaled = ((times(latest, gain) >> 7) + 1) >> 1;
        *sound = scaled.clamp(i16::MIN.into(), i16::MAX.into()) as i16;
    }
    state.copy_from_slice(&samples[N..N + ORDER]);
}

/// Far beyond full scale, as the reference has it. By itself, so that no sample waits for the question.
#[cold]
fn saturated(foretold: i32, sum: i32) -> i32 {
    foretold.saturating_add(sum.clamp(i32::MIN >> 4, i32::MAX >> 4) << 4)
}

/// The gain of each level (4.2.7.4).
static GAINS: LazyLock<[i32; LEVELS]> =
    LazyLock::new(|| std::array::from_fn(|level| exponential(((0x1D_1C71 * level as i32) >> 16) + 2090)));

/// About two to the 128th part of `log`, which is 2048 or more.
fn exponential(log: i32) -> i32 {
    let (whole, rest) = (1 << (log >> 7), log & 127);
    whole + (whole >> 7) * (rest + ((-174 * rest * (128 - rest)) >> 16))
}

/// The generator of signs.
pub fn next(seed: u32) -> u32 {
    seed.wrapping_mul(196_314_165).wrapping_add(907_633_515)
}
