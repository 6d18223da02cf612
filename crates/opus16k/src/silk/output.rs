//! What is done to decoded frames of any internal sampling rate: the transition behind a loss, and resampling.

use super::plc::Glue;
use super::resampler::Resampler;
use super::sizes::OUTPUT_KHZ;

pub(super) struct Output {
    glue: Glue,
    resampler: Resampler,
}

impl Output {
    pub(super) fn new() -> Output {
        Output { glue: Glue::default(), resampler: Resampler::new(OUTPUT_KHZ, 0) }
    }

    /// From here on frames are of another rate.
    pub(super) fn set_rate(&mut self, khz: usize) {
        if khz != self.resampler.khz() {
            self.resampler = Resampler::new(khz, self.resampler.last());
        }
    }

    pub(super) fn received(&mut self, frame: &mut [i16], out: &mut [f32]) {
        self.glue.received(frame);
        self.resampler.process(frame, out);
    }

    pub(super) fn concealed(&mut self, frame: &[i16], out: &mut [f32]) {
        self.glue.concealed(frame);
        self.resampler.process(frame, out);
    }
}
