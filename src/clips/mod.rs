//! Writes a clip per laugh: the analyzed audio (16 kHz, mono, not normalized) as a FLAC file; and a few of candidates that
//! do not count, so that a person can be asked about them.
//!
//! Each clip is written completely before the run is committed, and its row contains its path. A run that fails in
//! between leaves clips without rows, which are harmless; a row never contains the path of a clip that was not written.
//!
//! Invariant: a clip that cannot be written is counted in the recording's result and has no other effect.

mod bucket;
mod clip_store;
mod flac;
mod folder;
mod location;
mod name;
mod sample_buffer;
mod source;

use std::io;
use std::ops::Range;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use yamnet::params::SAMPLE_RATE;

pub use clip_store::{ClipFile, ClipStore, unreadable};
pub use location::ClipLocation;
pub use name::Match;
pub use sample_buffer::SampleBuffer;
pub use source::source_folder;

use crate::atomic_file::Permissions;
use crate::audio::ffmpeg::Ffmpeg;
use crate::detect;
use crate::domain::{Analyzed, Candidate, ClipsFailed, Detection, DetectionParameters, Reason, Recording, Redetected};
use crate::error::Fatal;
use crate::stop::Stop;

/// Whether a path has the file name of a clip. Such files are not analyzed: each analyzed clip would add one more laugh
/// in every run.
pub fn is_clip(path: &str) -> bool {
    name::is_clip(path.rsplit('/').next().unwrap_or(path))
}

/// What the name of a clip says of a detection in a recording that began then.
pub fn matches(clip: &str, started: Timestamp, detection: &Detection) -> Match {
    name::matches(clip, started, &Cut::from(detection))
}

/// Where clips are written, and how much audio around a laugh they contain.
#[derive(Debug, Clone)]
pub struct Clips {
    pub location: ClipLocation,
    pub source: String,
    /// Audio before the laugh; `clip_after` is the audio after it.
    pub clip_before: Duration,
    pub clip_after: Duration,
    /// Time zone of the day directories.
    pub zone: TimeZone,
}

impl Clips {
    /// A buffer for the samples of one recording that its clips may need.
    pub fn sample_buffer(&self, parameters: &DetectionParameters) -> SampleBuffer {
        SampleBuffer::new(&self.location.scratch_folder(), self.clip_before, self.clip_after, parameters)
    }

    /// Opens the place of the clips, before any work.
    pub fn open(&self, stop: &Stop) -> Result<ClipWriter<'_>, Fatal> {
        Ok(ClipWriter { clips: self, store: ClipStore::open(&self.location, stop)? })
    }

    /// Writes a clip of one second where clips of this source are written, and removes it. Also creates a temporary
    /// file where the sample buffer is stored.
    pub fn check(&self, stop: &Stop) -> Result<io::Result<Permissions>, Fatal> {
        let writer = self.open(stop)?;
        let hum: Vec<i16> = (0..SAMPLE_RATE).map(|i| (i % 160) as i16 * 100).collect();
        let clip =
            tempfile::tempfile_in(self.location.scratch_folder()).and_then(|_| Ok(flac::encode(&hum, SAMPLE_RATE)?));
        Ok(clip.and_then(|clip| writer.store.check(&self.source, &clip)))
    }
}

/// Cuts the clips of a run.
pub struct ClipWriter<'a> {
    clips: &'a Clips,
    store: ClipStore,
}

impl ClipWriter<'_> {
    pub fn sample_buffer(&self, parameters: &DetectionParameters) -> SampleBuffer {
        self.clips.sample_buffer(parameters)
    }

    /// Writes a clip per laugh and stores its relative path in the detection; and of candidates that a person may be
    /// asked about.
    pub fn cut(
        &self,
        mut sample_buffer: SampleBuffer,
        recording: &Recording,
        analyzed: &mut Analyzed,
        parameters: &DetectionParameters,
    ) {
        let length = samples(analyzed.audio);
        let unsure = detect::unsure(&analyzed.candidates, &analyzed.detections, analyzed.track.len(), parameters);
        let mut write =
            |cut: Cut, clip: &mut Option<String>| match self.write(&mut sample_buffer, recording, cut, length) {
                Ok(path) => *clip = Some(path),
                Err(error) => count_failed(&mut analyzed.clips_failed, error),
            };
        analyzed.detections.iter_mut().for_each(|detection| write(Cut::from(&*detection), &mut detection.clip));
        for index in unsure {
            let candidate = &mut analyzed.candidates[index];
            write(Cut::from(&*candidate), &mut candidate.clip);
        }
    }

    /// Forgets the clips of a recording that do not exist any more.
    pub fn forget_removed(&self, redetected: &mut Redetected) -> io::Result<()> {
        let detections = redetected.detections.iter_mut().map(|detection| &mut detection.clip);
        for clip in detections.chain(&mut redetected.earlier_clips) {
            if let Some(path) = clip.as_deref()
                && !self.store.holds(path)?
            {
                *clip = None;
            }
        }
        Ok(())
    }

    /// Decodes a recording again and writes the clips that are missing.
    pub fn cut_missing(
        &self,
        recording: &Recording,
        redetected: &mut Redetected,
        ffmpeg: Option<&Ffmpeg>,
        stop: &Stop,
    ) {
        let length = samples(redetected.audio);
        let mut cuts: Vec<Cut> = redetected.without_clip().map(|detection| Cut::from(&*detection)).collect();
        cuts.extend(redetected.unsure_without_clip().map(|candidate| Cut::from(&*candidate)));
        let ranges = cuts.iter().map(|cut| self.clips.range(cut, length)).collect();
        let mut sample_buffer = SampleBuffer::of_ranges(&self.clips.location.scratch_folder(), ranges);
        let decoded = sample_buffer.decode(&recording.path, ffmpeg, stop);
        let mut failed = None;
        let mut write = |cut: Cut, clip: &mut Option<String>| {
            let written = match &decoded {
                Ok(()) => self.write(&mut sample_buffer, recording, cut, length),
                Err(error) => Err(io::Error::other(error.to_string())),
            };
            match written {
                Ok(path) => *clip = Some(path),
                Err(error) => count_failed(&mut failed, error),
            }
        };
        redetected.without_clip().for_each(|detection| write(Cut::from(&*detection), &mut detection.clip));
        redetected.unsure_without_clip().for_each(|candidate| write(Cut::from(&*candidate), &mut candidate.clip));
        redetected.clips_failed = failed;
    }

    fn write(
        &self,
        sample_buffer: &mut SampleBuffer,
        recording: &Recording,
        cut: Cut,
        length: u64,
    ) -> io::Result<String> {
        let started = recording.started.ok_or_else(|| io::Error::other("its start time is unknown"))?;
        let usual = name::clip_path(&self.clips.source, started.at, &cut, &self.clips.zone);
        let bytes = flac::encode(&sample_buffer.read(self.clips.range(&cut, length))?, SAMPLE_RATE)?;
        self.store.write(usual, bytes, recording.content)
    }
}

/// What a clip is cut for.
struct Cut {
    start: Duration,
    end: Duration,
    class: &'static str,
    score: f32,
    /// Whether it counts as a laugh.
    counts: bool,
}

impl From<&Detection> for Cut {
    fn from(detection: &Detection) -> Cut {
        let (class, score) = (detection.class_name(), detection.peak);
        Cut { start: detection.start, end: detection.end, class, score, counts: true }
    }
}

impl From<&Candidate> for Cut {
    fn from(candidate: &Candidate) -> Cut {
        let (class, score) = (candidate.class_name(), candidate.score());
        Cut { start: candidate.start(), end: candidate.end(), class, score, counts: false }
    }
}

impl Clips {
    /// Samples of the clip: the laugh and the audio around it, limited to the recording.
    fn range(&self, cut: &Cut, length: u64) -> Range<u64> {
        let (from, to) = (cut.start.saturating_sub(self.clip_before), cut.end.saturating_add(self.clip_after));
        samples(from)..samples(to).min(length)
    }
}

fn count_failed(failed: &mut Option<ClipsFailed>, error: io::Error) {
    failed.get_or_insert_with(|| ClipsFailed { count: 0, reason: Reason::wrap(error) }).count += 1;
}

/// Index of the sample at an offset.
fn samples(offset: Duration) -> u64 {
    let nanos = offset.as_nanos() * u128::from(SAMPLE_RATE) / 1_000_000_000;
    u64::try_from(nanos).unwrap_or(u64::MAX)
}
