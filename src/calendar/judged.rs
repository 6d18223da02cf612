//! Whether a person rejects so many laughs that a stricter threshold is worth a try.

use std::collections::BTreeSet;

use jiff::civil::Date;

use super::merged::{MergedDetection, merged};
use crate::domain::{StoredRecording, Verdict};

/// How many of the latest laughs count.
const LATEST: usize = 30;

/// The latest laughs of one source that a person was shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Judged {
    pub shown: usize,
    pub rejected: usize,
}

impl Judged {
    /// Of recordings of one source. A day's laughs were shown if one of them has a verdict; those without one are not
    /// rejected.
    pub fn latest<'a>(recordings: impl IntoIterator<Item = &'a StoredRecording>) -> Judged {
        let laughs = merged(recordings);
        let verdict = |laugh: &MergedDetection| laugh.review().and_then(|review| review.verdict);
        let day = |laugh: &MergedDetection| laugh.first().1.local_date;
        let days: BTreeSet<Date> = laughs.iter().filter(|laugh| verdict(laugh).is_some()).map(day).collect();
        let shown = laughs.iter().rev().filter(|laugh| days.contains(&day(laugh))).take(LATEST);
        shown.fold(Judged::default(), |judged, laugh| Judged {
            shown: judged.shown + 1,
            rejected: judged.rejected + usize::from(verdict(laugh) == Some(Verdict::Rejected)),
        })
    }

    /// Whether more than a third of the last 30 are rejected.
    pub fn rejects_many(self) -> bool {
        self.shown == LATEST && self.rejected * 3 > self.shown
    }

    /// What to do about it. None if there is nothing to do.
    pub fn advice(self) -> Option<String> {
        let Judged { shown, rejected } = self;
        self.rejects_many().then(|| {
            format!(
                "{rejected} of the last {shown} laughs were rejected, more than a third; --threshold strict finds fewer that are none"
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::merged::tests::{at, minute};
    use super::*;
    use crate::domain::Review;

    /// One minute a day, each with these verdicts of its laughs, `y`, `n` or none.
    fn days(verdicts: &[&str]) -> Judged {
        let day = |(number, verdicts): (usize, &&str)| {
            let laughs: Vec<_> = (0..verdicts.len()).map(|i| (i as f64 + 5.0, i as f64 + 5.5, 0.5)).collect();
            let mut recording = minute("neil", number as f64 * 86_400.0, &laughs);
            for (laugh, verdict) in recording.laughs_mut().iter_mut().zip(verdicts.chars()) {
                laugh.local_date = Date::constant(2025, 10, number as i8 + 1);
                let verdict = match verdict {
                    'y' => Some(Verdict::Confirmed),
                    'n' => Some(Verdict::Rejected),
                    _ => None,
                };
                laugh.review = verdict.map(|verdict| Review { verdict: Some(verdict), comment: None, at: at(1.0) });
            }
            recording
        };
        Judged::latest(&verdicts.iter().enumerate().map(day).collect::<Vec<_>>())
    }

    #[test]
    fn more_than_a_third_of_the_last_thirty_is_many() {
        let all = |rejected: usize, confirmed: usize| days(&["y".repeat(confirmed).as_str(), &"n".repeat(rejected)]);
        assert_eq!(all(10, 20), Judged { shown: 30, rejected: 10 });
        assert!(!all(10, 20).rejects_many() && all(11, 19).rejects_many());
        assert!(!all(29, 0).rejects_many(), "too few to say");
        assert!(all(11, 30).advice().unwrap().starts_with("11 of the last 30 laughs were rejected"));
        assert_eq!(days(&[&"n".repeat(30), &"y".repeat(25)]).rejected, 5, "the latest");
    }

    #[test]
    fn laughs_of_days_that_nobody_reviewed_were_not_shown() {
        let unseen = "-".repeat(40);
        let judged = days(&[&"n".repeat(12), &unseen, &("-".repeat(17) + "n")]);
        assert_eq!(judged, Judged { shown: 30, rejected: 13 });
        assert_eq!(days(&[&unseen]), Judged::default());
    }
}
