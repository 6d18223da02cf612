//! One run, from directories to a committed transaction. READ THIS FIRST.
//!
//! Manual and nightly runs share this code. It connects to the database before it opens the first recording, and
//! commits everything in one transaction at the end, or nothing.
//!
//! Invariant: calls the stages in order without depending on how they work; prints nothing.

mod copied;
mod fetched;
mod file_stability;
mod plan;
mod redetected;
mod replaced;
mod storing;

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use yamnet::Model;

use self::fetched::Contents;
use self::file_stability::StabilityCheck;
use self::plan::Plan;
use self::storing::Commits;
use crate::audio::discover::File;
use crate::audio::ffmpeg::Ffmpeg;
use crate::clips::{ClipWriter, Clips};
use crate::domain::{
    Analysis, Analyzed, ContentHash, Counts, NotAudio, Outcome, Reason, Recording, RecordingError, Replaced, Run, Step,
    Unresolved, Window,
};
use crate::error::Fatal;
use crate::exit::{self, Exit};
use crate::identify::{Identity, failed_outcome, identify};
use crate::input::{self, Batch, LeftOut, Selection, Storage};
use crate::personal::PersonalModel;
use crate::pipeline::{AnalyzeError, Analyzer};
use crate::pool::Pool;
use crate::redetect::personal_model;
use crate::shard::Shard;
use crate::stop::Stop;
use crate::store::{self, Earlier, Known, Location, Lookup, Store};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The settings of a run, already validated.
pub struct Settings {
    /// The run's id in the database, the logs and the notifications; see [`new_id`].
    pub id: String,
    /// The id that a scheduler or queue gave the run.
    pub external_id: Option<String>,
    pub paths: Vec<PathBuf>,
    /// None: analyze everything and store nothing (`--dry-run`).
    pub database: Option<Location>,
    pub source: String,
    pub window: Window,
    pub zone: TimeZone,
    pub name_zone: TimeZone,
    /// A setting names it; else it is that of calendar days.
    pub name_zone_is_named: bool,
    pub analysis: Analysis,
    pub shard: Shard,
    /// Where to write clips, if requested.
    pub clips: Option<Clips>,
    /// Decodes formats that no built-in decoder supports.
    pub ffmpeg: Option<Ffmpeg>,
    /// 0 means one per core.
    pub threads: usize,
    /// Remove the embeddings of candidates without a review after this many days; None: keep them.
    pub keep_embeddings: Option<u32>,
    /// Analyze recordings again that were analyzed before.
    pub force: bool,
    /// Analyze recordings again that an earlier run found damaged.
    pub retry_failed: bool,
    /// Store nothing if one recording fails.
    pub strict: bool,
    /// Finding no recordings is not a failure.
    pub allow_empty: bool,
    /// Store what is analyzed after this time, in several transactions.
    pub commit_every: Option<Duration>,
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
    /// Results of earlier runs that it replaced.
    pub replaced: Replaced,
}

/// What is known of all batches of a run.
#[derive(Default)]
struct Collected {
    contents: Contents,
    /// Results that this run may replace.
    earlier: HashMap<ContentHash, Earlier>,
}

/// A random UUID, hyphenated.
pub fn new_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// Finds, analyzes and stores recordings. An error stops the run and leaves the database unchanged.
pub fn scan(settings: &Settings, model: &Model, steps: &(dyn Fn(Step) + Sync), stop: &Stop) -> Result<Report, Fatal> {
    Session::new(settings, model, steps, stop)?.run()
}

/// One run. Its methods are the stages; [`Session::run`] calls them in order.
struct Session<'a> {
    settings: &'a Settings,
    model: &'a Model,
    /// Receives the progress of the run.
    steps: &'a (dyn Fn(Step) + Sync),
    stop: &'a Stop,
    started: Timestamp,
    pool: Pool,
    /// None: no clips are requested.
    clip_writer: Option<ClipWriter<'a>>,
    /// None: the source has too few reviews, it is not asked for, or nothing is stored.
    personal: Option<PersonalModel>,
}

impl<'a> Session<'a> {
    fn new(
        settings: &'a Settings,
        model: &'a Model,
        steps: &'a (dyn Fn(Step) + Sync),
        stop: &'a Stop,
    ) -> Result<Session<'a>, Fatal> {
        let pool = Pool::new(settings.threads).map_err(|error| Fatal::Config(Reason::wrap(error)))?;
        let clip_writer = settings.clips.as_ref().map(|clips| clips.open(stop)).transpose()?;
        Ok(Session { settings, model, steps, stop, started: Timestamp::now(), pool, clip_writer, personal: None })
    }

    fn run(mut self) -> Result<Report, Fatal> {
        let mut store = self.connect()?;
        self.personal = self.personal_model(store.as_deref_mut())?;
        let mut storage = self.open_storage()?;
        let (mut outcomes, mut collected) = (Vec::new(), Collected::default());
        let mut commits = Commits::new();
        let analyzed = self.analyze_all(storage.as_mut(), &mut outcomes, &mut collected, (&mut store, &mut commits));
        analyzed.inspect_err(|_| commits.warn())?;
        let replaced = replaced::replaced(&outcomes, &collected.earlier, &self.settings.analysis);
        copied::warn(&outcomes);
        fetched::warn_of_uploads(&outcomes);
        let LeftOut { not_audio, clips, has_explicit_files } = storage.left_out();
        if clips > 0 {
            log::info!("{clips} clips that giggles has cut are there too, and are not analyzed");
        }
        // A shard may be empty although the window is not; an unmounted disk is empty for all shards.
        let is_expected = self.settings.allow_empty || outcomes.is_empty() && storage.others_have_recordings();
        let exit = exit::from_outcomes(&outcomes, is_expected);
        let mut run = self.describe(has_explicit_files, exit, outcomes);
        let saved = self.save(store.as_deref_mut(), &mut run, &commits);
        let (counts, unresolved) = saved.inspect_err(|_| commits.warn())?;
        (self.steps)(Step::Done);
        Ok(Report { run, counts, unresolved, exit, not_audio, replaced })
    }

    /// Batch by batch, with commits in between if they are asked for.
    fn analyze_all(
        &self,
        storage: &mut dyn Storage,
        outcomes: &mut Vec<Outcome>,
        collected: &mut Collected,
        (store, commits): (&mut Option<Box<dyn Store>>, &mut Commits),
    ) -> Result<(), Fatal> {
        while let Some(batch) = storage.next()? {
            outcomes.extend(self.analyze_batch(batch, collected, (store.as_deref_mut(), commits))?);
            if let Some(store) = store.as_deref_mut().filter(|_| self.is_due(commits)) {
                self.commit(store, commits, outcomes)?;
            }
        }
        Ok(())
    }

    /// Opens the database and takes the lock, before any work. None on a dry run.
    fn connect(&self) -> Result<Option<Box<dyn Store>>, Fatal> {
        (self.steps)(Step::Connecting);
        let Some(location) = &self.settings.database else {
            return Ok(None);
        };
        let mut store = store::open_until(location, self.stop)?;
        store.lock(&self.settings.shard.lock_name(&self.settings.source))?;
        self.check_stop()?;
        Ok(Some(store))
    }

    fn personal_model(&self, store: Option<&mut (dyn Store + 'static)>) -> Result<Option<PersonalModel>, Fatal> {
        let Some(store) = store else { return Ok(None) };
        Ok(personal_model(store, &self.settings.source, self.settings.analysis.parameters.personal)?)
    }

    fn open_storage(&self) -> Result<Box<dyn Storage>, Fatal> {
        (self.steps)(Step::Discovering);
        let Settings { shard, window, name_zone, .. } = self.settings;
        let selection = Selection { shard: *shard, window: *window, name_zone: name_zone.clone() };
        input::open(&self.settings.paths, selection, self.stop)
    }

    /// From files to outcomes. A directory is one batch; of a bucket, each object is one.
    fn analyze_batch(
        &self,
        batch: Batch,
        collected: &mut Collected,
        (mut store, commits): (Option<&mut (dyn Store + 'static)>, &mut Commits),
    ) -> Result<Vec<Outcome>, Fatal> {
        // A fetched copy does not change.
        let stability = StabilityCheck::begin(if batch.copies.is_some() { &[] } else { &batch.files });
        let mut identities = self.identify(&batch)?;
        if batch.copies.as_ref().is_some_and(|copies| copies.have_upload_times) {
            fetched::mark_uploads(&mut identities);
        }
        let known = self.look_up(store.as_deref_mut(), &identities)?;
        let plans = collected.contents.skip_copies(plan::plan(identities, &known));
        collected.earlier.extend(known.earlier);
        let plans = self.redetect(store.as_deref_mut(), plans)?;
        let mut outcomes = self.analyze(plans, &stability, (store, commits))?;
        if batch.copies.is_some() {
            fetched::forget_paths(&mut outcomes);
        }
        Ok(outcomes)
    }

    /// Identifies each file, in the order found; files of other days are left out.
    fn identify(&self, batch: &Batch) -> Result<Vec<Identity>, Fatal> {
        let Batch { files, unreadable, .. } = batch;
        let Settings { window, name_zone, ffmpeg, .. } = self.settings;
        (self.steps)(Step::Identifying { files: files.len() });
        let identify_file = |file: &File| match self.stop.signal() {
            Some(_) => Identity::OutsideWindow,
            None => identify(file, window, name_zone, ffmpeg.as_ref()),
        };
        let failed = |file: &File, error| Identity::Failed(failed_outcome(file, error));
        let panicked = |file: &File, message| failed(file, RecordingError::Panicked { message });
        let mut identities = self.pool.map(files, |_| 0, identify_file, panicked);
        self.check_stop()?;
        identities.extend(unreadable.iter().map(|(file, error)| failed(file, error.clone())));
        identities.retain(|identity| !matches!(identity, Identity::OutsideWindow));
        if self.settings.name_zone_is_named {
            identities.iter_mut().for_each(Identity::zone_is_known);
        }
        (self.steps)(Step::Identified);
        Ok(identities)
    }

    /// Which of them need no analysis, because the database has their result or their permanent failure.
    fn look_up(&self, store: Option<&mut (dyn Store + 'static)>, identities: &[Identity]) -> Result<Known, Fatal> {
        let Some(store) = store else { return Ok(Known::default()) };
        let recordings = || identities.iter().filter_map(Identity::recording);
        let nameless = recordings().filter(|recording| recording.content.is_none());
        let lookup = Lookup {
            source: self.settings.source.clone(),
            analysis: self.settings.analysis.clone(),
            version: VERSION.to_owned(),
            contents: recordings().filter_map(|recording| recording.content).collect(),
            names: nameless.map(|recording| recording.name.clone()).collect(),
            cuts_clips: self.settings.clips.is_some(),
            retry_failed: self.settings.retry_failed,
            uses_ffmpeg: self.settings.ffmpeg.is_some(),
            with_current: self.settings.force,
        };
        let known = store.known(&lookup)?;
        // What is analyzed again replaces what is stored.
        Ok(if self.settings.force { Known { earlier: known.earlier, ..Known::default() } } else { known })
    }

    /// One outcome per recording, in the order found. Files that changed meanwhile are in progress or have failed; if
    /// the chosen recording of a content has, its first copy is analyzed instead.
    fn analyze(
        &self,
        plans: Vec<Plan>,
        stability: &StabilityCheck,
        (store, commits): (Option<&mut (dyn Store + 'static)>, &mut Commits),
    ) -> Result<Vec<Outcome>, Fatal> {
        let to_analyze: Vec<&Recording> = plans.iter().filter_map(Plan::to_analyze).collect();
        let announced = to_analyze.iter().filter_map(|recording| recording.announced);
        let audio = announced.fold(Duration::ZERO, Duration::saturating_add);
        (self.steps)(Step::Analyzing { recordings: to_analyze.len(), audio });
        let analyzed = match store.filter(|_| self.settings.commit_every.is_some()) {
            Some(store) => self.analyze_in_portions(&to_analyze, stability, store, commits)?,
            None => self.analyze_each(&to_analyze),
        };
        let mut analyzed = analyzed.into_iter();
        let mut outcomes: Vec<Outcome> = plans.into_iter().filter_map(|plan| plan.outcome(&mut analyzed)).collect();
        stability.update_outcomes(&mut outcomes, self.stop);
        self.retry_copies(&mut outcomes);
        stability.update_outcomes(&mut outcomes, self.stop);
        self.check_stop()?;
        Ok(outcomes)
    }

    fn retry_copies(&self, outcomes: &mut [Outcome]) {
        let retried = plan::retry_copies(outcomes);
        let copies: Vec<&Recording> = retried.iter().map(|&index| &outcomes[index].recording).collect();
        let results = self.analyze_each(&copies);
        for (index, status) in retried.into_iter().zip(results.into_iter().map(plan::status)) {
            if let Some(status) = status {
                outcomes[index].status = status;
            }
        }
    }

    /// The results of recordings, in the same order.
    fn analyze_each(&self, recordings: &[&Recording]) -> Vec<Result<Analyzed, AnalyzeError>> {
        let advanced = |audio| (self.steps)(Step::Advanced { audio });
        let analyzer = Analyzer {
            scorer: self.model,
            parameters: &self.settings.analysis.parameters,
            personal: self.personal.as_ref(),
            ffmpeg: self.settings.ffmpeg.as_ref(),
            stop: self.stop,
            advanced: &advanced,
        };
        let analyze = |recording: &&Recording| {
            let analyzed = self.analyze_one(&analyzer, recording);
            (self.steps)(Step::Finished { name: recording.name.clone(), failed: analyzed.is_err() });
            analyzed
        };
        let panicked = |_: &&Recording, message| Err(AnalyzeError::Failed(RecordingError::Panicked { message }));
        self.pool.map(recordings, |recording| recording.bytes, analyze, panicked)
    }

    /// Analyzes a recording and cuts its clips, if requested. If the recording is later found to have changed, its clips
    /// have no row; `giggles verify` lists them.
    fn analyze_one(&self, analyzer: &Analyzer<'_, Model>, recording: &Recording) -> Result<Analyzed, AnalyzeError> {
        let clip_writer = self.clip_writer.as_ref();
        let mut sample_buffer = clip_writer.map(|clip_writer| clip_writer.sample_buffer(analyzer.parameters));
        let mut analyzed = analyzer.analyze(&recording.path, sample_buffer.as_mut())?;
        analyzed.missing.close(analyzed.audio, recording.announced.max(recording.named));
        if let (Some(clip_writer), Some(sample_buffer)) = (clip_writer, sample_buffer) {
            clip_writer.cut(sample_buffer, recording, &mut analyzed, analyzer.parameters);
        }
        Ok(analyzed)
    }

    fn check_stop(&self) -> Result<(), Fatal> {
        self.stop.signal().map_or(Ok(()), |signal| Err(Fatal::Signal(signal)))
    }
}
