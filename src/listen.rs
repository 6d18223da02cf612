//! One recording through all stations, block by block: decode, level, score, laughter.
//!
//! Invariant: the only room that holds samples; it holds a batch of patches for each thread and a few more,
//! however long the recording. What it finds does not depend on blocks, batches or threads.

use std::cell::RefCell;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use yamnet::params::{NUM_CLASSES, PATCH_HOP_SAMPLES, PATCH_SAMPLES};
use yamnet::{Model, PREFERRED_BATCH, PREFERRED_BATCH_MULTIPLE, padded_length, samples_in_patches};

use crate::audio::Waveform;
use crate::audio::ffmpeg::Ffmpeg;
use crate::audio::level::Leveller;
use crate::clips::Tape;
use crate::laughter::{Weigher, events};
use crate::pool::in_order;
use crate::record::{Heard, MissingRanges, RecordingError, Rules, Stop};

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

/// What turns samples into logits: the network, or a substitute in tests.
pub trait Scorer: Sync {
    /// Logits `[patches, 521]` of `samples` at 16 kHz, as many as [`samples_in_patches`] says.
    fn logits(&self, samples: &[f32]) -> Vec<f32>;
}

impl Scorer for Model {
    fn logits(&self, samples: &[f32]) -> Vec<f32> {
        Model::logits(self, samples)
    }
}

/// How recordings are heard: the same for all of a run.
pub struct Ear<'a, S> {
    pub scorer: &'a S,
    /// Whether, and how, each recording is brought to one loudness first; and what is a laugh.
    pub rules: &'a Rules,
    /// Decodes what no decoder here takes.
    pub ffmpeg: Option<&'a Ffmpeg>,
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
    pub tracks: u32,
    pub missing: MissingRanges,
}

impl<S: Scorer> Ear<'_, S> {
    /// Hears a recording and finds its laughs. A tape keeps what clips of them need.
    pub fn hear(&self, path: &Path, tape: Option<&mut Tape>) -> Result<Heard, Unheard> {
        let (mut weigher, tape) = (Weigher::new(self.rules), tape.map(RefCell::new));
        let record = |samples: &[f32]| tape.iter().for_each(|tape| tape.borrow_mut().record(samples));
        let decide = |v: Option<f32>| tape.iter().zip(v).for_each(|(tape, v)| tape.borrow_mut().decide(v));
        let audio = self.follow(path, record, |logits| {
            decide(weigher.push(logits));
            ControlFlow::Continue(())
        })?;
        let scores = weigher.finish();
        decide(scores.last().map(|score| score.v));
        let events = events(&scores, audio.length, self.rules);
        let Audio { length, sample_rate, channels, codec, tracks, missing } = audio;
        Ok(Heard { audio: length, sample_rate, channels, codec, tracks, missing, events, clips_lost: None })
    }

    /// Calls `each` with the 521 logits of every patch, in order, until it breaks. Inside a pool, batches
    /// are scored by any of its threads while this one decodes.
    pub fn each_patch(&self, path: &Path, each: impl FnMut(&[f32]) -> ControlFlow<()>) -> Result<Audio, Unheard> {
        self.follow(path, |_| (), each)
    }

    /// The same, and `record` gets all samples (16 kHz, mono, not levelled), in order, each before any patch that it
    /// lies in.
    fn follow(
        &self,
        path: &Path,
        record: impl Fn(&[f32]),
        mut each: impl FnMut(&[f32]) -> ControlFlow<()>,
    ) -> Result<Audio, Unheard> {
        let mut waveform = Waveform::open_with(path, self.ffmpeg)?;
        let mut stations = Stations::new(self);
        let next = || self.next_batch(&mut waveform, &mut stations, &record);
        let score = |samples: Vec<f32>| self.scorer.logits(&samples);
        // A break is what `each` asked for.
        let _ = in_order(next, score, |logits| logits.chunks_exact(NUM_CLASSES).try_for_each(&mut each))?;
        Ok(describe(&waveform))
    }

    /// Decodes until a batch of patches is whole, or the recording has ended.
    fn next_batch(
        &self,
        waveform: &mut Waveform,
        stations: &mut Stations,
        record: &impl Fn(&[f32]),
    ) -> Result<Option<Vec<f32>>, Unheard> {
        while !stations.has_batch() && !stations.ended {
            if self.stop.signal().is_some() {
                return Err(Unheard::Stopped);
            }
            if waveform.next(&mut stations.samples)? {
                record(&stations.samples);
                stations.hear();
                let told = std::mem::replace(&mut stations.told, waveform.decoded());
                (self.advanced)(stations.told.saturating_sub(told));
            } else {
                stations.finish();
            }
        }
        Ok(stations.batch())
    }
}

fn describe(waveform: &Waveform) -> Audio {
    let info = waveform.info();
    Audio {
        length: waveform.decoded(),
        sample_rate: info.sample_rate,
        channels: info.channels,
        codec: info.codec.clone(),
        tracks: info.tracks,
        missing: waveform.missing(),
    }
}

/// The stations between decoding and scoring, and what waits between them.
struct Stations {
    leveller: Option<Leveller>,
    samples: Vec<f32>,
    /// What is to be scored next.
    levelled: Vec<f32>,
    heard: u64,
    ended: bool,
    told: Duration,
}

impl Stations {
    fn new<S: Scorer>(ear: &Ear<'_, S>) -> Self {
        Stations {
            leveller: ear.rules.level.then(|| Leveller::new(ear.rules)),
            samples: Vec::new(),
            levelled: Vec::new(),
            heard: 0,
            ended: false,
            told: Duration::ZERO,
        }
    }

    /// Takes the samples at hand.
    fn hear(&mut self) {
        self.heard += self.samples.len() as u64;
        match &mut self.leveller {
            Some(leveller) => leveller.push(&self.samples, &mut self.levelled),
            None => self.levelled.extend_from_slice(&self.samples),
        }
        self.samples.clear();
    }

    /// The recording has ended: zeros up to a whole patch, as the reference adds them.
    fn finish(&mut self) {
        if let Some(leveller) = &mut self.leveller {
            leveller.finish(&mut self.levelled);
        }
        let missing = padded_length(self.heard) - self.heard;
        self.levelled.resize(self.levelled.len() + missing as usize, 0.0);
        self.ended = true;
    }

    fn has_batch(&self) -> bool {
        self.levelled.len() >= samples_in_patches(PREFERRED_BATCH)
    }

    /// The samples of the next patches: a batch, or some of what is left at the end. Those that the patch after
    /// them shares stay.
    fn batch(&mut self) -> Option<Vec<f32>> {
        let past_first = self.levelled.len().checked_sub(PATCH_SAMPLES)?;
        let patches = part_of(past_first / PATCH_HOP_SAMPLES + 1);
        let mut rest =
            Vec::with_capacity(2 * samples_in_patches(PREFERRED_BATCH) - samples_in_patches(PREFERRED_BATCH - 1));
        rest.extend_from_slice(&self.levelled[patches * PATCH_HOP_SAMPLES..]);
        let mut batch = std::mem::replace(&mut self.levelled, rest);
        batch.truncate(samples_in_patches(patches));
        Some(batch)
    }
}

/// How many of the patches that are left go together. The last ones go in parts, each half of what is left, so that
/// no thread waits long for the one with the last part, and a recording of some seconds is for two.
fn part_of(left: usize) -> usize {
    if left >= PREFERRED_BATCH {
        PREFERRED_BATCH
    } else {
        left.div_ceil(2).next_multiple_of(PREFERRED_BATCH_MULTIPLE).min(left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_patches_go_in_parts_of_whole_sixes() {
        let parts = |mut left: usize| {
            let next = || {
                let part = (left > 0).then(|| part_of(left))?;
                left -= part;
                Some(part)
            };
            std::iter::from_fn(next).collect::<Vec<_>>()
        };
        assert_eq!(parts(2 * PREFERRED_BATCH + 35), [PREFERRED_BATCH, PREFERRED_BATCH, 18, 12, 5]);
        assert_eq!(parts(10), [6, 4]);
        assert_eq!([parts(0), parts(1), parts(6)], [vec![], vec![1], vec![6]]);
    }

    /// Says of each patch the sum of its samples: enough to see order and cutting.
    struct Fake;

    impl Scorer for Fake {
        fn logits(&self, samples: &[f32]) -> Vec<f32> {
            let starts = (0..=samples.len() - PATCH_SAMPLES).step_by(PATCH_HOP_SAMPLES);
            let sum = |start: usize| samples[start..start + PATCH_SAMPLES].iter().sum::<f32>();
            starts.flat_map(|start| vec![sum(start); NUM_CLASSES]).collect()
        }
    }

    fn ear<'a>(rules: &'a Rules, stop: &'a Stop) -> Ear<'a, Fake> {
        Ear { scorer: &Fake, rules, ffmpeg: None, stop, advanced: &|_| () }
    }

    fn cut(samples: &[f32], by: usize, level: bool) -> Vec<f32> {
        let (stop, rules) = (Stop::default(), Rules { level, ..Rules::default() });
        let mut stations = Stations::new(&ear(&rules, &stop));
        let mut batches = Vec::new();
        for piece in samples.chunks(by) {
            stations.samples.extend_from_slice(piece);
            stations.hear();
            while stations.has_batch() {
                batches.extend(stations.batch());
            }
        }
        stations.finish();
        batches.extend(std::iter::from_fn(|| stations.batch()));
        batches.iter().flat_map(|samples| Fake.logits(samples)).step_by(NUM_CLASSES).collect()
    }

    #[test]
    fn patches_do_not_depend_on_the_cutting() {
        let samples: Vec<f32> = (0..400_000i64).map(|i| ((i * 7919 % 2001) as f32 / 1000.0 - 1.0) * 0.1).collect();
        for level in [true, false] {
            let whole = cut(&samples, samples.len(), level);
            assert_eq!(whole.len() as u64, yamnet::patch_count(400_000));
            for by in [1, 999, PATCH_HOP_SAMPLES, 100_001] {
                assert_eq!(cut(&samples, by, level), whole);
            }
        }
    }

    #[test]
    fn a_signal_ends_the_hearing() {
        let stop = Stop::default();
        stop.0.store(15, std::sync::atomic::Ordering::Relaxed);
        let clip = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/clips/speech_it.flac");
        assert_eq!(ear(&Rules::default(), &stop).hear(&clip, None), Err(Unheard::Stopped));
    }
}
