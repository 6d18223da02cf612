//! Writes a clip per laugh: the analyzed audio (16 kHz, mono, not normalized) as a FLAC file.
//!
//! Each clip is written completely before the run is committed, and its row contains its path. A run that fails in
//! between leaves clips without rows, which are harmless; a row never contains the path of a clip that was not written.
//!
//! Invariant: a clip that cannot be written is counted in the recording's result and has no other effect.

mod flac;
pub mod folder;
mod name;
mod sample_buffer;
mod source;

use std::fs::DirBuilder;
use std::io;
use std::ops::Range;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::tz::TimeZone;
use yamnet::params::SAMPLE_RATE;

pub use name::is_clip;
pub use sample_buffer::SampleBuffer;

use crate::atomic_file::{self, Permissions, read_regular, replace};
use crate::audio::discover::{FindError, Found, find};
use crate::domain::{Analyzed, ClipsFailed, Detection, DetectionParameters, Recording};

/// Held while a clip gets its name.
static NAMING: Mutex<()> = Mutex::new(());

/// Clips are private: only their owner may read them.
const PRIVATE_FILE: u32 = 0o600;
const PRIVATE_FOLDER: u32 = 0o700;
const CHECK: &str = ".giggles-check-";

/// Finds recordings and leaves out clips, because an analyzed clip would add one more laugh in every run. Returns the
/// number of clips left out as well.
pub fn find_recordings(paths: &[PathBuf]) -> Result<(Found, usize), FindError> {
    let mut found = find(paths)?;
    let all = found.files.len();
    found.files.retain(|file| !is_clip(file.name.rsplit('/').next().unwrap_or(&file.name)));
    let clips = all - found.files.len();
    Ok((found, clips))
}

/// Where clips are written, and how much audio around a laugh they contain.
#[derive(Debug, Clone)]
pub struct Clips {
    pub folder: PathBuf,
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
        SampleBuffer::new(&self.folder, self.clip_before, self.clip_after, parameters)
    }

    /// Writes a clip per laugh and stores its relative path in the detection.
    pub fn cut(&self, mut sample_buffer: SampleBuffer, recording: &Recording, analyzed: &mut Analyzed) {
        let length = samples(analyzed.audio);
        for detection in &mut analyzed.detections {
            match self.write(&mut sample_buffer, recording, detection, length) {
                Ok(path) => detection.clip = Some(path),
                Err(error) => count_failed(&mut analyzed.clips_failed, &error),
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
        let usual = name::clip_path(&self.source, started.at, detection, &self.zone);
        let bytes = flac::encode(&sample_buffer.read(self.range(detection, length))?, SAMPLE_RATE)?;
        self.make_folder(&usual)?;
        // Clips of two recordings with the same start time must not get the same name.
        let _naming = NAMING.lock().unwrap_or_else(PoisonError::into_inner);
        let relative = self.free_name(usual, &bytes, recording);
        replace(&self.folder.join(&relative), &bytes, PRIVATE_FILE)?;
        Ok(relative)
    }

    /// The usual path, unless a clip with other content has it already; then one with a hash.
    fn free_name(&self, usual: String, bytes: &[u8], recording: &Recording) -> String {
        let existing = self.folder.join(&usual);
        let is_same = || read_regular(&existing, bytes.len() as u64).is_ok_and(|content| content == bytes);
        match recording.content {
            Some(content) if existing.exists() && !is_same() => name::with_hash(&usual, content),
            _ => usual,
        }
    }

    /// # Errors
    /// Also if the directory of the source or of the day is a symbolic link: `prune` and `verify` follow no links and
    /// would not find what is written through it.
    fn make_folder(&self, clip: &str) -> io::Result<()> {
        let Some(day) = self.folder.join(clip).parent().map(Path::to_owned) else { return Ok(()) };
        refuse_link(day.parent().unwrap_or(&day))?;
        refuse_link(&day)?;
        DirBuilder::new().recursive(true).mode(PRIVATE_FOLDER).create(day)
    }

    /// Writes a clip of one second where clips of this source are written, and removes it. Also creates a temporary
    /// file in the clip directory itself, where the sample buffer is stored.
    pub fn check(&self) -> io::Result<Permissions> {
        let of_source = self.folder.join(source::folder_of(&self.source));
        refuse_link(&of_source)?;
        tempfile::tempfile_in(&self.folder)?;
        let parent = if of_source.exists() { &of_source } else { &self.folder };
        let day = tempfile::Builder::new().prefix(CHECK).tempdir_in(parent)?;
        let hum: Vec<i16> = (0..SAMPLE_RATE).map(|i| (i % 160) as i16 * 100).collect();
        let permissions = atomic_file::check(day.path(), &flac::encode(&hum, SAMPLE_RATE)?, PRIVATE_FILE)?;
        day.close()?;
        Ok(permissions)
    }

    /// Samples of the clip: the laugh and the audio around it, limited to the recording.
    fn range(&self, detection: &Detection, length: u64) -> Range<u64> {
        let (from, to) =
            (detection.start.saturating_sub(self.clip_before), detection.end.saturating_add(self.clip_after));
        samples(from)..samples(to).min(length)
    }
}

fn refuse_link(folder: &Path) -> io::Result<()> {
    if folder.is_symlink() {
        return Err(io::Error::other(format!("{} is a symbolic link; clips need a real folder", folder.display())));
    }
    Ok(())
}

fn count_failed(failed: &mut Option<ClipsFailed>, error: &io::Error) {
    failed.get_or_insert_with(|| ClipsFailed { count: 0, reason: error.to_string() }).count += 1;
}

/// Index of the sample at an offset.
fn samples(offset: Duration) -> u64 {
    let nanos = offset.as_nanos() * u128::from(SAMPLE_RATE) / 1_000_000_000;
    u64::try_from(nanos).unwrap_or(u64::MAX)
}
