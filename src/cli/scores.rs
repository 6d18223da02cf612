//! `giggles scores`: what the model hears in one recording, patch by patch.
//!
//! Invariant: rows are written as they are heard; memory does not grow with the recording.

use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};
use giggles::exit::{Exit, Fatal};
use giggles::listen::{Ear, Unheard};
use giggles::output::scores::{Format, Row};
use giggles::pool::guard;
use giggles::record::{RecordingError, Rules, Stop};
use yamnet::classes::NAMES;
use yamnet::params::{NUM_CLASSES, PATCH_HOP_SAMPLES, SAMPLE_RATE};
use yamnet::sigmoid;

use super::settings::{config, ffmpeg, model};
use super::{EXIT_CODES, unwritable};

const EXAMPLES: &str = "\
Examples:
  giggles scores evening.ogg
      the five loudest classes of every half second
  giggles scores --from 1:02:00 --to 1:02:30 --top 3 day.wav
      half a minute of a long recording
  giggles scores --all --format csv evening.ogg > scores.csv
      all 521 scores of every patch, as the reference model gives them";

/// The flags of `giggles scores`.
#[derive(Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{}", EXIT_CODES.as_str()))]
pub struct Arguments {
    /// Recording to hear
    file: PathBuf,
    /// How many of the loudest classes to show of each patch
    #[arg(long, value_name = "K", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=NUM_CLASSES as i64))]
    top: u16,
    /// All 521 classes, in the model's order
    #[arg(long, conflicts_with = "top")]
    all: bool,
    /// Only patches that start at or after this offset: seconds, M:SS or H:MM:SS
    #[arg(long, value_name = "OFFSET")]
    from: Option<String>,
    /// Only patches that start before this offset
    #[arg(long, value_name = "OFFSET")]
    to: Option<String>,
    /// How to write them
    #[arg(long, value_enum, default_value_t = Choice::Table)]
    format: Choice,
    /// Let ffmpeg decode what giggles cannot (AMR, WMA, AC-3, …); behind the file, or joined by = [env: GIGGLES_FFMPEG]
    #[arg(long, value_name = "PATH", num_args = 0..=1, default_missing_value = "ffmpeg")]
    ffmpeg: Option<PathBuf>,
    /// Bring the recording to one loudness first, as scan does
    #[arg(long)]
    levelled: bool,
    /// Model file instead of the one in the binary; its checksum must stand beside it in FILE.sha256 [env: GIGGLES_MODEL]
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Choice {
    Table,
    Csv,
    Json,
}

/// Hears the recording and writes its scores.
pub fn run(arguments: &Arguments, quiet: bool, stop: &Stop) -> Result<Exit, Fatal> {
    let (from, to) = (offset("--from", &arguments.from)?, offset("--to", &arguments.to)?);
    is_there(&arguments.file)?;
    let model = model(arguments.model.as_deref())?;
    let rules = Rules { level: arguments.levelled, ..Rules::default() };
    let ffmpeg = ffmpeg(arguments.ffmpeg.as_deref(), stop)?;
    let ear = Ear { scorer: &model.yamnet, rules: &rules, ffmpeg: ffmpeg.as_ref(), stop, advanced: &|_| () };
    let mut out = Output::new(format(arguments), quiet);
    out.write(&out.format.begin());
    let mut patch = 0;
    let each = |logits: &[f32]| {
        let start = start(patch);
        patch += 1;
        match to.is_some_and(|to| start >= to) {
            true => ControlFlow::Break(()),
            false if from.is_none_or(|from| start >= from) => out.row(start, logits),
            false => ControlFlow::Continue(()),
        }
    };
    let heard = guard(|| ear.each_patch(&arguments.file, each))
        .unwrap_or_else(|message| Err(Unheard::Failed(RecordingError::Panicked { message })));
    // What was heard before a fault is sound and has been written; the exit code tells of the fault.
    out.end()?;
    match heard {
        Ok(audio) if audio.missing.is_partial(audio.length) => {
            log::error!("{}: {}", arguments.file.display(), audio.missing);
            Ok(Exit::Partial)
        }
        Ok(_) => Ok(Exit::Complete),
        Err(Unheard::Failed(error)) => Err(Fatal::Failed(format!("{}: {error}", arguments.file.display()))),
        Err(Unheard::Stopped) => Err(Fatal::Signal(stop.signal().unwrap_or(15))),
    }
}

/// As for `scan`, a name that leads nowhere is a wrong setting and no failed recording.
fn is_there(file: &Path) -> Result<(), Fatal> {
    match file.metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let file = file.display();
            Err(config(format!("'{file}' does not exist; is the disk mounted and the path right?")))
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

/// `90`, `1:30` and `0:01:30.0` are the same.
fn offset(flag: &str, text: &Option<String>) -> Result<Option<Duration>, Fatal> {
    let Some(text) = text else { return Ok(None) };
    let parts: Option<Vec<f64>> = text.split(':').map(|part| part.parse().ok()).collect();
    let seconds =
        parts.filter(|parts| parts.len() <= 3).map(|parts| parts.iter().fold(0.0, |sum, part| sum * 60.0 + part));
    let offset = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let wrong = || config(format!("{flag} {text}: give seconds, M:SS or H:MM:SS"));
    offset.ok_or_else(wrong).map(Some)
}

/// Standard output with the first failure kept: hearing ends when nobody reads any more.
struct Output {
    format: Format,
    out: BufWriter<Box<dyn Write>>,
    failed: Option<io::Error>,
}

impl Output {
    /// Quiet, it only tells whether the recording can be heard.
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

    /// A reader that has gone (`| head`) is no failure.
    fn end(mut self) -> Result<(), Fatal> {
        self.write(&self.format.end());
        let failed = self.failed.take().or_else(|| self.out.flush().err());
        failed.filter(|error| error.kind() != io::ErrorKind::BrokenPipe).map_or(Ok(()), |error| Err(unwritable(&error)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_read_as_players_show_them() {
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
