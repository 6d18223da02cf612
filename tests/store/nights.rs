//! Builders: a night in a few lines.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::time::Duration;

use giggles::record::*;
use jiff::tz::TimeZone;

pub fn content(byte: u8) -> ContentHash {
    ContentHash([byte; 32])
}

pub fn at(instant: &str) -> Option<Began> {
    Some(Began { at: instant.parse().unwrap(), from: Clock::Name })
}

pub fn recording(name: &str, byte: u8) -> Recording {
    Recording {
        path: name.into(),
        name: name.into(),
        content: Some(content(byte)),
        bytes: 1000,
        began: at("2025-10-24T13:00:00Z"),
        announced: None,
        named: None,
    }
}

pub fn event(start: f64, end: f64) -> Event {
    Event {
        start: Duration::from_secs_f64(start),
        end: Duration::from_secs_f64(end),
        peak: 0.9,
        mean: 0.6,
        class: 15,
        laughter_peaks: [0.5, 0.0, 0.8, 0.1, 0.2, 0.3],
        clip: None,
    }
}

/// A night of one source that becomes a `Run`.
pub struct Night {
    source: String,
    outcomes: Vec<Outcome>,
}

pub fn night(source: &str) -> Night {
    Night { source: source.into(), outcomes: Vec::new() }
}

impl Night {
    pub fn heard(self, recording: Recording, events: Vec<Event>) -> Night {
        let audio = Duration::from_secs(3600);
        self.with(
            recording,
            Fate::Heard(Heard {
                audio,
                sample_rate: 48_000,
                channels: 1,
                codec: "opus".into(),
                events,
                tracks: 1,
                missing: Default::default(),
                clips_lost: None,
            }),
        )
    }

    pub fn failed(self, recording: Recording, error: RecordingError) -> Night {
        self.with(recording, Fate::Failed(error))
    }

    pub fn skipped(self, recording: Recording, skip: Skip) -> Night {
        self.with(recording, Fate::Skipped(skip))
    }

    fn with(mut self, recording: Recording, fate: Fate) -> Night {
        self.outcomes.push(Outcome { recording, fate });
        self
    }

    pub fn build(self) -> Run {
        let zone = "America/Los_Angeles";
        Run {
            id: uuid::Uuid::new_v4().to_string(),
            source: self.source,
            started: "2025-10-25T09:00:00Z".parse().unwrap(),
            ended: "2025-10-25T09:01:00Z".parse().unwrap(),
            version: "0.1.0".into(),
            analysis: Analysis {
                version: ANALYSIS_VERSION,
                model_sha256: "0".repeat(64),
                rules: Rules::default(),
                zone: zone.into(),
                name_zone: "UTC".into(),
            },
            zone: TimeZone::get(zone).unwrap(),
            window: Window::default(),
            shard: None,
            single_files: false,
            exit_code: 3,
            outcomes: self.outcomes,
        }
    }
}
