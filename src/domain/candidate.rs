//! What a decision needs of a recording once its audio is gone: the decision value of every patch, and the events that
//! may be laughs.
//!
//! Invariant: decision values and embeddings are kept as float16, and decisions are made from these kept values only, so
//! that a decision made anew from a database has the same bits.

use std::sync::Arc;
use std::time::Duration;

use half::f16;
use yamnet::params::{EMBEDDING_SIZE, PATCH_HOP, PATCH_WINDOW, SAMPLE_RATE};
use yamnet::sigmoid;

use super::{Detection, LAUGHTER_CLASSES, LAUGHTER_NAMES};

/// Patches with at least this decision value belong to candidates, logits.
///
/// Source: below it, no threshold gave a useful number of false alarms (docs/detection.md).
pub const CANDIDATE_FLOOR: f32 = -1.5;

/// The threshold `sensitive`, logits: a score of 0.33. A candidate that does not count is offered for review if its v' is
/// at least this.
pub const SENSITIVE: f32 = -0.708_185_1;

/// Bytes of a float16.
const WIDTH: usize = size_of::<f16>();

/// A decision value as a track keeps it.
fn rounded(v: f32) -> f16 {
    f16::from_f32(if v.is_nan() { f32::NEG_INFINITY } else { v })
}

/// Whether a decision value is at least `floor` once it is rounded as a track keeps it.
pub fn reaches(v: f32, floor: f32) -> bool {
    rounded(v).to_f32() >= floor
}

/// The decision value v of every patch of a recording, one every 0.48 s.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ScoreTrack(Vec<f16>);

impl ScoreTrack {
    /// Appends the value of the next patch, rounded to float16, and returns it as rounded. A value that is no number
    /// counts as the lowest.
    pub fn push(&mut self, v: f32) -> f32 {
        let rounded = rounded(v);
        self.0.push(rounded);
        rounded.to_f32()
    }

    /// Number of patches.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it has a value for each patch of so much audio. Lengths are stored in seconds: a sample more or less.
    pub fn fits(&self, audio: Duration) -> bool {
        let samples = (audio.as_secs_f64() * f64::from(SAMPLE_RATE)).round() as u64;
        let lengths = samples.saturating_sub(1)..=samples + 1;
        lengths.into_iter().any(|samples| yamnet::patch_count(samples) == self.len() as u64)
    }

    /// The value of each patch.
    pub fn values(&self) -> Vec<f32> {
        self.0.iter().map(|v| v.to_f32()).collect()
    }

    /// Two bytes a patch, float16, little-endian.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|v| v.to_le_bytes()).collect()
    }

    /// Reads what `to_bytes` writes. None if half a value is left.
    pub fn from_bytes(bytes: &[u8]) -> Option<ScoreTrack> {
        bytes.len().is_multiple_of(WIDTH).then(|| ScoreTrack(floats(bytes).collect()))
    }
}

/// The 1024 values before YAMNet's last layer, averaged over the patches of a candidate. A clone shares the values.
#[derive(Debug, Clone, PartialEq)]
pub struct Embedding(Arc<[f16; EMBEDDING_SIZE]>);

impl Embedding {
    /// Bytes of one as stored.
    pub const BYTES: usize = WIDTH * EMBEDDING_SIZE;

    /// Rounds the values to float16.
    pub fn new(values: &[f32; EMBEDDING_SIZE]) -> Embedding {
        Embedding(Arc::new(values.map(f16::from_f32)))
    }

    pub fn values(&self) -> impl Iterator<Item = f32> + '_ {
        self.0.iter().map(|value| value.to_f32())
    }

    /// 2048 bytes: float16, little-endian.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|value| value.to_le_bytes()).collect()
    }

    /// Reads what `to_bytes` writes. None if it has another length.
    pub fn from_bytes(bytes: &[u8]) -> Option<Embedding> {
        let values: Arc<[f16]> = floats(bytes).collect();
        (bytes.len() == Embedding::BYTES).then(|| values.try_into().ok().map(Embedding)).flatten()
    }
}

fn floats(bytes: &[u8]) -> impl Iterator<Item = f16> + '_ {
    bytes.chunks_exact(WIDTH).map(|pair| f16::from_le_bytes([pair[0], pair[1]]))
}

/// An event that may be a laugh: consecutive patches with v >= [`CANDIDATE_FLOOR`]. A detection consists of candidates.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The first and the last patch.
    pub first: u32,
    pub last: u32,
    /// Highest and mean v of its patches, before the personal score.
    pub peak_v: f32,
    pub mean_v: f32,
    /// Highest raw score of each laughter class 13 to 18 in its patches, 0 to 1.
    pub class_scores: [f32; LAUGHTER_CLASSES],
    /// None: it was not among the strongest of a recording with very many candidates, or it was removed after some time.
    pub embedding: Option<Embedding>,
    /// None: there are too few reviews, it has no embedding, or it was not asked for.
    pub personal: Option<PersonalScore>,
    /// Path of its clip relative to the clip directory, if one was written although it does not count.
    pub clip: Option<String>,
}

/// From the start of a patch to the time span that it represents, which is a hop long.
const MARGIN: Duration = Duration::from_nanos((PATCH_WINDOW.as_nanos() - PATCH_HOP.as_nanos()) as u64 / 2);

impl Candidate {
    /// Offset in the recording, without padding: patch i represents i * 0.48 + 0.24 to i * 0.48 + 0.72 s.
    pub fn start(&self) -> Duration {
        PATCH_HOP * self.first + MARGIN
    }

    pub fn end(&self) -> Duration {
        PATCH_HOP * (self.last + 1) + MARGIN
    }

    /// v' of its peak: what the threshold is compared with.
    pub fn shifted_v(&self) -> f32 {
        self.peak_v + self.shift()
    }

    /// sigmoid(v') of its peak, 0 to 1.
    pub fn score(&self) -> f32 {
        sigmoid(self.shifted_v())
    }

    /// The same before the personal score.
    pub fn score_before(&self) -> f32 {
        sigmoid(self.peak_v)
    }

    /// AudioSet's name of the class with the highest score; of equals, the first.
    pub fn class_name(&self) -> &'static str {
        let scores = self.class_scores.iter().zip(LAUGHTER_NAMES).rev();
        scores.max_by(|(a, _), (b, _)| a.total_cmp(b)).map_or(LAUGHTER_NAMES[0], |(_, name)| name)
    }

    /// Whether one of these detections, which are in order and disjoint, overlaps it.
    pub fn is_detected(&self, detections: &[Detection]) -> bool {
        let next = detections.partition_point(|detection| detection.end <= self.start());
        detections.get(next).is_some_and(|detection| detection.start < self.end())
    }

    /// What the personal score adds to v of its patches.
    pub fn shift(&self) -> f32 {
        self.personal.as_ref().map_or(0.0, |personal| personal.shift)
    }
}

/// How a candidate compares with what a person has confirmed and rejected.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct PersonalScore {
    /// v' - v, logits.
    pub shift: f32,
    /// The confirmed and the rejected stretches that are most similar to it, at most three each, the most similar first.
    pub confirmed: Vec<Neighbour>,
    pub rejected: Vec<Neighbour>,
}

/// A reviewed stretch that is similar to a candidate.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Neighbour {
    /// The review's number in the database.
    pub review: i64,
    /// Cosine of the angle between both embeddings, -1 to 1.
    pub similarity: f32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_track_is_read_back_as_it_was_rounded() {
        let mut track = ScoreTrack::default();
        let kept: Vec<f32> =
            [0.4, -1.5, f32::NAN, f32::NEG_INFINITY, 70_000.0, -8.126].into_iter().map(|v| track.push(v)).collect();
        assert_eq!(kept[..4], [0.399_902_34, -1.5, f32::NEG_INFINITY, f32::NEG_INFINITY]);
        assert_eq!(track.values(), kept);
        assert_eq!(track.to_bytes().len(), 12);
        assert_eq!(ScoreTrack::from_bytes(&track.to_bytes()), Some(track));
        assert_eq!(ScoreTrack::from_bytes(&[0; 3]), None);
    }

    #[test]
    fn an_embedding_is_read_back_as_it_was_rounded() {
        let embedding = Embedding::new(&std::array::from_fn(|i| i as f32 / 7.0));
        assert_eq!(embedding.values().nth(7), Some(1.0));
        assert_eq!(Embedding::from_bytes(&embedding.to_bytes()), Some(embedding));
        assert_eq!(Embedding::from_bytes(&[0; 2046]), None);
    }
}
