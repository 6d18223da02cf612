//! One run, from directories to a committed transaction. READ THIS FIRST.
//!
//! Manual and nightly runs share this code. It connects to the database before it opens the first recording, and
//! commits everything in one transaction at the end, or nothing.
//!
//! Invariant: calls the stages in order without depending on how they work; prints nothing.

mod copied;
mod file_stability;
mod plan;

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use yamnet::Model;

use self::file_stability::Watch;
use self::plan::Plan;
use crate::audio::discover::{File, Found};
use crate::audio::ffmpeg::Ffmpeg;
use crate::clips::{Clips, find_recordings};
use crate::domain::{
    Analysis, Analyzed, Counts, NotAudio, Outcome, Reason, Recording, RecordingError, Run, Step, Stop, Unresolved,
    Window,
};
use crate::error::Fatal;
use crate::exit::{self, Exit};
use crate::identify::{Identity, failed_outcome, identify};
use crate::pipeline::{AnalyzeError, Analyzer};
use crate::pool::Pool;
use crate::shard::Shard;
use crate::store::{self, Known, Location, Lookup, Store};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The settings of a run, already validated.
pub struct Settings {
    /// The run's id in the database, the logs and the notifications; see [`new_id`].
    pub id: String,
    pub paths: Vec<PathBuf>,
    /// None: analyze everything and store nothing (`--dry-run`).
    pub database: Option<Location>,
    pub source: String,
    pub window: Window,
    pub zone: TimeZone,
    pub name_zone: TimeZone,
    pub analysis: Analysis,
    pub shard: Shard,
    /// Where to write clips, if requested.
    pub clips: Option<Clips>,
    /// Decodes formats that no built-in decoder supports.
    pub ffmpeg: Option<Ffmpeg>,
    /// 0 means one per core.
    pub threads: usize,
    /// Analyze recordings again that were analyzed before.
    pub force: bool,
    /// Analyze recordings again that an earlier run found damaged.
    pub retry_failed: bool,
    /// Store nothing if one recording fails.
    pub strict: bool,
    /// Finding no recordings is not a failure.
    pub allow_empty: bool,
}

/// The result of a run, for display.
pub struct Report {
    pub run: Run,
    /// Read back from the database; counted from the outcomes on a dry run.
    pub counts: Counts,
    /// Read from the database, too; on a dry run, only of this run.
    pub unresolved: Unresolved,
    pub exit: Exit,
    /// Files in the directories that are not audio.
    pub not_audio: NotAudio,
}

/// A random UUID, hyphenated.
pub fn new_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// Finds, analyzes and stores recordings. An error stops the run and leaves the database unchanged.
pub fn scan(settings: &Settings, model: &Model, steps: &(dyn Fn(Step) + Sync), stop: &Stop) -> Result<Report, Fatal> {
    let started = Timestamp::now();
    steps(Step::Connecting);
    let mut store = open_store(settings, stop)?;
    stopped(stop)?;
    steps(Step::Discovering);
    let pool = Pool::new(settings.threads).map_err(|error| Fatal::Config(Reason::wrap(error)))?;
    let (mut found, clips) =
        find_recordings(&settings.paths).map_err(|error| Fatal::NoRecordings(Reason::wrap(error)))?;
    if clips > 0 {
        log::info!("{clips} clips that giggles has cut are there too, and are not analyzed");
    }
    let not_audio = std::mem::take(&mut found.not_audio);
    let explicit_files = settings.paths.iter().any(|path| path.is_file());
    let (found, others) = select_shard(found, &settings.shard);
    let watch = Watch::begin(&found.files);
    let identities = identify_all(settings, found, &pool, steps, stop)?;
    let known = known(settings, store.as_deref_mut(), &identities)?;
    let plans = plan::plan(identities, &known);
    let outcomes = analyze_all(settings, model, plans, &watch, &pool, steps, stop)?;
    copied::warn(&outcomes);
    // A shard may be empty although the directory is not; an unmounted disk is empty for all shards.
    let exit = exit::from_outcomes(&outcomes, settings.allow_empty || others);
    let run = describe(settings, started, explicit_files, exit, outcomes);
    refuse_partial(settings, &run)?;
    steps(Step::Saving);
    stopped(stop)?;
    let (counts, unresolved) = match &mut store {
        Some(store) => (store.save(&run)?, unresolved(&mut **store, &run)),
        None => (count(&run), unresolved_of(&run)),
    };
    steps(Step::Done);
    Ok(Report { run, counts, unresolved, exit, not_audio })
}

/// The run is stored, so an error in this query is not a failure of the run.
fn unresolved(store: &mut dyn Store, run: &Run) -> Unresolved {
    store.unresolved(run).unwrap_or_else(|error| {
        log::error!("the run is stored, but damaged recordings of its window cannot be counted: {error}");
        unresolved_of(run)
    })
}

fn unresolved_of(run: &Run) -> Unresolved {
    Unresolved { partial: run.partial().count() as u64, failed: run.failed().count() as u64 }
}

/// Opens the database and takes the lock, before any work.
fn open_store(settings: &Settings, stop: &Stop) -> Result<Option<Box<dyn Store>>, Fatal> {
    let Some(location) = &settings.database else {
        return Ok(None);
    };
    let mut store = store::open_until(location, stop)?;
    store.lock(&settings.shard.lock_name(&settings.source))?;
    Ok(Some(store))
}

fn stopped(stop: &Stop) -> Result<(), Fatal> {
    stop.signal().map_or(Ok(()), |signal| Err(Fatal::Signal(signal)))
}

/// The files of this shard, and whether other shards have files too.
fn select_shard(mut found: Found, shard: &Shard) -> (Found, bool) {
    let count = |found: &Found| found.files.len() + found.troubles.len();
    let all = count(&found);
    found.files.retain(|file| shard.holds(&file.name));
    found.troubles.retain(|(file, _)| shard.holds(&file.name));
    let others = count(&found) < all;
    (found, others)
}

/// Identifies each file, in the order found; files of other days are left out.
fn identify_all(
    settings: &Settings,
    found: Found,
    pool: &Pool,
    steps: &(dyn Fn(Step) + Sync),
    stop: &Stop,
) -> Result<Vec<Identity>, Fatal> {
    let Found { files, troubles, .. } = found;
    steps(Step::Identifying { files: files.len() });
    let identify_file = |file: &File| match stop.signal() {
        Some(_) => Identity::Elsewhere,
        None => identify(file, &settings.window, &settings.name_zone, settings.ffmpeg.as_ref()),
    };
    let panicked = |file: &File, message| Identity::Failed(failed_outcome(file, RecordingError::Panicked { message }));
    let mut identities = pool.map(&files, |_| 0, identify_file, panicked);
    stopped(stop)?;
    identities.extend(troubles.iter().map(|(file, error)| Identity::Failed(failed_outcome(file, error.clone()))));
    identities.retain(|identity| !matches!(identity, Identity::Elsewhere));
    steps(Step::Identified);
    Ok(identities)
}

/// Which of them need no analysis, because the database has their result or their permanent failure.
fn known(
    settings: &Settings,
    store: Option<&mut (dyn Store + 'static)>,
    identities: &[Identity],
) -> Result<Known, Fatal> {
    let Some(store) = store.filter(|_| !settings.force) else { return Ok(Known::default()) };
    let recordings = || identities.iter().filter_map(Identity::recording);
    let nameless = recordings().filter(|recording| recording.content.is_none());
    let lookup = Lookup {
        source: settings.source.clone(),
        analysis: settings.analysis.clone(),
        version: VERSION.to_owned(),
        contents: recordings().filter_map(|recording| recording.content).collect(),
        names: nameless.map(|recording| recording.name.clone()).collect(),
        cuts_clips: settings.clips.is_some(),
        retry_failed: settings.retry_failed,
        uses_ffmpeg: settings.ffmpeg.is_some(),
    };
    Ok(store.known(&lookup)?)
}

/// One outcome per recording, in the order found.
fn analyze_all(
    settings: &Settings,
    model: &Model,
    plans: Vec<Plan>,
    watch: &Watch,
    pool: &Pool,
    steps: &(dyn Fn(Step) + Sync),
    stop: &Stop,
) -> Result<Vec<Outcome>, Fatal> {
    let to_analyze: Vec<&Recording> = plans.iter().filter_map(Plan::to_analyze).collect();
    let announced = to_analyze.iter().filter_map(|recording| recording.announced);
    let audio = announced.fold(Duration::ZERO, Duration::saturating_add);
    steps(Step::Analyzing { recordings: to_analyze.len(), audio });
    let advanced = |audio| steps(Step::Advanced { audio });
    let parameters = &settings.analysis.parameters;
    let analyzer = Analyzer { scorer: model, parameters, ffmpeg: settings.ffmpeg.as_ref(), stop, advanced: &advanced };
    let analyze = |recording: &&Recording| {
        let analyzed = analyze_one(settings, &analyzer, recording);
        steps(Step::Finished { name: recording.name.clone(), failed: analyzed.is_err() });
        analyzed
    };
    let bytes = |recording: &&Recording| recording.bytes;
    let panicked = |_: &&Recording, message| Err(AnalyzeError::Failed(RecordingError::Panicked { message }));
    let mut analyzed = pool.map(&to_analyze, bytes, analyze, panicked).into_iter();
    let mut outcomes: Vec<Outcome> = plans.into_iter().filter_map(|plan| plan.outcome(&mut analyzed)).collect();
    watch.settle(&mut outcomes, stop);
    let again = plan::retry_copies(&outcomes);
    let copies: Vec<&Recording> = again.iter().map(|&index| &outcomes[index].recording).collect();
    let statuses = pool.map(&copies, bytes, analyze, panicked).into_iter().map(plan::status);
    for (index, status) in again.iter().zip(statuses.collect::<Vec<_>>()) {
        outcomes[*index].status = status.unwrap_or_else(|| outcomes[*index].status.clone());
    }
    watch.settle(&mut outcomes, stop);
    stopped(stop)?;
    Ok(outcomes)
}

/// Analyzes a recording and cuts its clips, if requested. If the recording is later found to have changed, its clips
/// have no row; `giggles verify` lists them.
fn analyze_one(
    settings: &Settings,
    analyzer: &Analyzer<'_, Model>,
    recording: &Recording,
) -> Result<Analyzed, AnalyzeError> {
    let mut sample_buffer = settings.clips.as_ref().map(|clips| clips.sample_buffer(&settings.analysis.parameters));
    let mut analyzed = analyzer.analyze(&recording.path, sample_buffer.as_mut())?;
    analyzed.missing.close(analyzed.audio, recording.announced.max(recording.named));
    if let (Some(clips), Some(sample_buffer)) = (&settings.clips, sample_buffer) {
        clips.cut(sample_buffer, recording, &mut analyzed);
    }
    Ok(analyzed)
}

fn describe(settings: &Settings, started: Timestamp, explicit_files: bool, exit: Exit, outcomes: Vec<Outcome>) -> Run {
    Run {
        id: settings.id.clone(),
        source: settings.source.clone(),
        started,
        ended: Timestamp::now(),
        version: VERSION.to_owned(),
        analysis: settings.analysis.clone(),
        zone: settings.zone.clone(),
        window: settings.window,
        shard: settings.shard.part(),
        explicit_files,
        exit_code: exit.code(),
        outcomes,
    }
}

/// `--strict`: one failure, and nothing is stored. Names every failure, because no row is stored for it.
fn refuse_partial(settings: &Settings, run: &Run) -> Result<(), Fatal> {
    let failures = run.failures();
    match failures.is_empty() || !settings.strict {
        true => Ok(()),
        false => Err(Fatal::Refused(failures)),
    }
}

fn count(run: &Run) -> Counts {
    Counts {
        analyzed: (run.analyzed().count() - run.partial().count()) as u64,
        partial: run.partial().count() as u64,
        skipped: run.skipped().count() as u64,
        in_progress: run.in_progress().count() as u64,
        failed: run.failed().count() as u64,
        detections: run.analyzed().map(|(_, analyzed)| analyzed.detections.len() as u64).sum(),
        clips_failed: run.clips_failed().map(|(_, lost)| lost.count).sum(),
    }
}
