//! Every format gives the same four seconds: in the right place, at the right length, undamaged. And no
//! file, however broken, gives anything but its samples or an error.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::{audio, mux};
use giggles::audio::Waveform;
use giggles::audio::decode::probe;
use giggles::domain::RecordingError;

/// Name; least correlation with the source of its kind; most samples (16 kHz) it may be longer.
/// None may start more than 1 ms off. Lossy codecs and 8 kHz files lose the noise's upper band.
const MONO: [(&str, f64, usize); 33] = [
    ("wav_u8_16000.wav", 0.999, 0),
    ("wav_s16_16000.wav", 0.999, 0),
    ("wav_s24_8000.wav", 0.99, 0),
    ("wav_s32_8000.wav", 0.99, 0),
    ("wav_f32_8000.wav", 0.99, 0),
    ("wav_f64_8000.wav", 0.99, 0),
    ("wav_extensible_s24_8000.wav", 0.99, 0),
    ("wav_extensible_s16_5.1_8000.wav", 0.99, 0),
    ("wav_adpcm_ms_16000.wav", 0.99, 1_312), // the encoder fills its last block
    ("wav_adpcm_ima_16000.wav", 0.99, 1_312),
    ("rate_8000.wav", 0.99, 0),
    ("rate_11025.wav", 0.999, 0),
    ("rate_22050.flac", 0.999, 0),
    ("rate_44100.flac", 0.999, 0),
    ("rate_48000.flac", 0.999, 0),
    ("rate_96000.flac", 0.999, 0),
    ("rate_192000.flac", 0.999, 0),
    ("flac_s24_8000.flac", 0.99, 0),
    ("aiff_s16_8000.aiff", 0.99, 0),
    ("aifc_sowt_8000.aifc", 0.99, 0),
    ("caf_s16_8000.caf", 0.99, 0),
    ("caf_alac_16000.caf", 0.999, 0),
    ("m4a_alac_16000.m4a", 0.999, 0),
    ("m4a_aac_44100.m4a", 0.99, 0),
    ("adts_aac_48000.aac", 0.99, 320), // bare AAC does not say where it ends
    ("mp3_48000.mp3", 0.99, 0),
    ("mp4_mp3_48000.mp4", 0.99, 2_048), // the copy forgets what the encoder added
    ("ogg_vorbis_44100.ogg", 0.98, 0),
    ("webm_vorbis_48000.webm", 0.98, 320), // WebM's padding is not told by symphonia
    ("opus_silk_12k.ogg", 0.85, 0),
    ("opus_hybrid_24k.ogg", 0.97, 0),
    ("opus_hybrid_24k.webm", 0.97, 320),
    ("opus_hybrid_24k.mkv", 0.97, 320),
];

/// Those whose right channel comes 0.4 ms later: their mono is a source of its own.
const STEREO: [(&str, f64, usize); 3] =
    [("wav_s16_stereo_8000.wav", 0.99, 0), ("mp3_stereo_44100.mp3", 0.97, 0), ("opus_celt_stereo_96k.ogg", 0.97, 0)];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats")
}

pub fn decoded(path: &Path) -> Result<Vec<f32>, RecordingError> {
    let (mut waveform, mut out) = (Waveform::open(path)?, Vec::new());
    while waveform.next(&mut out)? {}
    Ok(out)
}

fn format(name: &str) -> Vec<f32> {
    decoded(&folder().join(name)).unwrap_or_else(|error| panic!("{name} {error}"))
}

/// Decodes bytes from a file with a name that says nothing.
fn bytes_decoded(bytes: &[u8]) -> Result<Vec<f32>, RecordingError> {
    let scratch = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(scratch.path(), bytes).unwrap();
    decoded(scratch.path())
}

/// How many ranges are missing of bytes of which something can be decoded.
fn bytes_missing(bytes: &[u8]) -> Result<u64, RecordingError> {
    let scratch = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(scratch.path(), bytes).unwrap();
    let (mut waveform, mut out) = (Waveform::open(scratch.path())?, Vec::new());
    while waveform.next(&mut out)? {}
    Ok(waveform.missing().count())
}

fn every_name() -> Vec<String> {
    let entries = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap());
    let files = entries.filter(|entry| entry.file_type().unwrap().is_file());
    let mut names: Vec<String> = files.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.retain(|name| ![".md", ".py", ".sh"].iter().any(|other| name.ends_with(other)));
    names.sort();
    assert!(names.len() > 35, "the formats are missing");
    names
}

/// Best correlation of `b` with `a`, and the lag of `b` at which it is, within `reach`.
fn alike(a: &[f32], b: &[f32], reach: i64) -> (f64, i64) {
    let at = |lag: i64| {
        let other = |i: usize| i.checked_add_signed(lag as isize).and_then(|i| b.get(i)).copied().unwrap_or(0.0);
        let (mut ab, mut aa, mut bb) = (0.0f64, 0.0f64, 0.0f64);
        for (i, &x) in a.iter().enumerate() {
            let y = other(i);
            (ab, aa, bb) = (ab + f64::from(x * y), aa + f64::from(x * x), bb + f64::from(y * y));
        }
        ab / (aa * bb).sqrt().max(1e-12)
    };
    (-reach..=reach).map(|lag| (at(lag), lag)).max_by(|x, y| x.0.total_cmp(&y.0)).unwrap()
}

/// Signal to noise of `b` against `a`, dB.
pub fn snr(a: &[f32], b: &[f32]) -> f64 {
    let power = |sum: f64, x: f64| sum + x * x;
    let signal = a.iter().map(|&x| f64::from(x)).fold(0.0, power);
    let noise = a.iter().zip(b).map(|(&x, &y)| f64::from(x - y)).fold(0.0, power);
    10.0 * (signal / noise.max(1e-20)).log10()
}

fn resembles(source: &[f32], table: &[(&str, f64, usize)]) {
    for &(name, least, longer) in table {
        let audio = format(name);
        let (correlation, lag) = alike(source, &audio, 400);
        assert!(correlation > least, "{name}: correlation {correlation:.4}");
        assert!(lag.abs() <= 16, "{name} is {lag} samples off");
        assert!((64_000..=64_000 + longer).contains(&audio.len()), "{name} has {} samples", audio.len());
    }
}

#[test]
fn every_format_gives_its_source() {
    resembles(&format("rate_16000.flac"), &MONO);
    resembles(&format("flac_stereo_16000.flac"), &STEREO);
}

#[test]
fn what_is_announced_is_what_is_analyzed() {
    for name in every_name().iter().filter(|name| !name.contains("chained")) {
        let announced = probe(&folder().join(name)).unwrap().duration.unwrap();
        let analyzed = Duration::from_secs_f64(format(name).len() as f64 / 16_000.0);
        assert!(announced.abs_diff(analyzed) < Duration::from_millis(100), "{name}: {announced:?}, {analyzed:?}");
    }
}

#[test]
fn chained_streams_are_analyzed_to_the_end() {
    let parts = [format("opus_silk_12k.ogg"), format("opus_hybrid_24k.ogg"), format("opus_celt_stereo_96k.ogg")];
    assert_eq!(format("opus_chained.ogg"), [&parts[0][..], &parts[1]].concat());
    assert_eq!(format("opus_chained_mono_stereo.ogg"), [&parts[1][..], &parts[2]].concat());
}

#[test]
fn chained_streams_may_change_their_rate() {
    let (vorbis, opus) = ("ogg_vorbis_44100.ogg", "opus_silk_12k.ogg");
    let bytes = [vorbis, opus].map(|name| std::fs::read(folder().join(name)).unwrap()).concat();
    assert_eq!(bytes_decoded(&bytes).unwrap(), [format(vorbis), format(opus)].concat());
}

#[test]
fn opus_is_what_libopus_makes_of_it() {
    for (stem, least) in
        [("opus_silk_12k", 60.0), ("opus_hybrid_24k", 60.0), ("opus_celt_64k", 60.0), ("opus_celt_stereo_96k", 55.0)]
    {
        let theirs = decoded(&folder().join(format!("opus_16k/{stem}.libopus.flac"))).unwrap();
        let ours = format(&format!("{stem}.ogg"));
        assert_eq!(ours.len(), theirs.len(), "{stem}");
        assert!(snr(&theirs, &ours) > least, "{stem}: {:.1} dB", snr(&theirs, &ours));
    }
}

/// What a script of `tests/formats` makes of a file with libopus.
pub fn by_libopus(script: &str, path: &Path, arguments: &[&str]) -> Vec<f32> {
    let output = Command::new("python3").arg(folder().join(script)).arg(path).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let floats = output.stdout.as_chunks::<4>().0.iter();
    floats.map(|bytes| f32::from_le_bytes(*bytes).clamp(-1.0, 1.0)).collect()
}

/// Opus with redundancy for the packet before, one packet a page; of ten pages the fourth and the eighth and ninth are
/// lost. Returns how many seconds are lost, and of how many the next packet has redundant data.
fn with_losses(settings: &[&str], folder: &Path) -> (PathBuf, f64, f64) {
    let (laugh, path) = (audio::file("fixtures/evening/20251024_130000.WAV"), folder.join("a.ogg"));
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-loglevel", "error", "-y", "-i"]).arg(laugh).args(["-ac", "1", "-c:a", "libopus"]);
    ffmpeg.args(["-application", "voip", "-fec", "1", "-packet_loss", "20"]).args(settings).arg(&path);
    assert!(ffmpeg.status().expect("ffmpeg (scripts/test.sh installs it)").success());
    let whole = mux::pages(&std::fs::read(&path).unwrap());
    let packets: Vec<Vec<u8>> = whole[2..].iter().flat_map(mux::Page::packets).collect();
    let is_lost = |index: usize| matches!(index % 10, 3 | 7 | 8) && index + 1 < packets.len();
    // One voice activity flag of each 20 ms, then the flag of redundant data (RFC 6716, 4.2.3).
    let has_redundancy = |packet: &[u8]| packet[1] >> (7 - mux::opus_length(packet) / 960) & 1 == 1;
    let seconds = |chosen: &dyn Fn(usize) -> bool| {
        let ticks = (0..packets.len()).filter(|&index| chosen(index)).map(|index| mux::opus_length(&packets[index]));
        ticks.sum::<i64>() as f64 / 48e3
    };
    let lost = seconds(&is_lost);
    let redundant = seconds(&|index| is_lost(index) && !is_lost(index + 1) && has_redundancy(&packets[index + 1]));
    let pages = mux::opus(&whole[..2], &packets, 1, false).into_iter().enumerate();
    let kept: Vec<mux::Page> =
        pages.filter(|(index, _)| *index < 2 || !is_lost(index - 2)).map(|(_, page)| page).collect();
    std::fs::write(&path, mux::file(&kept)).unwrap();
    (path, lost, redundant)
}

#[test]
fn lost_packets_are_recovered_from_the_next_one_as_by_libopus() {
    for length in ["20", "60"] {
        let folder = tempfile::tempdir().unwrap();
        let (path, lost, redundant) = with_losses(&["-b:a", "24k", "-frame_duration", length], folder.path());
        let theirs = by_libopus("fec_libopus.py", &path, &[]);
        let (mut waveform, mut ours) = (Waveform::open(&path).unwrap(), Vec::new());
        while waveform.next(&mut ours).unwrap() {}
        // The padding at the end is dropped.
        assert!((0..1_000).contains(&(theirs.len() - ours.len())), "{} of {}", ours.len(), theirs.len());
        let snr = snr(&theirs[..ours.len()], &ours);
        assert!(snr > 100.0, "{length} ms: {snr:.1} dB");
        let missing = waveform.missing().into_ranges();
        let missing: f64 = missing.iter().map(|range| (range.end.unwrap() - range.start).as_secs_f64()).sum();
        let recovered = lost - missing;
        println!("{length} ms: {snr:.1} dB, {lost:.2} s lost, {redundant:.2} s redundant, {recovered:.2} s recovered");
        // Of 60 ms the redundant data may lack a part.
        let least = if length == "20" { redundant } else { 0.5 * redundant };
        assert!(redundant > 0.2 && recovered > least - 1e-6 && recovered < redundant + 1e-6, "{recovered}");
    }
}

#[test]
fn opus_surround_is_mixed_without_its_low_frequency_channel() {
    let theirs = decoded(&folder().join("opus_16k/opus_surround_5.1.libopus.flac")).unwrap();
    let ours = format("opus_surround_5.1.ogg");
    assert_eq!(ours.len(), theirs.len());
    // The oracle's file lists its channels in Vorbis' order, so its mix leaves out another channel; that alone
    // is a difference of 23.27 dB.
    assert!((snr(&theirs, &ours) - 23.27).abs() < 0.1, "{:.1} dB", snr(&theirs, &ours));
}

#[test]
fn opus_keeps_its_speed() {
    let path = folder().join("opus_celt_64k.ogg");
    let fastest = (0..5).map(|_| {
        let start = Instant::now();
        decoded(&path).unwrap();
        start.elapsed()
    });
    let fastest = fastest.min().unwrap();
    // 300-400 times real time.
    assert!(fastest < Duration::from_secs(4) / 40, "4 s of Opus took {fastest:?}");
}

#[test]
fn the_name_of_a_file_means_nothing() {
    let bytes = std::fs::read(folder().join("ogg_vorbis_44100.ogg")).unwrap();
    let wrong = tempfile::Builder::new().suffix(".wav").tempfile().unwrap();
    std::fs::write(wrong.path(), bytes).unwrap();
    assert_eq!(decoded(wrong.path()).unwrap(), format("ogg_vorbis_44100.ogg"));
}

#[test]
fn a_cut_file_is_never_a_short_recording() {
    for name in every_name() {
        let bytes = std::fs::read(folder().join(&name)).unwrap();
        for part in [3, 30, 100, 250, 400, 500, 600, 750, 900, 970, 995] {
            let cut = &bytes[..bytes.len() * part / 1000];
            match bytes_missing(cut) {
                Ok(missing) if missing > 0 => (),
                Err(RecordingError::Truncated { .. }) => (),
                // Too little of it is left to say what it was.
                Err(RecordingError::Unsupported { .. } | RecordingError::Corrupt { .. }) if cut.len() < 200 => (),
                other => panic!("{name}, cut to {} of {} bytes: {other:?}", cut.len(), bytes.len()),
            }
        }
    }
}

/// Numbers without a pattern (xorshift), the same in every run.
fn noise(seed: u64) -> impl FnMut(usize) -> usize {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    move |below| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below.max(1) as u64) as usize
    }
}

thread_local! { static FOREIGN: std::cell::Cell<bool> = const { std::cell::Cell::new(false) }; }

/// Runs `work`; None if symphonia panicked in it, which the pool turns into an outcome. Ours is a failure.
fn guarded<T>(work: impl FnOnce() -> T) -> Option<T> {
    static QUIET: std::sync::Once = std::sync::Once::new();
    QUIET.call_once(|| {
        let loud = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            match panic
                .location()
                .filter(|place| ["symphonia", "nanomp3"].iter().any(|name| place.file().contains(name)))
            {
                Some(place) => {
                    FOREIGN.set(true);
                    println!(
                        "symphonia panicked at {}:{}",
                        place.file().rsplit("symphonia").next().unwrap(),
                        place.line()
                    );
                }
                None => loud(panic),
            }
        }));
    });
    FOREIGN.set(false);
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)) {
        Ok(value) => Some(value),
        Err(_) if FOREIGN.get() => None,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

#[test]
fn broken_bytes_break_nothing_else() {
    let more: u64 = std::env::var("GIGGLES_MUTATIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    for name in every_name() {
        let whole = std::fs::read(folder().join(&name)).unwrap();
        for seed in 1..=8 * more {
            let (mut bytes, mut random) = (whole.clone(), noise(seed));
            for _ in 0..=random(8) {
                // Half of the hits go into the header, where they do most.
                let reach = if random(2) == 0 { 600.min(bytes.len()) } else { bytes.len() };
                bytes[random(reach)] = [0, 0xFF, random(256) as u8][random(3)];
            }
            let start = Instant::now();
            let Some(outcome) = guarded(|| bytes_decoded(&bytes)) else {
                continue;
            };
            let sound = outcome.iter().flatten().all(|sample| sample.abs() <= 1.0);
            assert!(sound, "{name}, seed {seed}: a sample beyond full scale");
            assert!(start.elapsed() < Duration::from_secs(20), "{name}, seed {seed}: {:?}", start.elapsed());
        }
    }
}
