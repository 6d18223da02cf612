//! The sounds of a day that do not count as laughs and are shown nevertheless: those that are offered for review, and
//! those that were reviewed.
//!
//! Invariant: none of them changes the number of laughs, whatever its verdict.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::{Day, MergedDetection};
use crate::domain::{Candidate, Review, StoredCandidate, StoredRecording, StoredReview};

/// What is known of a source besides its recordings, to show what does not count, and why a laugh counts.
#[derive(Debug, Clone, Default)]
pub struct Reviewing {
    /// Numbers of the candidates that are offered for review.
    pub offered: Arc<BTreeSet<i64>>,
    /// All reviews of the source.
    pub reviews: Arc<Vec<StoredReview>>,
}

/// A sound that does not count.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Uncounted<'a> {
    pub recording: &'a StoredRecording,
    /// Offsets in the recording.
    pub start: Duration,
    pub end: Duration,
    /// The instant of `start`.
    pub starts: Timestamp,
    /// None: a stretch that was reviewed, and that is not even a candidate.
    pub candidate: Option<&'a StoredCandidate>,
    pub review: Option<&'a Review>,
}

impl Uncounted<'_> {
    pub fn length(&self) -> Duration {
        self.end.saturating_sub(self.start)
    }

    /// Path of its clip.
    pub fn clip(&self) -> Option<&str> {
        self.candidate?.candidate.clip.as_deref()
    }
}

impl Day {
    pub fn with_reviewing(self, reviewing: Reviewing) -> Day {
        Day { reviewing, ..self }
    }

    /// Sounds that start on this day and do not count, sorted by time.
    pub fn uncounted(&self) -> Vec<Uncounted<'_>> {
        let of_recording = |recording| self.candidates_of(recording).chain(self.stretches_of(recording));
        let mut all: Vec<Uncounted<'_>> = self.recordings.iter().flat_map(of_recording).collect();
        all.sort_by(|a, b| (a.starts, &a.recording.name).cmp(&(b.starts, &b.recording.name)));
        all
    }

    fn candidates_of<'a>(&'a self, recording: &'a StoredRecording) -> impl Iterator<Item = Uncounted<'a>> {
        recording.candidates().iter().filter_map(|one| {
            let is_shown = self.reviewing.offered.contains(&one.id) || one.review.as_ref().is_some_and(says);
            let (start, end) = (one.candidate.start(), one.candidate.end());
            let starts = self.instant(recording, start)?;
            let (candidate, review) = (Some(one), one.review.as_ref().filter(|review| says(review)));
            (is_shown && !one.is_detected).then_some(Uncounted { recording, start, end, starts, candidate, review })
        })
    }

    /// Reviewed stretches of a recording that overlap neither a laugh nor a candidate.
    fn stretches_of<'a>(&'a self, recording: &'a StoredRecording) -> impl Iterator<Item = Uncounted<'a>> {
        let laughs = || recording.laughs().iter().map(|laugh| (laugh.detection.start, laugh.detection.end));
        let candidates = || recording.candidates().iter().map(|one| (one.candidate.start(), one.candidate.end()));
        self.reviewing.reviews.iter().map(|review| &review.span).filter_map(move |span| {
            let overlaps = |(start, end)| span.start < end && start < span.end;
            let is_here = recording.content == Some(span.content) && recording.sound().is_some() && says(&span.review);
            let starts = self.instant(recording, span.start)?;
            (is_here && !laughs().chain(candidates()).any(overlaps)).then_some(Uncounted {
                recording,
                start: span.start,
                end: span.end,
                starts,
                candidate: None,
                review: Some(&span.review),
            })
        })
    }

    /// None if it is not in this day.
    fn instant(&self, recording: &StoredRecording, offset: Duration) -> Option<Timestamp> {
        recording.instant(offset).filter(|at| self.calendar.span.holds(*at))
    }
}

/// Whether a review was not withdrawn.
fn says(review: &Review) -> bool {
    !review.is_withdrawn()
}

impl MergedDetection<'_> {
    /// Of the candidates of which the laugh consists, the one with the highest v' that has a personal score.
    pub fn explained(&self) -> Option<&Candidate> {
        let of_part = self.parts.iter().flat_map(|(recording, row)| {
            let detections = std::slice::from_ref(&row.detection);
            recording.candidates().iter().map(|one| &one.candidate).filter(move |one| one.is_detected(detections))
        });
        of_part.filter(|one| one.personal.is_some()).max_by(|a, b| a.shifted_v().total_cmp(&b.shifted_v()))
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use jiff::tz::TimeZone;

    use super::super::merged::tests::{at, minute};
    use super::super::{Calendar, ScanCoverage, Span};
    use super::*;
    use crate::domain::{ContentHash, PersonalScore, ReviewedSpan, StoredStatus, Verdict};

    fn candidate(id: i64, first: u32, is_detected: bool, review: Option<Verdict>) -> StoredCandidate {
        let (class_scores, embedding, personal, clip) = ([0.0; 6], None, None, None);
        let (last, peak_v, mean_v) = (first + 1, -0.5, -0.5);
        let candidate = Candidate { first, last, peak_v, mean_v, class_scores, embedding, personal, clip };
        let review =
            review.map(|verdict| Review { verdict: Some(verdict), comment: None, favourite: false, at: at(1.0) });
        StoredCandidate { id, candidate, is_detected, review }
    }

    fn reviewed(start: f64, end: f64, verdict: Option<Verdict>) -> StoredReview {
        let span = ReviewedSpan {
            source: "neil".into(),
            recording: "0.ogg".into(),
            content: ContentHash([1; 32]),
            start: Duration::from_secs_f64(start),
            end: Duration::from_secs_f64(end),
            starts: at(start),
            embedding: None,
            review: Review { verdict, comment: None, favourite: false, at: at(9.0) },
        };
        StoredReview { id: 1, span, is_personal: true, has_embedding: false }
    }

    /// A minute with a laugh from 50 to 52 s.
    fn recording(candidates: Vec<StoredCandidate>) -> StoredRecording {
        let mut recording = minute("neil", 0.0, &[(50.0, 52.0, 0.6)]);
        recording.content = Some(ContentHash([1; 32]));
        let StoredStatus::Analyzed(sound) = &mut recording.status else { unreachable!() };
        sound.candidates = candidates;
        recording
    }

    fn day(candidates: Vec<StoredCandidate>, offered: &[i64], reviews: Vec<StoredReview>) -> Day {
        let recordings = vec![recording(candidates)];
        let span = Span { from: at(0.0), to: at(86_400.0) };
        let calendar = Calendar { date: date(1970, 1, 1), zone: TimeZone::UTC, span };
        let offered = Arc::new(offered.iter().copied().collect());
        let reviewing = Reviewing { offered, reviews: Arc::new(reviews) };
        Day::new("neil", &calendar, recordings, ScanCoverage::Never, at(90_000.0)).with_reviewing(reviewing)
    }

    #[test]
    fn what_is_offered_or_was_reviewed_is_shown_in_order_and_does_not_count() {
        let (yes, no) = (Some(Verdict::Confirmed), Some(Verdict::Rejected));
        let candidates = vec![candidate(1, 0, false, None), candidate(2, 10, false, no), candidate(3, 60, false, None)];
        let reviews = vec![reviewed(20.0, 21.0, yes), reviewed(25.0, 26.0, None), reviewed(5.0, 6.0, no)];
        let day = day(candidates, &[3], reviews);
        let shown = day.uncounted();
        let ids: Vec<Option<i64>> = shown.iter().map(|one| one.candidate.map(|one| one.id)).collect();
        assert_eq!(ids, [Some(2), None, Some(3)], "the stretch from 5 to 6 s is that of candidate 2");
        assert_eq!(shown[1].review.and_then(|review| review.verdict), yes);
        assert_eq!((shown[2].review, shown[2].length()), (None, Duration::from_millis(960)));
        assert_eq!(day.laughs().len(), 1);
    }

    #[test]
    fn what_counts_is_not_shown_twice() {
        let yes = Some(Verdict::Confirmed);
        let detected = candidate(1, 104, true, yes);
        assert_eq!(day(vec![detected], &[1], vec![reviewed(51.0, 53.0, yes)]).uncounted(), []);
    }

    #[test]
    fn a_laugh_is_explained_by_its_strongest_candidate_with_a_personal_score() {
        let shift = |shift| Some(PersonalScore { shift, ..PersonalScore::default() });
        let mut all = vec![candidate(1, 0, false, None), candidate(2, 104, true, None), candidate(3, 107, true, None)];
        (all[0].candidate.personal, all[1].candidate.personal) = (shift(9.0), shift(0.25));
        let day = day(all, &[], Vec::new());
        assert_eq!(day.laughs()[0].explained().map(Candidate::shifted_v), Some(-0.25));
    }
}
