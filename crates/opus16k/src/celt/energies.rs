//! Band energies across frames: what predicts the next, what noise is measured by, what a loss leaves.
//!
//! Invariant: both channels are always known; a mono frame speaks for both.

use ruopus::celt::modes::{E_MEANS, NB_EBANDS};

pub type Levels = [[f32; NB_EBANDS]; 2];

/// The level of nothing.
const NOTHING: f32 = -28.0;

/// Levels are log2 of amplitudes, less each band's mean.
pub struct Energies {
    pub levels: Levels,
    /// Of the last frame and of the one before it; of a transient frame, the lower.
    pub last: Levels,
    pub earlier: Levels,
    /// What never falls below in long, and may rise slowly.
    background: Levels,
    /// For how many blocks of 2.5 ms nothing has arrived.
    lost: usize,
}

impl Energies {
    pub fn new() -> Energies {
        let nothing = [[NOTHING; NB_EBANDS]; 2];
        let background = [[0.0; NB_EBANDS]; 2];
        Energies { levels: [[0.0; NB_EBANDS]; 2], last: nothing, earlier: nothing, background, lost: 0 }
    }

    /// The first channel of a mono frame is predicted by the louder of both.
    pub fn join(&mut self) {
        let [left, right] = &mut self.levels;
        left.iter_mut().zip(right).for_each(|(left, right)| *left = left.max(*right));
    }

    pub fn silence(&mut self) {
        self.levels = [[NOTHING; NB_EBANDS]; 2];
    }

    /// Amplitude of a band in a channel.
    pub fn amplitude(&self, channel: usize, band: usize) -> f32 {
        (self.levels[channel][band] + E_MEANS[band]).min(32.0).exp2()
    }

    /// Takes the current levels into the past.
    pub fn remember(&mut self, transient: bool, lm: usize, channels: usize, end: usize) {
        let levels = &mut self.levels;
        if channels == 1 {
            levels[1] = levels[0];
        }
        let rise = 160.min(self.lost + (1 << lm)) as f32 * 0.001;
        if transient {
            let pairs = self.last.iter_mut().flatten().zip(levels.iter().flatten());
            pairs.for_each(|(last, level)| *last = last.min(*level));
        } else {
            (self.earlier, self.last) = (self.last, *levels);
            let pairs = self.background.iter_mut().flatten().zip(levels.iter().flatten());
            pairs.for_each(|(ground, level)| *ground = (*ground + rise).min(*level));
        }
        levels.iter_mut().for_each(|levels| levels[end..].fill(0.0));
        self.last.iter_mut().chain(&mut self.earlier).for_each(|levels| levels[end..].fill(NOTHING));
        self.lost = 0;
    }

    /// A lost frame is quieter than the last, but no quieter than the background.
    pub fn decay(&mut self, lm: usize) {
        let step = if self.lost == 0 { 1.5 } else { 0.5 };
        let pairs = self.levels.iter_mut().flatten().zip(self.background.iter().flatten());
        pairs.for_each(|(level, ground)| *level = ground.max(*level - step));
        self.miss(lm);
    }

    /// A frame is lost, and the levels stay.
    pub fn miss(&mut self, lm: usize) {
        self.lost = 10_000.min(self.lost + (1 << lm));
    }
}
