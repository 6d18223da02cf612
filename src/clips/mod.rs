//! Laughs cut out as files that can be played: what was heard, as it was heard (16 kHz, mono), in FLAC.
//!
//! A clip is written whole before the run is committed, and its row names it. A run that fails in between leaves
//! clips without rows, which nobody misses; a row never names a clip that was not written.
//!
//! Invariant: a clip that cannot be written is counted with its recording, and costs nothing else.

mod flac;
pub mod folder;
mod name;
mod source;
mod tape;

use std::fs::DirBuilder;
use std::io;
use std::ops::Range;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::tz::TimeZone;
use yamnet::params::SAMPLE_RATE;

pub use tape::Tape;

use crate::audio::find::{FindError, Found, find};
use crate::record::{ClipsLost, Event, Heard, Recording, Rules};
use crate::replace::{self, Permissions, read_regular, replace};

/// Held while a clip takes its name.
static NAMING: Mutex<()> = Mutex::new(());

/// Whoever wore the microphone, and nobody else.
const PRIVATE_FILE: u32 = 0o600;
const PRIVATE_FOLDER: u32 = 0o700;
const CHECK: &str = ".giggles-check-";

/// Recordings but no clips: heard again, a clip would be one more laugh every night. Tells how many were left out.
pub fn find_recordings(paths: &[PathBuf]) -> Result<(Found, usize), FindError> {
    let mut found = find(paths)?;
    let all = found.files.len();
    found.files.retain(|file| !name::is_clip(file.name.rsplit('/').next().unwrap_or(&file.name)));
    let clips = all - found.files.len();
    Ok((found, clips))
}

/// Where clips go, and how much is heard around a laugh.
#[derive(Debug, Clone)]
pub struct Clips {
    pub folder: PathBuf,
    pub source: String,
    /// Before and after the laugh.
    pub pre: Duration,
    pub post: Duration,
    /// Clips lie in a folder a day of this zone.
    pub zone: TimeZone,
}

impl Clips {
    /// Records what a recording's laughs may be cut from.
    pub fn tape(&self, rules: &Rules) -> Tape {
        Tape::new(&self.folder, self.pre, self.post, rules)
    }

    /// Writes a clip a laugh, and notes its path below the folder in the laugh.
    pub fn cut(&self, mut tape: Tape, recording: &Recording, heard: &mut Heard) {
        let length = samples(heard.audio);
        for event in &mut heard.events {
            match self.write(&mut tape, recording, event, length) {
                Ok(path) => event.clip = Some(path),
                Err(error) => lose(&mut heard.clips_lost, &error),
            }
        }
    }

    fn write(&self, tape: &mut Tape, recording: &Recording, event: &Event, length: u64) -> io::Result<String> {
        let began = recording.began.ok_or_else(|| io::Error::other("nobody knows when it was recorded"))?;
        let usual = name::of(&self.source, began.at, event, &self.zone);
        let bytes = flac::encode(&tape.read(self.range(event, length))?, SAMPLE_RATE)?;
        self.make_folder(&usual)?;
        // Two recordings that began together must not take each other's name.
        let _naming = NAMING.lock().unwrap_or_else(PoisonError::into_inner);
        let relative = self.free_name(usual, &bytes, recording);
        replace(&self.folder.join(&relative), &bytes, PRIVATE_FILE)?;
        Ok(relative)
    }

    /// The usual name, unless a clip of other sound has it already.
    fn free_name(&self, usual: String, bytes: &[u8], recording: &Recording) -> String {
        let there = self.folder.join(&usual);
        let is_same = || read_regular(&there, bytes.len() as u64).is_ok_and(|there| there == bytes);
        match recording.content {
            Some(content) if there.exists() && !is_same() => name::told_apart(&usual, content),
            _ => usual,
        }
    }

    /// # Errors
    /// Also where the folder of the source or of the day is a link: what is written through it, nobody would find
    /// again.
    fn make_folder(&self, clip: &str) -> io::Result<()> {
        let Some(day) = self.folder.join(clip).parent().map(Path::to_owned) else { return Ok(()) };
        refuse_link(day.parent().unwrap_or(&day))?;
        refuse_link(&day)?;
        DirBuilder::new().recursive(true).mode(PRIVATE_FOLDER).create(day)
    }

    /// Writes a clip of a second where those of this source would lie, and removes it. Sound that is not decided yet
    /// lies in the folder itself.
    pub fn check(&self) -> io::Result<Permissions> {
        let of_source = self.folder.join(source::folder_of(&self.source));
        refuse_link(&of_source)?;
        tempfile::tempfile_in(&self.folder)?;
        let lies_in = if of_source.exists() { &of_source } else { &self.folder };
        let day = tempfile::Builder::new().prefix(CHECK).tempdir_in(lies_in)?;
        let hum: Vec<i16> = (0..SAMPLE_RATE).map(|i| (i % 160) as i16 * 100).collect();
        let permissions = replace::check(day.path(), &flac::encode(&hum, SAMPLE_RATE)?, PRIVATE_FILE)?;
        day.close()?;
        Ok(permissions)
    }

    /// Samples of the clip: the laugh and what surrounds it, inside the recording.
    fn range(&self, event: &Event, length: u64) -> Range<u64> {
        let (from, to) = (event.start.saturating_sub(self.pre), event.end.saturating_add(self.post));
        samples(from)..samples(to).min(length)
    }
}

fn refuse_link(folder: &Path) -> io::Result<()> {
    match folder.is_symlink() {
        true => Err(io::Error::other(format!("{} is a link; clips lie in real folders", folder.display()))),
        false => Ok(()),
    }
}

fn lose(lost: &mut Option<ClipsLost>, error: &io::Error) {
    lost.get_or_insert_with(|| ClipsLost { count: 0, reason: error.to_string() }).count += 1;
}

/// Number of the sample at an offset.
fn samples(offset: Duration) -> u64 {
    let nanos = offset.as_nanos() * u128::from(SAMPLE_RATE) / 1_000_000_000;
    u64::try_from(nanos).unwrap_or(u64::MAX)
}
