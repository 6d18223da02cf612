//! Tests of the evaluation on recordings that are made up.

use jiff::civil::date;
use yamnet::params::EMBEDDING_SIZE;

use super::*;

/// Sounds of a day: value, whether it is a laugh, and the kind that its embedding shows.
type Sounds<'a> = &'a [(f32, bool, usize)];

/// Each sound is two patches of a minute's quiet; a review has the extent of its detection.
fn recording(day: i8, sounds: Sounds) -> ReviewedRecording {
    let (mut track, mut candidates, mut reviews) = (ScoreTrack::default(), Vec::new(), Vec::new());
    for (i, &(v, is_laugh, kind)) in sounds.iter().enumerate() {
        let first = track.len() as u32 + 10;
        for v in [-5.0; 10].into_iter().chain([v; 2]).chain([-5.0; 10]) {
            track.push(v);
        }
        let embedding = Embedding::new(&std::array::from_fn(|value| if value % 8 == kind { 4.0 } else { 0.0 }));
        let candidate = Candidate {
            first,
            last: first + 1,
            peak_v: v,
            mean_v: v,
            class_scores: [0.0; 6],
            embedding: Some(embedding),
            personal: None,
            clip: None,
        };
        let span = (candidate.start().as_secs_f64() - 0.48, candidate.end().as_secs_f64() + 0.48);
        candidates.push(candidate);
        let verdict = if is_laugh { Verdict::Confirmed } else { Verdict::Rejected };
        let review = i64::from(day) * 1000 + i as i64;
        reviews.push(ReviewedStretch { review, verdict, span, has_embedding: true });
    }
    let shown = reviews.iter().zip(sounds).filter(|(_, sound)| sound.0 >= -0.405).map(|(review, _)| review.span);
    ReviewedRecording {
        source: "anna".into(),
        day: date(2025, 10, day),
        audio: Duration::from_secs(3600),
        parameters: DetectionParameters::default(),
        shown: shown.collect(),
        track,
        candidates,
        reviews,
    }
}

fn evaluated(recordings: Vec<ReviewedRecording>) -> Evaluation {
    let mut material = Material::default();
    for recording in &recordings {
        let evidence = material.evidence.entry(recording.source.clone()).or_default();
        let pairs = recording.reviews.iter().zip(&recording.candidates);
        evidence.reviews.extend(
            pairs.map(|(one, candidate)| {
                (recording.day, (one.review, one.verdict, candidate.embedding.clone().unwrap()))
            }),
        );
    }
    material.recordings = recordings;
    evaluate(&material).unwrap()
}

/// Laughs of kind 0 just below the threshold, false alarms of kind 1 just above it, each day.
fn hard_days() -> Vec<ReviewedRecording> {
    let day: Vec<(f32, bool, usize)> =
        (0..12).map(|i| if i % 2 == 0 { (-0.6, true, 0) } else { (-0.2, false, 1) }).collect();
    (1..=4).map(|number| recording(number, &day)).collect()
}

#[test]
fn no_review_is_no_evaluation() {
    assert_eq!(evaluate(&Material::default()), None);
}

#[test]
fn what_was_shown_and_found_is_counted() {
    let evaluation =
        evaluated(vec![recording(1, &[(1.0, true, 0), (0.5, false, 1), (-1.0, true, 2), (-1.2, false, 3)])]);
    assert_eq!((evaluation.confirmed, evaluation.rejected, evaluation.days), (2, 2, 1));
    assert_eq!(evaluation.shown, Proportion { hits: 1, all: 2 });
    assert_eq!(evaluation.found, Proportion { hits: 1, all: 2 });
    let (tally, f1) = evaluation.without.measures[0];
    assert_eq!((tally.found, tally.missed, tally.extra), (1, 1, 1));
    assert_eq!(f1.unwrap().interval, None, "a single day has no interval");
    assert_eq!(evaluation.without.added, Proportion { hits: 0, all: 1 });
    let at = |threshold| {
        let point = evaluation.without.point(threshold);
        (point.precision, point.recall)
    };
    assert_eq!(at(0.40), (Proportion { hits: 1, all: 2 }, Proportion { hits: 1, all: 2 }));
    assert_eq!(at(0.25), (Proportion { hits: 2, all: 3 }, Proportion { hits: 2, all: 2 }));
}

#[test]
fn with_few_reviews_there_is_no_personal_score_and_their_number_is_known() {
    let evaluation = evaluated(vec![recording(1, &[(1.0, true, 0); 12]), recording(2, &[(1.0, false, 0); 3])]);
    assert_eq!((evaluation.with.is_none(), evaluation.gains.is_empty(), evaluation.personal_days), (true, true, 0));
    assert_eq!(evaluation.needed(), Needed { confirmed: 0, rejected: 7, either: 8 });
    assert_eq!(evaluation.needed().total(), 15);
}

#[test]
fn the_personal_score_is_judged_on_days_that_it_was_not_made_from() {
    let evaluation = evaluated(hard_days());
    let with = evaluation.with.as_ref().unwrap();
    assert_eq!(evaluation.personal_days, 4);
    for (number, (name, _)) in CRITERIA.iter().enumerate() {
        assert_eq!(evaluation.without.measures[number].0.found, 0, "{name}");
        assert_eq!(with.measures[number].0, measures::Tally { found: 24, missed: 0, extra: 0 }, "{name}");
        assert_eq!(
            evaluation.gains[number],
            Some(Estimate { value: 1.0, interval: None }),
            "{name}: on all days alike"
        );
    }
    assert_eq!(with.added, Proportion { hits: 24, all: 24 });
    assert_eq!(with.average_precision.unwrap().value, 1.0);
    // All reviews on one day: nothing is left to make a model from.
    let all = hard_days().into_iter().map(|recording| ReviewedRecording { day: date(2025, 10, 1), ..recording });
    assert_eq!(evaluated(all.collect()).with, None);
}

#[test]
fn a_source_is_not_judged_by_the_reviews_of_another() {
    let mut days = hard_days();
    days.extend(hard_days().into_iter().map(|one| ReviewedRecording { source: "bert".into(), ..one }).take(1));
    let evaluation = evaluated(days);
    let with = evaluation.with.unwrap();
    // Bert has one day: his laughs are decided without a model.
    assert_eq!((with.measures[0].0.found, with.measures[0].0.missed, with.measures[0].0.extra), (24, 6, 6));
}

#[test]
fn what_nobody_reviewed_does_not_count() {
    let mut one = recording(1, &[(1.0, true, 0), (1.0, false, 1), (1.0, false, 2)]);
    one.reviews.truncate(2);
    let evaluation = evaluated(vec![one]);
    assert_eq!((evaluation.without.unreviewed, evaluation.without.measures[1].0.extra), (1, 1));
    assert_eq!(evaluation.shown, Proportion { hits: 1, all: 2 });
}

#[test]
fn a_stretch_without_a_candidate_is_never_shown() {
    let mut one = recording(1, &[(1.0, true, 0)]);
    let added = ReviewedStretch { review: 9, verdict: Verdict::Confirmed, span: (900.0, 902.0), has_embedding: false };
    one.reviews.push(added);
    let evaluation = evaluated(vec![one]);
    assert_eq!(evaluation.without.point(0.18).recall, Proportion { hits: 1, all: 2 });
    assert_eq!(evaluation.without_embedding, 1);
}

const _: () = assert!(EMBEDDING_SIZE.is_multiple_of(8));
