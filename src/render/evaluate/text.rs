//! For people: counts, event-based measures, and the threshold curve, in 80 columns.

use super::{EvaluationView, NAMES};
use crate::evaluate::measures::Proportion;
use crate::evaluate::{CRITERIA, Decision, Estimate, Evaluation, Needed};
use crate::personal::{LEAST_OF_EACH, LEAST_REVIEWS};
use crate::text::pluralize;

/// Thresholds of the table, besides the one in use.
const THRESHOLDS: [f32; 8] = [0.20, 0.25, 0.33, 0.40, 0.50, 0.60, 0.70, 0.80];

const NOTE: &str = "\
In brackets: 95 % intervals; of proportions Wilson's, of all others the jackknife over days. Without one: too few days, or \
all alike.
Only reviewed stretches count. A laugh that nobody noticed is missing in every recall.
";

/// The whole text.
pub fn text(view: &EvaluationView) -> String {
    let evaluation = view.evaluation;
    let parts = [counts(evaluation), personal(evaluation), measures(evaluation), thresholds(view), wrapped(NOTE)];
    parts.join("\n")
}

fn counts(evaluation: &Evaluation) -> String {
    let Evaluation { confirmed, rejected, days, recordings, without_embedding, .. } = evaluation;
    let (reviews, days) = (pluralize(confirmed + rejected, "review"), pluralize(*days, "day"));
    let mut text = format!(
        "{reviews} of {} on {days}: {confirmed} confirmed, {rejected} rejected\n",
        pluralize(*recordings, "recording")
    );
    if *without_embedding > 0 {
        text += &wrapped(&format!(
            "{without_embedding} of them without an embedding: they are judged, but the personal score does not use them"
        ));
    }
    let Proportion { hits, all } = evaluation.shown;
    text += &format!("{hits} of {all} reviewed detections are laughs: precision {}\n", proportion(evaluation.shown));
    let Proportion { hits, all } = evaluation.found;
    text + &format!("{hits} of {all} confirmed laughs were detected: recall {}\n", proportion(evaluation.found))
}

/// Whether there is a personal score, and what is missing.
fn personal(evaluation: &Evaluation) -> String {
    let Evaluation { days, personal_days, .. } = evaluation;
    let needed = evaluation.needed();
    let text = if evaluation.with.is_some() {
        format!(
            "Personal score on {personal_days} of {}; each day is judged by the reviews of the other days.",
            pluralize(*days, "day")
        )
    } else if needed.total() > 0 {
        format!(
            "No personal score yet: a source needs {LEAST_REVIEWS} reviews, {LEAST_OF_EACH} of each verdict; {}. Until then \
             the numbers above and below are those of the decision without it; see how wide their intervals are.",
            missing(needed)
        )
    } else {
        "The personal score is not judged: each day is judged by the reviews of the other days of its source, and those \
         are too few. Review more days."
            .to_owned()
    };
    wrapped(&text)
}

/// `15 are missing (7 rejected, 8 of either verdict)`
fn missing(needed: Needed) -> String {
    let parts = [(needed.confirmed, "confirmed"), (needed.rejected, "rejected"), (needed.either, "of either verdict")];
    let parts = parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
    let verb = if needed.total() == 1 { "is" } else { "are" };
    format!("{} {verb} missing ({})", needed.total(), parts.collect::<Vec<_>>().join(", "))
}

fn measures(evaluation: &Evaluation) -> String {
    let Evaluation { without, with, gains, .. } = evaluation;
    let row = |name: &str, without: String, with: Option<String>, gain: String| {
        let line = format!("{name:<18} {without:<17} {:<17} {gain}", with.unwrap_or_default());
        line.trim_end().to_owned() + "\n"
    };
    let header = row("", "without".into(), with.as_ref().map(|_| "with".into()), header_of_gain(gains));
    let estimates = |decision: &Decision| -> Vec<Option<Estimate>> {
        decision.measures.iter().map(|(_, f1)| *f1).chain([decision.average_precision]).collect()
    };
    let (of_without, of_with) = (estimates(without), with.as_ref().map(estimates));
    let rows = NAMES.iter().enumerate().map(|(i, name)| {
        let gain = gains.get(i).copied().flatten().map_or(String::new(), signed);
        row(name, estimate(of_without[i]), of_with.as_ref().map(|all| estimate(all[i])), gain)
    });
    let counted = |name: &str, number: &dyn Fn(&Decision) -> String| {
        row(name, number(without), with.as_ref().map(number), String::new())
    };
    let added = counted("missed, now found", &|one| format!("{} of {}", one.added.hits, one.added.all));
    let unreviewed = counted("not reviewed", &|one| one.unreviewed.to_string());
    header + &rows.collect::<String>() + &added + &unreviewed
}

fn header_of_gain(gains: &[Option<Estimate>]) -> String {
    if gains.is_empty() { String::new() } else { "gain".to_owned() }
}

fn thresholds(view: &EvaluationView) -> String {
    let Evaluation { without, with, .. } = view.evaluation;
    let mut thresholds = THRESHOLDS.to_vec();
    let is_used = |threshold: f32| (threshold - view.threshold).abs() < 0.005;
    if !thresholds.iter().any(|&threshold| is_used(threshold)) {
        thresholds.push(view.threshold);
        thresholds.sort_by(f32::total_cmp);
    }
    let decisions: Vec<&Decision> = std::iter::once(without).chain(with).collect();
    let names = ["without", "with"].iter().take(decisions.len()).map(|name| format!("{name:<17}"));
    let names: String = names.collect();
    let title = |name: &str| format!("{name:<width$}", width = 17 * decisions.len());
    let header = [
        format!("{:<8}{}{}", "", title("precision"), title("recall")),
        format!("{:<8}{names}{names}", if decisions.len() > 1 { "" } else { "score" }),
    ];
    let header = header.into_iter().take(decisions.len());
    let row = |threshold: f32| {
        let points: Vec<_> = decisions.iter().map(|decision| decision.point(threshold)).collect();
        let cells = points.iter().map(|point| point.precision).chain(points.iter().map(|point| point.recall));
        let cells: String = cells.map(|one| format!("{:<17}", proportion(one))).collect();
        format!("{threshold:.2}{}   {cells}", if is_used(threshold) { "*" } else { " " })
    };
    let lines = header.chain(thresholds.into_iter().map(row)).map(|line| line.trim_end().to_owned() + "\n");
    "Reviewed stretches at each threshold (* in use):\n".to_owned() + &lines.collect::<String>()
}

/// `0.73 (0.64-0.80)`
fn proportion(proportion: Proportion) -> String {
    let value = proportion.value().map(|value| Estimate { value, interval: proportion.interval() });
    estimate(value)
}

fn estimate(estimate: Option<Estimate>) -> String {
    match estimate {
        None => "-".to_owned(),
        Some(Estimate { value, interval: None }) => format!("{value:.2}"),
        Some(Estimate { value, interval: Some((low, high)) }) => format!("{value:.2} ({low:.2}-{high:.2})"),
    }
}

/// `+0.06 (-0.01 to +0.10)`
fn signed(Estimate { value, interval }: Estimate) -> String {
    let interval = interval.map(|(low, high)| format!(" ({low:+.2} to {high:+.2})"));
    format!("{value:+.2}{}", interval.unwrap_or_default())
}

/// Lines of at most 80 characters.
fn wrapped(text: &str) -> String {
    let mut lines = String::new();
    for paragraph in text.lines() {
        let mut length = 0;
        for word in paragraph.split(' ') {
            let is_first = length == 0;
            if !is_first && length + 1 + word.chars().count() > 80 {
                lines.push('\n');
                length = 0;
            } else if !is_first {
                lines.push(' ');
                length += 1;
            }
            lines += word;
            length += word.chars().count();
        }
        lines.push('\n');
    }
    lines
}

const _: () = assert!(NAMES.len() == CRITERIA.len() + 1);
