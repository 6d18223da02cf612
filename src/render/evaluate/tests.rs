//! The three formats of an evaluation.

use std::time::Duration;

use jiff::civil::date;

use super::*;
use crate::domain::{Candidate, DetectionParameters, Embedding, ScoreTrack, Verdict};
use crate::evaluate::{Material, ReviewedRecording, ReviewedStretch, SourceEvidence, evaluate};

/// Days of `laughs` laughs and as many false alarms; half of the laughs are below the threshold.
fn evaluation(days: i8, laughs: usize) -> Evaluation {
    let mut evidence = SourceEvidence::default();
    let recordings = (1..=days).map(|day| {
        let (mut track, mut candidates, mut reviews) = (ScoreTrack::default(), Vec::new(), Vec::new());
        for i in 0..2 * laughs {
            let (is_laugh, v) = (i % 2 == 0, if i % 4 == 0 { -0.8 } else { 0.4 - 0.2 * f32::from(day) });
            let first = track.len() as u32 + 6;
            for v in [-5.0; 6].into_iter().chain([v; 2]).chain([-5.0; 6]) {
                track.push(v);
            }
            let values = std::array::from_fn(|value| if (value % 2 == 0) == is_laugh { 3.0 } else { 0.1 });
            let embedding = Embedding::new(&values);
            let candidate = Candidate {
                first,
                last: first + 1,
                peak_v: v,
                mean_v: v,
                class_scores: [0.0; 6],
                embedding: Some(embedding.clone()),
                personal: None,
                clip: None,
            };
            let span = (candidate.start().as_secs_f64() - 0.48, candidate.end().as_secs_f64() + 0.48);
            let verdict = if is_laugh { Verdict::Confirmed } else { Verdict::Rejected };
            let review = i64::from(day) * 100 + i as i64;
            evidence.reviews.push((date(2025, 10, day), (review, verdict, embedding.clone())));
            reviews.push(ReviewedStretch { review, verdict, span, has_embedding: true });
            candidates.push(candidate);
        }
        ReviewedRecording {
            source: "anna".into(),
            day: date(2025, 10, day),
            audio: Duration::from_secs(3600),
            parameters: DetectionParameters::default(),
            shown: reviews.iter().enumerate().filter(|(i, _)| i % 4 > 0).map(|(_, review)| review.span).collect(),
            track,
            candidates,
            reviews,
        }
    });
    let recordings = recordings.collect();
    evaluate(&Material { recordings, evidence: [("anna".to_owned(), evidence)].into() }).unwrap()
}

static ZONE: TimeZone = TimeZone::UTC;

fn view(evaluation: &Evaluation) -> EvaluationView<'_> {
    let asked = "2025-10-25T08:00:00Z".parse().unwrap();
    EvaluationView { asked, zone: &ZONE, source: Some("anna"), window: Window::default(), threshold: 0.4, evaluation }
}

#[test]
fn the_table_fits_80_columns() {
    for (days, laughs) in [(1, 1), (2, 4), (6, 10)] {
        let evaluation = evaluation(days, laughs);
        let text = text(&view(&evaluation));
        let longest = text.lines().max_by_key(|line| line.chars().count()).unwrap();
        assert!(longest.chars().count() <= 80, "{longest}");
        assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
    }
}

#[test]
fn the_table_says_what_is_missing_to_a_personal_score() {
    let few = evaluation(1, 4);
    let text_of = |evaluation: &Evaluation| text(&view(evaluation)).split_whitespace().collect::<Vec<_>>().join(" ");
    let words = text_of(&few);
    assert!(words.contains("22 are missing (6 confirmed, 6 rejected, 10 of either verdict)"), "{words}");
    assert!(!words.contains(" with "), "{words}");
    let one_day = text_of(&evaluation(1, 20));
    assert!(one_day.contains("Review more days."), "{one_day}");
    let enough = text_of(&evaluation(6, 10));
    assert!(enough.contains("Personal score on 6 of 6 days"), "{enough}");
    assert!(enough.contains(" without with gain "), "{enough}");
}

#[test]
fn a_whole_table() {
    insta::assert_snapshot!(text(&view(&evaluation(6, 10))), @r"
    120 reviews of 6 recordings on 6 days: 60 confirmed, 60 rejected
    30 of 90 reviewed detections are laughs: precision 0.33 (0.24-0.44)
    30 of 60 confirmed laughs were detected: recall 0.50 (0.38-0.62)

    Personal score on 6 of 6 days; each day is judged by the reviews of the other
    days.

                       without           with              gain
    F1, collar         0.33 (0.20-0.46)  1.00              +0.67 (+0.54 to +0.80)
    F1, IoU 0.3        0.33 (0.20-0.46)  1.00              +0.67 (+0.54 to +0.80)
    F1, IoU 0.5        0.33 (0.20-0.46)  1.00              +0.67 (+0.54 to +0.80)
    F1, PSDS 1         0.33 (0.20-0.46)  1.00              +0.67 (+0.54 to +0.80)
    F1, PSDS 2         0.33 (0.20-0.46)  1.00              +0.67 (+0.54 to +0.80)
    average precision  0.44 (0.38-0.51)  1.00              +0.56 (+0.49 to +0.62)
    missed, now found  0 of 30           30 of 30
    not reviewed       0                 0

    Reviewed stretches at each threshold (* in use):
            precision                         recall
            without          with             without          with
    0.20    0.50 (0.41-0.59) 1.00 (0.94-1.00) 1.00 (0.94-1.00) 1.00 (0.94-1.00)
    0.25    0.50 (0.41-0.59) 1.00 (0.94-1.00) 1.00 (0.94-1.00) 1.00 (0.94-1.00)
    0.33    0.33 (0.24-0.45) 1.00 (0.94-1.00) 0.42 (0.30-0.54) 1.00 (0.94-1.00)
    0.40*   0.33 (0.23-0.46) 1.00 (0.94-1.00) 0.33 (0.23-0.46) 1.00 (0.94-1.00)
    0.50    0.33 (0.19-0.51) 1.00 (0.94-1.00) 0.17 (0.09-0.28) 1.00 (0.94-1.00)
    0.60    -                1.00 (0.94-1.00) 0.00 (0.00-0.06) 1.00 (0.94-1.00)
    0.70    -                1.00 (0.94-1.00) 0.00 (0.00-0.06) 1.00 (0.94-1.00)
    0.80    -                1.00 (0.94-1.00) 0.00 (0.00-0.06) 1.00 (0.94-1.00)

    In brackets: 95 % intervals; of proportions Wilson's, of all others the
    jackknife over days. Without one: too few days, or all alike.
    Only reviewed stretches count. A laugh that nobody noticed is missing in every
    recall.
    ");
}

#[test]
fn the_document_has_both_decisions() {
    let evaluation = evaluation(6, 10);
    let document: serde_json::Value = serde_json::from_str(&document(&view(&evaluation))).unwrap();
    assert_eq!(document["decisions"].as_array().unwrap().len(), 2);
    assert_eq!(document["reviews"]["confirmed"], 60);
    assert_eq!(document["gains"].as_array().unwrap().len(), NAMES.len());
}

#[test]
fn the_plot_is_one_file_without_references() {
    let evaluation = evaluation(6, 10);
    let svg = plot(&view(&evaluation));
    assert!(svg.starts_with("<svg xmlns=") && svg.ends_with("</svg>\n"));
    assert_eq!(svg.matches("<polyline class=\"with\"").count(), 2, "the line and its key");
    assert!(svg.contains("prefers-color-scheme: dark"));
    assert!(!svg.contains("href") && !svg.contains("NaN") && !svg.contains("inf\""), "{svg}");
    let numbers = svg.split("points=\"").skip(1).flat_map(|rest| rest.split('"').next().unwrap().split([' ', ',']));
    assert!(numbers.map(|number| number.parse::<f64>().unwrap()).all(|number| (0.0..=560.0).contains(&number)));
}
