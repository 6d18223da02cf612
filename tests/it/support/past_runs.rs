//! Builders: a run in a few lines.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::time::Duration;

use giggles::domain::*;
use jiff::tz::TimeZone;

pub fn content(byte: u8) -> ContentHash {
    ContentHash([byte; 32])
}

pub fn at(instant: &str) -> Option<StartTime> {
    Some(StartTime { at: instant.parse().unwrap(), from: StartSource::Filename })
}

pub fn recording(name: &str, byte: u8) -> Recording {
    Recording {
        path: name.into(),
        name: name.into(),
        content: Some(content(byte)),
        bytes: 1000,
        started: at("2025-10-24T13:00:00Z"),
        announced: None,
        named: None,
        zone_is_assumed: false,
    }
}

pub fn detection(start: f64, end: f64) -> Detection {
    Detection {
        start: Duration::from_secs_f64(start),
        end: Duration::from_secs_f64(end),
        peak: 0.9,
        mean: 0.6,
        class: 15,
        class_scores: [0.5, 0.0, 0.8, 0.1, 0.2, 0.3],
        clip: None,
    }
}

/// A review of a stretch of this recording, which has a start time and belongs to the source `neil`.
pub fn reviewed_span(recording: &Recording, (start, end): (Duration, Duration), review: Review) -> ReviewedSpan {
    ReviewedSpan {
        source: "neil".into(),
        recording: recording.name.clone(),
        content: recording.content.unwrap(),
        start,
        end,
        starts: recording.started.unwrap().at + start,
        embedding: None,
        review,
    }
}

/// All values are this one.
pub fn embedding(value: f32) -> Embedding {
    Embedding::new(&[value; 1024])
}

/// A candidate of these patches.
pub fn candidate(first: u32, last: u32, peak_v: f32) -> Candidate {
    Candidate {
        first,
        last,
        peak_v,
        mean_v: peak_v - 0.25,
        class_scores: [0.5, 0.0, 0.8, 0.1, 0.2, 0.3],
        embedding: Some(embedding(first as f32)),
        personal: None,
        clip: None,
    }
}

/// A track of these values.
/// The length of a recording with this track.
pub fn length(track: &ScoreTrack) -> Duration {
    let samples = if track.is_empty() { 0 } else { yamnet::samples_in_patches(track.len()) };
    Duration::from_secs_f64(samples as f64 / 16_000.0)
}

pub fn track(values: impl IntoIterator<Item = f32>) -> ScoreTrack {
    let mut track = ScoreTrack::default();
    values.into_iter().for_each(|v| {
        track.push(v);
    });
    track
}

/// A run of one source that becomes a `Run`.
pub struct PastRunBuilder {
    source: String,
    outcomes: Vec<Outcome>,
}

pub fn past_run(source: &str) -> PastRunBuilder {
    PastRunBuilder { source: source.into(), outcomes: Vec::new() }
}

impl PastRunBuilder {
    pub fn analyzed(self, recording: Recording, detections: Vec<Detection>) -> PastRunBuilder {
        self.scored(recording, (ScoreTrack::default(), Vec::new()), detections)
    }

    /// An hour, whatever the track.
    pub fn scored(
        self,
        recording: Recording,
        scores: (ScoreTrack, Vec<Candidate>),
        detections: Vec<Detection>,
    ) -> PastRunBuilder {
        self.lasting(Duration::from_secs(3600), recording, scores, detections)
    }

    /// As long as the track, so that it can be decided anew.
    pub fn scored_to_the_end(
        self,
        recording: Recording,
        scores: (ScoreTrack, Vec<Candidate>),
        detections: Vec<Detection>,
    ) -> PastRunBuilder {
        self.lasting(length(&scores.0), recording, scores, detections)
    }

    fn lasting(
        self,
        audio: Duration,
        recording: Recording,
        (track, candidates): (ScoreTrack, Vec<Candidate>),
        detections: Vec<Detection>,
    ) -> PastRunBuilder {
        self.with(
            recording,
            Status::Analyzed(Box::new(Analyzed {
                audio,
                sample_rate: 48_000,
                channels: 1,
                codec: "opus".into(),
                track,
                candidates,
                detections,
                tracks: 1,
                missing: Default::default(),
                clips_failed: None,
            })),
        )
    }

    pub fn failed(self, recording: Recording, error: RecordingError) -> PastRunBuilder {
        self.with(recording, Status::Failed(error))
    }

    pub fn skipped(self, recording: Recording, skip: Skip) -> PastRunBuilder {
        self.with(recording, Status::Skipped(skip))
    }

    fn with(mut self, recording: Recording, status: Status) -> PastRunBuilder {
        self.outcomes.push(Outcome { recording, status });
        self
    }

    pub fn build(self) -> Run {
        let zone = "America/Los_Angeles";
        Run {
            id: uuid::Uuid::new_v4().to_string(),
            external_id: None,
            source: self.source,
            command: RunCommand::Scan,
            started: "2025-10-25T09:00:00Z".parse().unwrap(),
            ended: "2025-10-25T09:01:00Z".parse().unwrap(),
            version: "0.1.0".into(),
            analysis: Analysis {
                version: ANALYSIS_VERSION,
                model_sha256: "0".repeat(64),
                parameters: DetectionParameters::default(),
                zone: zone.into(),
                name_zone: "UTC".into(),
            },
            zone: TimeZone::get(zone).unwrap(),
            window: Window::default(),
            shard: None,
            explicit_files: false,
            cuts_clips: false,
            embeddings_from: None,
            exit_code: 3,
            outcomes: self.outcomes,
        }
    }
}
