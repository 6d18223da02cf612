//! What the decision gains over a plain maximum, on days made from the fixtures.
//!
//! A demonstration that anyone can run, not the measurement behind the defaults: nothing is tuned on
//! these days. `cargo test --test it sample_days:: -- --nocapture` prints the table of docs/detection.md;
//! with `GIGGLES_KEEP_DAYS=folder` the days stay there as WAV files.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::support::day::Day;
use crate::support::wav;
use giggles::domain::DetectionParameters;
use giggles::model::ModelFile;
use giggles::pipeline::Analyzer;
use giggles::pool::Pool;
use giggles::stop::Stop;
use yamnet::params::{PATCH_HOP, PATCH_WINDOW};
use yamnet::{Cpu, Model, classes, sigmoid};

const SEEDS: [u64; 3] = [20_251_024, 20_251_025, 20_251_026];
/// From and to, in seconds.
type Span = (f64, f64);

/// How well one way of deciding did, over all days.
#[derive(Debug, Default, Clone, PartialEq)]
struct Tally {
    laughs: usize,
    detections: usize,
    /// Laughs that have a detection of their own which overlaps at all, and by an IoU of 0.3.
    found: usize,
    outlined: usize,
    /// Detections that overlap no laugh.
    false_alarms: usize,
}

impl Tally {
    fn add(&mut self, laughs: &[Span], detections: &[Span]) {
        let touches = |detection: &&Span| laughs.iter().any(|laugh| iou(*laugh, **detection) > 0.0);
        self.laughs += laughs.len();
        self.detections += detections.len();
        self.found += matches(laughs, detections, f64::MIN_POSITIVE);
        self.outlined += matches(laughs, detections, 0.3);
        self.false_alarms += detections.len() - detections.iter().filter(touches).count();
    }

    fn f1(&self, hits: usize) -> f64 {
        2.0 * hits as f64 / (self.laughs + self.detections) as f64
    }

    fn print(&self, name: &str, hours: f64) {
        let [found, outlined] = [self.found, self.outlined].map(|hits| self.f1(hits));
        let [missed, extra] = [self.laughs, self.detections].map(|all| all - self.found);
        let alarms = self.false_alarms as f64 / hours;
        println!("| {name} | {} | {extra} | {missed} | {found:.2} | {outlined:.2} | {alarms:.0} |", self.found);
    }
}

/// Shared part of two spans, of what they cover together.
fn iou(a: Span, b: Span) -> f64 {
    let shared = (a.1.min(b.1) - a.0.max(b.0)).max(0.0);
    shared / (a.1.max(b.1) - a.0.min(b.0))
}

/// Laughs that get a detection each, best pairs first.
fn matches(laughs: &[Span], detections: &[Span], least: f64) -> usize {
    let pair = |(l, laugh): (usize, &Span)| {
        let of_laugh = detections.iter().enumerate();
        of_laugh.map(|(d, detection)| (iou(*laugh, *detection), l, d)).collect::<Vec<_>>()
    };
    let mut pairs: Vec<(f64, usize, usize)> = laughs.iter().enumerate().flat_map(pair).collect();
    pairs.retain(|(iou, ..)| *iou >= least);
    pairs.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut laughs, mut detections) = (vec![false; laughs.len()], vec![false; detections.len()]);
    for (_, l, d) in pairs {
        if !laughs[l] && !detections[d] {
            (laughs[l], detections[d]) = (true, true);
        }
    }
    laughs.into_iter().filter(|matched| *matched).count()
}

/// What each way of deciding finds in a recording.
#[derive(Debug, Clone, PartialEq)]
struct Found {
    decision: Vec<Span>,
    one_view: Vec<Span>,
    over_03: Vec<Span>,
    over_01: Vec<Span>,
}

fn analyze(model: &Model, path: &Path) -> Found {
    let (stop, parameters) = (Stop::default(), DetectionParameters::default());
    let one_view = DetectionParameters { views: 1, ..DetectionParameters::default() };
    let unnormalized = DetectionParameters { normalize: false, ..DetectionParameters::default() };
    let analyzer = |parameters| Analyzer {
        scorer: model,
        parameters,
        personal: None,
        ffmpeg: None,
        stop: &stop,
        advanced: &|_| (),
    };
    let seconds = |detection: &giggles::domain::Detection| (detection.start.as_secs_f64(), detection.end.as_secs_f64());
    let detections = |parameters| -> Vec<Span> {
        analyzer(parameters).analyze(path, None).unwrap().detections.iter().map(seconds).collect()
    };
    let loudest = loudest(&analyzer(&unnormalized), path);
    Found {
        decision: detections(&parameters),
        one_view: detections(&one_view),
        over_03: plain(&loudest, 0.3),
        over_01: plain(&loudest, 0.1),
    }
}

/// The highest raw score of any laughter class, a patch.
fn loudest(analyzer: &Analyzer<Model>, path: &Path) -> Vec<f32> {
    let mut loudest = Vec::new();
    analyzer
        .each_patch(path, |logits| {
            let laughter = logits[classes::LAUGHTER].iter().copied();
            loudest.push(sigmoid(laughter.fold(f32::NEG_INFINITY, f32::max)));
            ControlFlow::Continue(())
        })
        .unwrap();
    loudest
}

/// The plain maximum: every patch over the threshold, neighbours as one.
fn plain(loudest: &[f32], threshold: f32) -> Vec<Span> {
    let (mut spans, mut patch) = (Vec::new(), 0);
    for run in loudest.chunk_by(|a, b| (*a > threshold) == (*b > threshold)) {
        let [hop, length] = [PATCH_HOP, PATCH_WINDOW].map(|duration| duration.as_secs_f64());
        let start = patch as f64 * hop;
        if run[0] > threshold {
            spans.push((start, start + (run.len() - 1) as f64 * hop + length));
        }
        patch += run.len();
    }
    spans
}

/// Builds, writes and analyzes a day.
fn day(model: &Model, folder: &Path, seed: u64) -> (Day, Found) {
    let day = Day::build(seed);
    let path = folder.join(format!("day_{seed}.wav"));
    wav::write(&path, [&day.samples[..]].into_iter());
    let found = analyze(model, &path);
    (day, found)
}

/// All days, analyzed once for all tests, over all cores.
fn days() -> &'static [(Day, Found)] {
    static DAYS: OnceLock<Vec<(Day, Found)>> = OnceLock::new();
    DAYS.get_or_init(|| {
        let temporary = tempfile::tempdir().unwrap();
        let folder = std::env::var_os("GIGGLES_KEEP_DAYS").map_or(temporary.path().to_owned(), PathBuf::from);
        let (model, pool) = (model(), Pool::new(0).unwrap());
        let work = |seed: &u64| day(&model, &folder, *seed);
        pool.map(&SEEDS, |_| 0, work, |seed, panic| panic!("day {seed}: {panic}"))
    })
}

fn model() -> Model {
    ModelFile::embedded().load(Cpu::detect()).unwrap().yamnet
}

fn tally(spans: impl Fn(&Found) -> &[Span]) -> Tally {
    let mut tally = Tally::default();
    for (day, found) in days() {
        let laughs: Vec<Span> = day.laughs.iter().map(|laugh| (laugh.start, laugh.end)).collect();
        tally.add(&laughs, spans(found));
    }
    tally
}

#[test]
fn the_decision_outlines_laughs_better_than_a_plain_maximum() {
    let samples: usize = days().iter().map(|(day, _)| day.samples.len()).sum();
    let hours = samples as f64 / 16_000.0 / 3600.0;
    let decision = tally(|found| &found.decision);
    let one_view = tally(|found| &found.one_view);
    let over_03 = tally(|found| &found.over_03);
    let over_01 = tally(|found| &found.over_01);
    println!(
        "| decision | found | extra | missed | F1 | F1 at IoU 0.3 | false alarms/h |\n|---|---|---|---|---|---|---|"
    );
    over_03.print("plain maximum over 0.3", hours);
    over_01.print("plain maximum over 0.1", hours);
    one_view.print("giggles, --views 1", hours);
    decision.print("giggles' default", hours);
    for (day, found) in days() {
        describe(day, found);
    }
    assert!(decision.f1(decision.outlined) > over_03.f1(over_03.outlined));
    assert!(decision.f1(decision.outlined) > over_01.f1(over_01.outlined));
}

/// Says of each laugh whether the decision found it.
fn describe(day: &Day, found: &Found) {
    for laugh in &day.laughs {
        let span = (laugh.start, laugh.end);
        let best = found.decision.iter().map(|detection| iou(span, *detection)).fold(0.0, f64::max);
        println!("{:7.2}-{:7.2} s  {:4.1} dB over {:17} IoU {best:.2}", span.0, span.1, laugh.snr, laugh.over);
    }
}

#[test]
fn a_day_is_the_same_every_time() {
    let (first, second) = (Day::build(1), Day::build(1));
    assert_eq!(first, second);
    assert_ne!(first.samples, Day::build(2).samples);
    assert_eq!((first.samples.len(), first.laughs.len()), (5 * 60 * 16_000, 10));
    assert!(first.laughs.is_sorted_by(|a, b| a.end <= b.start), "laughs are apart");
    assert!(first.samples.iter().all(|sample| sample.abs() <= 1.0));
}

#[test]
fn a_day_analyzed_alone_is_analyzed_as_among_others() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(day(&model(), folder.path(), SEEDS[0]), days()[0]);
}

#[test]
fn matching_is_one_to_one() {
    let laughs = [(1.0, 3.0), (5.0, 7.0)];
    let detections = [(1.0, 2.0), (2.0, 3.0), (6.9, 9.0), (20.0, 21.0)];
    let mut tally = Tally::default();
    tally.add(&laughs, &detections);
    assert_eq!((tally.found, tally.outlined, tally.false_alarms), (2, 1, 1));
}

#[test]
fn neighbouring_patches_are_one_detection() {
    assert_eq!(plain(&[0.1, 0.5, 0.5, 0.0, 0.5], 0.3), [(0.48, 1.92), (1.92, 2.88)]);
}
