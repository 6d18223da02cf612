//! What is to be done with each recording: every content is heard once.
//!
//! Invariant: pure; one outcome comes of every recording that goes in, in the same order.

use std::collections::{HashMap, HashSet};

use crate::identify::Identity;
use crate::listen::Unheard;
use crate::record::{ContentHash, Damage, Fate, Heard, Outcome, Recording, RecordingError, Skip};
use crate::store::Known;

pub enum Plan {
    Hear(Recording),
    /// Nothing: its outcome is known.
    Known(Outcome),
}

/// Leaves out what is stored, damage that is known, and copies. Of copies the one with the best clock is heard: its name may
/// tell when the sound was recorded, where the others only tell when they were copied.
pub fn plan(identities: Vec<Identity>, known: &Known) -> Vec<Plan> {
    let chosen = chosen(&identities);
    let mut plans = Vec::with_capacity(identities.len());
    for (index, identity) in identities.into_iter().enumerate() {
        match identity {
            Identity::Elsewhere => (),
            Identity::Failed(outcome) => plans.push(Plan::Known(failed(outcome, known))),
            Identity::Wanted(recording) => plans.push(match skip(index, &recording, &chosen, known) {
                Some(skip) => Plan::Known(Outcome { recording, fate: Fate::Skipped(skip) }),
                None => Plan::Hear(recording),
            }),
        }
    }
    plans
}

/// For each content the recording that stands for it: its place and its name.
fn chosen(identities: &[Identity]) -> HashMap<ContentHash, (usize, String)> {
    let mut best = HashMap::new();
    for (index, identity) in identities.iter().enumerate() {
        if let Identity::Wanted(recording @ Recording { content: Some(content), .. }) = identity {
            let rank = (recording.began.map(|began| began.from), index);
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
        return Some(Skip::AlreadyHeard);
    }
    if let Some(damage) = known.damaged.get(&content) {
        return Some(Skip::KnownDamage(*damage));
    }
    let (first, name) = chosen.get(&content)?;
    (*first != index).then(|| Skip::CopyOf(name.clone()))
}

/// A failure for good that an earlier run has stored is no news.
fn failed(outcome: Outcome, known: &Known) -> Outcome {
    let Outcome { recording, fate: Fate::Failed(error) } = &outcome else { return outcome };
    let is_stored = match recording.content {
        Some(content) => known.damaged.contains_key(&content),
        None => known.failed_names.contains(&recording.name),
    };
    match is_stored && RecordingError::PERMANENT.contains(&error.kind()) {
        true => Outcome { fate: Fate::Skipped(Skip::KnownDamage(Damage::Failed)), ..outcome },
        false => outcome,
    }
}

impl Plan {
    pub fn to_hear(&self) -> Option<&Recording> {
        match self {
            Plan::Hear(recording) => Some(recording),
            Plan::Known(_) => None,
        }
    }

    /// Takes the next result for a recording that was heard. None only if a signal came between.
    pub fn outcome(self, results: &mut impl Iterator<Item = Result<Heard, Unheard>>) -> Option<Outcome> {
        match self {
            Plan::Known(outcome) => Some(outcome),
            Plan::Hear(recording) => Some(Outcome { fate: fate(results.next()?)?, recording }),
        }
    }
}

/// What became of a recording that was heard; none of one whose hearing a signal ended.
pub fn fate(result: Result<Heard, Unheard>) -> Option<Fate> {
    match result {
        Ok(heard) => Some(Fate::Heard(heard)),
        Err(Unheard::Failed(error)) => Some(Fate::Failed(error)),
        Err(Unheard::Stopped) => None,
    }
}

/// Copies that were skipped in favour of a recording whose place then failed it, not its content: the
/// first such copy of each content, by its place among the outcomes.
pub fn second_chances(outcomes: &[Outcome]) -> Vec<usize> {
    let mut lost: HashSet<ContentHash> =
        outcomes.iter().filter(|outcome| is_lost(outcome)).filter_map(content).collect();
    let is_copy = |outcome: &Outcome| matches!(outcome.fate, Fate::Skipped(Skip::CopyOf(_)));
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
    match &outcome.fate {
        Fate::Failed(error) => lost(error),
        Fate::Skipped(skip) => *skip == Skip::BeingWritten,
        Fate::Heard(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::record::{Began, Clock};

    fn recording(name: &str, content: u8, from: Clock) -> Recording {
        let began = Some(Began { at: Timestamp::UNIX_EPOCH, from });
        let content = Some(ContentHash([content; 32]));
        Recording { path: name.into(), name: name.into(), content, bytes: 1, began, announced: None, named: None }
    }

    fn skipped(name: &str, content: u8, of: &str) -> Outcome {
        let fate = Fate::Skipped(Skip::CopyOf(of.into()));
        Outcome { recording: recording(name, content, Clock::Name), fate }
    }

    fn failed(name: &str, content: u8, error: RecordingError) -> Outcome {
        Outcome { recording: recording(name, content, Clock::Name), fate: Fate::Failed(error) }
    }

    #[test]
    fn of_copies_the_one_with_the_best_clock_is_heard() {
        let files =
            [("a", 1, Clock::Modified), ("b", 1, Clock::Name), ("c", 1, Clock::Name), ("d", 2, Clock::Modified)];
        let identities = files.map(|(name, content, clock)| Identity::Wanted(recording(name, content, clock)));
        let plans = plan(identities.into(), &Known::default());
        let heard: Vec<&str> =
            plans.iter().filter_map(Plan::to_hear).map(|recording| recording.name.as_str()).collect();
        assert_eq!(heard, ["b", "d"]);
        assert_eq!(plans.len(), 4);
    }

    #[test]
    fn what_is_stored_is_not_heard() {
        let identities = vec![Identity::Wanted(recording("a", 1, Clock::Name)), Identity::Elsewhere];
        let known = Known { analyzed: [ContentHash([1; 32])].into(), ..Known::default() };
        let plans = plan(identities, &known);
        assert!(matches!(&plans[..], [Plan::Known(Outcome { fate: Fate::Skipped(Skip::AlreadyHeard), .. })]));
    }

    #[test]
    fn damage_that_is_known_is_skipped_and_what_may_heal_is_not() {
        let content = ContentHash([1; 32]);
        let known = Known {
            damaged: [(content, Damage::Partial), (ContentHash([2; 32]), Damage::Failed)].into(),
            failed_names: ["c".to_owned(), "d".to_owned()].into(),
            ..Known::default()
        };
        let unreadable = RecordingError::Unreadable { reason: String::new() };
        let without_content = |name, error| {
            let mut outcome = failed(name, 0, error);
            outcome.recording.content = None;
            Identity::Failed(outcome)
        };
        let unsupported = RecordingError::Unsupported { what: String::new() };
        let identities = vec![
            Identity::Wanted(recording("a", 1, Clock::Name)),
            Identity::Failed(failed("b", 2, unsupported.clone())),
            without_content("c", RecordingError::Empty),
            without_content("d", unreadable.clone()),
            Identity::Failed(failed("e", 2, unreadable)),
            Identity::Failed(failed("f", 3, unsupported)),
        ];
        let fates: Vec<Fate> = plan(identities, &known).into_iter().map(fate_of).collect();
        assert!(matches!(fates[0], Fate::Skipped(Skip::KnownDamage(Damage::Partial))));
        assert!(matches!(fates[1], Fate::Skipped(Skip::KnownDamage(Damage::Failed))));
        assert!(matches!(fates[2], Fate::Skipped(Skip::KnownDamage(Damage::Failed))));
        assert!(fates[3..].iter().all(|fate| matches!(fate, Fate::Failed(_))));
    }

    fn fate_of(plan: Plan) -> Fate {
        match plan {
            Plan::Known(outcome) => outcome.fate,
            Plan::Hear(recording) => panic!("{} is to be analyzed", recording.name),
        }
    }

    #[test]
    fn a_copy_is_heard_where_the_chosen_one_is_lost_but_not_where_it_is_damaged() {
        let damaged = RecordingError::Corrupt { reason: String::new(), at: Default::default() };
        let outcomes = [
            failed("a", 1, RecordingError::Vanished),
            skipped("b", 1, "a"),
            skipped("c", 1, "a"),
            failed("d", 2, damaged),
            skipped("e", 2, "d"),
            Outcome { fate: Fate::Skipped(Skip::BeingWritten), ..skipped("f", 3, "f") },
            skipped("g", 3, "f"),
        ];
        assert_eq!(second_chances(&outcomes), [1, 6]);
    }
}
