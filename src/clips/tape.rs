//! What may still be needed of a recording's sound, while nobody knows yet where its laughs are.
//!
//! Decisions come later than sound: scores by the batch, and laughs only at the recording's end. Memory holds
//! what is not decided. Where laughter is possible, the sound goes on into a temporary file without a name, which
//! is gone with this value or with the process.
//!
//! Invariant: memory does not grow with the recording, nor does the file, but by the sound around possible laughter.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use yamnet::params::{PATCH_HOP, PATCH_SAMPLES};

use super::samples;
use crate::record::Rules;

/// Bytes of a sample.
const WIDTH: u64 = 2;

pub struct Tape {
    folder: PathBuf,
    /// Samples before and after a patch in which laughter is possible that a clip may reach.
    before: u64,
    after: u64,
    /// A patch with a lower v is in no laugh, unless laughs around it are joined.
    lowest: f32,
    /// Not decided, from sample `first` on.
    recent: VecDeque<i16>,
    first: u64,
    /// Patches decided so far.
    patches: u32,
    /// Wanted: in order, apart from each other; the last may go on.
    wanted: Vec<Range<u64>>,
    spool: Option<Spool>,
    /// Why no clip can be cut.
    broken: Option<io::Error>,
}

impl Tape {
    pub fn new(folder: &Path, pre: Duration, post: Duration, rules: &Rules) -> Tape {
        let pad = Duration::try_from_secs_f64(rules.pad_seconds).unwrap_or(Duration::MAX);
        let join = Duration::try_from_secs_f64(rules.join_seconds).unwrap_or(Duration::MAX);
        let reach = |around: Duration| samples(pad.saturating_add(around).max(join));
        Tape {
            folder: folder.to_owned(),
            before: reach(pre),
            after: reach(post),
            lowest: rules.hi - rules.drop,
            recent: VecDeque::new(),
            first: 0,
            patches: 0,
            wanted: Vec::new(),
            spool: None,
            broken: None,
        }
    }

    /// Takes the next samples, within [-1, 1], as they were before levelling.
    pub fn record(&mut self, samples: &[f32]) {
        self.recent.extend(samples.iter().map(|sample| (sample * f32::from(i16::MAX)).round() as i16));
    }

    /// Takes the decision value of the next patch.
    pub fn decide(&mut self, v: f32) {
        let start = samples(PATCH_HOP * self.patches);
        if v >= self.lowest {
            self.want(start.saturating_sub(self.before)..(start + PATCH_SAMPLES as u64).saturating_add(self.after));
        }
        self.patches += 1;
        self.let_go(samples(PATCH_HOP * self.patches).saturating_sub(self.before));
    }

    fn want(&mut self, range: Range<u64>) {
        match self.wanted.last_mut().filter(|last| range.start <= last.end) {
            Some(last) => last.end = last.end.max(range.end),
            None => self.wanted.push(range),
        }
    }

    /// No decision to come wants a sample before this one: what is wanted is spooled, the rest forgotten.
    fn let_go(&mut self, until: u64) {
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
            Err(error) => self.broken = Some(error),
        }
    }

    /// These samples. Only those of laughs, and as far around them as a clip reaches, are there.
    pub fn read(&mut self, range: Range<u64>) -> io::Result<Vec<i16>> {
        self.let_go(u64::MAX);
        if let Some(error) = &self.broken {
            return Err(io::Error::new(error.kind(), error.to_string()));
        }
        let spool = self.spool.as_mut().ok_or_else(|| io::Error::other("nothing was kept of it"))?;
        spool.read(range)
    }
}

/// Sound on the disk, piece by piece.
struct Spool {
    file: File,
    /// Samples, and where their bytes begin; in order.
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
        let (piece, at) = piece.ok_or_else(|| io::Error::other("a part of it was not kept"))?;
        self.file.seek(SeekFrom::Start(at + (range.start - piece.start) * WIDTH))?;
        let mut bytes = vec![0; ((range.end - range.start) * WIDTH) as usize];
        self.file.read_exact(&mut bytes)?;
        Ok(bytes.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Event;
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
        /// Decisions lag behind the sound by any number of patches, and whatever is found is there.
        #[test]
        fn every_event_can_be_cut(
            v in proptest::collection::vec(-1.5_f32..1.5, 2..60),
            lag in 0_usize..20, pad in 0.0..3.0_f64, join in 0.0..4.0_f64, pre in 0_u64..3000, post in 0_u64..3000,
        ) {
            let rules = Rules { pad_seconds: pad, join_seconds: join, ..Rules::default() };
            let (pre, post) = (Duration::from_millis(pre), Duration::from_millis(post));
            let folder = tempfile::tempdir().unwrap();
            let mut tape = Tape::new(folder.path(), pre, post, &rules);
            let sound = sound(PATCH_HOP_SAMPLES * (v.len() + 1));
            let audio = PATCH_HOP * (v.len() as u32 + 1);
            for (patch, samples) in sound.chunks(PATCH_HOP_SAMPLES).enumerate() {
                tape.record(samples);
                if let Some(decided) = patch.checked_sub(lag).and_then(|patch| v.get(patch)) {
                    tape.decide(*decided);
                }
            }
            v.iter().skip(v.len().saturating_sub(lag.max(1) - 1)).for_each(|v| tape.decide(*v));
            let scores: Vec<_> = v.iter().map(|&v| crate::laughter::Score { v, laughter: [0.0; 6] }).collect();
            for Event { start, end, .. } in crate::laughter::events(&scores, audio, &rules) {
                let range = samples(start.saturating_sub(pre))..samples(end.saturating_add(post)).min(sound.len() as u64);
                let expected: Vec<i16> = sound[range.start as usize..range.end as usize].iter().map(|&s| written(s)).collect();
                prop_assert!(tape.read(range).unwrap() == expected);
            }
        }
    }

    #[test]
    fn what_is_no_laughter_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let mut tape = Tape::new(folder.path(), Duration::from_secs(2), Duration::from_secs(2), &Rules::default());
        for _ in 0..1000 {
            tape.record(&sound(PATCH_HOP_SAMPLES));
            tape.decide(-3.0);
        }
        assert!(tape.recent.len() < 60_000, "{}", tape.recent.len());
        assert!(tape.spool.is_none());
        assert!(tape.read(0..10).is_err());
    }

    #[test]
    fn a_folder_that_takes_nothing_is_told_when_a_clip_is_cut() {
        let mut tape = Tape::new(Path::new("/no/such/folder"), Duration::ZERO, Duration::ZERO, &Rules::default());
        tape.record(&sound(160_000));
        tape.decide(2.0);
        assert_eq!(tape.read(0..10).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
