//! Decides anew from what is stored of recordings, without their audio.
//!
//! ```text
//! decide:   stored v and candidates -> personal scores -> detections; those that have a clip by its name keep it
//! redetect: per source: lock -> each stored recording of the window: decide -> missing clips -> one transaction
//! ```
//!
//! Invariant: for unchanged settings and reviews, the detections are those of the scan, bit for bit.

mod command;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::audio::ffmpeg::Ffmpeg;
use crate::clips::{ClipWriter, Match, matches};
use crate::detect::{detections, unsure};
use crate::domain::{
    Analysis, Candidate, ClipsFailed, Decided, Detection, PersonalScore, Recording, Redetected, ScoredRecording, Unsure,
};
use crate::personal::PersonalModel;
use crate::pool::Pool;
use crate::stop::Stop;
use crate::store::{Store, StoreError};

pub use self::command::{Changes, Cutting, Report, Settings, SourceReport, redetect};

/// What the reviews of a source say. None: there are too few, or it is not asked for.
pub fn personal_model(
    store: &mut dyn Store,
    source: &str,
    is_asked_for: bool,
) -> Result<Option<PersonalModel>, StoreError> {
    if !is_asked_for {
        return Ok(None);
    }
    Ok(PersonalModel::consuming(store.evidence(source)?))
}

/// The detections of a recording under this analysis. `zone` is the time zone named in it.
pub fn decide(
    scored: ScoredRecording,
    analysis: Analysis,
    zone: TimeZone,
    personal: Option<&PersonalModel>,
) -> Redetected {
    let personal = personal.filter(|_| analysis.parameters.personal);
    let (stored, mut candidates): (Vec<_>, Vec<Candidate>) =
        scored.candidates.into_iter().map(|one| ((one.id, one.is_detected), one.candidate)).unzip();
    let earlier: Vec<Option<PersonalScore>> = candidates.iter().map(|candidate| candidate.personal.clone()).collect();
    candidates.iter_mut().for_each(|candidate| candidate.personal = personal_score(candidate, personal));
    let mut detections = detections(&scored.track, &candidates, scored.audio, &analysis.parameters);
    let started = scored.recording.started.map(|started| started.at);
    let earlier_clips = give_clips(&mut detections, started, &scored.detections, &candidates);
    let offered = unsure(&candidates, &detections, scored.track.len(), &analysis.parameters);
    let unsure = candidates.iter().zip(&stored).enumerate().filter_map(|(index, (candidate, &(id, was_detected)))| {
        let kept = with_earlier_clip(candidate, &scored.detections);
        // Of a laugh that is gone, or has become part of another one: it may come back.
        let is_unused = |clip: &String| !detections.iter().any(|one| one.clip.as_ref() == Some(clip));
        let was_of_another = was_detected && kept.clip.as_ref().is_some_and(is_unused);
        let is_kept = offered.contains(&index) || was_of_another;
        (candidate.clip.is_none() && is_kept).then_some(Unsure { id, candidate: kept })
    });
    let unsure = unsure.collect();
    let decided = stored.into_iter().zip(earlier).zip(candidates).filter_map(|(((id, was_detected), earlier), now)| {
        let is_detected = now.is_detected(&detections);
        let changes = is_detected != was_detected || now.personal != earlier;
        changes.then_some(Decided { id, is_detected, personal: now.personal })
    });
    Redetected {
        candidates: decided.collect(),
        unsure,
        earlier_clips,
        analysis,
        zone,
        audio: scored.audio,
        detections,
        before: scored.detections,
        clips_failed: None,
        clips_failed_before: scored.clips_failed,
    }
}

/// A candidate that counted before has the clip of that detection.
fn with_earlier_clip(candidate: &Candidate, before: &[Detection]) -> Candidate {
    let earlier = before.iter().find(|earlier| candidate.is_detected(std::slice::from_ref(earlier)));
    let clip = earlier.and_then(|earlier| earlier.clip.clone());
    Candidate { embedding: None, clip, ..candidate.clone() }
}

/// Gives detections the clips that are theirs: by the name, or by extent and start. For each, returns the one to show if it
/// has none and none can be cut: of the detection of before that overlaps it most, or of a candidate in it.
fn give_clips(
    detections: &mut [Detection],
    started: Option<Timestamp>,
    before: &[Detection],
    candidates: &[Candidate],
) -> Vec<Option<String>> {
    let earlier = detections.iter_mut().map(|detection| {
        let overlap = |one: &Detection| one.end.min(detection.end).saturating_sub(one.start.max(detection.start));
        let mut overlapping: Vec<&Detection> =
            before.iter().filter(|one| one.clip.is_some() && !overlap(one).is_zero()).collect();
        overlapping.sort_by_key(|one| std::cmp::Reverse(overlap(one)));
        let within = candidates.iter().filter(|one| one.is_detected(std::slice::from_ref(detection)));
        let known: Vec<(&String, bool)> = overlapping
            .iter()
            .filter_map(|one| Some((one.clip.as_ref()?, (one.start, one.end) == (detection.start, detection.end))))
            .chain(within.filter_map(|one| Some((one.clip.as_ref()?, false))))
            .collect();
        let by_name = |clip: &str| started.map_or(Match::Start, |started| matches(clip, started, detection));
        let own = known.iter().find(|(clip, _)| by_name(clip) == Match::Whole);
        // With another score or class it is the same audio.
        let own = own.or_else(|| known.iter().find(|(clip, is_same)| *is_same && by_name(clip) >= Match::Start));
        let (own, earlier) = (own.map(|(clip, _)| (*clip).clone()), known.first().map(|(clip, _)| (*clip).clone()));
        detection.clip = own;
        earlier
    });
    earlier.collect()
}

/// A candidate whose embedding was removed keeps the score that it had.
fn personal_score(candidate: &Candidate, personal: Option<&PersonalModel>) -> Option<PersonalScore> {
    let personal = personal?;
    candidate.embedding.as_ref().map(|embedding| personal.score(embedding)).or_else(|| candidate.personal.clone())
}

/// Cuts the clips that are missing in these recordings, by decoding them, without the network.
pub fn cut_clips<'a>(
    recordings: Vec<(&Recording, &'a mut Redetected)>,
    clip_writer: &ClipWriter<'_>,
    pool: &Pool,
    ffmpeg: Option<&Ffmpeg>,
    stop: &Stop,
) {
    let (recordings, mut redetected): (Vec<&Recording>, Vec<&'a mut Redetected>) = recordings.into_iter().unzip();
    let items: Vec<(&Recording, Redetected)> =
        recordings.into_iter().zip(&redetected).map(|(recording, one)| (recording, Redetected::clone(one))).collect();
    let cut = |(recording, redetected): &(&Recording, Redetected)| {
        let mut redetected = redetected.clone();
        clip_writer.cut_missing(recording, &mut redetected, ffmpeg, stop);
        redetected
    };
    let panicked = |(_, redetected): &(&Recording, Redetected), reason: String| {
        let mut redetected = redetected.clone();
        let count = (redetected.without_clip().count() + redetected.unsure_without_clip().count()) as u64;
        Redetected { clips_failed: Some(ClipsFailed { count, reason: reason.into() }), ..redetected }
    };
    let done = pool.map(&items, |(recording, _)| recording.bytes, cut, panicked);
    redetected.iter_mut().zip(done).for_each(|(place, done)| **place = done);
}

#[cfg(test)]
mod tests;
