//! Containers with several tracks, edit lists, fragments, compression and late starts: all sound, in its place. And what
//! only an installed ffmpeg decodes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::support::program::{Place, said};
use giggles::audio::ffmpeg::{Ffmpeg, FfmpegError};
use giggles::audio::{Waveform, probe};
use giggles::domain::{MissingKind, MissingRange, RecordingError};
use giggles::error::causes;
use giggles::stop::Stop;

const RATE: usize = 16_000;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tracks")
}

/// All samples and what is missing.
fn analyzed(path: &Path, ffmpeg: Option<&Ffmpeg>) -> Result<(Vec<f32>, Vec<MissingRange>), RecordingError> {
    let (mut waveform, mut out) = (Waveform::open_with(path, ffmpeg)?, Vec::new());
    while waveform.next(&mut out)? {}
    Ok((out, waveform.missing().into_ranges()))
}

fn track(name: &str) -> (Vec<f32>, Vec<MissingRange>) {
    analyzed(&folder().join(name), None).unwrap_or_else(|error| panic!("{name} {error}"))
}

fn bytes_analyzed(bytes: &[u8]) -> Result<(Vec<f32>, Vec<MissingRange>), RecordingError> {
    let scratch = tempfile::NamedTempFile::new().unwrap();
    fs::write(scratch.path(), bytes).unwrap();
    analyzed(scratch.path(), None)
}

fn source() -> Vec<f32> {
    crate::support::audio::samples(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats/rate_16000.flac"))
}

/// Correlation of two signals, the second from a place on.
fn alike(a: &[f32], b: &[f32], at: usize) -> f64 {
    let b = &b[at.min(b.len())..];
    let sum =
        |pairs: &mut dyn Iterator<Item = (f32, f32)>| pairs.map(|(x, y)| f64::from(x) * f64::from(y)).sum::<f64>();
    let both = sum(&mut a.iter().copied().zip(b.iter().copied()));
    let powers =
        sum(&mut a.iter().copied().zip(a.iter().copied())) * sum(&mut b.iter().copied().zip(b.iter().copied()));
    both / powers.sqrt().max(1e-9)
}

/// The place near `around` at which the source lies, and how alike it is there.
fn found(source: &[f32], audio: &[f32], around: usize) -> (f64, i64) {
    let places = around.saturating_sub(64)..=around + 64;
    let best = places.map(|at| (alike(source, audio, at), at)).max_by(|a, b| a.0.total_cmp(&b.0)).unwrap();
    (best.0, best.1 as i64 - around as i64)
}

/// The source's loudest part: what of it lies in a file at this place.
fn lies_at(name: &str, audio: &[f32], seconds: f64) {
    let source = &source()[RATE..3 * RATE];
    let (correlation, off) = found(source, audio, ((seconds + 1.0) * RATE as f64) as usize);
    assert!(correlation > 0.9, "{name}: correlation {correlation:.3}");
    assert!(off.abs() <= 32, "{name} is {off} samples off");
}

#[test]
fn sound_lies_where_edits_and_timestamps_put_it() {
    for (name, start, length) in [
        ("late_second_track.mp4", 1.5, 6.0),
        ("late_beside_video.mp4", 1.5, 5.5),
        ("late_alone.m4a", 1.5, 5.5),
        // Without edit lists, ffmpeg puts off both tracks by the first one's delay (1024 samples at 16 kHz: 64 ms). Nothing
        // in the file says so: each track's own delay is taken off, of the second one 1024 at 48 kHz. 64 - 21.3 ms stay.
        ("late_second_track_in_fragments.mp4", 1.5427, 6.0),
        ("fragments.mp4", 0.0, 4.0),
        ("index_first.m4a", 0.0, 4.0),
        ("pcm.mov", 0.0, 4.0),
        ("opus.mp4", 0.0, 4.0),
        ("zlib.mka", 0.0, 4.0),
        // mkvmerge keeps the frame with LAME's table as a block of silence (1152 samples at 48 kHz), and its timestamps
        // put the sound behind it; then come 1105 samples of the encoder's and the decoder's delay. Together 47 ms.
        ("laced.mka", 0.047, 4.056),
        // The block stands at 1.494 s: this ffmpeg has taken the delay of Opus off a time to which it has not added it.
        ("late_beside_video.mkv", 1.494, 5.494),
        ("late_second_track.mkv", 1.5, 6.0),
        ("live.webm", 0.0, 4.0),
        ("clusters.mkv", 0.0, 4.0),
    ] {
        let (audio, missing) = track(name);
        assert_eq!(missing, [], "{name}");
        lies_at(name, &audio, start);
        let long = audio.len() as f64 / RATE as f64;
        assert!((length - 0.005..length + 0.06).contains(&long), "{name} is {long:.3} s long");
        let announced = probe(&folder().join(name), None).unwrap().duration.unwrap().as_secs_f64();
        // Matroska's header tells the length of the whole file, here of its picture.
        let announces = if name == "late_beside_video.mkv" { 6.0 } else { long };
        assert!((announced - announces).abs() < 0.07, "{name} announces {announced:.3} s of {long:.3}");
    }
}

#[test]
fn all_tracks_are_mixed_and_counted() {
    for (name, tracks, codec) in [
        ("late_second_track.mp4", 2, "aac"),
        ("late_second_track.mkv", 2, "opus"),
        ("late_beside_video.mp4", 1, "aac"),
        ("ac3_beside_aac.mp4", 1, "aac"),
    ] {
        let info = probe(&folder().join(name), None).unwrap();
        assert_eq!((info.tracks, info.codec.as_str()), (tracks, codec), "{name}");
    }
}

#[test]
fn a_track_that_cannot_be_decoded_is_missing_and_hides_no_other() {
    for name in ["ac3_beside_aac.mp4", "flac_beside_ac3.mka"] {
        let (audio, missing) = track(name);
        lies_at(name, &audio, 0.0);
        let [range] = &missing[..] else { panic!("{name}: {missing:?}") };
        assert_eq!((range.start, range.kind), (Duration::ZERO, MissingKind::Unsupported), "{name}");
        assert!(range.end.is_some() && range.reason.contains("AC-3"), "{name}: {range:?}");
    }
}

#[test]
fn a_cut_file_gives_what_lies_before_the_cut() {
    for (name, kind) in [
        ("index_first.m4a", MissingKind::Truncated),
        ("fragments.mp4", MissingKind::Truncated),
        ("clusters.mkv", MissingKind::Truncated),
        ("live.webm", MissingKind::Truncated),
        ("zlib.mka", MissingKind::Truncated),
    ] {
        let whole = fs::read(folder().join(name)).unwrap();
        let (audio, missing) =
            bytes_analyzed(&whole[..whole.len() * 6 / 10]).unwrap_or_else(|error| panic!("{name} {error}"));
        let long = audio.len() as f64 / RATE as f64;
        assert!((1.5..3.5).contains(&long), "{name} is {long} s long");
        let source = &source()[RATE..(long * RATE as f64) as usize];
        let (correlation, off) = found(source, &audio, RATE);
        assert!(correlation > 0.85 && off.abs() <= 32, "{name}: {correlation:.3}, {off}");
        assert!(missing.len() == 1 && missing[0].kind == kind, "{name}: {missing:?}");
    }
}

#[test]
fn behind_a_damaged_cluster_or_fragment_the_next_one_is_decoded() {
    for (name, mark) in
        [("clusters.mkv", b"\x1F\x43\xB6\x75"), ("live.webm", b"\x1F\x43\xB6\x75"), ("fragments.mp4", b"moof")]
    {
        let mut bytes = fs::read(folder().join(name)).unwrap();
        let marks: Vec<usize> = (0..bytes.len() - 4).filter(|&at| &bytes[at..at + 4] == mark).collect();
        assert!(marks.len() >= 6, "{name} has {} of them", marks.len());
        // The fourth is wiped out, and its length with it.
        let at = marks[3] - 4;
        bytes[at..at + 40].fill(0);
        let (audio, missing) = bytes_analyzed(&bytes).unwrap_or_else(|error| panic!("{name} {error}"));
        let long = audio.len() as f64 / RATE as f64;
        assert!((3.99..4.07).contains(&long), "{name} is {long} s long: {missing:?}");
        let [range] = &missing[..] else { panic!("{name}: {missing:?}") };
        let lost = range.end.unwrap() - range.start;
        assert_eq!(range.kind, MissingKind::Corrupt, "{name}");
        assert!((0.4..0.7).contains(&lost.as_secs_f64()), "{name}: {lost:?}");
        // What comes behind the damage is where it was.
        let (correlation, off) =
            found(&source()[(2.2 * RATE as f64) as usize..3 * RATE], &audio, (2.2 * RATE as f64) as usize);
        assert!(correlation > 0.85 && off.abs() <= 32, "{name}: {correlation:.3}, {off}");
    }
}

fn ffmpeg() -> Ffmpeg {
    Ffmpeg::find(Path::new("ffmpeg"), &Stop::default()).expect("ffmpeg (scripts/test.sh installs it)")
}

/// A program that stands in for an ffmpeg that fails; the real one describes files.
fn failing(folder: &Path, script: &str) -> Ffmpeg {
    let program = folder.join("ffmpeg");
    let text = format!("#!/bin/sh\ncase \"$*\" in *pipe:1*) {script} ;; *) exec ffmpeg \"$@\" ;; esac\n");
    install(&program, &text);
    Ffmpeg::find(&program, &Stop::default()).unwrap()
}

/// Not by us: a process that another test's thread starts meanwhile would hold the file open for writing, and then it
/// cannot be run.
fn install(program: &Path, text: &str) {
    let source = program.with_extension("txt");
    fs::write(&source, text).unwrap();
    let installed = Command::new("install").args(["-m", "755"]).arg(&source).arg(program).status().unwrap();
    assert!(installed.success());
}

/// Recordings with extensions of all kinds, and what is none.
fn place() -> Place {
    let place = Place::new();
    for (from, name) in [
        ("late_alone.m4a", "voice_memo_1.qta"),
        ("pcm.mov", "clip_1.MOV"),
        ("live.webm", "chrome_1.weba"),
        ("zlib.mka", "20240105_101010"),
        ("sound.ac3", "sound.ac3"),
    ] {
        place.write(name, &fs::read(folder().join(from)).unwrap());
    }
    ["a.txt", "b.txt", "c.jpg"].iter().for_each(|name| place.write(name, b"no sound"));
    place
}

#[test]
fn a_scan_takes_what_is_audio_and_counts_the_rest() {
    let place = place();
    let document = said(&mut place.command(&["scan", "-n", "--json", "recordings"])).ends_with(3).json();
    let recordings = document["recordings"].as_array().unwrap();
    let unsupported = recordings.iter().filter(|recording| recording["error"]["kind"] == "unsupported").count();
    assert_eq!((recordings.len(), unsupported), (5, 1), "{document:#}");
    assert_eq!(document["not_audio"]["total"], 3);
    assert_eq!(document["not_audio"]["by_extension"]["txt"], 2);
    // A folder is no program: it is scanned.
    let with_ffmpeg = said(&mut place.command(&["scan", "-n", "--ffmpeg", "recordings"])).ends_with(0);
    assert!(with_ffmpeg.stdout.contains("; 3 files are not audio (.txt 2, .jpg 1); "), "{}", with_ffmpeg.stdout);
    let mut quiet = place.command(&["scan", "-n", "-q", "recordings"]);
    let quiet = said(quiet.env("GIGGLES_FFMPEG", "1")).ends_with(0);
    assert_eq!(quiet.stdout, "");
    let wrong = said(&mut place.command(&["scan", "-n", "recordings", "--ffmpeg=/no/such/ffmpeg"])).ends_with(78);
    wrong.complains_of("apt install ffmpeg");
}

#[test]
fn a_signal_ends_ffmpeg_too() {
    let (place, scratch) = (Place::new(), tempfile::tempdir().unwrap());
    place.write("sound.ac3", &fs::read(folder().join("sound.ac3")).unwrap());
    let (program, pid) = (scratch.path().join("ffmpeg"), scratch.path().join("pid"));
    let hangs = format!("sleep 1000 & echo $! > '{}'; wait", pid.display());
    install(&program, &format!("#!/bin/sh\ncase \"$*\" in *pipe:1*) {hangs} ;; *) exec ffmpeg \"$@\" ;; esac\n"));
    let mut command = place.command(&["scan", "-n", "recordings", "--ffmpeg"]);
    let mut giggles = command.arg(&program).spawn().unwrap();
    let begun = std::time::Instant::now();
    while fs::read_to_string(&pid).map_or(true, |pid| pid.is_empty()) {
        assert!(begun.elapsed() < Duration::from_secs(60), "ffmpeg was not started");
        std::thread::sleep(Duration::from_millis(20));
    }
    let signalled = Command::new("kill").args(["-TERM", &giggles.id().to_string()]).status().unwrap();
    assert!(signalled.success());
    assert_eq!(giggles.wait().unwrap().code(), Some(143));
    assert!(is_gone(&pid), "its child is still there");
}

/// Whether the process whose number stands in a file ends within two seconds.
fn is_gone(pid: &Path) -> bool {
    let pid = fs::read_to_string(pid).unwrap();
    let is_running =
        || fs::read_to_string(format!("/proc/{}/stat", pid.trim())).is_ok_and(|stat| !stat.contains(") Z "));
    (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(20));
        !is_running()
    })
}

#[test]
fn ffmpeg_decodes_what_nothing_here_does() {
    let ffmpeg = ffmpeg();
    for (name, codec, tolerance, least) in [
        ("sound.ac3", "ac3", 128, 0.9),
        ("sound.wma", "wmav2", 1_000, 0.9),
        ("sound.gsm", "gsm", 64, 0.6),
        ("sound.amr", "amr_nb", 200, 0.7),
    ] {
        let path = folder().join(name);
        let error = analyzed(&path, None).unwrap_err();
        assert_eq!(error.kind(), "unsupported", "{name} {error}");
        let command = format!("scan it with --ffmpeg, or convert it: ffmpeg -i {name} sound.flac");
        assert!(error.to_string().contains(&command), "{error}");
        let info = probe(&path, Some(&ffmpeg)).unwrap_or_else(|error| panic!("{name} {error}"));
        assert_eq!(info.codec, codec, "{name}");
        let (audio, missing) = analyzed(&path, Some(&ffmpeg)).unwrap_or_else(|error| panic!("{name} {error}"));
        // This ffmpeg decodes no comfort noise of AMR, with which the file ends: where it gives up is said.
        assert_eq!(missing.len(), usize::from(name == "sound.amr"), "{name} {missing:?}");
        let (best, off) = (0..=tolerance)
            .map(|at| (alike(&source()[RATE..3 * RATE], &audio, RATE + at), at))
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .unwrap();
        assert!(best > least, "{name}: correlation {best:.3} at {off}");
        // The encoder of the AMR file has dropped its end.
        assert!((3 * RATE..4 * RATE + 1_500).contains(&audio.len()), "{name} has {} samples", audio.len());
    }
    // With it, no track of a file is left out.
    let (audio, missing) = analyzed(&folder().join("ac3_beside_aac.mp4"), Some(&ffmpeg)).unwrap();
    assert_eq!(missing, []);
    lies_at("ac3_beside_aac.mp4", &audio, 0.0);
}

#[test]
fn a_name_is_a_name_whatever_it_looks_like() {
    let (ffmpeg, scratch) = (ffmpeg(), tempfile::tempdir().unwrap());
    for name in ["-i", "concat:a|b", "x|y.ac3", "http:", "%d.ac3", "a b'c\"$(x).ac3", "subfile,,start,0,end,9,,:x", "-"]
    {
        let path = scratch.path().join(name);
        fs::copy(folder().join("sound.ac3"), &path).unwrap();
        let (audio, _) = analyzed(&path, Some(&ffmpeg)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(audio.len().abs_diff(4 * RATE) < 600, "{name} has {} samples", audio.len());
    }
}

#[test]
fn no_file_makes_ffmpeg_open_the_network_or_fail_without_a_word() {
    let (ffmpeg, scratch) = (ffmpeg(), tempfile::tempdir().unwrap());
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    server.set_nonblocking(true).unwrap();
    let port = server.local_addr().unwrap().port();
    let list =
        format!("#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nhttp://127.0.0.1:{port}/a.ts\n#EXT-X-ENDLIST\n");
    for (name, content) in [("list.wma", list.as_bytes()), ("text.amr", b"no sound at all"), ("zeros.ac3", &[0; 5000])]
    {
        let path = scratch.path().join(name);
        fs::write(&path, content).unwrap();
        let error = analyzed(&path, Some(&ffmpeg)).unwrap_err();
        assert_eq!(error.kind(), "ffmpeg", "{name}: {error}");
    }
    assert!(server.accept().is_err(), "nobody has called");
}

#[test]
fn an_ffmpeg_that_crashes_leaves_what_it_gave() {
    let scratch = tempfile::tempdir().unwrap();
    let half = "ffmpeg \"$@\" | head -c 128000; echo 'the decoder broke' >&2; kill -SEGV $$";
    let (audio, missing) = analyzed(&folder().join("sound.ac3"), Some(&failing(scratch.path(), half))).unwrap();
    assert_eq!(audio.len(), 32_000);
    let [range] = &missing[..] else { panic!("{missing:?}") };
    assert_eq!((range.start, range.kind), (Duration::from_secs(2), MissingKind::Ffmpeg));
    assert!(range.end.is_some() && range.reason.contains("the decoder broke"), "{range:?}");
    let nothing = failing(scratch.path(), "echo 'no such codec' >&2; exit 1");
    let error = analyzed(&folder().join("sound.ac3"), Some(&nothing)).unwrap_err();
    assert!(error.kind() == "ffmpeg" && error.to_string().contains("no such codec"), "{error}");
}

#[test]
fn an_ffmpeg_that_is_killed_while_it_describes_a_file_has_not_described_it() {
    let scratch = tempfile::tempdir().unwrap();
    let program = scratch.path().join("ffmpeg");
    install(&program, "#!/bin/sh\nffmpeg \"$@\"\ncase \"$*\" in *-version*) ;; *) kill -KILL $$ ;; esac\n");
    let ffmpeg = Ffmpeg::find(&program, &Stop::default()).unwrap();
    let error = ffmpeg.probe(&folder().join("sound.ac3")).unwrap_err();
    assert!(error.kind() == "ffmpeg" && error.to_string().contains("signal 9"), "{error}");
}

/// What it gave is stored, and the next run tries it again.
#[test]
fn a_crash_of_ffmpeg_is_not_a_known_damage() {
    let (place, scratch) = (Place::new(), tempfile::tempdir().unwrap());
    place.write("sound.ac3", &fs::read(folder().join("sound.ac3")).unwrap());
    let program = scratch.path().join("ffmpeg");
    let half = "ffmpeg \"$@\" | head -c 128000; kill -SEGV $$";
    install(&program, &format!("#!/bin/sh\ncase \"$*\" in *pipe:1*) {half} ;; *) exec ffmpeg \"$@\" ;; esac\n"));
    let broken = format!("--ffmpeg={}", program.display());
    for _ in 0..2 {
        let said = place.scan(&[&broken]).ends_with(3);
        assert!(said.stdout.contains("1 of them partial"), "{}", said.stdout);
    }
    place.scan(&["--ffmpeg"]).ends_with(0);
    assert_eq!(place.number("SELECT count(*) FROM recordings WHERE status = 'analyzed'"), 1);
}

/// Packets with a sound of every kind, as cameras write them; without ffmpeg they are refused by name.
#[test]
fn transport_streams_are_for_ffmpeg() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("camera.mts");
    for (codec, flags) in
        [("mp2", [].as_slice()), ("libmp3lame", &[]), ("ac3", &[]), ("aac", &["-mpegts_m2ts_mode", "1"])]
    {
        let mut command = Command::new("ffmpeg");
        command.args(["-y", "-v", "error", "-i"]).arg(folder().join("sound.ac3")).args(["-c:a", codec]).args(flags);
        assert!(command.args(["-f", "mpegts"]).arg(&path).status().unwrap().success());
        let error = analyzed(&path, None).unwrap_err();
        assert!(error.kind() == "unsupported" && error.to_string().contains("transport stream"), "{codec}: {error}");
        let (audio, _) = analyzed(&path, Some(&ffmpeg())).unwrap_or_else(|error| panic!("{codec}: {error}"));
        assert!(audio.len().abs_diff(4 * RATE) < 4_000, "{codec} has {} samples", audio.len());
    }
}

#[test]
fn an_ffmpeg_that_hangs_is_ended_with_all_that_it_started() {
    let scratch = tempfile::tempdir().unwrap();
    let pid = scratch.path().join("pid");
    let hanging = failing(scratch.path(), &format!("sleep 1000 & echo $! > '{}'; wait", pid.display()));
    let error =
        analyzed(&folder().join("sound.ac3"), Some(&hanging.with_output_timeout(Duration::from_secs(1)))).unwrap_err();
    assert!(error.kind() == "ffmpeg" && error.to_string().contains("hung"), "{error}");
    assert!(is_gone(&pid), "its child is still there");
}

#[test]
fn an_ffmpeg_that_is_none_is_refused_with_what_to_do() {
    let find = |program: &Path| Ffmpeg::find(program, &Stop::default());
    let missing = find(Path::new("/no/such/ffmpeg")).unwrap_err();
    assert!(missing.to_string().contains("apt install ffmpeg"), "{missing}");
    assert!(matches!(find(Path::new("true")), Err(FfmpegError::NotWorking { .. })));
    let failed = find(Path::new("false")).unwrap_err();
    assert_eq!(causes(&failed), ["it ended with code 1"], "{failed}");
    let scratch = tempfile::tempdir().unwrap();
    let program = scratch.path().join("ffmpeg");
    install(&program, "#!/bin/sh\necho 'ffmpeg version 2.8.17-0ubuntu0.1 Copyright (c)'\n");
    assert_eq!(find(&program).unwrap_err().to_string(), "ffmpeg 2.8.17-0ubuntu0.1 is too old; install 4 or newer");
}
