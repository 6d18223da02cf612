//! Opens all audio tracks of a file: cameras, screen recorders and conference software write several.
//!
//! Invariant: a track that cannot be decoded does not affect the others.

use std::path::Path;
use std::time::Duration;

use super::{Info, Source};
use super::{error_map, open};
use crate::domain::RecordingError;

/// Maximum number of tracks that are opened: each has a reader and a decoder.
const MAX_TRACKS: u32 = 32;

/// The opened tracks of a file, at least one.
pub struct Tracks {
    pub sources: Vec<Source>,
    /// The number (from 1) and error of each track that cannot be decoded.
    pub failed: Vec<(u32, RecordingError)>,
}

impl Tracks {
    /// Errors: as `Source::open`, if no track can be decoded.
    pub fn open(path: &Path) -> Result<Tracks, RecordingError> {
        let first = Source::open(path);
        let count = match &first {
            Ok(source) => source.info().tracks,
            Err(RecordingError::Unsupported { .. } | RecordingError::Corrupt { .. }) => open::tracks(path).unwrap_or(1),
            Err(_) => 1,
        };
        let mut tracks = Tracks { sources: Vec::new(), failed: Vec::new() };
        tracks.add(1, first);
        for rank in 1..count.min(MAX_TRACKS) {
            tracks.add(rank + 1, Source::open_track(path, rank as usize));
        }
        tracks.failed.extend((MAX_TRACKS..count).take(1).map(|rank| (rank + 1, too_many(count))));
        if tracks.sources.is_empty() {
            return Err(tracks.failed.swap_remove(0).1);
        }
        Ok(tracks)
    }

    fn add(&mut self, number: u32, opened: Result<Source, RecordingError>) {
        match opened {
            Ok(source) => self.sources.push(source),
            Err(error) => self.failed.push((number, error)),
        }
    }

    /// The combined properties of all tracks.
    pub fn info(&self) -> Info {
        let mut info = self.sources[0].info().clone();
        let mut codecs: Vec<&str> = self.sources.iter().map(|source| source.info().codec.as_str()).collect();
        codecs.dedup();
        info.codec = codecs.join("+");
        info.tracks = self.sources.len() as u32;
        info.duration = self.sources.iter().map(Source::announced).max().flatten();
        info
    }

    /// The duration according to the timestamps of all packets, if the header contains none.
    pub fn walk(&mut self) -> Option<Duration> {
        let end = |source: &mut Source| Some(source.estimate.or_else(|| source.walk())?.saturating_add(source.start()));
        let ends = self.sources.iter_mut().map(end);
        ends.max().flatten()
    }
}

fn too_many(count: u32) -> RecordingError {
    error_map::unsupported(format!("it has {count} audio tracks; at most {MAX_TRACKS} are analyzed"))
}
