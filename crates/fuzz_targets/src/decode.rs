//! Any bytes, as a file: analyzed to the end, or refused with a message.

use std::cell::RefCell;
use std::fs;
use std::path::Path;
use std::time::Duration;

use giggles::audio::Waveform;
use giggles::audio::decode::probe;
use giggles::domain::RecordingError;
use tempfile::TempDir;

/// Enough of any recording: a few bytes can honestly stand for days of silence.
const MOST_SAMPLES: u64 = 16_000 * 60 * 10;

/// Samples at 16 kHz that were decoded, or the error.
pub type Analyzed = Result<u64, RecordingError>;

thread_local! {
    static SCRATCH: RefCell<TempDir> = RefCell::new(scratch());
}

/// In memory where there is such a place: a million files a run are no work for a disk.
pub fn scratch() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a temporary folder can be made")
}

/// Hears the bytes as a file and checks what is promised of every recording.
pub fn decode(bytes: &[u8]) -> Analyzed {
    SCRATCH.with_borrow(|folder| {
        let path = folder.path().join("x.wav");
        fs::write(&path, bytes).expect("the temporary folder has room");
        let (known, analyzed) = (probe(&path), analyze(&path));
        assert!(known.is_ok() || analyzed.is_err(), "analyzed what cannot be probed: {known:?}");
        known.iter().for_each(|info| assert!(info.codec.len() < 60 && !info.codec.is_empty(), "{info:?}"));
        analyzed.iter().for_each(|&samples| assert!(samples > 0, "not one sample, and no error"));
        known.err().iter().chain(analyzed.as_ref().err()).for_each(tells);
        analyzed
    })
}

fn analyze(path: &Path) -> Analyzed {
    let mut waveform = Waveform::open(path)?;
    let (mut block, mut analyzed) = (Vec::new(), 0);
    while analyzed < MOST_SAMPLES {
        let before = analyzed;
        let more = waveform.next(&mut block)?;
        analyzed += block.len() as u64;
        assert!(block.iter().all(|sample| sample.abs() <= 1.0), "a sample beyond full scale, or none at all");
        assert_eq!(waveform.decoded(), Duration::from_nanos(analyzed * 62_500));
        assert!(more || analyzed == before, "samples behind the end");
        if !more {
            break;
        }
        block.clear();
    }
    Ok(analyzed)
}

/// What a person reads: one line, not too long, of a kind that a regular file's contents can have.
fn tells(error: &RecordingError) {
    let text = error.to_string();
    assert!(["empty", "unsupported", "corrupt", "truncated"].contains(&error.kind()), "{}: {text}", error.kind());
    assert!(text.len() < 300 && !text.contains(char::is_control), "{text:?}");
}
