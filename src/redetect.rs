//! Decides anew from what is stored of recordings, without their audio.
//!
//! ```text
//! decide:   stored v and candidates -> personal scores -> detections; those with the same extent keep their clips
//! redetect: per source: lock -> each stored recording of the window: decide -> missing clips -> one transaction
//! ```
//!
//! Invariant: for unchanged settings and reviews, the detections are those of the scan, bit for bit.

mod command;

use jiff::tz::TimeZone;

use crate::audio::ffmpeg::Ffmpeg;
use crate::clips::ClipWriter;
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
    Ok(PersonalModel::new(&store.evidence(source)?))
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
    keep_clips(&mut detections, &scored.detections);
    let earlier_clips = detections.iter().map(|one| earlier_clip(one, &scored.detections, &candidates)).collect();
    let offered = unsure(&candidates, &detections, scored.track.len(), &analysis.parameters);
    let unsure = candidates.iter().zip(&stored).enumerate().filter_map(|(index, (candidate, &(id, was_detected)))| {
        let no_longer_counts = was_detected && !candidate.is_detected(&detections);
        let kept = with_earlier_clip(candidate, &scored.detections);
        let is_kept = offered.contains(&index) || no_longer_counts && kept.clip.is_some();
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

/// The clip of the detection of before that overlaps a detection most, or of a candidate in it.
fn earlier_clip(detection: &Detection, before: &[Detection], candidates: &[Candidate]) -> Option<String> {
    let overlap = |one: &Detection| one.end.min(detection.end).saturating_sub(one.start.max(detection.start));
    let with_clip = before.iter().filter(|one| one.clip.is_some() && !overlap(one).is_zero());
    let of_detection = with_clip.max_by_key(|one| overlap(one)).and_then(|one| one.clip.clone());
    let within = || candidates.iter().filter(|one| one.is_detected(std::slice::from_ref(detection)));
    of_detection.or_else(|| within().find_map(|one| one.clip.clone()))
}

/// A candidate whose embedding was removed keeps the score that it had.
fn personal_score(candidate: &Candidate, personal: Option<&PersonalModel>) -> Option<PersonalScore> {
    let personal = personal?;
    candidate.embedding.as_ref().map(|embedding| personal.score(embedding)).or_else(|| candidate.personal.clone())
}

/// Both are in order of time and disjoint.
fn keep_clips(detections: &mut [Detection], before: &[Detection]) {
    for detection in detections {
        let earlier = before.binary_search_by_key(&detection.start, |earlier| earlier.start);
        let earlier = earlier.ok().map(|index| &before[index]).filter(|earlier| earlier.end == detection.end);
        detection.clip = earlier.and_then(|earlier| earlier.clip.clone());
    }
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
