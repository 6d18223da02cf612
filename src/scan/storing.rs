//! Makes a run of its outcomes and stores it: in one transaction, or with `--commit-every` in several.
//!
//! Each batch of `--commit-every` is a run of its own in the database, marked as one that may not have scanned its whole
//! window; only the last one covers it. What is stored is skipped by the next run, so that an interrupted import continues.

use std::collections::HashSet;
use std::time::Instant;

use jiff::Timestamp;

use super::file_stability::StabilityCheck;
use super::{Session, VERSION, new_id, plan};
use crate::domain::{
    Analyzed, ContentHash, Counts, Outcome, Recording, Run, RunCommand, ScoreTrack, Status, Step, Unresolved,
};
use crate::error::Fatal;
use crate::exit::{self, Exit};
use crate::pipeline::AnalyzeError;
use crate::store::Store;

/// Recordings for each thread from one check of the time to the next.
const PORTION: usize = 2;

/// What was stored before the end of the run.
pub(super) struct Commits {
    last: Instant,
    /// Contents whose result is stored.
    contents: HashSet<ContentHash>,
    counts: Counts,
}

impl Commits {
    pub(super) fn new() -> Commits {
        Commits { last: Instant::now(), contents: HashSet::new(), counts: Counts::default() }
    }

    fn has(&self, outcome: &Outcome) -> bool {
        self.has_stored(&outcome.recording) && is_result(&outcome.status)
    }

    fn has_stored(&self, recording: &Recording) -> bool {
        recording.content.is_some_and(|content| self.contents.contains(&content))
    }

    /// Says that a failed run has stored something, unlike its error, which is about the rest.
    pub(super) fn warn(&self) {
        let Counts { analyzed, partial, .. } = self.counts;
        if analyzed + partial > 0 {
            log::warn!(
                "{} recordings were stored before (--commit-every); the next run continues there",
                analyzed + partial
            );
        }
    }
}

/// Drops what only the storage needs.
fn forget_scores(analyzed: &mut Analyzed) {
    (analyzed.track, analyzed.candidates) = (ScoreTrack::default(), Vec::new());
}

fn is_result(status: &Status) -> bool {
    matches!(status, Status::Analyzed(_) | Status::Failed(_))
}

impl Session<'_> {
    /// Whether `--commit-every` asks for a commit now.
    pub(super) fn is_due(&self, commits: &Commits) -> bool {
        self.settings.commit_every.is_some_and(|every| commits.last.elapsed() >= every)
    }

    /// Stores the results among these outcomes that are not stored yet, as a run of its own. What only the storage needs
    /// is dropped then.
    pub(super) fn commit(
        &self,
        store: &mut (dyn Store + 'static),
        commits: &mut Commits,
        outcomes: &mut [Outcome],
    ) -> Result<(), Fatal> {
        let is_new = |outcome: &&Outcome| is_result(&outcome.status) && !commits.has(outcome);
        let new: Vec<Outcome> = outcomes.iter().filter(is_new).cloned().collect();
        commits.last = Instant::now();
        if new.is_empty() {
            return Ok(());
        }
        let contents: Vec<ContentHash> = new.iter().filter_map(|outcome| outcome.recording.content).collect();
        let run = self.describe(true, exit::from_outcomes(&new, true), new);
        let run = Run { id: new_id(), embeddings_from: None, ..run };
        let counts = store.save(&run)?;
        log::info!("stored {} recordings (--commit-every)", contents.len());
        commits.contents.extend(contents);
        commits.counts = commits.counts.plus(counts);
        for outcome in outcomes.iter_mut().filter(|outcome| commits.has(outcome)) {
            if let Status::Analyzed(analyzed) = &mut outcome.status {
                forget_scores(analyzed);
            }
        }
        Ok(())
    }

    /// Analyzes some recordings after the other, and stores them whenever a commit is due.
    pub(super) fn analyze_in_portions(
        &self,
        recordings: &[&Recording],
        stability: &StabilityCheck,
        store: &mut (dyn Store + 'static),
        commits: &mut Commits,
    ) -> Result<Vec<Result<Analyzed, AnalyzeError>>, Fatal> {
        let (mut results, mut waiting) = (Vec::with_capacity(recordings.len()), Vec::new());
        for portion in recordings.chunks(PORTION * self.pool.threads()) {
            let analyzed = self.analyze_each(portion);
            self.check_stop()?;
            let outcome = |(recording, result): (&&Recording, &Result<Analyzed, AnalyzeError>)| {
                Some(Outcome { recording: (*recording).clone(), status: plan::status(result.clone())? })
            };
            waiting.extend(portion.iter().zip(&analyzed).filter_map(outcome));
            results.extend(analyzed);
            if self.is_due(commits) {
                stability.update_outcomes(&mut waiting, self.stop);
                self.commit(store, commits, &mut waiting)?;
                waiting.clear();
                for (_, result) in recordings.iter().zip(&mut results).filter(|(one, _)| commits.has_stored(one)) {
                    result.iter_mut().for_each(forget_scores);
                }
            }
        }
        Ok(results)
    }

    pub(super) fn describe(&self, explicit_files: bool, exit: Exit, outcomes: Vec<Outcome>) -> Run {
        Run {
            id: self.settings.id.clone(),
            external_id: self.settings.external_id.clone(),
            source: self.settings.source.clone(),
            command: RunCommand::Scan,
            started: self.started,
            ended: Timestamp::now(),
            version: VERSION.to_owned(),
            analysis: self.settings.analysis.clone(),
            zone: self.settings.zone.clone(),
            window: self.settings.window,
            shard: self.settings.shard.part(),
            explicit_files,
            cuts_clips: self.settings.clips.is_some(),
            embeddings_from: self.embeddings_from(),
            exit_code: exit.code(),
            outcomes,
        }
    }

    /// Stores the run in one transaction, without what is stored already, and counts what is stored; on a dry run, counts
    /// the outcomes.
    pub(super) fn save(
        &self,
        store: Option<&mut (dyn Store + 'static)>,
        run: &mut Run,
        commits: &Commits,
    ) -> Result<(Counts, Unresolved), Fatal> {
        self.refuse_partial(run)?;
        (self.steps)(Step::Saving);
        self.check_stop()?;
        let Some(store) = store else { return Ok((run.counts(), run.unresolved())) };
        let (mut stored, rest) = std::mem::take(&mut run.outcomes).into_iter().partition(|one| commits.has(one));
        run.outcomes = rest;
        let saved = store.save(run);
        // The run is stored, so an error in this query is not a failure of the run.
        let unresolved = saved.as_ref().ok().map(|_| store.unresolved(run));
        let rest = std::mem::replace(&mut run.outcomes, std::mem::take::<Vec<Outcome>>(&mut stored));
        run.outcomes.extend(rest);
        let counts = saved?.plus(commits.counts);
        let unresolved = unresolved.map_or(Ok(run.unresolved()), |unresolved| unresolved).unwrap_or_else(|error| {
            log::error!("the run is stored, but damaged recordings of its window cannot be counted: {error}");
            run.unresolved()
        });
        Ok((counts, unresolved))
    }

    /// `--strict`: one failure, and nothing is stored. Names every failure, because no row is stored for it.
    fn refuse_partial(&self, run: &Run) -> Result<(), Fatal> {
        let failures = run.failures();
        if self.settings.strict && !failures.is_empty() { Err(Fatal::Refused(failures)) } else { Ok(()) }
    }
}
