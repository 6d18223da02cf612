//! Reads what is evaluated: the scored recordings of a period with their reviews, and all that their models are made from.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::measures::Span;
use super::{Material, ReviewedRecording, ReviewedStretch, SourceEvidence, overlap};
use crate::domain::{ContentHash, ScoredRecording, StoredReview, Window};
use crate::error::Fatal;
use crate::store::{Reader, ScoredSelection};

/// The reviews of a source's recordings, by content.
type ByContent = HashMap<ContentHash, Vec<ReviewedStretch>>;

/// Reads the recordings that overlap the window and have reviews. The source of None means all sources.
pub fn read(
    reader: &mut dyn Reader,
    source: Option<&str>,
    window: &Window,
    zone: &TimeZone,
) -> Result<Material, Fatal> {
    let sources = source.map_or_else(|| reader.sources(), |source| Ok(vec![source.to_owned()]))?;
    let mut material = Material::default();
    for source in sources {
        let reviews = reader.reviews(&source)?;
        let mut by_content = by_content(&reviews);
        if by_content.is_empty() {
            continue;
        }
        let wanted = ScoredSelection {
            source: Some(source.clone()),
            window: *window,
            contents: Some(by_content.keys().copied().collect()),
            with_embeddings: true,
        };
        reader.each_scored(&wanted, &mut |scored| {
            scored.check().map_err(Fatal::Failed)?;
            let stretches = scored.recording.content.and_then(|content| by_content.remove(&content));
            material.recordings.extend(stretches.and_then(|reviews| reviewed(scored, reviews, zone)));
            Ok(())
        })?;
        let evidence = evidence(reader, &source, &reviews, zone)?;
        material.evidence.insert(source, evidence);
    }
    Ok(material)
}

fn day(at: Timestamp, zone: &TimeZone) -> Date {
    at.to_zoned(zone.clone()).date()
}

fn seconds(start: Duration, end: Duration) -> Span {
    (start.as_secs_f64(), end.as_secs_f64())
}

/// The latest verdict about each stretch of a recording, in order of time.
fn by_content(reviews: &[StoredReview]) -> ByContent {
    let mut latest_first: Vec<&StoredReview> = reviews.iter().collect();
    latest_first.sort_by_key(|review| std::cmp::Reverse((review.span.review.at, review.id)));
    let mut spoken: HashMap<ContentHash, Vec<Span>> = HashMap::new();
    let mut by_content = ByContent::new();
    for StoredReview { id, span: reviewed, has_embedding, .. } in latest_first {
        let span = seconds(reviewed.start, reviewed.end);
        let newer = spoken.entry(reviewed.content).or_default();
        if newer.iter().any(|&newer| is_same_sound(newer, span)) {
            continue;
        }
        newer.push(span);
        if let Some(verdict) = reviewed.review.verdict {
            let stretch = ReviewedStretch { review: *id, verdict, span, has_embedding: *has_embedding };
            by_content.entry(reviewed.content).or_default().push(stretch);
        }
    }
    by_content.values_mut().for_each(|stretches| stretches.sort_by(|a, b| a.span.0.total_cmp(&b.span.0)));
    by_content
}

/// Whether one covers at least half of the other: reviews of the same sound, as different settings delimited it.
fn is_same_sound(a: Span, b: Span) -> bool {
    overlap(a, b) * 2.0 >= (a.1 - a.0).min(b.1 - b.0)
}

/// None: its start time is not known.
fn reviewed(scored: ScoredRecording, reviews: Vec<ReviewedStretch>, zone: &TimeZone) -> Option<ReviewedRecording> {
    Some(ReviewedRecording {
        day: day(scored.recording.started?.at, zone),
        source: scored.source,
        audio: scored.audio,
        parameters: scored.analysis.parameters,
        track: scored.track,
        candidates: scored.candidates.into_iter().map(|scored| scored.candidate).collect(),
        shown: scored.detections.iter().map(|detection| seconds(detection.start, detection.end)).collect(),
        reviews,
    })
}

/// What models of a source are made from, with the day of each review.
fn evidence(
    reader: &mut dyn Reader,
    source: &str,
    reviews: &[StoredReview],
    zone: &TimeZone,
) -> Result<SourceEvidence, Fatal> {
    let days: BTreeMap<i64, Date> = reviews.iter().map(|review| (review.id, day(review.span.starts, zone))).collect();
    let evidence = reader.evidence(source)?;
    let dated = evidence.reviews.into_iter().filter_map(|(id, verdict, e)| Some((*days.get(&id)?, (id, verdict, e))));
    Ok(SourceEvidence { reviews: dated.collect(), reference: evidence.reference })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Review, ReviewedSpan, Verdict};

    fn review(id: i64, span: (u64, u64), at: i64, verdict: Option<Verdict>) -> StoredReview {
        let span = ReviewedSpan {
            source: "anna".into(),
            recording: "noon.ogg".into(),
            content: ContentHash([1; 32]),
            start: Duration::from_secs(span.0),
            end: Duration::from_secs(span.1),
            starts: Timestamp::UNIX_EPOCH,
            embedding: None,
            review: Review { verdict, comment: None, favourite: false, at: Timestamp::from_second(at).unwrap() },
        };
        StoredReview { id, span, is_personal: true, has_embedding: false }
    }

    #[test]
    fn the_latest_review_of_a_sound_applies() {
        let (yes, no) = (Some(Verdict::Confirmed), Some(Verdict::Rejected));
        let reviews = [
            review(1, (10, 14), 100, yes),
            review(2, (11, 14), 300, no),
            review(3, (13, 20), 200, yes),
            review(4, (40, 42), 100, yes),
            review(5, (40, 42), 101, None),
        ];
        let stretches = by_content(&reviews).remove(&ContentHash([1; 32])).unwrap();
        // 3 shares a second of 3 with 2, and 5 withdrew 4.
        assert_eq!(
            stretches.iter().map(|one| (one.review, one.verdict)).collect::<Vec<_>>(),
            [(2, Verdict::Rejected), (3, Verdict::Confirmed)]
        );
    }
}
