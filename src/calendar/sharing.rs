//! Applies the review of one part of a laugh that is split across recordings to all its parts, in a streaming way.
//!
//! Rows are merged into laughs as in `merged`. Here recordings arrive one after the other, and each is buffered only
//! until no later recording can continue one of its laughs: so a few recordings are in memory at a time.

use std::collections::VecDeque;

use jiff::Timestamp;

use super::merged::{is_cut, is_cut_before, is_cut_behind, likeness, reach};
use crate::domain::{StoredDetection, StoredRecording};

/// Takes recordings sorted by source and start time, and returns them in that order.
#[derive(Default)]
pub struct ReviewSharing {
    held: VecDeque<Held>,
    /// The number of recordings returned so far.
    gone: usize,
    /// Rows that start at or after the start of the latest recording.
    waiting: Vec<Row>,
    /// Laughs that may continue, each with its rows sorted by time.
    open: Vec<Vec<Row>>,
}

struct Held {
    recording: StoredRecording,
    /// The number of its rows in `waiting` and `open`.
    undecided: usize,
}

/// The index of a recording, counted from the first one, and of a detection in it.
type Row = (usize, usize);

impl ReviewSharing {
    /// Takes the next recording. Returns those whose reviews are final now.
    pub fn push(&mut self, recording: StoredRecording) -> Vec<StoredRecording> {
        let is_new = |held: &Held| held.recording.source != recording.source;
        let mut ready = match recording.started.filter(|_| !self.held.back().is_some_and(is_new)) {
            Some(started) => {
                self.decide(Some(started.at));
                Vec::new()
            }
            None => self.finish(),
        };
        self.hold(recording);
        ready.extend(self.release());
        ready
    }

    /// Returns the rest: there are no more recordings.
    pub fn finish(&mut self) -> Vec<StoredRecording> {
        self.decide(None);
        self.release()
    }

    /// Only rows at an edge of their recording can be part of a split laugh.
    fn hold(&mut self, recording: StoredRecording) {
        let number = self.gone + self.held.len();
        let is_at_an_edge = |laugh: &StoredDetection| is_cut_before(laugh) || is_cut_behind(&recording, laugh);
        let laughs = recording.laughs().iter().enumerate().filter(|(_, laugh)| is_at_an_edge(laugh));
        let before = self.waiting.len();
        self.waiting.extend(laughs.map(|(index, _)| (number, index)));
        self.held.push_back(Held { recording, undecided: self.waiting.len() - before });
    }

    fn release(&mut self) -> Vec<StoredRecording> {
        let count = self.held.iter().take_while(|held| held.undecided == 0).count();
        self.gone += count;
        self.held.drain(..count).map(|held| held.recording).collect()
    }

    /// Assigns rows that start before the next recording to laughs, and closes the laughs that cannot continue in it.
    fn decide(&mut self, next: Option<Timestamp>) {
        let is_due = |(_, laugh): (&StoredRecording, &StoredDetection)| next.is_none_or(|next| laugh.starts < next);
        let (mut due, waiting) = self.waiting.iter().partition::<Vec<Row>, _>(|row| is_due(self.row(**row)));
        self.waiting = waiting;
        due.sort_by_key(|row| {
            let (recording, laugh) = self.row(*row);
            (laugh.starts, laugh.ends, &recording.name)
        });
        for row in due {
            let starts = self.row(row).1.starts;
            self.close(|_, last| reach(last) < starts);
            self.join(row);
        }
        self.close(|recording, last| !is_cut_behind(recording, last) || next.is_none_or(|next| reach(last) < next));
    }

    fn join(&mut self, row: Row) {
        let part = self.row(row);
        let last = |rows: &Vec<Row>| self.row(rows[rows.len() - 1]);
        let cut = (0..self.open.len()).filter(|&place| is_cut(last(&self.open[place]), part));
        match cut.max_by_key(|&place| likeness(&last(&self.open[place]).0.name, &part.0.name)) {
            Some(place) => self.open[place].push(row),
            None => self.open.push(vec![row]),
        }
    }

    fn close(&mut self, is_over: impl Fn(&StoredRecording, &StoredDetection) -> bool) {
        let (closed, open) = std::mem::take(&mut self.open).into_iter().partition::<Vec<Vec<Row>>, _>(|rows| {
            let (recording, last) = self.row(rows[rows.len() - 1]);
            is_over(recording, last)
        });
        self.open = open;
        closed.iter().for_each(|rows| self.share(rows));
    }

    /// Applies the latest review of one row of a laugh to all its rows.
    fn share(&mut self, rows: &[Row]) {
        let review = rows.iter().filter_map(|row| self.row(*row).1.review.clone()).max_by_key(|review| review.at);
        for &(recording, laugh) in rows {
            let held = &mut self.held[recording - self.gone];
            held.undecided -= 1;
            if review.is_some() {
                held.recording.laughs_mut()[laugh].review.clone_from(&review);
            }
        }
    }

    fn row(&self, (recording, laugh): Row) -> (&StoredRecording, &StoredDetection) {
        let recording = &self.held[recording - self.gone].recording;
        (recording, &recording.laughs()[laugh])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::merged::merged;
    use super::super::merged::tests::{at, minute};
    use super::*;
    use crate::domain::Review;

    fn review(second: f64) -> Option<Review> {
        Some(Review { verdict: None, comment: None, favourite: false, at: at(second) })
    }

    /// The result for all recordings, and the largest number of buffered recordings.
    fn shared(day: Vec<StoredRecording>) -> (Vec<StoredRecording>, usize) {
        let (mut sharing, mut most, mut given) = (ReviewSharing::default(), 0, Vec::new());
        for recording in day {
            given.extend(sharing.push(recording));
            most = most.max(sharing.held.len());
        }
        given.extend(sharing.finish());
        (given, most)
    }

    #[test]
    fn the_latest_review_of_one_part_applies_to_all_parts() {
        let mut day =
            vec![minute("neil", 0.0, &[(1.0, 2.0, 0.5), (58.0, 60.0, 0.6)]), minute("neil", 60.0, &[(0.0, 3.0, 0.9)])];
        day[0].laughs_mut()[1].review = review(5.0);
        day = shared(day).0;
        assert_eq!((&day[1].laughs()[0].review, &day[0].laughs()[0].review), (&review(5.0), &None));
        day[1].laughs_mut()[0].review = review(7.0);
        assert_eq!(shared(day).0[0].laughs()[1].review, review(7.0));
    }

    /// A laugh at each edge of each recording, for days.
    #[test]
    fn the_number_of_buffered_recordings_stays_constant() {
        let edges = [(0.0, 2.0, 0.6), (58.5, 60.0, 0.6)];
        let day: Vec<_> = (0..5000).map(|number| minute("neil", f64::from(number) * 60.0, &edges)).collect();
        let (given, most) = shared(day.clone());
        assert_eq!((given, most), (day, 2));
    }

    /// The reference: the result of `merged` over all recordings at once.
    fn reference(day: &[StoredRecording]) -> Vec<StoredRecording> {
        let mut shared = day.to_vec();
        for laugh in merged(day).iter().filter(|laugh| laugh.parts.len() > 1) {
            for (recording, row) in &laugh.parts {
                let place = day.iter().position(|one| std::ptr::eq(one, *recording)).unwrap();
                let index = recording.laughs().iter().position(|one| std::ptr::eq(one, *row)).unwrap();
                if let Some(review) = laugh.review() {
                    shared[place].laughs_mut()[index].review = Some(review.clone());
                }
            }
        }
        shared
    }

    /// A few formats and directories, adjacent or nearly adjacent recordings, laughs at edges, some reviews.
    fn recordings() -> impl Strategy<Value = Vec<StoredRecording>> {
        let laughs = prop_oneof![
            Just(vec![]),
            Just(vec![(0.0, 60.0, 0.5)]),
            Just(vec![(0.5, 3.0, 0.5), (58.0, 59.5, 0.6)]),
            Just(vec![(20.0, 30.0, 0.5), (59.0, 60.0, 0.6)]),
            Just(vec![(0.0, 1.5, 0.7), (30.0, 31.0, 0.5)]),
        ];
        let name = prop_oneof![Just("{}.ogg"), Just("{}.flac"), Just("again/{}.ogg")];
        let length = prop_oneof![4 => Just(60), 1 => Just(180), 1 => Just(600)];
        let one = (0..24_u32, laughs, name, length, proptest::option::of(0..9_u32), any::<bool>());
        proptest::collection::vec(one, 0..24).prop_map(|parts| {
            let made =
                parts.into_iter().enumerate().map(|(number, (started, laughs, name, length, second, is_first))| {
                    // In long recordings, laughs at the end are moved to the end.
                    let shift = f64::from(length - 60);
                    let moved = |(start, end, peak): (f64, f64, f32)| {
                        let shifted = |at: f64, is_shifted: bool| if is_shifted { at + shift } else { at };
                        (shifted(start, end > 50.0 && start > 0.0), shifted(end, end > 50.0), peak)
                    };
                    let laughs: Vec<_> = laughs.into_iter().map(moved).collect();
                    let source = if number % 7 == 0 { "mia" } else { "neil" };
                    let mut recording = minute(source, f64::from(started) * 30.0, &laughs);
                    recording.duration = Some(std::time::Duration::from_secs(u64::from(length as u32)));
                    recording.name = name.replace("{}", &format!("{started}-{number}"));
                    let laugh =
                        if is_first { recording.laughs_mut().first_mut() } else { recording.laughs_mut().last_mut() };
                    if let (Some(laugh), Some(second)) = (laugh, second) {
                        // Times are unique: among reviews of the same time, the choice is arbitrary.
                        laugh.review = review(f64::from(second) * 100.0 + number as f64);
                    }
                    recording
                });
            let mut day: Vec<_> = made.collect();
            day.sort_by(|a, b| {
                let key = |one: &StoredRecording| {
                    (one.source.clone(), one.started.map(|started| started.at), one.name.clone())
                };
                key(a).cmp(&key(b))
            });
            day
        })
    }

    proptest! {
        #[test]
        fn streaming_gives_the_same_result_as_all_at_once(day in recordings()) {
            prop_assert_eq!(shared(day.clone()).0, reference(&day));
        }
    }
}
