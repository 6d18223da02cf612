//! Decodes unsupported files with an installed ffmpeg, if the user enables it.
//!
//! ffmpeg runs as a process with limits on memory, processor time, and time without output. The file name is one
//! argument prefixed with `file:`; no file content becomes an argument, and only the protocols `file` and `pipe` are
//! allowed.
//!
//! Invariant: no process outlives the value that started it.

mod describe;
mod process;
mod texts;

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::decode::Info;
use super::duration;
use super::resample::TARGET_RATE;
use crate::domain::{Reason, RecordingError};
use crate::stop::Stop;
use process::{Process, ProcessError};

/// The oldest supported major version.
const OLDEST: u32 = 4;

/// How long ffmpeg may be without output, in addition to the duration of the audio that it has produced.
const OUTPUT_TIMEOUT: Duration = Duration::from_secs(30);

/// No recording is longer.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);

/// Maximum number of audio tracks that are mixed.
const MAX_TRACKS: u32 = 32;

/// A working ffmpeg.
#[derive(Debug, Clone)]
pub struct Ffmpeg {
    program: PathBuf,
    output_timeout: Duration,
    stop: Stop,
    /// `ffmpeg version 5.1.9`
    pub version: String,
}

/// Why ffmpeg cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FfmpegError {
    #[error("ffmpeg cannot be started as '{}': {reason}; install it (apt install ffmpeg), or give its path", .program.display())]
    NotStarted {
        program: PathBuf,
        #[source]
        reason: Reason,
    },
    #[error("'{}' is not a working ffmpeg: {reason}", .program.display())]
    NotWorking {
        program: PathBuf,
        #[source]
        reason: Reason,
    },
    #[error("ffmpeg {found} is too old; install {OLDEST} or newer")]
    TooOld { found: String },
}

impl Ffmpeg {
    /// Runs `program -version`. A name without a directory is searched for in `PATH`.
    pub fn find(program: &Path, stop: &Stop) -> Result<Ffmpeg, FfmpegError> {
        let mut ffmpeg = Ffmpeg {
            program: program.to_owned(),
            output_timeout: OUTPUT_TIMEOUT,
            stop: stop.clone(),
            version: String::new(),
        };
        let not_started = |error| FfmpegError::NotStarted { program: program.to_owned(), reason: Reason::wrap(error) };
        let mut process = Process::start(&ffmpeg.program, ["-version"]).map_err(not_started)?;
        let text = process.read_text(ffmpeg.output_timeout, stop);
        let first = text.lines().next().unwrap_or_default();
        let Some(version) = first.strip_prefix(texts::VERSION).and_then(|rest| rest.split(' ').next()) else {
            let text = process.stderr_tail().unwrap_or_else(|| format!("its output is '{}'", plain(first)));
            let reason = process.error().into_iter().fold(Reason::new(text), Reason::caused_by);
            return Err(FfmpegError::NotWorking { program: program.to_owned(), reason });
        };
        // Snapshot versions (`N-109000-g…`, `2024-01-05-git-…`) are newer than the oldest supported version.
        let major = version.trim_start_matches('n').split('.').next().and_then(|major| major.parse::<u32>().ok());
        if major.is_some_and(|major| major < OLDEST) {
            return Err(FfmpegError::TooOld { found: plain(version) });
        }
        ffmpeg.version = format!("ffmpeg {}", plain(version));
        Ok(ffmpeg)
    }

    /// Changes the time limit; for tests.
    pub fn with_output_timeout(mut self, output_timeout: Duration) -> Ffmpeg {
        self.output_timeout = output_timeout;
        self
    }

    /// Reads a file's properties from ffmpeg's messages.
    ///
    /// Errors: `Ffmpeg` with ffmpeg's message.
    pub fn probe(&self, path: &Path) -> Result<Info, RecordingError> {
        let arguments = ["-nostdin", "-hide_banner", "-protocol_whitelist", "file,pipe", "-i"];
        let mut process = self.start(arguments.map(Into::into).into_iter().chain([address(path)]))?;
        process.read_text(self.output_timeout, &self.stop);
        // Without an output file ffmpeg always exits with an error; only a killed process is a failure here.
        if let Some(error) = process.error().filter(|error| !matches!(error, ProcessError::Code(_))) {
            return Err(refused(Reason::wrap(error)));
        }
        let messages = process.messages();
        describe::read(&messages)
            .ok_or_else(|| refused(process.stderr_tail().unwrap_or_else(|| "it found no audio".into())))
    }

    /// Decodes a file's audio tracks, mixed, to 16 kHz mono.
    ///
    /// Errors: as `probe`.
    pub fn decode(&self, path: &Path) -> Result<Decoding, RecordingError> {
        let info = self.probe(path)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let tracks = info.tracks.min(MAX_TRACKS);
        let before = ["-nostdin", "-hide_banner", "-loglevel", "error", "-protocol_whitelist", "file,pipe", "-i"];
        let filter = ["-filter_complex".into(), filter(tracks).into(), "-map".into(), "[mono]".into()];
        let rate = TARGET_RATE.to_string();
        let after = ["-vn", "-sn", "-dn", "-map_metadata", "-1", "-ac", "1", "-ar", &rate, "-f", "f32le", "pipe:1"];
        let arguments = before.map(Into::into).into_iter().chain([address(path)]).chain(filter);
        let process = self.start(arguments.chain(after.map(Into::into)))?;
        Ok(Decoding {
            process,
            info,
            name,
            output_timeout: self.output_timeout,
            stop: self.stop.clone(),
            rest: Vec::new(),
            given: 0,
        })
    }

    fn start(&self, arguments: impl Iterator<Item = std::ffi::OsString>) -> Result<Process, RecordingError> {
        Process::start(&self.program, arguments).map_err(|error| {
            let reason = Reason::new(format!("it cannot be started ({error})"));
            refused(reason.caused_by(error))
        })
    }
}

/// The filter graph: each track at 16 kHz from the recording's start, then the mean of all.
fn filter(tracks: u32) -> String {
    let placed = format!("aresample={TARGET_RATE}:async=1:first_pts=0,aformat=channel_layouts=mono");
    match tracks {
        0 | 1 => format!("[0:a:0]{placed}[mono]"),
        _ => {
            let each: String = (0..tracks).map(|track| format!("[0:a:{track}]{placed}[t{track}];")).collect();
            let all: String = (0..tracks).map(|track| format!("[t{track}]")).collect();
            format!("{each}{all}amix=inputs={tracks}:duration=longest:dropout_transition=0[mono]")
        }
    }
}

/// The file name as a `file:` URL, so that it is not parsed as an option, a protocol or a list of files.
fn address(path: &Path) -> std::ffi::OsString {
    let mut address = std::ffi::OsString::from("file:");
    address.push(std::path::absolute(path).as_deref().unwrap_or(path));
    address
}

fn refused(reason: impl Into<Reason>) -> RecordingError {
    RecordingError::Ffmpeg { reason: reason.into() }
}

/// Removes control characters.
fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

/// A file being decoded by ffmpeg.
pub struct Decoding {
    process: Process,
    info: Info,
    /// The file's own name, for warnings.
    name: String,
    output_timeout: Duration,
    stop: Stop,
    /// Bytes of an incomplete sample.
    rest: Vec<u8>,
    given: u64,
}

impl Decoding {
    pub fn info(&self) -> &Info {
        &self.info
    }

    /// Appends the next samples (16 kHz, mono); false at the end.
    ///
    /// Errors: `Ffmpeg` if it crashed or hung; `Truncated` if it produced less than it announced. Samples returned
    /// before the error are valid.
    pub fn next(&mut self, out: &mut Vec<f32>) -> Result<bool, RecordingError> {
        // ffmpeg also counts as hung if it decodes slower than real time.
        let output_timeout = self.output_timeout.saturating_add(self.decoded());
        if self.decoded() > LONGEST {
            return Err(refused(format!("it does not stop producing audio, {} s so far", self.decoded().as_secs())));
        }
        let bytes = self.process.read(output_timeout, &self.stop).map_err(refused)?;
        if bytes.is_empty() {
            return self.end();
        }
        self.rest.extend_from_slice(&bytes);
        let samples =
            self.rest.chunks_exact(4).map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]));
        let before = out.len();
        out.extend(samples.map(|sample| if sample.is_finite() { sample.clamp(-1.0, 1.0) } else { 0.0 }));
        self.given += (out.len() - before) as u64;
        let whole = self.rest.len() / 4 * 4;
        self.rest.drain(..whole);
        Ok(true)
    }

    /// Checks how ffmpeg ended, after the end of its output.
    fn end(&mut self) -> Result<bool, RecordingError> {
        self.process.end(self.output_timeout, &self.stop).map_err(refused)?;
        let name = self.name.as_str();
        let message = self.process.stderr_tail();
        let second = Duration::from_secs(1);
        match (&message, self.info.duration) {
            _ if self.given == 0 => Err(refused(message.unwrap_or_else(|| "it produced no audio".into()))),
            // A shorter length alone is not an error: for some formats ffmpeg estimates it.
            (Some(message), _) if message.contains(texts::NO_MEMORY) => Err(refused(message.clone())),
            (Some(message), Some(announced)) if self.decoded().saturating_add(second) < announced => {
                // The file ends here; another run would give the same result.
                Err(RecordingError::Truncated { reason: message.as_str().into(), at: self.decoded() })
            }
            (Some(message), _) => {
                log::warn!(recording = name; "{name}: ffmpeg reports: {message}");
                Ok(false)
            }
            _ => Ok(false),
        }
    }

    /// Length of the audio returned so far.
    pub fn decoded(&self) -> Duration {
        duration(self.given, TARGET_RATE)
    }
}
