//! Any bytes, as a file: heard to the end, or refused with words.

use std::cell::RefCell;
use std::fs;
use std::path::Path;
use std::time::Duration;

use giggles::audio::Waveform;
use giggles::audio::decode::probe;
use giggles::record::RecordingError;
use tempfile::TempDir;

/// Enough of any recording: a few bytes can honestly stand for days of silence.
const MOST_SAMPLES: u64 = 16_000 * 60 * 10;

/// Samples at 16 kHz that were heard, or why not.
pub type Heard = Result<u64, RecordingError>;

thread_local! {
    static SCRATCH: RefCell<TempDir> = RefCell::new(scratch());
}

/// In memory where there is such a place: a million files a run are no work for a disk.
pub fn scratch() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a temporary folder can be made")
}

/// Hears the bytes as a file and checks what is promised of every recording.
pub fn decode(bytes: &[u8]) -> Heard {
    SCRATCH.with_borrow(|folder| {
        let path = folder.path().join("x.wav");
        fs::write(&path, bytes).expect("the temporary folder has room");
        let (known, heard) = (probe(&path), hear(&path));
        assert!(known.is_ok() || heard.is_err(), "heard what cannot be looked at: {known:?}");
        known.iter().for_each(|info| assert!(info.codec.len() < 60 && !info.codec.is_empty(), "{info:?}"));
        heard.iter().for_each(|&samples| assert!(samples > 0, "not one sample, and no error"));
        known.err().iter().chain(heard.as_ref().err()).for_each(tells);
        heard
    })
}

fn hear(path: &Path) -> Heard {
    let mut waveform = Waveform::open(path)?;
    let (mut block, mut heard) = (Vec::new(), 0);
    while heard < MOST_SAMPLES {
        let before = heard;
        let more = waveform.next(&mut block)?;
        heard += block.len() as u64;
        assert!(block.iter().all(|sample| sample.abs() <= 1.0), "a sample beyond full scale, or none at all");
        assert_eq!(waveform.decoded(), Duration::from_nanos(heard * 62_500));
        assert!(more || heard == before, "samples behind the end");
        if !more {
            break;
        }
        block.clear();
    }
    Ok(heard)
}

/// What a person reads: one line, not too long, of a kind that a regular file's contents can have.
fn tells(error: &RecordingError) {
    let text = error.to_string();
    assert!(["empty", "unsupported", "corrupt", "truncated"].contains(&error.kind()), "{}: {text}", error.kind());
    assert!(text.len() < 300 && !text.contains(char::is_control), "{text:?}");
}
