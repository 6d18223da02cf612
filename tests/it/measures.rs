//! The event-based measures against the numbers of sed_eval and sed_scores_eval, which scripts/measures.sh computes.

use giggles::evaluate::measures::{Criterion, Span, Tally};
use serde_json::Value;

fn spans(value: &Value) -> Vec<Span> {
    serde_json::from_value(value.clone()).unwrap()
}

fn criterion(name: &str) -> Criterion {
    let mut words = name.split(' ');
    match words.next() {
        Some("collar") => Criterion::Collar,
        Some("intersection") => {
            let mut tolerance = || words.next().unwrap().parse().unwrap();
            Criterion::Intersection(tolerance(), tolerance())
        }
        _ => panic!("{name} is not a criterion"),
    }
}

#[test]
fn event_based_counts_are_those_of_sed_eval_and_sed_scores_eval() {
    let golden: Value = serde_json::from_str(include_str!("../measures/golden.json")).unwrap();
    let (mut compared, mut sum) = (0, Tally::default());
    for case in golden.as_array().unwrap() {
        let (laughs, detections) = (spans(&case["laughs"]), spans(&case["detections"]));
        for (name, expected) in case["measured"].as_object().unwrap() {
            let count = |field: &str| expected[field].as_u64().unwrap() as usize;
            let expected = Tally { found: count("found"), missed: count("missed"), extra: count("extra") };
            assert_eq!(criterion(name).tally(&laughs, &detections), expected, "{name}: {case}");
            sum.add(expected);
            compared += 1;
        }
    }
    assert_eq!(compared, 240);
    assert!(sum.found.min(sum.missed).min(sum.extra) > 50, "the cases are one-sided: {sum:?}");
}
