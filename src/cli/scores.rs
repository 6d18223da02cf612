//! `giggles scores`: the model's scores for one recording, patch by patch.
//!
//! Invariant: rows are written as they are computed; memory does not grow with the recording.

use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};
use giggles::domain::{DetectionParameters, Reason, RecordingError};
use giggles::error::Fatal;
use giggles::exit::Exit;
use giggles::pipeline::{AnalyzeError, Analyzer};
use giggles::pool::guard;
use giggles::render::scores::{Format, Row};
use giggles::stop::Stop;
use yamnet::classes::NAMES;
use yamnet::params::{NUM_CLASSES, PATCH_HOP_SAMPLES, SAMPLE_RATE};
use yamnet::sigmoid;

use super::settings::{config, ffmpeg, model, setting, tiles};
use super::{help_end_without_codes, unwritable};

const EXAMPLES: &str = "\
Examples:
  giggles scores evening.ogg
      print the five highest-scoring classes of every patch (0.48 s)
  giggles scores --from 1:02:00 --to 1:02:30 --top 3 day.wav
      print half a minute of a long recording
  giggles scores --all --format csv evening.ogg > scores.csv
      write all 521 scores of every patch, as the reference model gives them";

/// The flags of `giggles scores`.
#[derive(Args)]
#[command(after_help = help_end_without_codes(EXAMPLES))]
pub struct Arguments {
    /// Analyze this recording
    file: PathBuf,
    /// Print this many of the highest-scoring classes of each patch
    #[arg(long, value_name = "K", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=NUM_CLASSES as i64))]
    top: u16,
    /// Print all 521 classes, in the model's order
    #[arg(long, conflicts_with = "top")]
    all: bool,
    /// Print only patches that start at or after this offset: seconds, M:SS or H:MM:SS
    #[arg(long, value_name = "OFFSET")]
    from: Option<String>,
    /// Print only patches that start before this offset
    #[arg(long, value_name = "OFFSET")]
    to: Option<String>,
    /// Write this format
    #[arg(long, value_enum, default_value_t = Choice::Table)]
    format: Choice,
    /// Decode with ffmpeg what giggles cannot decode (AMR, WMA, AC-3, …); give its path with = or after FILE
    /// [env: GIGGLES_FFMPEG]
    #[arg(long, value_name = "PATH", num_args = 0..=1, default_missing_value = "ffmpeg")]
    ffmpeg: Option<PathBuf>,
    /// Normalize loudness first, as scan does
    #[arg(long)]
    normalize: bool,
    /// Use this model file instead of the embedded one; FILE.sha256 beside it must hold its checksum
    /// [env: GIGGLES_MODEL]
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Choice {
    Table,
    Csv,
    Json,
}

/// Analyzes the recording and writes its scores.
pub fn run(arguments: &Arguments, quiet: bool, stop: &Stop) -> Result<Exit, Fatal> {
    let (from, to) = (offset("--from", &arguments.from)?, offset("--to", &arguments.to)?);
    check_exists(&arguments.file)?;
    let model = model(arguments.model.as_deref(), &tiles(None)?)?;
    let parameters = DetectionParameters { normalize: arguments.normalize, ..DetectionParameters::default() };
    let ffmpeg = ffmpeg(arguments.ffmpeg.as_deref(), stop)?;
    let analyzer = Analyzer {
        scorer: &model.yamnet,
        parameters: &parameters,
        personal: None,
        ffmpeg: ffmpeg.as_ref(),
        stop,
        advanced: &|_| (),
    };
    let mut out = Output::new(format(arguments), quiet);
    out.write(&out.format.begin());
    let mut patch = 0;
    let each = |logits: &[f32]| {
        let start = start(patch);
        patch += 1;
        if to.is_some_and(|to| start >= to) {
            ControlFlow::Break(())
        } else if from.is_some_and(|from| start < from) {
            ControlFlow::Continue(())
        } else {
            out.row(start, logits)
        }
    };
    let analyzed = guard(|| analyzer.each_patch(&arguments.file, each))
        .unwrap_or_else(|message| Err(AnalyzeError::Failed(RecordingError::Panicked { message })));
    // Scores from before an error are valid and already written; the exit code reports the error.
    out.end()?;
    match analyzed {
        Ok(audio) if audio.missing.is_partial(audio.length) => {
            log::error!("{}: {}", arguments.file.display(), audio.missing);
            Ok(Exit::Partial)
        }
        Ok(_) => Ok(Exit::Complete),
        Err(AnalyzeError::Failed(error)) => {
            let reason = Reason::new(format!("{}: {error}", arguments.file.display()));
            Err(Fatal::Failed(reason.caused_by(error)))
        }
        Err(AnalyzeError::Stopped) => Err(Fatal::Signal(stop.signal().unwrap_or(15))),
    }
}

/// As in `scan`, a path that does not exist is a configuration error, not a failed recording.
fn check_exists(file: &Path) -> Result<(), Fatal> {
    match file.metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let file = file.display();
            Err(config(format!("'{file}' does not exist; check the path and that its disk is mounted")))
        }
        _ => Ok(()),
    }
}

fn format(arguments: &Arguments) -> Format {
    let top = if arguments.all { None } else { Some(usize::from(arguments.top)) };
    match arguments.format {
        Choice::Table => Format::table(top, &NAMES),
        Choice::Csv => Format::csv(top, &NAMES),
        Choice::Json => Format::json(top, &NAMES),
    }
}

/// Start of a patch, from its number.
fn start(patch: u64) -> Duration {
    giggles::audio::duration(patch * PATCH_HOP_SAMPLES as u64, SAMPLE_RATE)
}

/// `90`, `1:30` and `0:01:30.0` are equal.
fn offset(flag: &str, text: &Option<String>) -> Result<Option<Duration>, Fatal> {
    let Some(text) = text else { return Ok(None) };
    let parts: Option<Vec<f64>> = text.split(':').map(|part| part.parse().ok()).collect();
    let seconds =
        parts.filter(|parts| parts.len() <= 3).map(|parts| parts.iter().fold(0.0, |sum, part| sum * 60.0 + part));
    let offset = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let wrong = || setting(flag, format!("{flag} {text}: give seconds, M:SS or H:MM:SS"));
    offset.ok_or_else(wrong).map(Some)
}

/// Standard output that keeps its first error, so that the analysis stops once the pipe is closed.
struct Output {
    format: Format,
    out: BufWriter<Box<dyn Write>>,
    failed: Option<io::Error>,
}

impl Output {
    /// With --quiet nothing is written; the exit code says whether the recording can be analyzed.
    fn new(format: Format, quiet: bool) -> Self {
        let out: Box<dyn Write> = if quiet { Box::new(io::sink()) } else { Box::new(io::stdout().lock()) };
        Output { format, out: BufWriter::new(out), failed: None }
    }

    fn row(&mut self, start: Duration, logits: &[f32]) -> ControlFlow<()> {
        let scores: Vec<f32> = logits.iter().map(|&logit| sigmoid(logit)).collect();
        let text = self.format.row(&Row { start, scores: &scores });
        self.write(&text);
        if self.failed.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn write(&mut self, text: &str) {
        if self.failed.is_none() {
            self.failed = self.out.write_all(text.as_bytes()).err();
        }
    }

    /// A closed pipe (`| head`) is not an error.
    fn end(mut self) -> Result<(), Fatal> {
        self.write(&self.format.end());
        let failed = self.failed.take().or_else(|| self.out.flush().err());
        failed.filter(|error| error.kind() != io::ErrorKind::BrokenPipe).map_or(Ok(()), |error| Err(unwritable(error)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_parse_as_seconds_or_clock_times() {
        let read =
            |text: &str| offset("--from", &Some(text.to_owned())).ok().flatten().map(|offset| offset.as_secs_f64());
        assert_eq!(read("90"), Some(90.0));
        assert_eq!(read("1:30.5"), Some(90.5));
        assert_eq!(read("1:02:03"), Some(3723.0));
        for wrong in ["", "a", "1:2:3:4", "-1", "NaN", "1::2"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
