use std::time::Duration;

use super::*;
use crate::domain::{
    ContentHash, DetectionParameters, Embedding, Evidence, Recording, ScoreTrack, ScoredCandidate, Verdict,
};

fn detection(start: u64, end: u64, clip: Option<&str>) -> Detection {
    let (start, end, clip) = (Duration::from_secs(start), Duration::from_secs(end), clip.map(str::to_owned));
    Detection { start, end, peak: 0.9, mean: 0.6, class: 13, class_scores: [0.0; 6], clip }
}

/// The clip of a detection that starts so many seconds after midnight.
fn clip(start: u64, percent: u32) -> String {
    format!("neil/2025-10-24/20251024T0000{start:02}.000Z_laughter_{percent}p.flac")
}

#[test]
fn detections_keep_the_clips_that_are_theirs_by_name_or_extent() {
    let started = Some("2025-10-24T00:00:00Z".parse().unwrap());
    let before = [
        detection(1, 3, Some(&clip(1, 90))),
        // A score that was another one, and the clip of another laugh.
        detection(5, 8, Some(&clip(5, 87))),
        detection(10, 12, Some(&clip(11, 90))),
        detection(14, 15, None),
    ];
    let mut now = [(1, 3), (5, 8), (10, 12), (14, 15), (20, 30)].map(|(start, end)| detection(start, end, None));
    let earlier = give_clips(&mut now, started, &before, &[]);
    assert_eq!(now.map(|one| one.clip), [Some(clip(1, 90)), Some(clip(5, 87)), None, None, None]);
    assert_eq!(earlier, [Some(clip(1, 90)), Some(clip(5, 87)), Some(clip(11, 90)), None, None]);
}

#[test]
fn a_laugh_that_comes_back_has_its_own_clip() {
    let started = Some("2025-10-24T00:00:00Z".parse().unwrap());
    // One long laugh of now two, whose clips the candidates have kept.
    let before = [detection(0, 9, Some(&clip(0, 90)))];
    let candidate = |first: u32, last: u32, start: u64| Candidate {
        first,
        last,
        peak_v: 2.2,
        mean_v: 1.0,
        class_scores: [0.5; 6],
        embedding: None,
        personal: None,
        clip: Some(clip(start, 90)),
    };
    let candidates = [candidate(3, 5, 1), candidate(12, 15, 5)];
    let mut now = [detection(1, 4, None), detection(5, 9, None)];
    give_clips(&mut now, started, &before, &candidates);
    assert_eq!(now.map(|one| one.clip), [Some(clip(1, 90)), Some(clip(5, 90))]);
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
            zone_is_assumed: false,
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
