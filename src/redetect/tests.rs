use std::time::Duration;

use super::*;
use crate::domain::{
    ContentHash, DetectionParameters, Embedding, Evidence, Recording, ScoreTrack, ScoredCandidate, Verdict,
};

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
    let candidate = Candidate {
        first: 10,
        last: 19,
        peak_v: -1.0,
        mean_v: -1.0,
        class_scores: [0.5; 6],
        embedding,
        personal,
        clip: None,
    };
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
        is_readable: true,
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

fn half(of: usize) -> Embedding {
    Embedding::new(&std::array::from_fn(|i| if i % 2 == of { 2.0 } else { 0.0 }))
}

/// A person who confirms what sounds like one half.
fn model() -> PersonalModel {
    let review = |(id, verdict, of)| (id, verdict, half(of));
    let confirmed = (0..20).map(|id| review((id, Verdict::Confirmed, 0)));
    let rejected = (20..30).map(|id| review((id, Verdict::Rejected, 1)));
    let evidence = Evidence { reviews: confirmed.chain(rejected).collect(), reference: Vec::new() };
    PersonalModel::new(&evidence).unwrap()
}

#[test]
fn the_personal_score_decides_if_it_is_asked_for() {
    let model = model();
    let decided =
        |scored, personal: Option<&PersonalModel>, uses| decide(scored, analysis(uses), TimeZone::UTC, personal);
    let with = decided(scored(Some(half(0)), None), Some(&model), true);
    assert_eq!(with.detections.len(), 1);
    assert_eq!(with.candidates, [Decided { id: 7, is_detected: true, personal: Some(model.score(&half(0))) }]);
    for without in [
        decided(scored(Some(half(0)), None), None, true),
        decided(scored(Some(half(0)), None), Some(&model), false),
        decided(scored(None, None), Some(&model), true),
    ] {
        assert_eq!((without.detections.len(), without.candidates.len()), (0, 0));
    }
}

#[test]
fn a_candidate_whose_embedding_was_removed_keeps_its_score() {
    let earlier = || Some(PersonalScore { shift: 2.0, ..PersonalScore::default() });
    let kept = decide(scored(None, earlier()), analysis(true), TimeZone::UTC, Some(&model()));
    assert_eq!(kept.candidates, [Decided { id: 7, is_detected: true, personal: earlier() }]);
    let reset = decide(scored(None, earlier()), analysis(true), TimeZone::UTC, None);
    assert_eq!(
        reset.candidates,
        [Decided { id: 7, is_detected: false, personal: None }],
        "there are no reviews any more"
    );
}
