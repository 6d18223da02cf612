//! Sample days: laughs at known places and known loudness, mixed in memory from fixtures/clips.
//!
//! A day is five scenes of five slots, a minute each. Each scene has a background at a level of its own, so that quiet
//! stretches exist, and five slots: two hold a laugh, two another human (or animal) sound that is
//! taken for one, one holds nothing. All is drawn from the seed: the same seed gives the same samples.
//!
//! The party of the fixtures is left out, since nobody has written down the laughs in it; the crowd
//! here is many voices at once.

use std::collections::BTreeMap;
use std::sync::Mutex;

use super::audio;

pub const RATE: usize = 16_000;
/// Seconds of a slot of a scene.
const SLOT: usize = 12;
/// RMS of a background, dBFS.
const LEVELS: (f64, f64) = (-50.0, -30.0);
/// RMS of a laugh or another sound above its background, dB.
const SNRS: (f64, f64) = (0.0, 20.0);
/// What is this far below a sound's loudest moment belongs to it no more, dB.
const AUDIBLE: f64 = 30.0;

/// Clips, and the seconds of each that hold one laugh.
const LAUGHS: [(&str, f64, f64); 8] = [
    ("laugh_female_269478", 0.0, 4.0),
    ("laugh_female_269478", 4.0, 10.6),
    ("laugh_female_evil_219778", 0.6, 2.6),
    ("laugh_female_evil_275652", 0.4, 3.1),
    ("laugh_female_scratch", 0.0, 9.0),
    ("laugh_male_scratch1", 0.0, 9.0),
    ("laugh_male_scratch2", 0.0, 9.0),
    ("laugh_male_scratch3", 0.0, 9.0),
];

const OTHERS: [&str; 8] = [
    "burp_cc0",
    "choir_cc0",
    "cough_male_scratch",
    "crow_cc0",
    "cry_baby_scratch",
    "singing_child_scratch",
    "singing_opera_scratch",
    "sneeze_male_scratch",
];

/// So many samples of it.
type Background = fn(&mut Dice, usize) -> Vec<f32>;

const SCENES: [(&str, Background); 5] =
    [("speech", speech), ("music", music), ("hiss", hiss), ("crowd", crowd), ("speech and music", speech_and_music)];

/// Where a laugh is, in seconds, how far above its background, and over what.
#[derive(Debug, Clone, PartialEq)]
pub struct Laugh {
    pub start: f64,
    pub end: f64,
    pub snr: f64,
    pub over: &'static str,
}

/// A recording at 16 kHz mono and the laughs in it, in order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Day {
    pub samples: Vec<f32>,
    pub laughs: Vec<Laugh>,
}

/// What is mixed into a day: draws a laugh, and another sound.
pub struct Sounds<'a> {
    pub laugh: &'a dyn Fn(&mut Dice) -> Vec<f32>,
    pub other: &'a dyn Fn(&mut Dice) -> Vec<f32>,
}

/// Any of the fixtures.
pub const SAMPLE_DAYS: Sounds = Sounds { laugh: &any_laugh, other: &any_other };

impl Day {
    pub fn build(seed: u64) -> Day {
        Day::mix(seed, &SAMPLE_DAYS, 0)
    }

    /// With so many seconds of digital silence after each scene.
    pub fn mix(seed: u64, sounds: &Sounds, silence: usize) -> Day {
        let mut day = Day::default();
        for scene in Day::scenes(seed, sounds, SLOT) {
            let before = day.samples.len() as f64 / RATE as f64;
            let later = |laugh: Laugh| Laugh { start: before + laugh.start, end: before + laugh.end, ..laugh };
            day.laughs.extend(scene.laughs.into_iter().map(later));
            day.samples.extend(scene.samples);
            day.samples.resize(day.samples.len() + silence * RATE, 0.0);
        }
        day
    }

    /// Each scene as a recording, with slots of so many seconds.
    pub fn scenes(seed: u64, sounds: &Sounds, slot: usize) -> Vec<Day> {
        let mut dice = Dice(seed);
        let order = dice.shuffled(&SCENES);
        let scene = |(over, background): (&'static str, Background)| {
            let level = dice.between(LEVELS);
            let background = at_level(background(&mut dice, slot * SLOTS.len() * RATE), level);
            let mut scene = Day { samples: background, laughs: Vec::new() };
            scene.fill(over, level, sounds, slot, &mut dice);
            scene.samples.iter_mut().for_each(|sample| *sample = sample.clamp(-1.0, 1.0));
            scene
        };
        order.into_iter().map(scene).collect()
    }

    fn fill(&mut self, over: &'static str, level: f64, sounds: &Sounds, slot: usize, dice: &mut Dice) {
        for (number, holds) in dice.shuffled(&SLOTS).into_iter().enumerate() {
            let (sound, snr) = (holds.draw(sounds, dice), dice.between(SNRS));
            let sound = at_level(sound, level + snr);
            let free = slot * RATE - sound.len();
            let at = number * slot * RATE + (dice.between((0.0, 1.0)) * free as f64) as usize;
            let place = self.samples[at..].iter_mut();
            place.zip(&sound).for_each(|(sample, added)| *sample += added);
            if matches!(holds, Holds::Laugh) {
                let (start, end) = (at as f64 / RATE as f64, (at + sound.len()) as f64 / RATE as f64);
                self.laughs.push(Laugh { start, end, snr, over });
            }
        }
    }
}

/// What a slot of a scene holds.
#[derive(Clone, Copy)]
enum Holds {
    Laugh,
    Other,
    Nothing,
}

const SLOTS: [Holds; 5] = [Holds::Laugh, Holds::Laugh, Holds::Other, Holds::Other, Holds::Nothing];

impl Holds {
    fn draw(self, sounds: &Sounds, dice: &mut Dice) -> Vec<f32> {
        match self {
            Holds::Laugh => (sounds.laugh)(dice),
            Holds::Other => (sounds.other)(dice),
            Holds::Nothing => Vec::new(),
        }
    }
}

fn any_laugh(dice: &mut Dice) -> Vec<f32> {
    let (name, start, end) = dice.one_of(&LAUGHS);
    let samples = clip(name);
    let end = samples.len().min((end * RATE as f64) as usize);
    audible(&samples[(start * RATE as f64) as usize..end])
}

fn any_other(dice: &mut Dice) -> Vec<f32> {
    audible(&clip(dice.one_of(&OTHERS)))
}

/// A clip of the fixtures, decoded once.
pub fn clip(name: &str) -> Vec<f32> {
    static CLIPS: Mutex<BTreeMap<String, Vec<f32>>> = Mutex::new(BTreeMap::new());
    let mut clips = CLIPS.lock().unwrap();
    let decoded = || audio::samples(&audio::file(&format!("fixtures/clips/{name}.flac")));
    clips.entry(name.to_owned()).or_insert_with(decoded).clone()
}

fn rms(samples: &[f32]) -> f64 {
    let squares: f64 = samples.iter().map(|&sample| f64::from(sample).powi(2)).sum();
    (squares / samples.len().max(1) as f64).sqrt().max(1e-9)
}

fn at_level(mut samples: Vec<f32>, dbfs: f64) -> Vec<f32> {
    let gain = (10_f64.powf(dbfs / 20.0) / rms(&samples)) as f32;
    samples.iter_mut().for_each(|sample| *sample *= gain);
    samples
}

/// A sound without what is too soft before and after it, by blocks of 20 ms.
pub fn audible(samples: &[f32]) -> Vec<f32> {
    let blocks: Vec<&[f32]> = samples.chunks(RATE / 50).collect();
    let loudest = blocks.iter().map(|block| rms(block)).fold(0.0, f64::max);
    let is_loud = |block: &&[f32]| rms(block) > loudest * 10_f64.powf(-AUDIBLE / 20.0);
    let first = blocks.iter().position(is_loud).unwrap_or(0);
    let last = blocks.iter().rposition(is_loud).unwrap_or(0);
    blocks[first..=last].concat()
}

/// Two people in turn, with pauses.
fn speech(dice: &mut Dice, length: usize) -> Vec<f32> {
    let (people, mut samples, mut turn) = (["speech_it", "speech_ru"].map(clip), Vec::new(), 0);
    while samples.len() < length {
        samples.extend(&people[turn % 2]);
        let pause = dice.between((0.5, 2.0)) * RATE as f64;
        samples.resize(samples.len() + pause as usize, 0.0);
        turn += 1;
    }
    samples.truncate(length);
    samples
}

fn music(dice: &mut Dice, length: usize) -> Vec<f32> {
    let loops = ["music_loop_safari", "guitar_harmonics"].map(clip);
    let mut samples = Vec::new();
    while samples.len() < length {
        samples.extend(dice.one_of(&loops));
    }
    samples.truncate(length);
    samples
}

fn hiss(_: &mut Dice, length: usize) -> Vec<f32> {
    let groove = clip("noise_vinyl_hiss");
    groove.iter().copied().cycle().take(length).collect()
}

/// Eight conversations at once.
fn crowd(dice: &mut Dice, length: usize) -> Vec<f32> {
    let tables: Vec<Vec<f32>> = (0..8).map(|_| table(dice, length)).collect();
    (0..length).map(|i| tables.iter().map(|table| table[i]).sum()).collect()
}

/// A conversation that began before the scene.
fn table(dice: &mut Dice, length: usize) -> Vec<f32> {
    let mut talk = speech(dice, length);
    talk.rotate_left((dice.between((0.0, 1.0)) * length as f64) as usize);
    talk
}

fn speech_and_music(dice: &mut Dice, length: usize) -> Vec<f32> {
    let (talk, music) = (at_level(speech(dice, length), -30.0), at_level(music(dice, length), -36.0));
    talk.iter().zip(music).map(|(a, b)| a + b).collect()
}

/// SplitMix64 (Steele, Lea, Flood 2014): small, and the same everywhere.
pub struct Dice(pub u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn between(&mut self, (low, high): (f64, f64)) -> f64 {
        low + (high - low) * (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub fn one_of<T: Clone>(&mut self, items: &[T]) -> T {
        items[(self.next() % items.len() as u64) as usize].clone()
    }

    fn shuffled<T: Clone>(&mut self, items: &[T]) -> Vec<T> {
        let mut items = items.to_vec();
        for i in (1..items.len()).rev() {
            items.swap(i, (self.next() % (i as u64 + 1)) as usize);
        }
        items
    }
}
