//! Everything except its bytes that a recording's result depends on: detection parameters, model, time zones.
//!
//! Invariant: plain values that serialize the same on every machine; they are stored with each run.

use serde::{Deserialize, Serialize};

use super::CANDIDATE_FLOOR;

/// Incremented whenever the same audio with the same detection parameters may give different rows than before.
pub const ANALYSIS_VERSION: u32 = 2;

/// The detection parameters, in the order of the steps in `detect`. All are stored with the run.
///
/// Source of the defaults: measured on held-out days, see docs/detection.md.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DetectionParameters {
    /// Whether the loudness of the recording is normalized before the network scores it.
    pub normalize: bool,
    /// Loudness after normalization, dBFS.
    pub target_loudness_db: f32,
    /// Smallest and largest gain of the normalization, dB.
    pub gain_limits_db: (f32, f32),
    /// At how many speeds the sound around a possible laugh is scored: 1, 3 or 5. v is the median.
    pub views: u8,
    /// Whether the reviews of the source change v of what sounds alike.
    pub personal: bool,
    /// A detection has a patch with v >= onset_threshold, in logits ...
    pub onset_threshold: f32,
    /// ... and extends over the neighbouring patches with v >= offset_threshold.
    pub offset_threshold: f32,
    /// Detections closer than this are merged, seconds.
    pub merge_gap_seconds: f64,
    /// Detections of fewer patches (0.48 s apart) are dropped.
    pub min_patches: u32,
    /// Added to each side of a detection, limited to the recording, seconds.
    pub padding_seconds: f64,
    /// A longer detection is split where v is lowest, seconds.
    pub max_duration_seconds: f64,
    /// Lower bound of logits before they are averaged.
    pub logit_floor: f32,
    /// Weight of the loudest other human sound against laughter ...
    pub other_weight: f32,
    /// ... whose logit is at least this.
    pub other_floor: f32,
}

/// Onset threshold minus offset threshold, logits.
const HYSTERESIS: f32 = 1.5;

/// Onset threshold of `normal`, logits: a score of 0.40.
const NORMAL: f32 = -0.405_465_1;

impl DetectionParameters {
    /// The same with another onset threshold; the offset threshold moves by the same amount.
    pub fn with_onset(self, onset_threshold: f32) -> DetectionParameters {
        DetectionParameters { onset_threshold, offset_threshold: onset_threshold - HYSTERESIS, ..self }
    }

    /// Patches with at least this v belong to candidates: [`CANDIDATE_FLOOR`], or a lower threshold.
    pub fn candidate_floor(&self) -> f32 {
        CANDIDATE_FLOOR.min(self.onset_threshold)
    }
}

impl Default for DetectionParameters {
    fn default() -> Self {
        DetectionParameters {
            normalize: true,
            target_loudness_db: -30.0,
            gain_limits_db: (-12.0, 30.0),
            views: 5,
            personal: true,
            onset_threshold: NORMAL,
            offset_threshold: NORMAL - HYSTERESIS,
            merge_gap_seconds: 1.5,
            min_patches: 2,
            padding_seconds: 0.48,
            max_duration_seconds: 30.0,
            logit_floor: -10.0,
            other_weight: 0.75,
            other_floor: -6.0,
        }
    }
}

/// Everything except its bytes that a recording's result depends on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Analysis {
    pub version: u32,
    /// SHA-256 of the model file, hexadecimal.
    pub model_sha256: String,
    pub parameters: DetectionParameters,
    /// Time zone of calendar days, as `zone_name` returns it.
    pub zone: String,
    /// Time zone of file names that contain a time without a zone.
    pub name_zone: String,
}

impl Analysis {
    /// Whether what this analysis would decide can be decided from what `stored` has kept, without audio: they differ in
    /// decision parameters and time zones only, and `stored` has kept the same candidates.
    pub fn can_redetect(&self, stored: &Analysis) -> bool {
        let DetectionParameters {
            personal,
            onset_threshold,
            offset_threshold,
            merge_gap_seconds,
            min_patches,
            padding_seconds,
            max_duration_seconds,
            ..
        } = stored.parameters;
        let parameters = DetectionParameters {
            personal,
            onset_threshold,
            offset_threshold,
            merge_gap_seconds,
            min_patches,
            padding_seconds,
            max_duration_seconds,
            ..self.parameters.clone()
        };
        let (zone, name_zone) = (stored.zone.clone(), stored.name_zone.clone());
        let scored_alike = Analysis { parameters, zone, name_zone, ..self.clone() };
        scored_alike == *stored && stored.parameters.candidate_floor() == self.parameters.candidate_floor()
    }

    /// How it differs from an earlier one, for people; None: it is the same.
    pub fn difference(&self, earlier: &Analysis) -> Option<&'static str> {
        if self.model_sha256 != earlier.model_sha256 {
            Some("the model changed")
        } else if self.version != earlier.version {
            Some("giggles changed")
        } else if self.parameters != earlier.parameters {
            Some("detection parameters changed")
        } else {
            (self != earlier).then_some("the time zone changed")
        }
    }

    /// Canonical JSON. The database stores it and compares it to decide whether a stored result is current.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("plain numbers and strings always serialize")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn analysis(parameters: DetectionParameters) -> Analysis {
        let zone = || "UTC".to_owned();
        Analysis { version: 2, model_sha256: String::new(), parameters, zone: zone(), name_zone: zone() }
    }

    #[test]
    fn what_needs_no_audio_is_decided_from_what_is_stored() {
        let usual = DetectionParameters::default;
        let stored = analysis(usual());
        let decision = DetectionParameters {
            personal: false,
            merge_gap_seconds: 9.0,
            min_patches: 7,
            padding_seconds: 0.0,
            max_duration_seconds: 5.0,
            ..usual().with_onset(0.7)
        };
        assert!(analysis(decision).can_redetect(&stored));
        assert!(Analysis { zone: "Asia/Tokyo".into(), ..stored.clone() }.can_redetect(&stored));
        for scoring in [
            DetectionParameters { normalize: false, ..usual() },
            DetectionParameters { target_loudness_db: -20.0, ..usual() },
            DetectionParameters { gain_limits_db: (0.0, 0.0), ..usual() },
            DetectionParameters { views: 1, ..usual() },
            DetectionParameters { logit_floor: -9.0, ..usual() },
            DetectionParameters { other_weight: 1.0, ..usual() },
            DetectionParameters { other_floor: -5.0, ..usual() },
            usual().with_onset(-1.6),
        ] {
            assert!(!analysis(scoring.clone()).can_redetect(&stored), "{scoring:?}");
        }
        assert!(!Analysis { version: 1, ..stored.clone() }.can_redetect(&stored));
        assert!(!Analysis { model_sha256: "other".into(), ..stored.clone() }.can_redetect(&stored));
        let low = analysis(usual().with_onset(-1.6));
        assert!(!stored.can_redetect(&low), "candidates down to -1.6 are longer than those down to -1.5");
        assert!(low.can_redetect(&low));
    }
}
