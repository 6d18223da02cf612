//! A laugh that the recorder cut in two is one laugh.
//!
//! Recorders begin a new file each half hour. A laugh across the seam has a row in both; people laughed once.
//! Two rows are one laugh where the first ends with its recording, the second begins with the next one, and no
//! time lies between the recordings.

use std::time::Duration;

use jiff::Timestamp;

use crate::record::{Laugh, Note, StoredRecording};

/// What may lie between two recordings that follow each other, or be in both: names tell whole seconds.
pub const SEAM: Duration = Duration::from_secs(1);
/// How far from a recording's edge a laugh may stop and still be cut by it: two hops of a patch, since the one
/// across the edge is heard in part.
const EDGE: Duration = Duration::from_millis(960);

/// A laugh as people count it: one row, or several that the recorder cut.
#[derive(Debug, Clone, PartialEq)]
pub struct Joined<'a> {
    /// In order of time; never empty.
    pub parts: Vec<(&'a StoredRecording, &'a Laugh)>,
}

impl<'a> Joined<'a> {
    pub fn first(&self) -> (&'a StoredRecording, &'a Laugh) {
        self.parts[0]
    }

    fn last(&self) -> (&'a StoredRecording, &'a Laugh) {
        self.parts[self.parts.len() - 1]
    }

    pub fn starts(&self) -> Timestamp {
        self.first().1.starts
    }

    pub fn ends(&self) -> Timestamp {
        self.last().1.ends
    }

    /// How long was laughed: the sum of the parts.
    pub fn length(&self) -> Duration {
        self.parts.iter().map(|(_, laugh)| laugh.event.end.saturating_sub(laugh.event.start)).sum()
    }

    /// The part with the highest score, the first of equals.
    pub fn loudest(&self) -> &'a Laugh {
        let rest = self.parts.iter().map(|(_, laugh)| *laugh);
        rest.reduce(|best, laugh| if laugh.event.peak > best.event.peak { laugh } else { best })
            .unwrap_or(self.first().1)
    }

    pub fn peak(&self) -> f32 {
        self.loudest().event.peak
    }

    /// What somebody said last of one of its parts.
    pub fn note(&self) -> Option<&'a Note> {
        self.parts.iter().filter_map(|(_, laugh)| laugh.note.as_ref()).max_by_key(|note| note.at)
    }

    pub fn class_name(&self) -> &'static str {
        self.loudest().event.class_name()
    }
}

/// All laughs of these recordings in order of time, those of different sources apart.
pub fn joined<'a>(recordings: impl IntoIterator<Item = &'a StoredRecording>) -> Vec<Joined<'a>> {
    let of = |recording: &'a StoredRecording| recording.laughs().iter().map(move |laugh| (recording, laugh));
    let mut rows: Vec<_> = recordings.into_iter().flat_map(of).collect();
    rows.sort_by(|(a, x), (b, y)| (&a.source, x.starts, x.ends, &a.name).cmp(&(&b.source, y.starts, y.ends, &b.name)));
    let mut laughs: Vec<Joined<'a>> = Vec::new();
    // Places of those that a row to come may go on: several where a day lies there twice, as WAV and as FLAC.
    let mut open: Vec<usize> = Vec::new();
    for row in rows {
        open.retain(|&place| may_go_on(laughs[place].last(), row));
        let cut = open.iter().copied().filter(|&place| is_cut(laughs[place].last(), row));
        // The last of equals: the one that began latest.
        match cut.max_by_key(|&place| likeness(&laughs[place].last().0.name, &row.0.name)) {
            Some(place) => laughs[place].parts.push(row),
            None => {
                open.push(laughs.len());
                laughs.push(Joined { parts: vec![row] });
            }
        }
    }
    laughs.sort_by_key(Joined::starts);
    laughs
}

/// Rows come in order of time, so that a laugh that ended long ago is over.
fn may_go_on((before, first): (&StoredRecording, &Laugh), (after, second): (&StoredRecording, &Laugh)) -> bool {
    before.source == after.source && second.starts <= reach(first)
}

/// What starts later does not go on in it.
pub fn reach(laugh: &Laugh) -> Timestamp {
    laugh.ends.saturating_add(SEAM + 3 * EDGE).unwrap_or(Timestamp::MAX)
}

/// Which of several recordings a recorder has gone on in: the same format first, then the same folder and name.
pub fn likeness(before: &str, after: &str) -> (bool, bool, usize) {
    let folder = |name: &str| name.rsplit_once('/').map(|(folder, _)| folder.to_owned());
    let format = |name: &str| name.rsplit_once('.').map(|(_, format)| format.to_lowercase());
    let same = before.bytes().zip(after.bytes()).take_while(|(a, b)| a == b).count();
    (format(before) == format(after), folder(before) == folder(after), same)
}

pub fn is_cut((before, first): (&StoredRecording, &Laugh), (after, second): (&StoredRecording, &Laugh)) -> bool {
    before.source == after.source && follows(before, after) && is_cut_behind(before, first) && is_cut_before(second)
}

/// Whether it ends with its recording.
pub fn is_cut_behind(recording: &StoredRecording, laugh: &Laugh) -> bool {
    laugh.event.end.saturating_add(EDGE) >= recording.duration.unwrap_or_default()
}

/// Whether it begins with its recording.
pub fn is_cut_before(laugh: &Laugh) -> bool {
    laugh.event.start <= EDGE
}

fn follows(before: &StoredRecording, after: &StoredRecording) -> bool {
    let (Some(ended), Some(began)) = (before.ended(), after.began) else { return false };
    let is_later = before.began.is_some_and(|first| first.at < began.at);
    is_later && began.at.duration_since(ended).unsigned_abs() <= SEAM
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::record::{Began, Clock, Event, StoredFate, StoredSound};

    pub fn at(seconds: f64) -> Timestamp {
        Timestamp::from_nanosecond((seconds * 1e9) as i128).unwrap()
    }

    /// A minute that began then, with laughs from and to these offsets.
    pub fn minute(source: &str, began: f64, laughs: &[(f64, f64, f32)]) -> StoredRecording {
        let laugh = |&(start, end, peak): &(f64, f64, f32)| {
            let (from, to) = (Duration::from_secs_f64(start), Duration::from_secs_f64(end));
            let event =
                Event { start: from, end: to, peak, mean: 0.5, class: 13, laughter_peaks: [0.0; 6], clip: None };
            let (starts, ends) = (at(began + start), at(began + end));
            Laugh { event, starts, ends, local_date: jiff::civil::date(1970, 1, 1), note: None }
        };
        let laughs = laughs.iter().map(laugh).collect();
        StoredRecording {
            source: source.into(),
            name: format!("{began}.ogg"),
            content: None,
            bytes: 0,
            began: Some(Began { at: at(began), from: Clock::Name }),
            duration: Some(Duration::from_secs(60)),
            fate: StoredFate::Heard(StoredSound {
                sample_rate: 16_000,
                channels: 1,
                audio_tracks: 1,
                codec: "opus".into(),
                missing: Default::default(),
                laughs,
                clips_lost: 0,
            }),
            run: String::new(),
        }
    }

    fn count(recordings: &[StoredRecording]) -> usize {
        joined(recordings).len()
    }

    #[test]
    fn a_laugh_across_the_seam_is_one_with_the_highest_peak_and_the_sum_of_lengths() {
        let day =
            [minute("neil", 60.0, &[(0.0, 3.0, 0.9)]), minute("neil", 0.0, &[(58.0, 60.0, 0.6), (1.0, 2.0, 0.5)])];
        let laughs = joined(&day);
        assert_eq!(laughs.iter().map(|laugh| laugh.parts.len()).collect::<Vec<_>>(), [1, 2]);
        assert_eq!((laughs[1].peak(), laughs[1].length()), (0.9, Duration::from_secs(5)));
        assert_eq!((laughs[1].starts(), laughs[1].ends()), (at(58.0), at(63.0)));
    }

    #[test]
    fn a_laugh_over_three_recordings_is_one() {
        let whole = |began| minute("neil", began, &[(0.0, 60.0, 0.6)]);
        assert_eq!(count(&[whole(0.0), whole(60.0), whole(120.5)]), 1);
    }

    /// The same minutes under other names.
    fn copy(day: &[StoredRecording], name: impl Fn(&str) -> String) -> Vec<StoredRecording> {
        day.iter().map(|one| StoredRecording { name: name(&one.name), ..one.clone() }).collect()
    }

    #[test]
    fn copies_of_a_cut_day_are_joined_each_by_itself() {
        let day = [
            minute("neil", 0.0, &[(10.0, 12.0, 0.5), (58.0, 60.0, 0.6)]),
            minute("neil", 60.0, &[(0.0, 60.0, 0.9)]),
            minute("neil", 120.0, &[(0.0, 2.0, 0.7), (30.0, 31.0, 0.5)]),
        ];
        assert_eq!(count(&day), 3);
        let namings: [fn(&str) -> String; 2] = [|name| name.replace("ogg", "flac"), |name| format!("again/{name}")];
        for naming in namings {
            let both = [&day[..], &copy(&day, naming)].concat();
            let laughs = joined(&both);
            assert_eq!(laughs.iter().map(|laugh| laugh.parts.len()).collect::<Vec<_>>(), [1, 1, 3, 3, 1, 1]);
            for laugh in laughs {
                let is_copy = |name: &str| name.ends_with(".flac") || name.starts_with("again/");
                let first = is_copy(&laugh.first().0.name);
                assert!(laugh.parts.iter().all(|(recording, _)| is_copy(&recording.name) == first));
            }
            let mut turned = both.clone();
            turned.reverse();
            assert_eq!(joined(&turned), joined(&both), "whatever the order");
        }
    }

    #[test]
    fn what_goes_on_in_another_format_is_one_laugh_all_the_same() {
        let mut day = [minute("neil", 0.0, &[(58.0, 60.0, 0.6)]), minute("neil", 60.0, &[(0.0, 3.0, 0.9)])];
        day[1].name = "60.flac".into();
        assert_eq!(count(&day), 1);
        // A copy of the first half alone, in its own format, is a laugh beside it.
        let half = minute("neil", 0.0, &[(58.0, 60.0, 0.6)]);
        let all = [&day[..], &copy(&[half], |name| name.replace("ogg", "flac"))].concat();
        let laughs = joined(&all);
        assert_eq!(laughs.iter().map(|laugh| laugh.parts.len()).max(), Some(2));
        assert!(laughs.iter().any(|laugh| laugh.parts.len() == 2 && laugh.first().0.name.ends_with(".flac")));
    }

    #[test]
    fn what_is_not_cut_stays_apart() {
        let first = || minute("neil", 0.0, &[(58.0, 60.0, 0.6)]);
        assert_eq!(count(&[first(), minute("mia", 60.0, &[(0.0, 3.0, 0.9)])]), 2, "another source");
        assert_eq!(count(&[first(), minute("neil", 61.5, &[(0.0, 3.0, 0.9)])]), 2, "a gap");
        assert_eq!(count(&[first(), minute("neil", 60.0, &[(1.5, 3.0, 0.9)])]), 2, "later in the next");
        assert_eq!(count(&[minute("neil", 0.0, &[(50.0, 58.5, 0.6)]), minute("neil", 60.0, &[(0.0, 3.0, 0.9)])]), 2);
        assert_eq!(count(&[first(), minute("neil", 0.0, &[(0.0, 3.0, 0.9)])]), 2, "the same time twice");
        assert_eq!(joined(&[]), []);
    }
}
