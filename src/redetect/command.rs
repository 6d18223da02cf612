//! `giggles redetect`: decides anew about the stored recordings of a window, and stores what changes.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{cut_clips, decide, personal_model};
use crate::audio::zone::stored_zone;
use crate::clips::{ClipLocation, Clips};
use crate::domain::{
    ANALYSIS_VERSION, Analysis, Counts, Detection, DetectionParameters, Outcome, Reason, Recording, Redetected, Run,
    RunCommand, ScoredRecording, Status, Window,
};
use crate::error::Fatal;
use crate::exit::Exit;
use crate::personal::PersonalModel;
use crate::pool::Pool;
use crate::stop::Stop;
use crate::store::{self, Location, ScoredSelection, Store};

/// What to decide anew, already validated.
pub struct Settings {
    pub database: Location,
    pub sources: Vec<String>,
    /// Selects recordings that overlap it.
    pub window: Window,
    pub changes: Changes,
    /// Cut the clips that are missing.
    pub cutting: Option<Cutting>,
    /// Decide, and store nothing.
    pub dry_run: bool,
}

/// What differs from the stored decision parameters; None: nothing.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    pub onset_threshold: Option<f32>,
    pub merge_gap_seconds: Option<f64>,
    pub min_patches: Option<u32>,
    pub padding_seconds: Option<f64>,
    /// Whether reviews count.
    pub personal: bool,
}

/// Where clips are, and the recordings that they are cut from.
pub struct Cutting {
    pub recordings: PathBuf,
    pub location: ClipLocation,
    pub before: Duration,
    pub after: Duration,
}

/// The result, for display.
#[derive(Debug, Default)]
pub struct Report {
    pub sources: Vec<SourceReport>,
    pub dry_run: bool,
}

/// The result for one source.
#[derive(Debug, Default)]
pub struct SourceReport {
    pub source: String,
    /// None: there was nothing to decide, or it was a dry run.
    pub run: Option<String>,
    /// Read back from the database.
    pub counts: Counts,
    /// Detections that overlap none of before; those of before that overlap none of now; the others.
    pub added: u64,
    pub removed: u64,
    pub kept: u64,
    /// Names of recordings that can only be analyzed again: their scores are of another version, or their candidates do
    /// not reach down to the threshold.
    pub needs_audio: Vec<String>,
    /// Names of recordings whose stored scores are damaged.
    pub damaged: Vec<String>,
    /// Laughs without a clip in recordings with clips.
    pub clips_pending: u64,
    /// Names of the recordings of these.
    pub without_clips: Vec<String>,
    pub exit: Option<Exit>,
}

impl Report {
    /// The worst of all sources; a source without recordings counts only if there is no other.
    pub fn exit(&self) -> Exit {
        let exits = || self.sources.iter().filter_map(|source| source.exit);
        if exits().any(|exit| exit == Exit::Partial) {
            Exit::Partial
        } else if exits().any(|exit| exit == Exit::Complete) {
            Exit::Complete
        } else {
            Exit::Empty
        }
    }
}

impl Changes {
    fn applied(&self, stored: &Analysis) -> Analysis {
        let parameters = stored.parameters.clone();
        let parameters = match self.onset_threshold {
            Some(onset) => parameters.with_onset(onset),
            None => parameters,
        };
        let parameters = DetectionParameters {
            merge_gap_seconds: self.merge_gap_seconds.unwrap_or(parameters.merge_gap_seconds),
            min_patches: self.min_patches.unwrap_or(parameters.min_patches),
            padding_seconds: self.padding_seconds.unwrap_or(parameters.padding_seconds),
            personal: self.personal,
            ..parameters
        };
        Analysis { version: ANALYSIS_VERSION, parameters, ..stored.clone() }
    }
}

/// Decides anew, one source after the other, each in one transaction. An error leaves the rows of its source as they
/// were.
pub fn redetect(settings: &Settings, stop: &Stop) -> Result<Report, Fatal> {
    let mut store = store::open_until(&settings.database, stop)?;
    let mut report = Report { dry_run: settings.dry_run, ..Report::default() };
    for source in &settings.sources {
        report.sources.push(OfSource::new(settings, source, stop).run(store.as_mut())?);
    }
    Ok(report)
}

/// The work on one source.
struct OfSource<'a> {
    settings: &'a Settings,
    source: &'a str,
    stop: &'a Stop,
    started: Timestamp,
    outcomes: Vec<Outcome>,
    zones: HashMap<String, TimeZone>,
    report: SourceReport,
}

impl<'a> OfSource<'a> {
    fn new(settings: &'a Settings, source: &'a str, stop: &'a Stop) -> OfSource<'a> {
        let report = SourceReport { source: source.to_owned(), ..SourceReport::default() };
        OfSource {
            settings,
            source,
            stop,
            started: Timestamp::now(),
            outcomes: Vec::new(),
            zones: HashMap::new(),
            report,
        }
    }

    fn run(mut self, store: &mut dyn Store) -> Result<SourceReport, Fatal> {
        if !self.settings.dry_run {
            store.lock(self.source)?;
        }
        self.decide(store)?;
        self.cut_missing_clips()?;
        for outcome in &mut self.outcomes {
            if let Status::Redetected(redetected) = &mut outcome.status {
                redetected.keep_earlier_clips();
            }
        }
        self.compare();
        let exit = self.exit();
        self.report.exit = Some(exit);
        if let Some(run) = self.describe(exit) {
            self.check_stop()?;
            self.report.counts = if self.settings.dry_run { run.counts() } else { store.save(&run)? };
            self.report.run = (!self.settings.dry_run).then_some(run.id);
        }
        Ok(self.report)
    }

    fn decide(&mut self, store: &mut dyn Store) -> Result<(), Fatal> {
        let personal = personal_model(store, self.source, self.settings.changes.personal)?;
        let wanted = ScoredSelection {
            source: Some(self.source.to_owned()),
            window: self.settings.window,
            contents: None,
            with_embeddings: personal.is_some(),
        };
        store.each_scored(&wanted, &mut |scored| {
            self.check_stop()?;
            self.decide_one(scored, personal.as_ref())
        })
    }

    fn decide_one(&mut self, scored: ScoredRecording, personal: Option<&PersonalModel>) -> Result<(), Fatal> {
        let analysis = self.settings.changes.applied(&scored.analysis);
        if !scored.is_readable {
            self.report.damaged.push(scored.recording.name);
            return Ok(());
        }
        if !analysis.can_redetect(&scored.analysis) {
            self.report.needs_audio.push(scored.recording.name);
            return Ok(());
        }
        let (zone, recording) = (self.zone(&analysis.zone)?, scored.recording.clone());
        let redetected = decide(scored, analysis, zone, personal);
        self.outcomes.push(Outcome { recording, status: Status::Redetected(Box::new(redetected)) });
        Ok(())
    }

    fn zone(&mut self, name: &str) -> Result<TimeZone, Fatal> {
        if let Some(zone) = self.zones.get(name) {
            return Ok(zone.clone());
        }
        let zone = stored_zone(name).map_err(|error| Fatal::Config(Reason::wrap(error)))?;
        self.zones.insert(name.to_owned(), zone.clone());
        Ok(zone)
    }

    /// Recordings whose file is not there, or is another one, are left for a later run.
    fn cut_missing_clips(&mut self) -> Result<(), Fatal> {
        let (Some(cutting), Some(zone)) = (&self.settings.cutting, self.latest().map(|(_, last)| last.zone.clone()))
        else {
            return Ok(());
        };
        let clips = Clips {
            location: cutting.location.clone(),
            source: self.source.to_owned(),
            clip_before: cutting.before,
            clip_after: cutting.after,
            zone,
        };
        if self.settings.dry_run {
            return Ok(());
        }
        let (writer, pool) =
            (clips.open(self.stop)?, Pool::new(0).map_err(|error| Fatal::Config(Reason::wrap(error)))?);
        let mut incomplete = Vec::new();
        for outcome in &mut self.outcomes {
            let Outcome { recording, status: Status::Redetected(redetected) } = outcome else { continue };
            recording.path = cutting.recordings.join(&recording.name);
            writer.forget_removed(redetected).map_err(|error| {
                Fatal::Failed(Reason::new(format!("{}: {error}", cutting.location)).caused_by(error))
            })?;
            let is_there = recording.path.metadata().is_ok_and(|file| file.len() == recording.bytes);
            if is_there && redetected.lacks_clips() {
                incomplete.push((&*recording, redetected.as_mut()));
            }
        }
        cut_clips(incomplete, &writer, &pool, None, self.stop);
        self.check_stop()
    }

    fn redetected(&self) -> impl Iterator<Item = (&Recording, &Redetected)> {
        self.outcomes.iter().filter_map(|outcome| match &outcome.status {
            Status::Redetected(redetected) => Some((&outcome.recording, redetected.as_ref())),
            _ => None,
        })
    }

    /// Recordings are read in order of their start times.
    fn latest(&self) -> Option<(&Recording, &Redetected)> {
        self.redetected().last()
    }

    /// Counts what came, what went, and what stayed.
    fn compare(&mut self) {
        let (mut added, mut removed, mut kept, mut pending) = (0, 0, 0, 0);
        let mut without_clips = Vec::new();
        for (recording, redetected) in self.redetected() {
            let new = without_counterpart(&redetected.detections, &redetected.before);
            added += new;
            kept += redetected.detections.len() as u64 - new;
            removed += without_counterpart(&redetected.before, &redetected.detections);
            pending += redetected.clips_pending();
            if redetected.clips_pending() > 0 {
                without_clips.push(recording.name.clone());
            }
        }
        let report = std::mem::take(&mut self.report);
        self.report = SourceReport { added, removed, kept, clips_pending: pending, without_clips, ..report };
    }

    fn exit(&self) -> Exit {
        let has_failed = self.redetected().any(|(_, redetected)| redetected.clips_failed.is_some());
        if has_failed || !self.report.needs_audio.is_empty() || !self.report.damaged.is_empty() {
            Exit::Partial
        } else if self.outcomes.is_empty() {
            Exit::Empty
        } else {
            Exit::Complete
        }
    }

    /// The run to store; None if nothing was decided.
    fn describe(&mut self, exit: Exit) -> Option<Run> {
        let (analysis, zone) = self.latest().map(|(_, last)| (last.analysis.clone(), last.zone.clone()))?;
        Some(Run {
            id: uuid::Uuid::new_v4().to_string(),
            external_id: None,
            source: self.source.to_owned(),
            command: RunCommand::Redetect,
            started: self.started,
            ended: Timestamp::now(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            analysis,
            zone,
            window: self.settings.window,
            shard: None,
            explicit_files: false,
            cuts_clips: self.settings.cutting.is_some(),
            embeddings_from: None,
            exit_code: exit.code(),
            outcomes: std::mem::take(&mut self.outcomes),
        })
    }

    fn check_stop(&self) -> Result<(), Fatal> {
        self.stop.signal().map_or(Ok(()), |signal| Err(Fatal::Signal(signal)))
    }
}

/// How many of these overlap none of the others. Both are in order of time and disjoint.
fn without_counterpart(these: &[Detection], others: &[Detection]) -> u64 {
    let has_counterpart = |one: &&Detection| {
        let next = others.partition_point(|other| other.end <= one.start);
        others.get(next).is_some_and(|other| other.start < one.end)
    };
    these.iter().filter(|one| !has_counterpart(one)).count() as u64
}
