//! The plot: precision over recall of the reviewed stretches, one line for each decision, as a file of its own.
//!
//! It needs neither fonts nor scripts, and follows the reader's light or dark setting.

use std::fmt::Write;

use super::EvaluationView;
use crate::evaluate::{Decision, Point};
use crate::text::pluralize;

/// Sizes in pixels: the drawing, and the square of the axes in it.
const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 520.0;
const LEFT: f64 = 64.0;
const TOP: f64 = 72.0;
const SIDE: f64 = 384.0;

/// Thresholds that are marked, with the names that `--threshold` has for them.
const MARKED: [(f32, &str); 3] = [(0.50, "strict"), (0.40, "normal"), (0.33, "sensitive")];

/// Contrast (WCAG 2, AA) as on the page of a report: text 4.5:1, lines 3:1, in both palettes.
const STYLE: &str = "\
:root { color-scheme: light dark; --paper: #fbf9f5; --ink: #24211d; --quiet: #675f55; --line: #ddd6ca; --with: #a4530a; --without: #8f8472; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #181613; --ink: #ece6dc; --quiet: #aea495; --line: #3a352e; --with: #f2ab55; --without: #8d8371; }
}
rect { fill: var(--paper); }
text { font: 13px system-ui, sans-serif; fill: var(--quiet); }
.title { font-size: 16px; font-weight: 600; fill: var(--ink); }
.middle { text-anchor: middle; }
.end { text-anchor: end; }
.grid { stroke: var(--line); }
.axis { stroke: var(--quiet); }
polyline { fill: none; stroke-width: 2; stroke-linejoin: round; }
.with { stroke: var(--with); }
.without { stroke: var(--without); stroke-dasharray: 6 4; }
circle.with { fill: var(--with); }
circle.without { fill: var(--paper); stroke-width: 2; stroke-dasharray: none; }";

/// The whole SVG file.
pub fn plot(view: &EvaluationView) -> String {
    let evaluation = view.evaluation;
    let (confirmed, rejected) = (evaluation.confirmed, evaluation.rejected);
    let about = format!(
        "{} on {}: {confirmed} confirmed, {rejected} rejected",
        pluralize(confirmed + rejected, "review"),
        pluralize(evaluation.days, "day")
    );
    let decisions: Vec<(&str, &str, &Decision)> = [
        ("without", "without the personal score", Some(&evaluation.without)),
        ("with", "with it, judged by other days", evaluation.with.as_ref()),
    ]
    .into_iter()
    .filter_map(|(class, name, decision)| Some((class, name, decision?)))
    .collect();
    let lines: String = decisions.iter().map(|(class, _, decision)| line(class, decision)).collect();
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" \
         role=\"img\" aria-labelledby=\"title about\">\n<title id=\"title\">Precision over recall</title>\n\
         <desc id=\"about\">{about}</desc>\n<style>\n{STYLE}\n</style>\n<rect width=\"100%\" height=\"100%\"/>\n\
         <text class=\"title\" x=\"{LEFT}\" y=\"28\">Precision over recall of reviewed stretches</text>\n\
         <text x=\"{LEFT}\" y=\"48\">{about}</text>\n{}{lines}{}</svg>\n",
        axes(),
        key(&decisions)
    )
}

fn x(recall: f64) -> f64 {
    LEFT + recall * SIDE
}

fn y(precision: f64) -> f64 {
    TOP + (1.0 - precision) * SIDE
}

fn axes() -> String {
    let mut text = String::new();
    for fifth in 0..=5 {
        let value = f64::from(fifth) / 5.0;
        let class = if fifth == 0 { "axis" } else { "grid" };
        // Writing to a string cannot fail.
        writeln!(
            text,
            "<line class=\"{class}\" x1=\"{0:.1}\" x2=\"{0:.1}\" y1=\"{1:.1}\" y2=\"{2:.1}\"/>\n\
             <line class=\"{class}\" x1=\"{3:.1}\" x2=\"{4:.1}\" y1=\"{5:.1}\" y2=\"{5:.1}\"/>\n\
             <text class=\"middle\" x=\"{0:.1}\" y=\"{6:.1}\">{value:.1}</text>\n\
             <text class=\"end\" x=\"{7:.1}\" y=\"{8:.1}\">{value:.1}</text>",
            x(value),
            y(0.0),
            y(1.0),
            x(0.0),
            x(1.0),
            y(value),
            y(0.0) + 18.0,
            x(0.0) - 8.0,
            y(value) + 4.0
        )
        .ok();
    }
    let (middle, bottom) = (x(0.5), y(0.0) + 38.0);
    writeln!(text, "<text class=\"middle\" x=\"{middle:.1}\" y=\"{bottom:.1}\">recall: of the confirmed laughs</text>")
        .ok();
    let (left, centre) = (20.0, y(0.5));
    writeln!(
        text,
        "<text class=\"middle\" transform=\"rotate(-90 {left} {centre:.1})\" x=\"{left}\" y=\"{centre:.1}\">precision: of what is \
         shown</text>"
    )
    .ok();
    text
}

/// The curve of a decision, and its marked thresholds. Where nothing is shown, precision is undefined.
fn line(class: &str, decision: &Decision) -> String {
    let place = |point: &Point| Some((x(point.recall.value()?), y(point.precision.value()?)));
    let places: Vec<String> = decision.curve.iter().filter_map(place).map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    let mark = |(threshold, name): (f32, &str)| {
        let (x, y) = place(&decision.point(threshold))?;
        let below = if class == "with" { -8.0 } else { 18.0 };
        Some(format!(
            "<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\"><title>{name} {threshold:.2}</title></circle>\n\
             <text class=\"end\" x=\"{:.1}\" y=\"{:.1}\">{name}</text>\n",
            x - 6.0,
            y + below
        ))
    };
    let marks: String = MARKED.into_iter().filter_map(mark).collect();
    format!("<polyline class=\"{class}\" points=\"{}\"/>\n{marks}", places.join(" "))
}

fn key(decisions: &[(&str, &str, &Decision)]) -> String {
    let entry = |(index, (class, name, _)): (usize, &(&str, &str, &Decision))| {
        let (left, bottom) = (x(0.0) + 12.0, y(0.0) - 34.0 + 20.0 * index as f64);
        format!(
            "<polyline class=\"{class}\" points=\"{left:.1},{0:.1} {1:.1},{0:.1}\"/>\n<text x=\"{2:.1}\" y=\"{bottom:.1}\">{name}</text>\n",
            bottom - 4.0,
            left + 28.0,
            left + 36.0
        )
    };
    decisions.iter().enumerate().map(entry).collect()
}
