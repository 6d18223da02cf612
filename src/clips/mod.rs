//! Writes a clip per laugh: the analyzed audio (16 kHz, mono, not normalized) as a FLAC file.
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

use jiff::tz::TimeZone;
use yamnet::params::SAMPLE_RATE;

pub use clip_store::{ClipFile, ClipStore, unreadable};
pub use location::ClipLocation;
pub use sample_buffer::SampleBuffer;
pub use source::source_folder;

use crate::atomic_file::Permissions;
use crate::domain::{Analyzed, ClipsFailed, Detection, DetectionParameters, Reason, Recording};
use crate::error::Fatal;
use crate::stop::Stop;

/// Whether a path has the file name of a clip. Such files are not analyzed: each analyzed clip would add one more laugh
/// in every run.
pub fn is_clip(path: &str) -> bool {
    name::is_clip(path.rsplit('/').next().unwrap_or(path))
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

    /// Writes a clip per laugh and stores its relative path in the detection.
    pub fn cut(&self, mut sample_buffer: SampleBuffer, recording: &Recording, analyzed: &mut Analyzed) {
        let length = samples(analyzed.audio);
        for detection in &mut analyzed.detections {
            match self.write(&mut sample_buffer, recording, detection, length) {
                Ok(path) => detection.clip = Some(path),
                Err(error) => count_failed(&mut analyzed.clips_failed, error),
            }
        }
    }

    fn write(
        &self,
        sample_buffer: &mut SampleBuffer,
        recording: &Recording,
        detection: &Detection,
        length: u64,
    ) -> io::Result<String> {
        let started = recording.started.ok_or_else(|| io::Error::other("its start time is unknown"))?;
        let usual = name::clip_path(&self.clips.source, started.at, detection, &self.clips.zone);
        let bytes = flac::encode(&sample_buffer.read(self.clips.range(detection, length))?, SAMPLE_RATE)?;
        self.store.write(usual, bytes, recording.content)
    }
}

impl Clips {
    /// Samples of the clip: the laugh and the audio around it, limited to the recording.
    fn range(&self, detection: &Detection, length: u64) -> Range<u64> {
        let (from, to) =
            (detection.start.saturating_sub(self.clip_before), detection.end.saturating_add(self.clip_after));
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
