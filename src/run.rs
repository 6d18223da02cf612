//! One run, from folders to a committed transaction. READ THIS FIRST.
//!
//! A run by hand and a run by cron are this code. The database is reached before the first recording
//! is opened; everything is committed in one transaction at the end, or nothing is.
//!
//! Invariant: knows every station's name and none of its workings; prints nothing.

mod copied;
mod plan;
mod settle;

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use yamnet::Model;

use self::plan::Plan;
use self::settle::Watch;
use crate::audio::ffmpeg::Ffmpeg;
use crate::audio::find::{File, Found};
use crate::clips::{Clips, find_recordings};
use crate::exit::{self, Exit, Fatal};
use crate::identify::{Identity, identify, trouble};
use crate::listen::{Ear, Unheard};
use crate::pool::Pool;
use crate::record::{
    Analysis, Counts, Heard, NotAudio, Outcome, Recording, RecordingError, Run, Step, Stop, Unresolved, Window,
};
use crate::shard::Shard;
use crate::store::{self, Known, Location, Lookup, Store};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// All that a run is asked for. Checked before it is made.
pub struct Settings {
    /// Of this run, in the database, the logs and wherever else it is told of; see [`new_id`].
    pub id: String,
    pub paths: Vec<PathBuf>,
    /// None hears everything and stores nothing (`--dry-run`).
    pub database: Option<Location>,
    pub source: String,
    pub window: Window,
    pub zone: TimeZone,
    pub name_zone: TimeZone,
    pub analysis: Analysis,
    pub shard: Shard,
    /// Where laughs are cut out to, if they are.
    pub clips: Option<Clips>,
    /// Decodes what no decoder here takes.
    pub ffmpeg: Option<Ffmpeg>,
    /// 0 means one a core.
    pub threads: usize,
    /// Hear also what has been heard already.
    pub force: bool,
    /// Analyze also what an earlier run found damaged.
    pub retry_failed: bool,
    /// Store nothing if one recording fails.
    pub strict: bool,
    /// No recordings are no failure.
    pub allow_empty: bool,
}

/// What a run did, for whoever shows it.
pub struct Report {
    pub run: Run,
    /// Read back from the database; counted from the outcomes on a dry run.
    pub counts: Counts,
    /// Read from the database, too; of this run alone on a dry run.
    pub unresolved: Unresolved,
    pub exit: Exit,
    /// Files of the folders that were left alone.
    pub not_audio: NotAudio,
}

/// A random UUID, hyphenated.
pub fn new_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// Finds, hears and stores. Errors stop the whole run and leave the database as it was.
pub fn scan(settings: &Settings, model: &Model, steps: &(dyn Fn(Step) + Sync), stop: &Stop) -> Result<Report, Fatal> {
    let started = Timestamp::now();
    steps(Step::Connecting);
    let mut store = reach(settings, stop)?;
    stopped(stop)?;
    steps(Step::Finding);
    let pool = Pool::new(settings.threads).map_err(|error| Fatal::Config(error.to_string()))?;
    let (mut found, clips) =
        find_recordings(&settings.paths).map_err(|error| Fatal::NoRecordings(error.to_string()))?;
    if clips > 0 {
        log::info!("{clips} clips that giggles has cut lie there too, and are not heard again");
    }
    let not_audio = std::mem::take(&mut found.not_audio);
    let single_files = settings.paths.iter().any(|path| path.is_file());
    let (found, others) = of_shard(found, &settings.shard);
    let watch = Watch::begin(&found.files);
    let identities = identify_all(settings, found, &pool, steps, stop)?;
    let known = known(settings, store.as_deref_mut(), &identities)?;
    let plans = plan::plan(identities, &known);
    let outcomes = hear_all(settings, model, plans, &watch, &pool, steps, stop)?;
    copied::warn(&outcomes);
    // A shard may be empty where the folder is not; an unmounted disk has nothing for any shard.
    let exit = exit::of_outcomes(&outcomes, settings.allow_empty || others);
    let run = describe(settings, started, single_files, exit, outcomes);
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

/// The run is stored: that this cannot be counted is no failure of it.
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
fn reach(settings: &Settings, stop: &Stop) -> Result<Option<Box<dyn Store>>, Fatal> {
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

/// What is this shard's, and whether others have something too.
fn of_shard(mut found: Found, shard: &Shard) -> (Found, bool) {
    let count = |found: &Found| found.files.len() + found.troubles.len();
    let all = count(&found);
    found.files.retain(|file| shard.holds(&file.name));
    found.troubles.retain(|(file, _)| shard.holds(&file.name));
    let others = count(&found) < all;
    (found, others)
}

/// What each file is, in the order found; those of other days are left out.
fn identify_all(
    settings: &Settings,
    found: Found,
    pool: &Pool,
    steps: &(dyn Fn(Step) + Sync),
    stop: &Stop,
) -> Result<Vec<Identity>, Fatal> {
    let Found { files, troubles, .. } = found;
    steps(Step::Identifying { files: files.len() });
    let look = |file: &File| match stop.signal() {
        Some(_) => Identity::Elsewhere,
        None => identify(file, &settings.window, &settings.name_zone, settings.ffmpeg.as_ref()),
    };
    let panicked = |file: &File, message| Identity::Failed(trouble(file, RecordingError::Panicked { message }));
    let mut identities = pool.map(&files, |_| 0, look, panicked);
    stopped(stop)?;
    identities.extend(troubles.iter().map(|(file, error)| Identity::Failed(trouble(file, error.clone()))));
    identities.retain(|identity| !matches!(identity, Identity::Elsewhere));
    steps(Step::Identified);
    Ok(identities)
}

/// Which of them need no analysis, since the database has their result or knows that there is none.
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

/// One outcome a recording, in the order found.
fn hear_all(
    settings: &Settings,
    model: &Model,
    plans: Vec<Plan>,
    watch: &Watch,
    pool: &Pool,
    steps: &(dyn Fn(Step) + Sync),
    stop: &Stop,
) -> Result<Vec<Outcome>, Fatal> {
    let unheard: Vec<&Recording> = plans.iter().filter_map(Plan::to_hear).collect();
    let announced = unheard.iter().filter_map(|recording| recording.announced);
    let audio = announced.fold(Duration::ZERO, Duration::saturating_add);
    steps(Step::Hearing { recordings: unheard.len(), audio });
    let advanced = |audio| steps(Step::Advanced { audio });
    let rules = &settings.analysis.rules;
    let ear = Ear { scorer: model, rules, ffmpeg: settings.ffmpeg.as_ref(), stop, advanced: &advanced };
    let hear = |recording: &&Recording| {
        let heard = listen(settings, &ear, recording);
        steps(Step::Finished { name: recording.name.clone(), failed: heard.is_err() });
        heard
    };
    let bytes = |recording: &&Recording| recording.bytes;
    let panicked = |_: &&Recording, message| Err(Unheard::Failed(RecordingError::Panicked { message }));
    let mut heard = pool.map(&unheard, bytes, hear, panicked).into_iter();
    let mut outcomes: Vec<Outcome> = plans.into_iter().filter_map(|plan| plan.outcome(&mut heard)).collect();
    watch.settle(&mut outcomes, stop);
    let again = plan::second_chances(&outcomes);
    let copies: Vec<&Recording> = again.iter().map(|&index| &outcomes[index].recording).collect();
    let fates = pool.map(&copies, bytes, hear, panicked).into_iter().map(plan::fate);
    for (index, fate) in again.iter().zip(fates.collect::<Vec<_>>()) {
        outcomes[*index].fate = fate.unwrap_or_else(|| outcomes[*index].fate.clone());
    }
    watch.settle(&mut outcomes, stop);
    stopped(stop)?;
    Ok(outcomes)
}

/// Hears a recording, and cuts out its laughs if that is wanted. Clips of one that is then found to have changed
/// have no row; `giggles verify` lists them.
fn listen(settings: &Settings, ear: &Ear<'_, Model>, recording: &Recording) -> Result<Heard, Unheard> {
    let mut tape = settings.clips.as_ref().map(|clips| clips.tape(&settings.analysis.rules));
    let mut heard = ear.hear(&recording.path, tape.as_mut())?;
    heard.missing.close(heard.audio, recording.announced.max(recording.named));
    if let (Some(clips), Some(tape)) = (&settings.clips, tape) {
        clips.cut(tape, recording, &mut heard);
    }
    Ok(heard)
}

fn describe(settings: &Settings, started: Timestamp, single_files: bool, exit: Exit, outcomes: Vec<Outcome>) -> Run {
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
        single_files,
        exit_code: exit.code(),
        outcomes,
    }
}

/// `--strict`: one failure, and nothing is stored. Names every failure, since no row will.
fn refuse_partial(settings: &Settings, run: &Run) -> Result<(), Fatal> {
    let failures = run.failures();
    match failures.is_empty() || !settings.strict {
        true => Ok(()),
        false => Err(Fatal::Refused(failures)),
    }
}

fn count(run: &Run) -> Counts {
    Counts {
        analyzed: (run.heard().count() - run.partial().count()) as u64,
        partial: run.partial().count() as u64,
        skipped: run.skipped().count() as u64,
        unfinished: run.unfinished().count() as u64,
        failed: run.failed().count() as u64,
        detections: run.heard().map(|(_, heard)| heard.events.len() as u64).sum(),
        clips_lost: run.clips_lost().map(|(_, lost)| lost.count).sum(),
    }
}
