//! Every format gives the same laughs as the WAV it was made from, through the built program.
//!
//! Patches are 0.48 s apart, so times within 20 ms are the same patches: equal times.

use std::collections::BTreeMap;

use crate::support::audio;
use crate::support::program::{Place, said};
use serde_json::Value;

/// What all were made from, and what each file's single laugh is measured against.
const SOURCE: &str = "wav_s16_16000.wav";
const WITHIN: f64 = 0.020;
const PATCH: f64 = 0.48;

/// A detection ends where v falls below -0.5, within these short files. At the default threshold, below -1.9, it reaches their
/// end, so that nothing is left to compare but the last patch: see [`END_BEFORE_THE_FILE`].
const THRESHOLD: [&str; 2] = ["--threshold", "0.73"];

/// Starts and ends of the laughs by file name.
type Laughs = BTreeMap<String, Vec<(f64, f64)>>;

fn laughs(flags: &[&str]) -> Laughs {
    let mut command = Place::new().command(&["scan", "-n", "--json"]);
    command.args(flags).arg(audio::file("tests/formats")).current_dir("/");
    let document = said(&mut command).ends_with(0).json();
    let recordings = document["recordings"].as_array().unwrap();
    recordings.iter().map(|recording| (text(&recording["name"]), spans(recording))).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn spans(recording: &Value) -> Vec<(f64, f64)> {
    let laughs = recording["laughs"].as_array().unwrap_or_else(|| panic!("{recording:#}"));
    let seconds = |laugh: &Value, key: &str| laugh[key].as_f64().unwrap();
    laughs.iter().map(|laugh| (seconds(laugh, "start_seconds"), seconds(laugh, "end_seconds"))).collect()
}

/// The two that end a patch earlier, and why. Nothing else may.
///
/// The laugh dies away into the room: its last patch has v = +1.23 in the source, and a detection ends below -0.5.
const END_A_PATCH_EARLIER: [&str; 2] = [
    // 256 steps: the noise of their rounding, normalized up with the rest, covers the end; v = -0.79.
    "wav_u8_16000.wav",
    // The right channel comes 0.4 ms later: mixed, the two cancel around 1,250 and 3,750 Hz, and 8 kHz holds nothing
    // above 4 kHz to make up for it; v = -0.52. (In the 16 kHz stereo of the same it is +0.54.)
    "wav_s16_stereo_8000.wav",
];

/// Those whose last patch is below -1.9 at the default threshold: with the rests of the reverberation gone or covered by the
/// codec's noise, the two of [`END_A_PATCH_EARLIER`] among them.
const END_BEFORE_THE_FILE: [&str; 10] = [
    "ogg_vorbis_44100.ogg",
    "opus_16k/opus_hybrid_24k.libopus.flac",
    "opus_16k/opus_hybrid_24k.libopus48k.flac",
    "opus_16k/opus_silk_12k.libopus.flac",
    "opus_hybrid_24k.mkv",
    "opus_hybrid_24k.ogg",
    "opus_hybrid_24k.webm",
    "opus_silk_12k.ogg",
    "wav_s16_stereo_8000.wav",
    "wav_u8_16000.wav",
];

fn is_alike((start, end): (f64, f64), (source_start, source_end): (f64, f64)) -> bool {
    (start - source_start).abs() <= WITHIN && (end - source_end).abs() <= WITHIN
}

#[test]
fn every_format_gives_the_laugh_of_its_source() {
    let all = laughs(&THRESHOLD);
    let [(start, end)] = all[SOURCE][..] else { panic!("{:?}", all[SOURCE]) };
    // From 1.1 s to 3.0 s by listening, and 0.48 s of padding.
    assert!(start < 1.1 && end > 3.0 && end < 4.0, "{start} {end}");
    let singles = all.iter().filter(|(name, _)| !name.contains("chained"));
    let compared = singles.map(|(name, laughs)| {
        let early = END_A_PATCH_EARLIER.contains(&name.as_str());
        let expected = (start, if early { end - PATCH } else { end });
        assert!(matches!(laughs[..], [laugh] if is_alike(laugh, expected)), "{name}: {laughs:?}, not {expected:?}");
    });
    assert!(compared.count() >= 45, "the formats are missing");
}

#[test]
fn every_format_gives_the_laugh_of_its_source_at_the_default_threshold() {
    let all = laughs(&[]);
    let [(start, end)] = all[SOURCE][..] else { panic!("{:?}", all[SOURCE]) };
    assert!(start < 1.1 && end > 3.0, "{start} {end}");
    let singles = all.iter().filter(|(name, _)| !name.contains("chained"));
    let compared = singles.map(|(name, laughs)| {
        let [laugh] = laughs[..] else { panic!("{name}: {laughs:?}") };
        // Padding ends with the file: some have up to 82 ms more than the source.
        let is_early = END_BEFORE_THE_FILE.contains(&name.as_str());
        let ends = if is_early { end - PATCH..end - WITHIN } else { end - WITHIN..end + 0.1 };
        assert!((laugh.0 - start).abs() < PATCH && ends.contains(&laugh.1), "{name}: {laugh:?}, not until {ends:?}");
    });
    assert!(compared.count() >= 45, "the formats are missing");
}

#[test]
fn chained_files_hold_the_laugh_twice() {
    let all = laughs(&[&THRESHOLD[..], &["--merge-gap", "0"]].concat());
    let source = all[SOURCE][0];
    for name in ["opus_chained.ogg", "opus_chained_mono_stereo.ogg"] {
        let [first, second] = all[name][..] else { panic!("{name}: {:?}", all[name]) };
        assert!(is_alike(first, source), "{name}: {first:?}, not {source:?}");
        // Four seconds are 8 patches and a third: the second laugh lies otherwise on the grid of patches.
        let off = [second.0 - source.0 - 4.0, second.1 - source.1 - 4.0];
        assert!(off.iter().all(|off| off.abs() < PATCH), "{name}: {second:?}, {off:?} off");
    }
}
