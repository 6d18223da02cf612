//! What a recording's result depends on besides its bytes: the decision's constants, model, zones.
//!
//! Invariant: plain values that serialise the same on every machine; they are stored with each run.

use serde::{Deserialize, Serialize};

/// Counts up whenever the same audio under the same rules may give other rows than before.
pub const ANALYSIS_VERSION: u32 = 1;

/// The constants of the decision, step by step (see `laughter`). All are stored with the run.
///
/// Source of the defaults: measured on held-out days, see docs/detection.md.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rules {
    /// Bring the recording to one loudness before the network hears it.
    pub level: bool,
    /// Loudness that it is brought to, dBFS.
    pub level_target_db: f32,
    /// The least and the most that a recording is made louder, dB.
    pub level_gain_db: (f32, f32),
    /// An event holds a patch with v >= hi ...
    pub hi: f32,
    /// ... and reaches as far as v >= hi - drop.
    pub drop: f32,
    /// Events closer than this are one, seconds.
    pub join_seconds: f64,
    /// Fewer patches (0.48 s apart) are no event.
    pub min_patches: u32,
    /// Added on each side of an event, inside the recording, seconds.
    pub pad_seconds: f64,
    /// A longer event is cut where v is lowest, seconds.
    pub max_seconds: f64,
    /// Logits below this count as this much before they are averaged.
    pub logit_floor: f32,
    /// Weight of the loudest other human sound against laughter ...
    pub other_weight: f32,
    /// ... which counts as at least this much.
    pub other_floor: f32,
}

impl Default for Rules {
    fn default() -> Self {
        Rules {
            level: true,
            level_target_db: -30.0,
            level_gain_db: (-12.0, 30.0),
            hi: 0.25,
            drop: 0.7,
            join_seconds: 1.5,
            min_patches: 2,
            pad_seconds: 0.48,
            max_seconds: 30.0,
            logit_floor: -10.0,
            other_weight: 0.75,
            other_floor: -6.0,
        }
    }
}

/// All that a recording's result depends on besides its bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Analysis {
    pub version: u32,
    /// SHA-256 of the model file, hexadecimal.
    pub model_sha256: String,
    pub rules: Rules,
    /// Zone in which a day is a day, as `zone_name` says it.
    pub zone: String,
    /// Zone of recorder names without one.
    pub name_zone: String,
}

impl Analysis {
    /// Canonical JSON: what the database stores, and compares to know a result again.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("plain numbers and strings always serialise")
    }
}
