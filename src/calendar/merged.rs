//! Merges the detections of a laugh that is split across recordings.
//!
//! Many recorders start a new file every half hour. A laugh across the boundary has a row in both recordings. Two rows
//! are one laugh if the first ends at the end of its recording, the second starts at the start of the next one, and
//! there is no gap between the recordings.

use std::time::Duration;

use jiff::Timestamp;

use crate::domain::{Review, StoredDetection, StoredRecording};

/// Longest gap or overlap between consecutive recordings: file names have a resolution of one second.
pub const SEAM: Duration = Duration::from_secs(1);
/// How far from the edge of its recording a split laugh may start or end: two patch hops, because the patch across the
/// edge is only analyzed in part.
pub const EDGE: Duration = Duration::from_millis(960);

/// A laugh as people count it: one row, or the rows of all its parts.
#[derive(Debug, Clone, PartialEq)]
pub struct MergedDetection<'a> {
    /// Sorted by time; never empty.
    pub parts: Vec<(&'a StoredRecording, &'a StoredDetection)>,
}

impl<'a> MergedDetection<'a> {
    pub fn first(&self) -> (&'a StoredRecording, &'a StoredDetection) {
        self.parts[0]
    }

    fn last(&self) -> (&'a StoredRecording, &'a StoredDetection) {
        self.parts[self.parts.len() - 1]
    }

    pub fn starts(&self) -> Timestamp {
        self.first().1.starts
    }

    pub fn ends(&self) -> Timestamp {
        self.last().1.ends
    }

    /// The total length of the parts.
    pub fn length(&self) -> Duration {
        self.parts.iter().map(|(_, laugh)| laugh.detection.end.saturating_sub(laugh.detection.start)).sum()
    }

    /// The part with the highest score; among equals, the first.
    pub fn loudest(&self) -> &'a StoredDetection {
        let rest = self.parts.iter().map(|(_, laugh)| *laugh);
        rest.reduce(|best, laugh| if laugh.detection.peak > best.detection.peak { laugh } else { best })
            .unwrap_or(self.first().1)
    }

    pub fn peak(&self) -> f32 {
        self.loudest().detection.peak
    }

    /// The latest review of one of its parts.
    pub fn review(&self) -> Option<&'a Review> {
        self.parts.iter().filter_map(|(_, laugh)| laugh.review.as_ref()).max_by_key(|review| review.at)
    }

    /// Whether it counts: its review does not reject it.
    pub fn counts(&self) -> bool {
        !self.review().is_some_and(Review::is_rejected)
    }

    pub fn class_name(&self) -> &'static str {
        self.loudest().detection.class_name()
    }
}

/// All laughs of these recordings, sorted by time; laughs of different sources are never merged.
pub fn merged<'a>(recordings: impl IntoIterator<Item = &'a StoredRecording>) -> Vec<MergedDetection<'a>> {
    let laughs_of = |recording: &'a StoredRecording| recording.laughs().iter().map(move |laugh| (recording, laugh));
    let mut rows: Vec<_> = recordings.into_iter().flat_map(laughs_of).collect();
    rows.sort_by(|(a, x), (b, y)| (&a.source, x.starts, x.ends, &a.name).cmp(&(&b.source, y.starts, y.ends, &b.name)));
    let mut laughs: Vec<MergedDetection<'a>> = Vec::new();
    // Indexes of laughs that a later row may continue: several if a day is stored twice, as WAV and as FLAC.
    let mut open: Vec<usize> = Vec::new();
    for row in rows {
        open.retain(|&place| may_go_on(laughs[place].last(), row));
        let cut = open.iter().copied().filter(|&place| is_cut(laughs[place].last(), row));
        // Among equals the last one, which started latest.
        match cut.max_by_key(|&place| likeness(&laughs[place].last().0.name, &row.0.name)) {
            Some(place) => laughs[place].parts.push(row),
            None => {
                open.push(laughs.len());
                laughs.push(MergedDetection { parts: vec![row] });
            }
        }
    }
    laughs.sort_by_key(MergedDetection::starts);
    laughs
}

/// Rows are sorted by time, so a laugh that ended long before this row cannot continue.
fn may_go_on(
    (before, first): (&StoredRecording, &StoredDetection),
    (after, second): (&StoredRecording, &StoredDetection),
) -> bool {
    before.source == after.source && second.starts <= reach(first)
}

/// A row that starts later than this cannot continue the laugh.
pub fn reach(laugh: &StoredDetection) -> Timestamp {
    laugh.ends.saturating_add(SEAM + 3 * EDGE).unwrap_or(Timestamp::MAX)
}

/// Ranks which recording is the continuation: the same format first, then the same directory, then the longest common
/// prefix of the names.
pub fn likeness(before: &str, after: &str) -> (bool, bool, usize) {
    let folder = |name: &str| name.rsplit_once('/').map(|(folder, _)| folder.to_owned());
    let format = |name: &str| name.rsplit_once('.').map(|(_, format)| format.to_lowercase());
    let same = before.bytes().zip(after.bytes()).take_while(|(a, b)| a == b).count();
    (format(before) == format(after), folder(before) == folder(after), same)
}

pub fn is_cut(
    (before, first): (&StoredRecording, &StoredDetection),
    (after, second): (&StoredRecording, &StoredDetection),
) -> bool {
    before.source == after.source && follows(before, after) && is_cut_behind(before, first) && is_cut_before(second)
}

/// Whether the laugh ends at the end of its recording.
pub fn is_cut_behind(recording: &StoredRecording, laugh: &StoredDetection) -> bool {
    laugh.detection.end.saturating_add(EDGE) >= recording.duration.unwrap_or_default()
}

/// Whether the laugh starts at the start of its recording.
pub fn is_cut_before(laugh: &StoredDetection) -> bool {
    laugh.detection.start <= EDGE
}

fn follows(before: &StoredRecording, after: &StoredRecording) -> bool {
    let (Some(ended), Some(started)) = (before.ended(), after.started) else { return false };
    let is_later = before.started.is_some_and(|first| first.at < started.at);
    is_later && started.at.duration_since(ended).unsigned_abs() <= SEAM
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::domain::{Detection, StartSource, StartTime, StoredSound, StoredStatus};

    pub fn at(seconds: f64) -> Timestamp {
        Timestamp::from_nanosecond((seconds * 1e9) as i128).unwrap()
    }

    /// A recording of one minute with laughs at these offsets.
    pub fn minute(source: &str, started: f64, laughs: &[(f64, f64, f32)]) -> StoredRecording {
        let laugh = |&(start, end, peak): &(f64, f64, f32)| {
            let (from, to) = (Duration::from_secs_f64(start), Duration::from_secs_f64(end));
            let detection =
                Detection { start: from, end: to, peak, mean: 0.5, class: 13, class_scores: [0.0; 6], clip: None };
            let (starts, ends) = (at(started + start), at(started + end));
            StoredDetection { id: 1, detection, starts, ends, local_date: jiff::civil::date(1970, 1, 1), review: None }
        };
        let laughs = laughs.iter().map(laugh).collect();
        StoredRecording {
            id: 1,
            source: source.into(),
            name: format!("{started}.ogg"),
            content: None,
            bytes: 0,
            started: Some(StartTime { at: at(started), from: StartSource::Filename }),
            duration: Some(Duration::from_secs(60)),
            status: StoredStatus::Analyzed(StoredSound {
                sample_rate: 16_000,
                channels: 1,
                audio_tracks: 1,
                codec: "opus".into(),
                missing: Default::default(),
                laughs,
                candidates: Vec::new(),
                clips_failed: 0,
            }),
            run: String::new(),
        }
    }

    fn count(recordings: &[StoredRecording]) -> usize {
        merged(recordings).len()
    }

    #[test]
    fn a_laugh_split_across_two_recordings_has_the_highest_peak_and_the_total_length() {
        let day =
            [minute("neil", 60.0, &[(0.0, 3.0, 0.9)]), minute("neil", 0.0, &[(58.0, 60.0, 0.6), (1.0, 2.0, 0.5)])];
        let laughs = merged(&day);
        assert_eq!(laughs.iter().map(|laugh| laugh.parts.len()).collect::<Vec<_>>(), [1, 2]);
        assert_eq!((laughs[1].peak(), laughs[1].length()), (0.9, Duration::from_secs(5)));
        assert_eq!((laughs[1].starts(), laughs[1].ends()), (at(58.0), at(63.0)));
    }

    #[test]
    fn a_laugh_over_three_recordings_is_one() {
        let whole = |started| minute("neil", started, &[(0.0, 60.0, 0.6)]);
        assert_eq!(count(&[whole(0.0), whole(60.0), whole(120.5)]), 1);
    }

    /// The same minutes under other names.
    fn copy(day: &[StoredRecording], name: impl Fn(&str) -> String) -> Vec<StoredRecording> {
        day.iter().map(|one| StoredRecording { name: name(&one.name), ..one.clone() }).collect()
    }

    #[test]
    fn copies_of_a_split_day_are_merged_separately() {
        let day = [
            minute("neil", 0.0, &[(10.0, 12.0, 0.5), (58.0, 60.0, 0.6)]),
            minute("neil", 60.0, &[(0.0, 60.0, 0.9)]),
            minute("neil", 120.0, &[(0.0, 2.0, 0.7), (30.0, 31.0, 0.5)]),
        ];
        assert_eq!(count(&day), 3);
        let namings: [fn(&str) -> String; 2] = [|name| name.replace("ogg", "flac"), |name| format!("again/{name}")];
        for naming in namings {
            let both = [&day[..], &copy(&day, naming)].concat();
            let laughs = merged(&both);
            assert_eq!(laughs.iter().map(|laugh| laugh.parts.len()).collect::<Vec<_>>(), [1, 1, 3, 3, 1, 1]);
            for laugh in laughs {
                let is_copy = |name: &str| name.ends_with(".flac") || name.starts_with("again/");
                let first = is_copy(&laugh.first().0.name);
                assert!(laugh.parts.iter().all(|(recording, _)| is_copy(&recording.name) == first));
            }
            let mut turned = both.clone();
            turned.reverse();
            assert_eq!(merged(&turned), merged(&both), "in any order");
        }
    }

    #[test]
    fn a_laugh_that_continues_in_another_format_is_merged() {
        let mut day = [minute("neil", 0.0, &[(58.0, 60.0, 0.6)]), minute("neil", 60.0, &[(0.0, 3.0, 0.9)])];
        day[1].name = "60.flac".into();
        assert_eq!(count(&day), 1);
        // A copy of only the first half, in another format, is a separate laugh.
        let half = minute("neil", 0.0, &[(58.0, 60.0, 0.6)]);
        let all = [&day[..], &copy(&[half], |name| name.replace("ogg", "flac"))].concat();
        let laughs = merged(&all);
        assert_eq!(laughs.iter().map(|laugh| laugh.parts.len()).max(), Some(2));
        assert!(laughs.iter().any(|laugh| laugh.parts.len() == 2 && laugh.first().0.name.ends_with(".flac")));
    }

    #[test]
    fn laughs_that_are_not_split_stay_separate() {
        let first = || minute("neil", 0.0, &[(58.0, 60.0, 0.6)]);
        assert_eq!(count(&[first(), minute("mia", 60.0, &[(0.0, 3.0, 0.9)])]), 2, "another source");
        assert_eq!(count(&[first(), minute("neil", 61.5, &[(0.0, 3.0, 0.9)])]), 2, "a gap");
        assert_eq!(count(&[first(), minute("neil", 60.0, &[(1.5, 3.0, 0.9)])]), 2, "later in the next");
        assert_eq!(count(&[minute("neil", 0.0, &[(50.0, 58.5, 0.6)]), minute("neil", 60.0, &[(0.0, 3.0, 0.9)])]), 2);
        assert_eq!(count(&[first(), minute("neil", 0.0, &[(0.0, 3.0, 0.9)])]), 2, "the same time twice");
        assert_eq!(merged(&[]), []);
    }
}
