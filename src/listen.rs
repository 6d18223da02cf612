//! One recording through all stations, block by block: decode, level, mel, network, laughter.
//!
//! Invariant: the only room that holds samples; it holds some seconds of them, however long the
//! recording. What it finds does not depend on blocks, batches or threads.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use crate::audio::Waveform;
use crate::audio::level::Leveller;
use crate::laughter::{Weigher, events};
use crate::record::{Heard, RecordingError, Rules, Stop};
use crate::yamnet::mel::FrontEnd;
use crate::yamnet::net::BATCH;
use crate::yamnet::{BANDS, CLASSES, PATCH, PATCH_HOP, Scorer, frames_of};

/// Why a recording was not heard to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unheard {
    Failed(RecordingError),
    /// A signal asked the run to end.
    Stopped,
}

impl From<RecordingError> for Unheard {
    fn from(error: RecordingError) -> Self {
        Unheard::Failed(error)
    }
}

/// How recordings are heard: the same for all of a run.
pub struct Ear<'a, S> {
    pub scorer: &'a S,
    /// Whether, and how, each recording is brought to one loudness first; and what is a laugh.
    pub rules: &'a Rules,
    pub stop: &'a Stop,
    /// Told how much more audio has been heard.
    pub advanced: &'a (dyn Fn(Duration) + Sync),
}

/// A recording that was heard to its end, but for its laughs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audio {
    pub length: Duration,
    pub sample_rate: u32,
    pub channels: u32,
    pub codec: String,
}

impl<S: Scorer> Ear<'_, S> {
    /// Hears a recording and finds its laughs.
    pub fn hear(&self, path: &Path) -> Result<Heard, Unheard> {
        let mut weigher = Weigher::new(self.rules);
        let audio = self.each_patch(path, |logits| {
            weigher.push(logits);
            ControlFlow::Continue(())
        })?;
        let events = events(&weigher.finish(), audio.length, self.rules);
        let Audio { length, sample_rate, channels, codec } = audio;
        Ok(Heard { audio: length, sample_rate, channels, codec, events })
    }

    /// Calls `each` with the 521 logits of every patch, in order, until it breaks.
    pub fn each_patch(&self, path: &Path, mut each: impl FnMut(&[f32]) -> ControlFlow<()>) -> Result<Audio, Unheard> {
        let mut waveform = Waveform::open(path)?;
        let mut stations = Stations::new(self);
        let mut samples = Vec::new();
        while waveform.next(&mut samples)? {
            if self.stop.signal().is_some() {
                return Err(Unheard::Stopped);
            }
            let before = waveform.decoded();
            if stations.hear(&mut samples, &mut each).is_break() {
                return Ok(describe(&waveform));
            }
            (self.advanced)(before.saturating_sub(stations.told));
            stations.told = before;
        }
        // A break in the last patches ends what has ended anyway.
        let _ = stations.finish(&mut each);
        Ok(describe(&waveform))
    }
}

fn describe(waveform: &Waveform) -> Audio {
    let info = waveform.info();
    Audio {
        length: waveform.decoded(),
        sample_rate: info.sample_rate,
        channels: info.channels,
        codec: info.codec.clone(),
    }
}

/// The stations between samples and logits, and what waits between them.
struct Stations<'a, S> {
    scorer: &'a S,
    leveller: Option<Leveller>,
    front_end: FrontEnd,
    levelled: Vec<f32>,
    frames: Vec<f32>,
    told: Duration,
}

impl<'a, S: Scorer> Stations<'a, S> {
    fn new(ear: &Ear<'a, S>) -> Self {
        Stations {
            scorer: ear.scorer,
            leveller: ear.rules.level.then(|| Leveller::new(ear.rules)),
            front_end: ear.scorer.front_end(),
            levelled: Vec::new(),
            frames: Vec::new(),
            told: Duration::ZERO,
        }
    }

    /// Takes the samples and scores every whole batch.
    fn hear(&mut self, samples: &mut Vec<f32>, each: &mut impl FnMut(&[f32]) -> ControlFlow<()>) -> ControlFlow<()> {
        match &mut self.leveller {
            Some(leveller) => leveller.push(samples, &mut self.levelled),
            None => self.levelled.append(samples),
        }
        samples.clear();
        self.front_end.push(&self.levelled, &mut self.frames);
        self.levelled.clear();
        while self.frames.len() >= frames_of(BATCH) * BANDS {
            self.score(BATCH, each)?;
        }
        ControlFlow::Continue(())
    }

    /// The recording has ended: scores what is left.
    fn finish(&mut self, each: &mut impl FnMut(&[f32]) -> ControlFlow<()>) -> ControlFlow<()> {
        if let Some(leveller) = &mut self.leveller {
            leveller.finish(&mut self.levelled);
        }
        self.front_end.push(&self.levelled, &mut self.frames);
        self.front_end.finish(&mut self.frames);
        loop {
            let frames = self.frames.len() / BANDS;
            if frames < PATCH {
                return ControlFlow::Continue(());
            }
            let patches = (frames - PATCH) / PATCH_HOP + 1;
            self.score(patches.min(BATCH), each)?;
        }
    }

    /// Scores the first patches in wait; the frames that the next one shares stay.
    fn score(&mut self, patches: usize, each: &mut impl FnMut(&[f32]) -> ControlFlow<()>) -> ControlFlow<()> {
        let logits = self.scorer.logits(&self.frames[..frames_of(patches) * BANDS]);
        self.frames.drain(..patches * PATCH_HOP * BANDS);
        logits.chunks_exact(CLASSES).try_for_each(each)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yamnet::mel::Tables;
    use crate::yamnet::weights::ModelFile;

    /// Says of each patch the mean of its frames: enough to see order and cutting.
    struct Fake;

    impl Scorer for Fake {
        fn logits(&self, frames: &[f32]) -> Vec<f32> {
            let starts = (0..=frames.len() - PATCH * BANDS).step_by(PATCH_HOP * BANDS);
            let mean = |start: usize| frames[start..start + PATCH * BANDS].iter().sum::<f32>();
            starts.flat_map(|start| vec![mean(start); CLASSES]).collect()
        }

        fn front_end(&self) -> FrontEnd {
            let tables: Tables = ModelFile::embedded().tensors().unwrap().front_end().unwrap();
            FrontEnd::new(tables.into())
        }
    }

    fn ear<'a>(rules: &'a Rules, stop: &'a Stop) -> Ear<'a, Fake> {
        Ear { scorer: &Fake, rules, stop, advanced: &|_| () }
    }

    fn cut(samples: &[f32], by: usize, level: bool) -> Vec<f32> {
        let (stop, rules) = (Stop::default(), Rules { level, ..Rules::default() });
        let mut stations = Stations::new(&ear(&rules, &stop));
        let mut first = Vec::new();
        let mut each = |logits: &[f32]| {
            first.push(logits[0]);
            ControlFlow::Continue(())
        };
        for piece in samples.chunks(by) {
            assert!(stations.hear(&mut piece.to_vec(), &mut each).is_continue());
        }
        assert!(stations.finish(&mut each).is_continue());
        first
    }

    #[test]
    fn patches_do_not_depend_on_the_cutting() {
        let samples: Vec<f32> = (0..400_000i64).map(|i| ((i * 7919 % 2001) as f32 / 1000.0 - 1.0) * 0.1).collect();
        for level in [true, false] {
            let whole = cut(&samples, samples.len(), level);
            assert_eq!(whole.len() as u64, crate::yamnet::mel::patches_of(400_000));
            for by in [1, 999, 7680, 100_001] {
                assert_eq!(cut(&samples, by, level), whole);
            }
        }
    }

    #[test]
    fn a_signal_ends_the_hearing() {
        let stop = Stop::default();
        stop.0.store(15, std::sync::atomic::Ordering::Relaxed);
        let clip = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/clips/speech_it.flac");
        assert_eq!(ear(&Rules::default(), &stop).hear(&clip), Err(Unheard::Stopped));
    }
}
