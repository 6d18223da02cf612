use std::time::Duration;

use super::*;
use crate::domain::{ContentHash, DetectionParameters, Recording, ScoreTrack, ScoredCandidate};

fn detection(start: u64, end: u64, clip: Option<&str>) -> Detection {
    let (start, end, clip) = (Duration::from_secs(start), Duration::from_secs(end), clip.map(str::to_owned));
    Detection { start, end, peak: 0.9, mean: 0.6, class: 13, class_scores: [0.0; 6], clip }
}

#[test]
fn only_detections_with_the_same_extent_keep_their_clips() {
    let before = [detection(1, 3, Some("a")), detection(5, 8, Some("b")), detection(10, 11, None)];
    let mut now = [detection(1, 3, None), detection(5, 9, None), detection(10, 11, None), detection(20, 30, None)];
    keep_clips(&mut now, &before);
    assert_eq!(now.map(|one| one.clip), [Some("a".to_owned()), None, None, None]);
}

/// A candidate of patches 10 to 19 at v = -1, which does not count.
fn scored(embedding: Option<Embedding>, personal: Option<PersonalScore>) -> ScoredRecording {
    let mut track = ScoreTrack::default();
    for patch in 0..40 {
        track.push(if (10..20).contains(&patch) { -1.0 } else { -6.0 });
    }
    let candidate =
        Candidate { first: 10, last: 19, peak_v: -1.0, mean_v: -1.0, class_scores: [0.5; 6], embedding, personal };
    ScoredRecording {
        source: "neil".into(),
        recording: Recording {
            path: "a".into(),
            name: "a".into(),
            content: Some(ContentHash([1; 32])),
            bytes: 1,
            started: None,
            announced: None,
            named: None,
        },
        analysis: analysis(true),
        audio: Duration::from_secs(20),
        is_partial: false,
        track,
        candidates: vec![ScoredCandidate { id: 7, candidate, is_detected: false }],
        detections: Vec::new(),
        clips_failed: 0,
    }
}

fn analysis(personal: bool) -> Analysis {
    let zone = || "UTC".to_owned();
    let parameters = DetectionParameters { personal, ..DetectionParameters::default() };
    Analysis { version: 2, model_sha256: String::new(), parameters, zone: zone(), name_zone: zone() }
}

fn plus_one(_: &Embedding) -> PersonalScore {
    PersonalScore { shift: 1.0, ..PersonalScore::default() }
}

#[test]
fn the_personal_score_decides_if_it_is_asked_for() {
    let embedding = || Some(Embedding::new(&[1.0; 1024]));
    let decided =
        |scored, personal: Option<&Personal<'_>>, uses| decide(scored, analysis(uses), TimeZone::UTC, personal);
    let with = decided(scored(embedding(), None), Some(&plus_one), true);
    assert_eq!(with.detections.len(), 1);
    assert_eq!(
        with.candidates,
        [Decided { id: 7, is_detected: true, personal: Some(plus_one(&embedding().unwrap())) }]
    );
    for without in [
        decided(scored(embedding(), None), None, true),
        decided(scored(embedding(), None), Some(&plus_one), false),
        decided(scored(None, None), Some(&plus_one), true),
    ] {
        assert_eq!((without.detections.len(), without.candidates.len()), (0, 0));
    }
}

#[test]
fn a_candidate_whose_embedding_was_removed_keeps_its_score() {
    let earlier = || Some(PersonalScore { shift: 2.0, ..PersonalScore::default() });
    let kept = decide(scored(None, earlier()), analysis(true), TimeZone::UTC, Some(&plus_one));
    assert_eq!(kept.candidates, [Decided { id: 7, is_detected: true, personal: earlier() }]);
    let reset = decide(scored(None, earlier()), analysis(true), TimeZone::UTC, None);
    assert_eq!(
        reset.candidates,
        [Decided { id: 7, is_detected: false, personal: None }],
        "there are no reviews any more"
    );
}
