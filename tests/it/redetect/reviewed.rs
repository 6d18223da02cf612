//! With reviews and a personal score: after any scans, reviews and redetects, the rows are those of a fresh scan under the
//! same settings and reviews, on both databases.
//!
//! Recordings are WAV files that go through the whole pipeline; only the network is substituted, by one that reads its
//! outputs from the samples. So a case takes milliseconds, and any track and any sound can be made.

use std::path::{Path, PathBuf};

use giggles::pipeline::{Analyzer, Scorer};
use giggles::redetect::personal_model;
use giggles::store::{ReviewReset, Store};
use proptest::test_runner::{RngAlgorithm, TestRng};
use yamnet::Outputs;
use yamnet::params::{EMBEDDING_SIZE, NUM_CLASSES, PATCH_HOP_SAMPLES, PATCH_SAMPLES};

use super::*;
use crate::support::past_runs::reviewed_span;
use crate::support::wav;

/// Where in a patch its laughter logit and its sound are written; no other patch has its own there.
const LOGIT: usize = PATCH_HOP_SAMPLES;
const SOUND: usize = PATCH_HOP_SAMPLES + 1;
/// Steps of a logit, and of a sound, in what a 16-bit sample holds.
const STEP: f32 = 1.0 / 32_768.0;
const LOGIT_STEPS: f32 = 1000.0;
/// v of a patch with this laughter logit and no other human sound is 4.5 more.
const QUIET: f32 = -10.0;
/// Sounds of these numbers are laughs to the person who reviews.
const LAUGHS: u16 = 3;
const KINDS: u16 = 6;

/// Reads outputs from samples.
struct Marks;

impl Scorer for Marks {
    fn logits(&self, samples: &[f32]) -> Vec<f32> {
        self.outputs(samples).logits
    }

    fn outputs(&self, samples: &[f32]) -> Outputs {
        let patches = (samples.len() - PATCH_SAMPLES) / PATCH_HOP_SAMPLES + 1;
        let (mut logits, mut embeddings) = (Vec::new(), Vec::new());
        for patch in 0..patches {
            let at = |place: usize| samples[patch * PATCH_HOP_SAMPLES + place] / STEP;
            let (logit, sound) = (at(LOGIT) / LOGIT_STEPS, at(SOUND) as usize);
            logits.extend((0..NUM_CLASSES).map(|class| match class {
                13..=18 => logit - ((class + sound) % 6) as f32 / 4.0,
                _ => QUIET,
            }));
            embeddings.extend(embedding_of(sound));
        }
        Outputs { logits, embeddings }
    }
}

/// Sounds of a kind resemble each other.
fn embedding_of(sound: usize) -> [f32; EMBEDDING_SIZE] {
    let (kind, variant) = (sound % KINDS as usize, sound / KINDS as usize);
    std::array::from_fn(|i| {
        let own = ((i * 31 + variant * 17) % 97) as f32 / 97.0;
        if i % KINDS as usize == kind { 2.0 + own } else { own / 2.0 }
    })
}

/// A sound: patches of silence before it, its number, and the laughter logit of each of its patches.
type Sound = (usize, u16, Vec<f32>);

/// The sounds of a recording.
type Sounds = Vec<Sound>;

fn any_recording() -> impl Strategy<Value = Sounds> {
    let sound = (3_usize..6, 0_u16..KINDS * 20, proptest::collection::vec(-4.5_f32..0.0, 1..4));
    proptest::collection::vec(sound, 4..7)
}

/// What happens between the first scan and the last decision.
#[derive(Debug, Clone)]
enum Step {
    /// The person reviews each sound with this chance, in percent, and errs with the other.
    Review(u8, u8, u64),
    Scan(DetectionParameters),
    Redetect(DetectionParameters),
    /// The reviews do not count any more.
    Reset,
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (30_u8..100, 0_u8..20, any::<u64>()).prop_map(|(share, wrong, seed)| Step::Review(share, wrong, seed)),
        2 => any_decision(0.8).prop_map(Step::Scan),
        3 => any_decision(0.8).prop_map(Step::Redetect),
        1 => Just(Step::Reset),
    ]
}

/// Without what the substitute has no outputs for. `personal`: how often reviews count.
fn any_decision(personal: f64) -> impl Strategy<Value = DetectionParameters> {
    let parameters = (any_parameters(), proptest::bool::weighted(personal));
    parameters.prop_map(|(usual, personal)| DetectionParameters { normalize: false, views: 1, personal, ..usual })
}

/// Recordings of one source on disk, and the database that they are scanned into.
struct Wearer<'a, H> {
    home: &'a H,
    recordings: Vec<(Recording, Sounds)>,
    /// Each review is later than the one before.
    reviews: i64,
}

impl<'a, H: Home> Wearer<'a, H> {
    fn new(home: &'a H, folder: &Path, recordings: Vec<Sounds>) -> Wearer<'a, H> {
        let named = |(sounds, number): (Sounds, u8)| {
            let name = format!("{number:03}.wav");
            let path = write(folder, &name, &sounds);
            let started = at(&format!("2025-10-{:02}T{:02}:00:00Z", number / 24 + 1, number % 24));
            (Recording { path, started, ..recording(&name, number) }, sounds)
        };
        Wearer { home, recordings: recordings.into_iter().zip(0..).map(named).collect(), reviews: 0 }
    }

    fn store(&self) -> Box<dyn Store> {
        open(&self.home.location()).unwrap()
    }

    /// As `giggles scan --force`.
    fn scan(&self, parameters: &DetectionParameters) {
        let mut store = self.store();
        let personal = personal_model(store.as_mut(), "neil", parameters.personal).unwrap();
        let (stop, advanced) = (Stop::default(), |_| ());
        let analyzer = Analyzer {
            scorer: &Marks,
            parameters,
            personal: personal.as_ref(),
            ffmpeg: None,
            stop: &stop,
            advanced: &advanced,
        };
        let mut run = past_run("neil").build();
        run.analysis.parameters = parameters.clone();
        run.outcomes = self.recordings.iter().map(|(recording, _)| outcome(&analyzer, recording)).collect();
        store.save(&run).unwrap();
    }

    /// A verdict on some of the sounds.
    fn review(&mut self, share: u8, wrong: u8, seed: u64) {
        let mut numbers = Numbers(seed);
        let mut chance = |percent: u8| numbers.next() * 100.0 < f32::from(percent);
        let mut reviews = Vec::new();
        for (recording, sounds) in &self.recordings {
            let mut patch = 0;
            for (silence, number, logits) in sounds {
                let first = patch + silence;
                patch = first + logits.len();
                if chance(share) {
                    let is_laugh = (number % KINDS < LAUGHS) != chance(wrong);
                    reviews.push((recording, first, patch, is_laugh));
                }
            }
        }
        let spans: Vec<ReviewedSpan> = reviews.into_iter().map(|review| self.span(review)).collect();
        self.store().save_reviews(&spans, false).unwrap();
        self.reviews += 1;
    }

    fn span(&self, (recording, first, end, is_laugh): (&Recording, usize, usize, bool)) -> ReviewedSpan {
        let [start, end] = [first, end].map(|patch| Duration::from_millis(480 * patch as u64 + 240));
        let verdict = if is_laugh { Verdict::Confirmed } else { Verdict::Rejected };
        let at = "2025-10-26T08:00:00Z".parse::<jiff::Timestamp>().unwrap() + Duration::from_secs(self.reviews as u64);
        reviewed_span(recording, (start, end), Review { verdict: Some(verdict), comment: None, favourite: false, at })
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Review(share, wrong, seed) => self.review(*share, *wrong, *seed),
            Step::Scan(parameters) => self.scan(parameters),
            Step::Redetect(parameters) => drop(decide_anew(self.home, changes_to(parameters))),
            Step::Reset => {
                let reset = ReviewReset { source: None, before: None, is_personal: false, dry_run: false };
                self.store().reset_reviews(&reset).unwrap();
            }
        }
    }

    /// Whether the source has a personal score, and the number of embeddings that it compares with.
    fn personal(&self) -> (bool, usize) {
        let mut store = self.store();
        let is_personal = personal_model(store.as_mut(), "neil", true).unwrap().is_some();
        (is_personal, store.evidence("neil").unwrap().reference.len())
    }
}

fn write(folder: &Path, name: &str, sounds: &Sounds) -> PathBuf {
    let mut patches: Vec<(f32, u16)> = Vec::new();
    for (silence, number, logits) in sounds {
        patches.extend(std::iter::repeat_n((QUIET, 0), *silence));
        patches.extend(logits.iter().map(|logit| (*logit, *number)));
    }
    patches.extend([(QUIET, 0); 3]);
    let mut samples = vec![0.0; yamnet::samples_in_patches(patches.len())];
    for (patch, (logit, sound)) in patches.into_iter().enumerate() {
        let [logit, sound] = [(logit * LOGIT_STEPS).round(), f32::from(sound)].map(|integer| integer / 32_767.0);
        samples[patch * PATCH_HOP_SAMPLES + LOGIT] = logit;
        samples[patch * PATCH_HOP_SAMPLES + SOUND] = sound;
    }
    let path = folder.join(name);
    wav::write(&path, [&samples[..]].into_iter());
    path
}

fn outcome(analyzer: &Analyzer<'_, Marks>, recording: &Recording) -> Outcome {
    let analyzed = analyzer.analyze(&recording.path, None).unwrap();
    Outcome { recording: recording.clone(), status: Status::Analyzed(Box::new(analyzed)) }
}

/// Everything that was decided: all columns but the numbers of rows; embeddings digit by digit.
fn decided(home: &impl Home) -> Vec<String> {
    let hex = if home.url().starts_with("sqlite:") { "hex(embedding)" } else { "upper(encode(embedding, 'hex'))" };
    let candidates = format!(
        "SELECT name, first_patch, last_patch, peak_v, mean_v, class_scores, is_detected, personal, clip, {hex}
         FROM candidates JOIN recordings ON recordings.id = recording_id ORDER BY name, first_patch"
    );
    let mut all = rows(home);
    all.extend(home.ask(&candidates));
    all
}

/// What a case has seen, to know that the cases are not trivial.
#[derive(Debug, Default)]
struct Seen {
    personal: u32,
    own_statistics: u32,
    moved: u32,
}

fn equals_a_fresh_scan<H: Home>(
    new: impl Fn() -> H,
    cases: u32,
    recordings: std::ops::Range<usize>,
    personal: f64,
) -> Seen {
    let seen = std::cell::RefCell::new(Seen::default());
    let sounds = proptest::collection::vec(any_recording(), recordings);
    let last_review =
        (60_u8..100, 0_u8..20, any::<u64>()).prop_map(|(share, wrong, seed)| Step::Review(share, wrong, seed));
    let steps = (proptest::collection::vec(any_step(), 0..5), last_review)
        .prop_map(|(steps, last)| steps.into_iter().chain([last]).collect::<Vec<Step>>());
    // The same cases in every run, so that what they have seen is the same as well.
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    runner
        .run(&(sounds, any_decision(0.8), steps, any_decision(personal)), |(sounds, first, steps, last)| {
            let (home, folder) = (new(), tempfile::tempdir().unwrap());
            let mut wearer = Wearer::new(&home, folder.path(), sounds);
            wearer.scan(&first);
            steps.iter().for_each(|step| wearer.take(step));
            decide_anew(&home, changes_to(&last));
            let anew = decided(&home);
            let (is_personal, reference) = wearer.personal();
            let mut seen = seen.borrow_mut();
            seen.personal += u32::from(is_personal && last.personal);
            seen.own_statistics += u32::from(is_personal && last.personal && reference >= 200);
            seen.moved += u32::from(anew.iter().any(|row| row.contains("\"shift\"")));
            wearer.scan(&last);
            prop_assert_eq!(&decided(&home), &anew, "every recording scanned again");
            decide_anew(&home, changes_to(&last));
            prop_assert_eq!(&decided(&home), &anew, "and decided anew after it");
            if reference < 200 {
                home.execute("DELETE FROM recordings");
                wearer.scan(&last);
                prop_assert_eq!(&decided(&home), &anew, "scanned as if for the first time");
            }
            Ok(())
        })
        .unwrap();
    seen.into_inner()
}

#[test]
fn with_reviews_what_is_decided_anew_equals_a_fresh_scan_in_sqlite() {
    let seen = equals_a_fresh_scan(InSqlite::new, 12, 6..18, 0.8);
    println!("{seen:?}");
    assert!(seen.personal >= 2 && seen.moved >= 2, "{seen:?}");
}

#[test]
fn with_reviews_what_is_decided_anew_equals_a_fresh_scan_in_postgres() {
    let seen = equals_a_fresh_scan(InPostgres::new, 5, 14..18, 0.9);
    println!("{seen:?}");
    assert!(seen.personal >= 1 && seen.moved >= 1, "{seen:?}");
}

/// With 200 candidates, mean and deviation are the source's own. A recording this short keeps three.
#[test]
fn with_own_statistics_what_is_decided_anew_equals_a_fresh_scan() {
    let seen = equals_a_fresh_scan(InSqlite::new, 2, 90..94, 1.0);
    println!("{seen:?}");
    assert!(seen.own_statistics >= 1, "{seen:?}");
}
