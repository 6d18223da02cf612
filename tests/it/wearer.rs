//! A simulated wearer: the same people laugh and the same sounds are taken for laughs, day after day. What was confirmed
//! and rejected on some days must help on others, and the guard rails of docs/personal.md must hold.
//!
//! Clips are few, so that each is cut in two: the days that are reviewed have the first halves, the days that are judged
//! the second ones, all of them a little faster or slower, over other backgrounds. No sample is in both. Speech, music,
//! hiss or a crowd is under and between them. Each scene of a day is a recording of its own, as of a recorder that starts when it
//! detects sound. A demonstration, not a measurement: nothing is tuned on these days. `cargo test --test it wearer:: --
//! --nocapture` prints the table.

use std::path::Path;
use std::sync::OnceLock;

use giggles::detect::detections;
use giggles::domain::{
    Analyzed, Candidate, DetectionParameters, Embedding, Evidence, Outcome, Recording, Review, ReviewedSpan, Status,
    Verdict,
};
use giggles::evaluate::measures::{Criterion, Span, Tally, iou};
use giggles::model::ModelFile;
use giggles::personal::PersonalModel;
use giggles::pipeline::Analyzer;
use giggles::pool::Pool;
use giggles::redetect::personal_model;
use giggles::stop::Stop;
use giggles::store::{ReviewReset, open};
use jiff::Timestamp;
use yamnet::{Cpu, Model};

use crate::support::day::{Day, Dice, RATE, Sounds, audible, clip};
use crate::support::homes::{Home, InSqlite};
use crate::support::past_runs::{past_run, recording, reviewed_span};
use crate::support::wav;

const LAUGHS: [&str; 4] =
    ["laugh_male_scratch2", "laugh_female_evil_275652", "laugh_female_scratch", "laugh_male_scratch3"];
const CONFUSIONS: [&str; 4] = ["cry_baby_scratch", "singing_child_scratch", "cough_male_scratch", "crow_cc0"];

/// Seeds of the days.
const REVIEWED: std::ops::Range<u64> = 100..106;
const JUDGED: std::ops::Range<u64> = 200..204;
/// Seconds of a slot, of which a scene has five.
const SLOT: usize = 7;
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

/// A scene after the network.
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

fn scored(scorer: &Model, folder: &Path, (day, number, scene): &(u64, usize, Day)) -> Scored {
    let path = folder.join(format!("{day}_{number}.wav"));
    wav::write(&path, [&scene.samples[..]].into_iter());
    let (stop, parameters) = (Stop::default(), DetectionParameters::default());
    let analyzer =
        Analyzer { scorer, parameters: &parameters, personal: None, ffmpeg: None, stop: &stop, advanced: &|_| () };
    let analyzed = analyzer.analyze(&path, None).unwrap();
    Scored { analyzed, laughs: scene.laughs.iter().map(|laugh| (laugh.start, laugh.end)).collect() }
}

/// The scenes of the reviewed and of the judged days, analyzed once for all tests.
fn days() -> &'static (Vec<Scored>, Vec<Scored>) {
    static DAYS: OnceLock<(Vec<Scored>, Vec<Scored>)> = OnceLock::new();
    DAYS.get_or_init(|| {
        let scorer = ModelFile::embedded().load(Cpu::detect()).unwrap().yamnet;
        let (pool, folder) = (Pool::new(0).unwrap(), tempfile::tempdir().unwrap());
        let scenes = |seed: u64| {
            let is_judged = JUDGED.contains(&seed);
            let sounds = Sounds {
                laugh: &|dice: &mut Dice| half(&LAUGHS, is_judged, dice),
                other: &|dice: &mut Dice| half(&CONFUSIONS, is_judged, dice),
            };
            Day::scenes(seed, &sounds, SLOT)
                .into_iter()
                .enumerate()
                .map(|(number, scene)| (seed, number, scene))
                .collect()
        };
        let scenes: Vec<(u64, usize, Day)> =
            REVIEWED.chain(JUDGED).flat_map(|seed| -> Vec<_> { scenes(seed) }).collect();
        let reviewed = scenes.iter().filter(|(seed, ..)| REVIEWED.contains(seed)).count();
        let work = |scene: &(u64, usize, Day)| scored(&scorer, folder.path(), scene);
        let mut days = pool.map(&scenes, |_| 0, work, |(seed, number, _), panic| panic!("{seed}, {number}: {panic}"));
        let judged = days.split_off(reviewed);
        (days, judged)
    })
}

/// All candidates of the reviewed days with what the wearer says of them.
fn evidence() -> Evidence {
    let scenes = || days().0.iter();
    let reviews =
        scenes().flat_map(|scene| scene.candidates().map(|(one, embedding)| (scene.verdict(one), embedding.clone())));
    Evidence {
        reviews: reviews.zip(1..).map(|((verdict, embedding), id)| (id, verdict, embedding)).collect(),
        reference: scenes().flat_map(|scene| scene.candidates().map(|(_, embedding)| embedding.clone())).collect(),
    }
}

fn flipped(verdict: Verdict) -> Verdict {
    if verdict == Verdict::Confirmed { Verdict::Rejected } else { Verdict::Confirmed }
}

/// The judged days by overlap, as docs/detection.md counts.
fn tally(model: Option<&PersonalModel>, name: &str) -> Tally {
    let mut tally = Tally::default();
    for scene in &days().1 {
        tally.add(Criterion::Iou(0.3).tally(&scene.laughs, &scene.detections(model)));
    }
    println!("| {name} | {} | {} | {} | {:.3} |", tally.found, tally.missed, tally.extra, tally.f1().unwrap());
    tally
}

fn f1(model: Option<&PersonalModel>, name: &str) -> f64 {
    tally(model, name).f1().unwrap()
}

#[test]
fn reviews_of_some_days_raise_f1_on_others() {
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
    println!("without {without:.3}, with reviews {right:.3}, one in ten wrong {wrong:.3}");
    assert!(wrong - without >= (right - without) / 2.0, "{without}, {right}, with wrong ones {wrong}");
}

#[test]
fn fewer_than_thirty_reviews_change_nothing() {
    let (all, without) = (evidence(), tally(None, "without"));
    let of = |verdict: Verdict| all.reviews.iter().filter(move |review| review.1 == verdict).cloned();
    let with = |confirmed: usize, rejected: usize| {
        let reviews = of(Verdict::Confirmed).take(confirmed).chain(of(Verdict::Rejected).take(rejected)).collect();
        let model = PersonalModel::new(&Evidence { reviews, reference: all.reference.clone() });
        (model.is_some(), tally(model.as_ref(), &format!("{confirmed} confirmed, {rejected} rejected")))
    };
    assert_eq!(with(0, 0), (false, without));
    assert_eq!(with(19, 10), (false, without), "29 reviews");
    assert_eq!(with(30, 9), (false, without), "9 of a verdict");
    assert!(with(20, 10).0);
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

/// Somebody wore the recorder before, to whom laughs are what the wearer takes for other sounds, and the reverse.
#[test]
fn after_a_reset_the_reviews_of_another_person_do_not_count() {
    let home = InSqlite::new();
    let mut store = open(&home.location()).unwrap();
    let (before, after): (Timestamp, Timestamp) =
        ("2025-11-01T08:00:00Z".parse().unwrap(), "2025-12-01T08:00:00Z".parse().unwrap());
    let recordings: Vec<Recording> = (0..days().0.len() as u8).map(|i| recording(&format!("{i}.wav"), i)).collect();
    let mut run = past_run("neil").build();
    let outcome = |(recording, scene): (&Recording, &Scored)| {
        let status = Status::Analyzed(Box::new(scene.analyzed.clone()));
        Outcome { recording: recording.clone(), status }
    };
    run.outcomes = recordings.iter().zip(&days().0).map(outcome).collect();
    store.save(&run).unwrap();
    let reviews = |is_wearer: bool, at: Timestamp| -> Vec<ReviewedSpan> {
        let scenes = recordings.iter().zip(&days().0);
        let spans = scenes.flat_map(|(recording, scene)| {
            scene.candidates().map(move |(one, _)| {
                let verdict = if is_wearer { scene.verdict(one) } else { flipped(scene.verdict(one)) };
                let review = Review { verdict: Some(verdict), comment: None, favourite: false, at };
                reviewed_span(recording, (one.start(), one.end()), review)
            })
        });
        spans.collect()
    };
    let without = f1(None, "without");
    store.save_reviews(&reviews(false, before), false).unwrap();
    let others = f1(personal_model(store.as_mut(), "neil", true).unwrap().as_ref(), "reviews of another person");
    assert!(others < without, "{without} to {others}: the verdicts of another person harm");
    let reset = ReviewReset { source: Some("neil".into()), before: Some(after), is_personal: false, dry_run: false };
    store.reset_reviews(&reset).unwrap();
    assert!(personal_model(store.as_mut(), "neil", true).unwrap().is_none());
    store.save_reviews(&reviews(true, after), false).unwrap();
    let own = f1(personal_model(store.as_mut(), "neil", true).unwrap().as_ref(), "after the reset, own reviews");
    assert_eq!(own, f1(PersonalModel::new(&evidence()).as_ref(), "with reviews"));
}
