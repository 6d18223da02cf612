//! A simulated wearer: the same people laugh and the same sounds are taken for laughs, day after day. What was confirmed
//! and rejected on some days must help on others, and the guard rails of docs/personal.md must hold.
//!
//! Clips are few, so that each is cut in two: the days that are reviewed have the first halves, the days that are judged
//! the second ones, all of them a little faster or slower, over other backgrounds. No sample is in both. A demonstration,
//! not a measurement: nothing is tuned on these days. `cargo test --test it wearer:: -- --nocapture` prints the table.

use std::sync::OnceLock;

use giggles::detect::detections;
use giggles::domain::{Analyzed, Candidate, DetectionParameters, Embedding, Evidence, Verdict};
use giggles::evaluate::measures::{Criterion, Span, Tally, iou};
use giggles::model::ModelFile;
use giggles::personal::PersonalModel;
use giggles::pipeline::Analyzer;
use giggles::pool::Pool;
use giggles::stop::Stop;
use yamnet::Cpu;

use crate::support::awake::Awake;
use crate::support::day::{Day, Dice, RATE, Sounds, audible, clip};
use crate::support::wav;

const LAUGHS: [&str; 4] =
    ["laugh_male_scratch2", "laugh_female_evil_275652", "laugh_female_scratch", "laugh_male_scratch3"];
const CONFUSIONS: [&str; 4] = ["cry_baby_scratch", "singing_child_scratch", "cough_male_scratch", "crow_cc0"];

/// Seeds of the days.
const REVIEWED: std::ops::Range<u64> = 100..108;
const JUDGED: std::ops::Range<u64> = 200..205;
/// Digital silence after each minute: what is kept of an hour is bounded. It costs nothing, see [`Awake`].
const SILENCE: usize = 180;
/// A half is repeated until it is as long as this.
const SHORTEST: usize = 2 * RATE;
/// Faster or slower by at most this.
const SPEEDS: (f64, f64) = (0.94, 1.06);

/// A half of a clip at a random speed.
fn half(names: &[&'static str], is_second: bool, dice: &mut Dice) -> Vec<f32> {
    let whole = audible(&clip(dice.one_of(names)));
    let speed = dice.between(SPEEDS);
    let half = if is_second { &whole[whole.len() / 2..] } else { &whole[..whole.len() / 2] };
    let at = |i: usize| {
        let position = i as f64 * speed;
        let (before, part) = (position as usize, position.fract() as f32);
        half[before] * (1.0 - part) + half[(before + 1).min(half.len() - 1)] * part
    };
    let once: Vec<f32> = (0..(half.len() as f64 / speed) as usize).map(at).collect();
    once.repeat(SHORTEST.div_ceil(once.len()))
}

/// A day after the network.
struct Scored {
    analyzed: Analyzed,
    laughs: Vec<Span>,
}

impl Scored {
    fn candidates(&self) -> impl Iterator<Item = (&Candidate, &Embedding)> {
        self.analyzed.candidates.iter().filter_map(|candidate| Some((candidate, candidate.embedding.as_ref()?)))
    }

    /// What the wearer would say of a candidate.
    fn verdict(&self, candidate: &Candidate) -> Verdict {
        let span = (candidate.start().as_secs_f64(), candidate.end().as_secs_f64());
        let is_laugh = self.laughs.iter().any(|laugh| iou(*laugh, span) > 0.0);
        if is_laugh { Verdict::Confirmed } else { Verdict::Rejected }
    }

    /// The detections with a model.
    fn detections(&self, model: Option<&PersonalModel>) -> Vec<Span> {
        let mut candidates = self.analyzed.candidates.clone();
        for candidate in &mut candidates {
            candidate.personal = model.zip(candidate.embedding.as_ref()).map(|(model, e)| model.score(e));
        }
        let parameters = DetectionParameters::default();
        let found = detections(&self.analyzed.track, &candidates, self.analyzed.audio, &parameters);
        found.iter().map(|one| (one.start.as_secs_f64(), one.end.as_secs_f64())).collect()
    }
}

fn scored(scorer: &Awake, seed: u64, is_judged: bool) -> Scored {
    let sounds = Sounds {
        laugh: &|dice: &mut Dice| half(&LAUGHS, is_judged, dice),
        other: &|dice: &mut Dice| half(&CONFUSIONS, is_judged, dice),
    };
    let day = Day::mix(seed, &sounds, SILENCE);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("day.wav");
    wav::write(&path, [&day.samples[..]].into_iter());
    let (stop, parameters) = (Stop::default(), DetectionParameters::default());
    let analyzer =
        Analyzer { scorer, parameters: &parameters, personal: None, ffmpeg: None, stop: &stop, advanced: &|_| () };
    let analyzed = analyzer.analyze(&path, None).unwrap();
    Scored { analyzed, laughs: day.laughs.iter().map(|laugh| (laugh.start, laugh.end)).collect() }
}

/// The reviewed and the judged days, analyzed once for all tests.
fn days() -> &'static (Vec<Scored>, Vec<Scored>) {
    static DAYS: OnceLock<(Vec<Scored>, Vec<Scored>)> = OnceLock::new();
    DAYS.get_or_init(|| {
        let model = ModelFile::embedded().load(Cpu::detect()).unwrap().yamnet;
        let scorer = Awake::new(&model);
        let seeds: Vec<(u64, bool)> =
            REVIEWED.map(|seed| (seed, false)).chain(JUDGED.map(|seed| (seed, true))).collect();
        let work = |&(seed, is_judged): &(u64, bool)| scored(&scorer, seed, is_judged);
        let mut days = Pool::new(0).unwrap().map(&seeds, |_| 0, work, |seed, panic| panic!("day {seed:?}: {panic}"));
        let judged = days.split_off(REVIEWED.count());
        (days, judged)
    })
}

/// All candidates of the reviewed days with what the wearer says of them.
fn evidence() -> Evidence {
    let days = || days().0.iter();
    let reviews = days().flat_map(|day| day.candidates().map(|(one, embedding)| (day.verdict(one), embedding.clone())));
    Evidence {
        reviews: reviews.zip(1..).map(|((verdict, embedding), id)| (id, verdict, embedding)).collect(),
        reference: days().flat_map(|day| day.candidates().map(|(_, embedding)| embedding.clone())).collect(),
    }
}

fn flipped(verdict: Verdict) -> Verdict {
    if verdict == Verdict::Confirmed { Verdict::Rejected } else { Verdict::Confirmed }
}

/// The judged days by overlap, as docs/detection.md counts.
fn tally(model: Option<&PersonalModel>, name: &str) -> Tally {
    let mut tally = Tally::default();
    for day in &days().1 {
        tally.add(Criterion::Iou(0.3).tally(&day.laughs, &day.detections(model)));
    }
    println!("| {name} | {} | {} | {} | {:.3} |", tally.found, tally.missed, tally.extra, tally.f1().unwrap());
    tally
}

fn f1(model: Option<&PersonalModel>, name: &str) -> f64 {
    tally(model, name).f1().unwrap()
}

#[test]
fn reviews_of_some_days_raise_f1_on_others() {
    for day in &days().1 {
        let one = |(candidate, _): (&Candidate, _)| (day.verdict(candidate) == Verdict::Confirmed, candidate.peak_v);
        println!("{:?}", day.candidates().map(one).collect::<Vec<_>>());
    }
    let evidence = evidence();
    let confirmed = evidence.reviews.iter().filter(|(_, verdict, _)| *verdict == Verdict::Confirmed).count();
    println!("{confirmed} confirmed, {} rejected", evidence.reviews.len() - confirmed);
    let model = PersonalModel::new(&evidence).unwrap();
    let (without, with) = (f1(None, "without"), f1(Some(&model), "with reviews"));
    assert!(with > without, "{without} to {with}");
}

/// Each verdict is wrong in one of ten turns; the mean of the turns counts.
#[test]
fn one_wrong_verdict_in_ten_costs_at_most_half_the_gain() {
    let (without, right) = (f1(None, "without"), f1(PersonalModel::new(&evidence()).as_ref(), "with reviews"));
    let turn = |first: usize| {
        let mut evidence = evidence();
        evidence.reviews.iter_mut().skip(first).step_by(10).for_each(|review| review.1 = flipped(review.1));
        f1(PersonalModel::new(&evidence).as_ref(), "one in ten wrong")
    };
    let wrong = (0..10).map(turn).sum::<f64>() / 10.0;
    assert!(wrong - without >= (right - without) / 2.0, "{without}, {right}, with wrong ones {wrong}");
}

#[test]
fn too_few_reviews_change_nothing() {
    let mut evidence = evidence();
    evidence.reviews.truncate(29);
    assert!(PersonalModel::new(&evidence).is_none());
    evidence.reviews.clear();
    assert!(PersonalModel::new(&evidence).is_none());
}

#[test]
fn a_thousand_identical_verdicts_neither_silence_nor_open_the_days() {
    let usual = tally(PersonalModel::new(&evidence()).as_ref(), "with reviews");
    for verdict in [Verdict::Confirmed, Verdict::Rejected] {
        let mut evidence = evidence();
        let (_, _, embedding) = evidence.reviews.iter().find(|review| review.1 == verdict).unwrap().clone();
        evidence.reviews.extend((0..1000).map(|i| (10_000 + i, verdict, embedding.clone())));
        let model = PersonalModel::new(&evidence);
        let tally = tally(model.as_ref(), &format!("and a thousand times the same {}", verdict.as_str()));
        assert!(tally.found * 2 >= usual.found, "{tally:?}");
        assert!(tally.extra <= usual.extra + usual.found / 2, "{tally:?}");
    }
}
