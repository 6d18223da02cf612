//! Decides what to do with each recording: every content is analyzed once.
//!
//! Invariant: pure; every recording has exactly one outcome, in the same order.

use std::collections::{HashMap, HashSet};

use crate::domain::{Analyzed, ContentHash, Damage, Outcome, Recording, RecordingError, Skip, Status};
use crate::identify::Identity;
use crate::pipeline::AnalyzeError;
use crate::store::Known;

pub enum Plan {
    Analyze(Recording),
    /// Decide anew from what is stored.
    Redetect(Recording),
    /// Nothing to do: its outcome is known.
    Known(Outcome),
}

/// Skips stored recordings, known damage, and copies. Among copies, the one with the best start source is analyzed: its
/// name may contain the start time, while the others may only have the time of the copy.
pub fn plan(identities: Vec<Identity>, known: &Known) -> Vec<Plan> {
    let chosen = chosen(&identities);
    let mut plans = Vec::with_capacity(identities.len());
    for (index, identity) in identities.into_iter().enumerate() {
        match identity {
            Identity::OutsideWindow => (),
            Identity::Failed(outcome) => plans.push(Plan::Known(failed(outcome, known))),
            Identity::Wanted(recording) => plans.push(match skip(index, &recording, &chosen, known) {
                Some(skip) => Plan::Known(Outcome { recording, status: Status::Skipped(skip) }),
                None if is_redetectable(&recording, known) => Plan::Redetect(recording),
                None => Plan::Analyze(recording),
            }),
        }
    }
    plans
}

/// For each content, index and name of the recording to analyze.
fn chosen(identities: &[Identity]) -> HashMap<ContentHash, (usize, String)> {
    let mut best = HashMap::new();
    for (index, identity) in identities.iter().enumerate() {
        if let Identity::Wanted(recording @ Recording { content: Some(content), .. }) = identity {
            let rank = (recording.started.map(|started| started.from), index);
            let entry = best.entry(*content).or_insert((rank, recording.name.clone()));
            if rank < entry.0 {
                *entry = (rank, recording.name.clone());
            }
        }
    }
    best.into_iter().map(|(content, ((_, index), name))| (content, (index, name))).collect()
}

fn skip(
    index: usize,
    recording: &Recording,
    chosen: &HashMap<ContentHash, (usize, String)>,
    known: &Known,
) -> Option<Skip> {
    let content = recording.content?;
    if known.analyzed.contains(&content) {
        return Some(Skip::AlreadyAnalyzed);
    }
    if let Some(damage) = known.damaged.get(&content) {
        return Some(Skip::KnownDamage(*damage));
    }
    let (first, name) = chosen.get(&content)?;
    (*first != index).then(|| Skip::CopyOf(name.clone()))
}

fn is_redetectable(recording: &Recording, known: &Known) -> bool {
    recording.content.is_some_and(|content| known.redetectable.contains(&content))
}

/// Skips a permanent failure that an earlier run has stored.
fn failed(outcome: Outcome, known: &Known) -> Outcome {
    let Outcome { recording, status: Status::Failed(error) } = &outcome else { return outcome };
    let is_stored = match recording.content {
        Some(content) => known.damaged.contains_key(&content),
        None => known.failed_names.contains(&recording.name),
    };
    if is_stored && RecordingError::PERMANENT.contains(&error.kind()) {
        Outcome { status: Status::Skipped(Skip::KnownDamage(Damage::Failed)), ..outcome }
    } else {
        outcome
    }
}

impl Plan {
    pub fn to_analyze(&self) -> Option<&Recording> {
        match self {
            Plan::Analyze(recording) => Some(recording),
            Plan::Redetect(_) | Plan::Known(_) => None,
        }
    }

    pub fn to_redetect(&self) -> Option<ContentHash> {
        match self {
            Plan::Redetect(recording) => recording.content,
            Plan::Analyze(_) | Plan::Known(_) => None,
        }
    }

    /// The recording, if its outcome is not known yet.
    pub fn wanted(&self) -> Option<&Recording> {
        match self {
            Plan::Analyze(recording) | Plan::Redetect(recording) => Some(recording),
            Plan::Known(_) => None,
        }
    }

    /// Takes the next result for an analyzed recording. None only after a signal.
    pub fn outcome(self, results: &mut impl Iterator<Item = Result<Analyzed, AnalyzeError>>) -> Option<Outcome> {
        match self {
            Plan::Known(outcome) => Some(outcome),
            // What cannot be decided anew has become `Analyze` before.
            Plan::Analyze(recording) | Plan::Redetect(recording) => {
                Some(Outcome { status: status(results.next()?)?, recording })
            }
        }
    }
}

/// The status of an analyzed recording; None if a signal ended its analysis.
pub fn status(result: Result<Analyzed, AnalyzeError>) -> Option<Status> {
    match result {
        Ok(analyzed) => Some(Status::Analyzed(Box::new(analyzed))),
        Err(AnalyzeError::Failed(error)) => Some(Status::Failed(error)),
        Err(AnalyzeError::Stopped) => None,
    }
}

/// Copies to analyze because the chosen recording of their content could not be read: the index of the first copy of
/// each such content.
pub fn retry_copies(outcomes: &[Outcome]) -> Vec<usize> {
    let mut lost: HashSet<ContentHash> =
        outcomes.iter().filter(|outcome| is_lost(outcome)).filter_map(content).collect();
    let is_copy = |outcome: &Outcome| matches!(outcome.status, Status::Skipped(Skip::CopyOf(_)));
    let mut takes =
        |outcome: &Outcome| is_copy(outcome) && content(outcome).is_some_and(|content| lost.remove(&content));
    outcomes.iter().enumerate().filter(|(_, outcome)| takes(outcome)).map(|(index, _)| index).collect()
}

fn content(outcome: &Outcome) -> Option<ContentHash> {
    outcome.recording.content
}

fn is_lost(outcome: &Outcome) -> bool {
    use RecordingError::{Changed, Unreadable, Vanished};
    let lost = |error: &RecordingError| matches!(error, Changed | Vanished | Unreadable { .. });
    match &outcome.status {
        Status::Failed(error) => lost(error),
        Status::Skipped(skip) => *skip == Skip::InProgress,
        Status::Analyzed(_) | Status::Redetected(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::domain::{StartSource, StartTime};

    fn recording(name: &str, content: u8, from: StartSource) -> Recording {
        let started = Some(StartTime { at: Timestamp::UNIX_EPOCH, from });
        let content = Some(ContentHash([content; 32]));
        Recording {
            path: name.into(),
            name: name.into(),
            content,
            bytes: 1,
            started,
            announced: None,
            named: None,
            zone_is_assumed: false,
        }
    }

    fn skipped(name: &str, content: u8, of: &str) -> Outcome {
        let status = Status::Skipped(Skip::CopyOf(of.into()));
        Outcome { recording: recording(name, content, StartSource::Filename), status }
    }

    fn failed(name: &str, content: u8, error: RecordingError) -> Outcome {
        Outcome { recording: recording(name, content, StartSource::Filename), status: Status::Failed(error) }
    }

    #[test]
    fn the_copy_with_the_best_start_source_is_analyzed() {
        let files = [
            ("a", 1, StartSource::Mtime),
            ("b", 1, StartSource::Filename),
            ("c", 1, StartSource::Filename),
            ("d", 2, StartSource::Mtime),
        ];
        let identities = files.map(|(name, content, from)| Identity::Wanted(recording(name, content, from)));
        let plans = plan(identities.into(), &Known::default());
        let analyzed: Vec<&str> =
            plans.iter().filter_map(Plan::to_analyze).map(|recording| recording.name.as_str()).collect();
        assert_eq!(analyzed, ["b", "d"]);
        assert_eq!(plans.len(), 4);
    }

    #[test]
    fn stored_recordings_are_not_analyzed() {
        let identities = vec![Identity::Wanted(recording("a", 1, StartSource::Filename)), Identity::OutsideWindow];
        let known = Known { analyzed: [ContentHash([1; 32])].into(), ..Known::default() };
        let plans = plan(identities, &known);
        assert!(matches!(&plans[..], [Plan::Known(Outcome { status: Status::Skipped(Skip::AlreadyAnalyzed), .. })]));
    }

    #[test]
    fn known_permanent_damage_is_skipped_and_other_failures_are_not() {
        let content = ContentHash([1; 32]);
        let known = Known {
            damaged: [(content, Damage::Partial), (ContentHash([2; 32]), Damage::Failed)].into(),
            failed_names: ["c".to_owned(), "d".to_owned()].into(),
            ..Known::default()
        };
        let unreadable = RecordingError::Unreadable { reason: "".into() };
        let without_content = |name, error| {
            let mut outcome = failed(name, 0, error);
            outcome.recording.content = None;
            Identity::Failed(outcome)
        };
        let unsupported = RecordingError::Unsupported { what: "".into() };
        let identities = vec![
            Identity::Wanted(recording("a", 1, StartSource::Filename)),
            Identity::Failed(failed("b", 2, unsupported.clone())),
            without_content("c", RecordingError::Empty),
            without_content("d", unreadable.clone()),
            Identity::Failed(failed("e", 2, unreadable)),
            Identity::Failed(failed("f", 3, unsupported)),
        ];
        let statuses: Vec<Status> = plan(identities, &known).into_iter().map(status_of).collect();
        assert!(matches!(statuses[0], Status::Skipped(Skip::KnownDamage(Damage::Partial))));
        assert!(matches!(statuses[1], Status::Skipped(Skip::KnownDamage(Damage::Failed))));
        assert!(matches!(statuses[2], Status::Skipped(Skip::KnownDamage(Damage::Failed))));
        assert!(statuses[3..].iter().all(|status| matches!(status, Status::Failed(_))));
    }

    fn status_of(plan: Plan) -> Status {
        match plan {
            Plan::Known(outcome) => outcome.status,
            Plan::Analyze(recording) | Plan::Redetect(recording) => panic!("{} is to be analyzed", recording.name),
        }
    }

    #[test]
    fn a_copy_is_analyzed_if_the_chosen_recording_is_unreadable_but_not_if_it_is_damaged() {
        let damaged = RecordingError::Corrupt { reason: "".into(), at: Default::default() };
        let outcomes = [
            failed("a", 1, RecordingError::Vanished),
            skipped("b", 1, "a"),
            skipped("c", 1, "a"),
            failed("d", 2, damaged),
            skipped("e", 2, "d"),
            Outcome { status: Status::Skipped(Skip::InProgress), ..skipped("f", 3, "f") },
            skipped("g", 3, "f"),
        ];
        assert_eq!(retry_copies(&outcomes), [1, 6]);
    }
}
