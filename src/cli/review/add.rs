//! `giggles review add`: a stretch of a recording becomes a review, with its embedding if the audio is there.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use giggles::domain::{ContentHash, Review, ReviewedSpan, StoredRecording, Verdict};
use giggles::error::Fatal;
use giggles::exit::Exit;
use giggles::render::reviews::{EmbeddingSource, added};
use giggles::reviews::comment;
use giggles::reviews::place::{Extent, stretch};
use giggles::stop::Stop;
use giggles::store::{self, Reader, Selection};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::sound::{Sound, hash};
use crate::cli::settings::{config, wrong};
use crate::cli::stored::{SourceFilter, zone};
use crate::cli::{help_end_without_codes, print_text};

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
#[command(after_help = help_end_without_codes(EXAMPLES))]
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
    /// Store this comment [default: the one that the stretch has]
    #[arg(long, value_name = "TEXT")]
    comment: Option<String>,
    /// Mark it as favourite
    #[arg(long)]
    favourite: bool,
    #[command(flatten)]
    sound: Sound,
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
    let before = stored_review(&span, reader.as_mut())?;
    let comment =
        if arguments.comment.is_some() { comment } else { before.as_ref().and_then(|review| review.comment.clone()) };
    let favourite = arguments.favourite || before.is_some_and(|review| review.favourite);
    span.review = Review { verdict: Some(verdict), comment, favourite, at: Timestamp::now() };
    span.embedding = match &audio {
        Some(audio) => arguments.sound.network(stop)?.embedding(audio, &span, reader.as_mut())?,
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
        (Some(last), 1..) => {
            let sources: BTreeSet<&str> = found.iter().chain([&last]).map(|one| one.source.as_str()).collect();
            let sources: Vec<&str> = sources.into_iter().collect();
            Err(config(match sources[..] {
                [_] => format!("'{name}' is the name of several recordings; give the path of the one that is meant"),
                _ => format!("'{name}' is stored for several sources ({}); name one with --source", sources.join(", ")),
            }))
        }
        (Some(recording), 0) if is_there => Ok((recording, Some(arguments.file.clone()))),
        (Some(recording), 0) => {
            let audio = arguments.sound.file(&recording.name, recording.content)?;
            Ok((recording, audio))
        }
    }
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
        review: Review::withdrawn(Timestamp::now()),
    })
}

/// The comment of the same stretch.
fn stored_review(span: &ReviewedSpan, reader: &mut dyn Reader) -> Result<Option<Review>, Fatal> {
    let stored = reader.reviews(&span.source)?.into_iter().find(|stored| key(&stored.span) == key(span));
    Ok(stored.map(|stored| stored.span.review))
}

fn key(span: &ReviewedSpan) -> (ContentHash, Duration, Duration) {
    (span.content, span.start, span.end)
}

fn has_embedding(span: &ReviewedSpan, reader: &mut dyn Reader) -> Result<bool, Fatal> {
    let reviews = reader.reviews(&span.source)?;
    Ok(reviews.iter().any(|stored| stored.has_embedding && key(&stored.span) == key(span)))
}
