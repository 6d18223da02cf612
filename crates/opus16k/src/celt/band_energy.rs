//! Band energies from frame to frame: what predicts the next one, what anti-collapse and concealment need.
//!
//! An energy is log2 of a band's amplitude, less the band's mean. Both channels are always known: a mono frame sets
//! both.

use super::tables::{E_MEANS, NB_EBANDS};

/// Of both channels.
pub(super) type LogEnergies = [[f32; NB_EBANDS]; 2];

/// The energy of silence.
const SILENCE: f32 = -28.0;

pub(super) struct BandEnergy {
    /// Of the current frame, or of the last one (oldBandE).
    pub(super) log_e: LogEnergies,
    /// Of the frame before (oldLogE); a transient frame only lowers it.
    pub(super) old_log_e: LogEnergies,
    /// Of the frame before that (oldLogE2).
    pub(super) old_log_e2: LogEnergies,
    /// The noise floor: energies do not fall below it for long, and it rises slowly (backgroundLogE).
    background_log_e: LogEnergies,
    /// Lost blocks of 2.5 ms in a row.
    loss_duration: usize,
}

impl BandEnergy {
    pub(super) fn new() -> BandEnergy {
        let silence = [[SILENCE; NB_EBANDS]; 2];
        BandEnergy {
            log_e: [[0.0; NB_EBANDS]; 2],
            old_log_e: silence,
            old_log_e2: silence,
            background_log_e: [[0.0; NB_EBANDS]; 2],
            loss_duration: 0,
        }
    }

    /// The channel of a mono frame is predicted from the louder of both.
    pub(super) fn merge_channels(&mut self) {
        let [left, right] = &mut self.log_e;
        left.iter_mut().zip(right).for_each(|(left, right)| *left = left.max(*right));
    }

    pub(super) fn set_silence(&mut self) {
        self.log_e = [[SILENCE; NB_EBANDS]; 2];
    }

    /// The amplitude of a band of a channel (4.3.2).
    pub(super) fn amplitude(&self, channel: usize, band: usize) -> f32 {
        (self.log_e[channel][band] + E_MEANS[band]).min(32.0).exp2()
    }

    /// A frame has been received: its energies become the past.
    pub(super) fn end_frame(&mut self, transient: bool, lm: usize, channels: usize, end: usize) {
        let log_e = &mut self.log_e;
        if channels == 1 {
            log_e[1] = log_e[0];
        }
        let max_rise = 160.min(self.loss_duration + (1 << lm)) as f32 * 0.001;
        if transient {
            let pairs = self.old_log_e.iter_mut().flatten().zip(log_e.iter().flatten());
            pairs.for_each(|(old, energy)| *old = old.min(*energy));
        } else {
            (self.old_log_e2, self.old_log_e) = (self.old_log_e, *log_e);
            let pairs = self.background_log_e.iter_mut().flatten().zip(log_e.iter().flatten());
            pairs.for_each(|(floor, energy)| *floor = (*floor + max_rise).min(*energy));
        }
        log_e.iter_mut().for_each(|log_e| log_e[end..].fill(0.0));
        self.old_log_e.iter_mut().chain(&mut self.old_log_e2).for_each(|log_e| log_e[end..].fill(SILENCE));
        self.loss_duration = 0;
    }

    /// A frame concealed by noise is quieter than the last, but not below the noise floor.
    pub(super) fn decay(&mut self, lm: usize) {
        let decay = if self.loss_duration == 0 { 1.5 } else { 0.5 };
        let pairs = self.log_e.iter_mut().flatten().zip(self.background_log_e.iter().flatten());
        pairs.for_each(|(energy, floor)| *energy = floor.max(*energy - decay));
        self.add_loss(lm);
    }

    /// A frame is lost; energies stay.
    pub(super) fn add_loss(&mut self, lm: usize) {
        self.loss_duration = 10_000.min(self.loss_duration + (1 << lm));
    }
}
