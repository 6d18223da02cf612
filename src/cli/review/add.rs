//! `giggles review add`: a stretch of a recording becomes a review, with its embedding if the audio is there.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};
use giggles::audio::content;
use giggles::domain::{
    ContentHash, DetectionParameters, Embedding, Reason, RecordingError, Review, ReviewedSpan, StoredRecording, Verdict,
};
use giggles::error::Fatal;
use giggles::exit::Exit;
use giggles::pipeline::{AnalyzeError, Analyzer};
use giggles::pool::guard;
use giggles::render::reviews::{EmbeddingSource, added};
use giggles::reviews::comment;
use giggles::reviews::place::{Extent, stretch};
use giggles::stop::Stop;
use giggles::store::{self, Reader, ScoredSelection, Selection};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::cli::settings::{config, ffmpeg, model, wrong};
use crate::cli::stored::{SourceFilter, zone};
use crate::cli::{EXIT_CODES, print_text};

const EXAMPLES: &str = "\
Examples:
  giggles review add evening.ogg 1:02:03.5 1:02:06
      add a laugh that was missed, by its offsets in the recording
  giggles review add 20251024_190000.ogg 20:14:03 20:14:05 --recordings ~/recordings --comment 'with Ann'
      add one by the time of day; its sound is read from the recording below this folder
  giggles review add evening.ogg 95 97 --verdict rejected
      add a sound that is not a laugh

FILE is the path of a recording, or its name as giggles report shows it. Times are offsets if both are inside the
recording, else times of day. The personal score compares the sound of a stretch with others: it is computed from the
audio, else taken from the possible laugh there. If there is neither, the review is stored without it.";

/// The flags of `giggles review add`.
#[derive(Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{}", EXIT_CODES.as_str()))]
pub struct Add {
    /// Add a stretch of this recording: a path, or a stored name
    file: PathBuf,
    /// Start here: an offset (1:02:03.5 or seconds), a time of day (20:14:03), or a date with a time
    start: String,
    /// End here
    end: String,
    /// Store this verdict
    #[arg(long, value_enum, default_value_t = VerdictFlag::Confirmed)]
    verdict: VerdictFlag,
    /// Store this comment
    #[arg(long, value_name = "TEXT")]
    comment: Option<String>,
    /// Read the audio from the recording of that name below this folder
    #[arg(long, value_name = "FOLDER")]
    recordings: Option<PathBuf>,
    /// Decode with ffmpeg what giggles cannot decode; give its path with = or after END [env: GIGGLES_FFMPEG]
    #[arg(long, value_name = "PATH", num_args = 0..=1, default_missing_value = "ffmpeg")]
    ffmpeg: Option<PathBuf>,
    /// Use this model file instead of the embedded one [env: GIGGLES_MODEL]
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// Set the time zone of times of day [default: that of the last run] [env: GIGGLES_TZ]
    #[arg(long, value_name = "ZONE")]
    tz: Option<String>,
    #[command(flatten)]
    filter: SourceFilter,
}

#[derive(Clone, Copy, ValueEnum)]
enum VerdictFlag {
    Confirmed,
    Rejected,
}

pub fn run(arguments: &Add, quiet: bool, stop: &Stop) -> Result<Exit, Fatal> {
    let source = arguments.filter.source()?;
    let comment = comment(arguments.comment.as_deref().unwrap_or_default()).map_err(|why| wrong("--comment", why))?;
    let database = arguments.filter.database.location()?;
    let Some(mut reader) = arguments.filter.database.reader()? else { return Ok(Exit::Empty) };
    let zone = zone(arguments.tz.as_deref(), source.as_deref(), reader.as_mut())?;
    let (recording, audio) = find(arguments, source.as_deref(), reader.as_mut())?;
    let mut span = span(arguments, &recording, &zone)?;
    let verdict = match arguments.verdict {
        VerdictFlag::Confirmed => Verdict::Confirmed,
        VerdictFlag::Rejected => Verdict::Rejected,
    };
    span.review = Review { verdict: Some(verdict), comment, at: Timestamp::now() };
    let parameters = parameters(&span, reader.as_mut())?;
    span.embedding = match &audio {
        Some(audio) => embedding(arguments, audio, &span, &parameters, stop)?,
        None => None,
    };
    store::open(&database)?.save_reviews(std::slice::from_ref(&span), false)?;
    let from = match span.embedding {
        Some(_) => EmbeddingSource::Audio,
        None if has_embedding(&span, reader.as_mut())? => EmbeddingSource::Candidate,
        None => EmbeddingSource::None,
    };
    if quiet { Ok(Exit::Complete) } else { print_text(&added(&span, from, &zone)).map(|()| Exit::Complete) }
}

/// The stored recording, and the path of its audio if it is there.
fn find(
    arguments: &Add,
    source: Option<&str>,
    reader: &mut dyn Reader,
) -> Result<(StoredRecording, Option<PathBuf>), Fatal> {
    let name = arguments.file.to_string_lossy();
    let content = if arguments.file.is_file() { Some(hash(&arguments.file)?) } else { None };
    let (mut by_content, mut by_name) = (Vec::new(), Vec::new());
    let wanted = Selection { source, without_laughs: true, ..Selection::default() };
    reader.each_recording(&wanted, &mut |recording| {
        let is_analyzed = recording.sound().is_some();
        if is_analyzed && content.is_some() && recording.content == content {
            by_content.push(recording);
        } else if is_analyzed && recording.name == name {
            by_name.push(recording);
        }
        Ok(())
    })?;
    let is_there = !by_content.is_empty();
    let mut found = if is_there { by_content } else { by_name };
    match (found.pop(), found.len()) {
        (None, _) => Err(config(format!(
            "no analyzed recording '{name}' is stored; name one as giggles report shows it, or run giggles scan on it first"
        ))),
        (Some(_), 1..) => {
            Err(config(format!("'{name}' is stored more than once; choose one with --source, or give its path")))
        }
        (Some(recording), 0) if is_there => Ok((recording, Some(arguments.file.clone()))),
        (Some(recording), 0) => {
            let audio = below(arguments, &recording)?;
            Ok((recording, audio))
        }
    }
}

/// The file of that name below `--recordings`, if it has the same content.
fn below(arguments: &Add, recording: &StoredRecording) -> Result<Option<PathBuf>, Fatal> {
    let Some(folder) = &arguments.recordings else { return Ok(None) };
    if !folder.is_dir() {
        return Err(wrong("--recordings", format!("{} is not a folder; mount its disk", folder.display())));
    }
    let file = folder.join(&recording.name);
    if !file.is_file() {
        log::warn!("{} does not exist", file.display());
        return Ok(None);
    }
    if Some(hash(&file)?) != recording.content {
        log::warn!("{} has another content than the stored recording and is not used", file.display());
        return Ok(None);
    }
    Ok(Some(file))
}

fn hash(file: &Path) -> Result<ContentHash, Fatal> {
    let hash = content::hash(file).map(|(content, _)| content);
    hash.map_err(|error| {
        let reason = Reason::new(format!("{}: {error}", file.display()));
        config(reason.caused_by(error))
    })
}

fn span(arguments: &Add, recording: &StoredRecording, zone: &TimeZone) -> Result<ReviewedSpan, Fatal> {
    let unknown = || Fatal::Failed(format!("{}: its start time or content is not stored", recording.name).into());
    let (started, content) = recording.started.zip(recording.content).ok_or_else(unknown)?;
    let length = recording.duration.unwrap_or(Duration::MAX);
    let extent = Extent { started: started.at, length, zone: zone.clone() };
    let (start, end) = stretch(&arguments.start, &arguments.end, &extent).map_err(config)?;
    Ok(ReviewedSpan {
        source: recording.source.clone(),
        recording: recording.name.clone(),
        content,
        start,
        end,
        starts: started.at.saturating_add(start).unwrap_or(Timestamp::MAX),
        embedding: None,
        review: Review { verdict: None, comment: None, at: Timestamp::now() },
    })
}

/// Those under which the recording was analyzed.
fn parameters(span: &ReviewedSpan, reader: &mut dyn Reader) -> Result<DetectionParameters, Fatal> {
    let mut parameters = None;
    let wanted = ScoredSelection {
        source: Some(span.source.clone()),
        contents: Some(vec![span.content]),
        ..ScoredSelection::default()
    };
    reader.each_scored(&wanted, &mut |scored| {
        parameters = Some(scored.analysis.parameters);
        Ok(())
    })?;
    Ok(parameters.unwrap_or_default())
}

fn embedding(
    arguments: &Add,
    audio: &Path,
    span: &ReviewedSpan,
    parameters: &DetectionParameters,
    stop: &Stop,
) -> Result<Option<Embedding>, Fatal> {
    let model = model(arguments.model.as_deref())?;
    let ffmpeg = ffmpeg(arguments.ffmpeg.as_deref(), stop)?;
    let analyzer = Analyzer {
        scorer: &model.yamnet,
        parameters,
        personal: None,
        ffmpeg: ffmpeg.as_ref(),
        stop,
        advanced: &|_| (),
    };
    let computed = guard(|| analyzer.embedding(audio, span.start, span.end))
        .unwrap_or_else(|message| Err(AnalyzeError::Failed(RecordingError::Panicked { message })));
    match computed {
        Ok(embedding) => Ok(embedding),
        Err(AnalyzeError::Stopped) => Err(Fatal::Signal(stop.signal().unwrap_or(15))),
        Err(AnalyzeError::Failed(error)) => {
            log::warn!("{}: {error}", audio.display());
            Ok(None)
        }
    }
}

fn has_embedding(span: &ReviewedSpan, reader: &mut dyn Reader) -> Result<bool, Fatal> {
    let key = |span: &ReviewedSpan| (span.content, span.start, span.end);
    let reviews = reader.reviews(&span.source)?;
    Ok(reviews.iter().any(|stored| stored.has_embedding && key(&stored.span) == key(span)))
}
