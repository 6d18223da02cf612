//! Keeps the samples that clips may need until the detections are known.
//!
//! Decision values arrive later than samples: by the batch, and the detections only at the end of the recording.
//!
//! ```text
//! record(samples)  append to `recent` (memory)
//! decide(v)        if v >= offset_threshold: mark the samples around the patch as wanted
//!                  move samples that no later patch can request out of `recent`:
//!                  wanted ones to the spool file, the others are dropped
//! read(range)      read from the spool file
//! ```
//!
//! The spool is an unlinked temporary file, which the system removes when this value is dropped or the process ends.
//!
//! Invariant: memory is bounded for any recording length; the file grows only with the audio around possible laughter.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use yamnet::params::{PATCH_HOP, PATCH_SAMPLES};

use super::samples;
use crate::audio::Waveform;
use crate::audio::ffmpeg::Ffmpeg;
use crate::domain::{DetectionParameters, RecordingError};
use crate::stop::Stop;

/// Bytes of a sample.
const WIDTH: u64 = 2;

pub struct SampleBuffer {
    folder: PathBuf,
    /// How far a clip may extend before and after a patch with possible laughter, samples.
    before: u64,
    after: u64,
    /// A patch with a lower v is in no detection, unless detections around it are merged: the personal score moves
    /// candidates only.
    lowest: f32,
    /// Samples that are not decided yet, from index `first`.
    recent: VecDeque<i16>,
    first: u64,
    /// Patches decided so far.
    patches: u32,
    /// Samples to keep: ordered, disjoint ranges; the last one may still grow.
    wanted: Vec<Range<u64>>,
    spool: Option<Spool>,
    /// The error of the spool file, if no clip can be written.
    broken: Option<Arc<io::Error>>,
}

impl SampleBuffer {
    pub fn new(folder: &Path, before: Duration, after: Duration, parameters: &DetectionParameters) -> SampleBuffer {
        let pad = Duration::try_from_secs_f64(parameters.padding_seconds).unwrap_or(Duration::MAX);
        let join = Duration::try_from_secs_f64(parameters.merge_gap_seconds).unwrap_or(Duration::MAX);
        let reach = |around: Duration| samples(pad.saturating_add(around).max(join));
        SampleBuffer {
            folder: folder.to_owned(),
            before: reach(before),
            after: reach(after),
            lowest: parameters.offset_threshold.min(parameters.candidate_floor()),
            recent: VecDeque::new(),
            first: 0,
            patches: 0,
            wanted: Vec::new(),
            spool: None,
            broken: None,
        }
    }

    /// A buffer that keeps these samples, for detections that are known.
    pub fn of_ranges(folder: &Path, mut ranges: Vec<Range<u64>>) -> SampleBuffer {
        ranges.sort_by_key(|range| range.start);
        let mut buffer = SampleBuffer {
            folder: folder.to_owned(),
            before: 0,
            after: 0,
            lowest: f32::INFINITY,
            recent: VecDeque::new(),
            first: 0,
            patches: 0,
            wanted: Vec::new(),
            spool: None,
            broken: None,
        };
        ranges.into_iter().for_each(|range| buffer.request(range));
        buffer
    }

    /// Decodes a recording and keeps the samples of its ranges. A signal ends it early.
    pub fn decode(&mut self, path: &Path, ffmpeg: Option<&Ffmpeg>, stop: &Stop) -> Result<(), RecordingError> {
        let (mut waveform, mut block) = (Waveform::open_with(path, ffmpeg)?, Vec::<f32>::new());
        while stop.signal().is_none() && waveform.next(&mut block)? {
            self.record(&block);
            self.release_until(u64::MAX);
            block.clear();
        }
        Ok(())
    }

    /// Takes the next samples, within [-1, 1], before loudness normalization.
    pub fn record(&mut self, samples: &[f32]) {
        self.recent.extend(samples.iter().map(|sample| (sample * f32::from(i16::MAX)).round() as i16));
    }

    /// Takes the decision value of the next patch.
    pub fn decide(&mut self, v: f32) {
        let start = samples(PATCH_HOP * self.patches);
        if v >= self.lowest {
            self.request(start.saturating_sub(self.before)..(start + PATCH_SAMPLES as u64).saturating_add(self.after));
        }
        self.patches += 1;
        self.release_until(samples(PATCH_HOP * self.patches).saturating_sub(self.before));
    }

    fn request(&mut self, range: Range<u64>) {
        match self.wanted.last_mut().filter(|last| range.start <= last.end) {
            Some(last) => last.end = last.end.max(range.end),
            None => self.wanted.push(range),
        }
    }

    /// Releases all samples before `until`, which no later patch can want: spools the wanted ones, drops the others.
    fn release_until(&mut self, until: u64) {
        let until = until.min(self.first + self.recent.len() as u64);
        while self.first < until {
            let wanted = self.wanted.iter().rev().take_while(|range| range.end > self.first).last();
            let (is_wanted, end) = match wanted {
                Some(range) if range.start <= self.first => (true, range.end.min(until)),
                Some(range) => (false, range.start.min(until)),
                None => (false, until),
            };
            let gone = self.recent.drain(..(end - self.first) as usize);
            if is_wanted {
                let gone: Vec<i16> = gone.collect();
                self.spool(&gone);
            }
            self.first = end;
        }
    }

    fn spool(&mut self, samples: &[i16]) {
        if self.broken.is_some() {
            return;
        }
        let spool = match self.spool.take() {
            Some(spool) => Ok(spool),
            None => Spool::new(&self.folder),
        };
        match spool.and_then(|spool| spool.append(self.first, samples)) {
            Ok(spool) => self.spool = Some(spool),
            Err(error) => self.broken = Some(Arc::new(error)),
        }
    }

    /// Reads samples. Only those of detections and of the clips around them are available.
    pub fn read(&mut self, range: Range<u64>) -> io::Result<Vec<i16>> {
        self.release_until(u64::MAX);
        if let Some(error) = &self.broken {
            return Err(io::Error::new(error.kind(), Arc::clone(error)));
        }
        let spool = self.spool.as_mut().ok_or_else(|| io::Error::other("its samples were not kept"))?;
        spool.read(range)
    }
}

/// Samples on disk, in pieces.
struct Spool {
    file: File,
    /// Ranges of samples, in order, and the file offset of each.
    pieces: Vec<(Range<u64>, u64)>,
    length: u64,
}

impl Spool {
    fn new(folder: &Path) -> io::Result<Spool> {
        Ok(Spool { file: tempfile::tempfile_in(folder)?, pieces: Vec::new(), length: 0 })
    }

    fn append(mut self, first: u64, samples: &[i16]) -> io::Result<Spool> {
        let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        self.file.write_all(&bytes)?;
        let end = first + samples.len() as u64;
        match self.pieces.last_mut().filter(|(range, _)| range.end == first) {
            Some((range, _)) => range.end = end,
            None => self.pieces.push((first..end, self.length)),
        }
        self.length += bytes.len() as u64;
        Ok(self)
    }

    fn read(&mut self, range: Range<u64>) -> io::Result<Vec<i16>> {
        let piece = self.pieces.iter().find(|(piece, _)| piece.start <= range.start && range.end <= piece.end);
        let (piece, at) = piece.ok_or_else(|| io::Error::other("some of its samples were not kept"))?;
        self.file.seek(SeekFrom::Start(at + (range.start - piece.start) * WIDTH))?;
        let mut bytes = vec![0; ((range.end - range.start) * WIDTH) as usize];
        self.file.read_exact(&mut bytes)?;
        Ok(bytes.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Detection;
    use proptest::prelude::*;
    use yamnet::params::PATCH_HOP_SAMPLES;

    fn sound(length: usize) -> Vec<f32> {
        (0..length).map(|i| (i * 7919 % 32_768) as f32 / 32_768.0).collect()
    }

    fn written(sample: f32) -> i16 {
        (sample * 32_767.0).round() as i16
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        /// Decisions lag behind the samples by any number of patches; the samples of every detection are available.
        #[test]
        fn the_samples_of_every_detection_are_available(
            v in proptest::collection::vec(-1.5_f32..1.5, 2..60),
            lag in 0_usize..20, pad in 0.0..3.0_f64, join in 0.0..4.0_f64, before in 0_u64..3000, after in 0_u64..3000,
        ) {
            let parameters = DetectionParameters { padding_seconds: pad, merge_gap_seconds: join, ..DetectionParameters::default() };
            let (before, after) = (Duration::from_millis(before), Duration::from_millis(after));
            let folder = tempfile::tempdir().unwrap();
            let mut sample_buffer = SampleBuffer::new(folder.path(), before, after, &parameters);
            let sound = sound(PATCH_HOP_SAMPLES * (v.len() + 1));
            let audio = PATCH_HOP * (v.len() as u32 + 1);
            for (patch, samples) in sound.chunks(PATCH_HOP_SAMPLES).enumerate() {
                sample_buffer.record(samples);
                if let Some(decided) = patch.checked_sub(lag).and_then(|patch| v.get(patch)) {
                    sample_buffer.decide(*decided);
                }
            }
            v.iter().skip(v.len().saturating_sub(lag.max(1) - 1)).for_each(|v| sample_buffer.decide(*v));
            let mut track = crate::domain::ScoreTrack::default();
            for &v in &v {
                track.push(v);
            }
            for Detection { start, end, .. } in crate::detect::detections(&track, &[], audio, &parameters) {
                let range = samples(start.saturating_sub(before))..samples(end.saturating_add(after)).min(sound.len() as u64);
                let expected: Vec<i16> = sound[range.start as usize..range.end as usize].iter().map(|&s| written(s)).collect();
                prop_assert!(sample_buffer.read(range).unwrap() == expected);
            }
        }
    }

    #[test]
    fn samples_without_laughter_are_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let mut sample_buffer = SampleBuffer::new(
            folder.path(),
            Duration::from_secs(2),
            Duration::from_secs(2),
            &DetectionParameters::default(),
        );
        for _ in 0..1000 {
            sample_buffer.record(&sound(PATCH_HOP_SAMPLES));
            sample_buffer.decide(-3.0);
        }
        assert!(sample_buffer.recent.len() < 60_000, "{}", sample_buffer.recent.len());
        assert!(sample_buffer.spool.is_none());
        assert!(sample_buffer.read(0..10).is_err());
    }

    #[test]
    fn an_unwritable_directory_is_reported_when_a_clip_is_read() {
        let mut sample_buffer = SampleBuffer::new(
            Path::new("/no/such/folder"),
            Duration::ZERO,
            Duration::ZERO,
            &DetectionParameters::default(),
        );
        sample_buffer.record(&sound(160_000));
        sample_buffer.decide(2.0);
        assert_eq!(sample_buffer.read(0..10).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
