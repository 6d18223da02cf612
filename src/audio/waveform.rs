//! Reads a recording as 16 kHz mono, from its first sample to its last. Several audio tracks are mixed.
//!
//! Invariant: the samples do not depend on how they are read, and their number is exactly the recording's length at
//! 16 kHz.

mod advice;
mod track;

use std::path::Path;
use std::time::Duration;

use self::track::Track;
use super::decode::{self, Info, Tracks};
use super::duration;
use super::ffmpeg::{Decoding, Ffmpeg};
use super::resample::TARGET_RATE;
use crate::domain::{LEAST_ANALYZED, MissingKind, MissingRange, MissingRanges, RecordingError};

/// Number of samples that are mixed at a time.
const PIECE: usize = 4096;

/// An opened recording, read as 16 kHz mono.
pub struct Waveform {
    tracks: Vec<Track>,
    /// Used instead of `tracks` if no built-in decoder supports the file.
    ffmpeg: Option<Decoding>,
    /// The range that is missing because of an error of ffmpeg.
    lost_end: Option<MissingRange>,
    info: Info,
    /// The ranges of tracks that cannot be decoded.
    undecodable: Vec<MissingRange>,
    given: u64,
    ended: bool,
}

impl Waveform {
    /// Opens a recording. Errors: as `Source::open`.
    pub fn open(path: &Path) -> Result<Waveform, RecordingError> {
        Waveform::open_with(path, None)
    }

    /// Opens a recording; ffmpeg, if given, decodes files that no built-in decoder supports.
    ///
    /// Errors: as `Source::open`; `Ffmpeg` with ffmpeg's message.
    pub fn open_with(path: &Path, ffmpeg: Option<&Ffmpeg>) -> Result<Waveform, RecordingError> {
        let opened = Tracks::open(path);
        let all_supported = opened.as_ref().is_ok_and(|tracks| tracks.failed.is_empty());
        match (opened, ffmpeg) {
            (Err(error), Some(ffmpeg)) if is_unsupported(&error) => Ok(Waveform::from_ffmpeg(ffmpeg.decode(path)?)),
            (Err(error), _) => Err(advice::with_command(error, path)),
            (Ok(tracks), Some(ffmpeg)) if !all_supported => {
                ffmpeg.decode(path).map(Waveform::from_ffmpeg).or_else(|_| Waveform::from_tracks(path, tracks))
            }
            (Ok(tracks), _) => Waveform::from_tracks(path, tracks),
        }
    }

    fn from_ffmpeg(decoding: Decoding) -> Waveform {
        let info = decoding.info().clone();
        let (tracks, undecodable) = (Vec::new(), Vec::new());
        Waveform { tracks, ffmpeg: Some(decoding), lost_end: None, info, undecodable, given: 0, ended: false }
    }

    fn from_tracks(path: &Path, tracks: Tracks) -> Result<Waveform, RecordingError> {
        let info = tracks.info();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let undecodable = tracks.failed.iter().map(|(number, error)| {
            let name = name.as_ref();
            log::warn!(recording = name; "{name}: track {number} is not analyzed: {error}");
            let (end, reason) = (info.duration, format!("track {number}: {error}"));
            MissingRange { start: Duration::ZERO, end, kind: MissingKind::Unsupported, reason }
        });
        let undecodable = undecodable.collect();
        let tracks = tracks.sources.into_iter().map(Track::new).collect::<Result<_, _>>()?;
        Ok(Waveform { tracks, ffmpeg: None, lost_end: None, info, undecodable, given: 0, ended: false })
    }

    pub fn info(&self) -> &Info {
        &self.info
    }

    /// Appends the next samples (16 kHz, mono, within [-1, 1]) to `out`; false at the end.
    ///
    /// Damage after at least one second of audio ends the recording without an error; `missing` returns the lost range.
    ///
    /// Errors: as `Source::next_block`, if less than a second could be decoded.
    pub fn next(&mut self, out: &mut Vec<f32>) -> Result<bool, RecordingError> {
        if self.ended {
            return Ok(false);
        }
        let start = out.len();
        match (&mut self.ffmpeg, &mut self.tracks[..]) {
            (Some(ffmpeg), _) => {
                let more = ffmpeg.next(out);
                self.ended = !more.or_else(|error| self.end_early(error))?;
            }
            (None, [only]) => {
                only.next(out, false)?;
                // Some headers contain no channel count; it is known after the first block.
                self.info.channels = only.source.info().channels;
                self.ended = only.ended;
            }
            _ => {
                self.mix(out)?;
                self.ended = self.tracks.iter().all(|track| track.ended && track.ready.is_empty());
            }
        }
        self.given += (out.len() - start) as u64;
        if self.ended {
            self.check_enough_audio()?;
        }
        Ok(!self.ended || out.len() > start)
    }

    /// Ends the recording at an error of ffmpeg, if at least a second was decoded.
    fn end_early(&mut self, error: RecordingError) -> Result<bool, RecordingError> {
        let range = MissingRange::after(&error, self.decoded(), self.info.duration);
        self.lost_end = Some(range.filter(|_| self.decoded() >= LEAST_ANALYZED).ok_or(error)?);
        Ok(false)
    }

    /// Appends the mean of all tracks; a track that has ended counts as silence.
    fn mix(&mut self, out: &mut Vec<f32>) -> Result<(), RecordingError> {
        for track in &mut self.tracks {
            let mut ready = std::mem::take(&mut track.ready);
            while ready.len() < PIECE && !track.ended {
                track.next(&mut ready, true)?;
            }
            track.ready = ready;
        }
        let going = self.tracks.iter().filter(|track| !track.ended).map(|track| track.ready.len()).min();
        let longest = self.tracks.iter().map(|track| track.ready.len()).max();
        let length = going.or(longest).unwrap_or(0);
        let (start, share) = (out.len(), 1.0 / self.tracks.len() as f32);
        out.resize(start + length, 0.0);
        for track in &mut self.tracks {
            let taken = length.min(track.ready.len());
            for (sum, sample) in out[start..].iter_mut().zip(track.ready.drain(..taken)) {
                *sum += share * sample;
            }
        }
        Ok(())
    }

    /// The ranges that could not be decoded so far.
    pub fn missing(&self) -> MissingRanges {
        let mut ranges = self.undecodable.clone();
        match &self.tracks[..] {
            [only] if ranges.is_empty() => return only.missing(),
            [] => ranges.extend(self.lost_end.clone()),
            tracks => ranges.extend(tracks.iter().flat_map(|track| track.missing().into_ranges())),
        }
        ranges.sort_by_key(|range| range.start);
        let mut missing = MissingRanges::default();
        ranges.into_iter().for_each(|range| missing.add(range));
        missing
    }

    /// Errors if the recording contains less than a second of audio and is otherwise missing.
    fn check_enough_audio(&self) -> Result<(), RecordingError> {
        let missing = self.missing();
        let sound = self.tracks.iter().map(Track::sound).max().unwrap_or(self.decoded());
        let is_too_little = sound.is_zero() || missing.is_partial(self.decoded()) && sound < LEAST_ANALYZED;
        match missing.first() {
            Some(first) if is_too_little => Err(first.error()),
            _ => Ok(()),
        }
    }

    /// Length of the audio returned so far.
    pub fn decoded(&self) -> Duration {
        duration(self.given, TARGET_RATE)
    }
}

/// Reads a recording's header, with ffmpeg if it is not supported otherwise. Errors: as `Waveform::open_with`.
pub fn probe(path: &Path, ffmpeg: Option<&Ffmpeg>) -> Result<Info, RecordingError> {
    match (decode::probe(path), ffmpeg) {
        (Err(error), Some(ffmpeg)) if is_unsupported(&error) => ffmpeg.probe(path),
        (Err(error), _) => Err(advice::with_command(error, path)),
        (Ok(info), _) => Ok(info),
    }
}

/// Whether another decoder may support the file.
fn is_unsupported(error: &RecordingError) -> bool {
    matches!(error, RecordingError::Unsupported { .. })
}
