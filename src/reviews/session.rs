//! Asks about one stretch after the other: which one is shown, and what each key stores.
//!
//! ```text
//! verdict: store it, remember the review before it, show the next one
//! comment: store it with the verdict; stay
//! favourite: store the mark, or remove it; stay
//! undo:    store the review before the last change again, or its withdrawal, and show that stretch
//! ```
//!
//! Invariant: knows no terminal and no database; the caller stores each returned review at once.

use jiff::{SignedDuration, Timestamp};

use super::queue::Item;
use crate::domain::{Review, ReviewedSpan, Verdict};

/// What a key means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    Verdict(Verdict),
    Comment,
    Favourite,
    Play,
    Skip,
    Back,
    Undo,
    Quit,
}

impl Key {
    /// The key of this character; None if it has no meaning.
    pub fn of(character: char) -> Option<Key> {
        match character {
            'y' => Some(Key::Verdict(Verdict::Confirmed)),
            'n' => Some(Key::Verdict(Verdict::Rejected)),
            'c' => Some(Key::Comment),
            'f' => Some(Key::Favourite),
            ' ' => Some(Key::Play),
            's' => Some(Key::Skip),
            'b' => Some(Key::Back),
            'u' => Some(Key::Undo),
            // Ctrl-D
            'q' | '\u{4}' => Some(Key::Quit),
            _ => None,
        }
    }
}

/// The keys, for people.
pub const KEYS: &str = "y a laugh, n not a laugh, c comment, f favourite, space play, s skip, b back, u undo, q quit";

/// The stretches to review, and the place among them.
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    items: Vec<Item>,
    place: usize,
    /// The changed stretches, each with the review before, the last change last.
    changes: Vec<(usize, Option<Review>)>,
}

impl Session {
    pub fn new(items: Vec<Item>) -> Session {
        Session { items, place: 0, changes: Vec::new() }
    }

    pub fn len(&self) -> usize {
        self.items.len()
    }

    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The number of the stretch that is shown, from 1, and the stretch; None after the last one.
    pub fn current(&self) -> Option<(usize, &Item)> {
        self.items.get(self.place).map(|item| (self.place + 1, item))
    }

    /// The review of the current stretch; None after the last one.
    fn review(&self, now: Timestamp) -> Option<Review> {
        let item = self.items.get(self.place)?;
        Some(item.review.clone().map_or(Review::withdrawn(now), |review| Review { at: now, ..review }))
    }

    /// The review to store; None after the last stretch.
    pub fn verdict(&mut self, verdict: Verdict, now: Timestamp) -> Option<ReviewedSpan> {
        let review = Review { verdict: Some(verdict), ..self.review(now)? };
        let stored = self.change(self.place, review, true);
        self.skip();
        stored
    }

    /// The review to store. An empty text removes the comment.
    pub fn comment(&mut self, text: &str, now: Timestamp) -> Option<ReviewedSpan> {
        let comment = Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let review = Review { comment, ..self.review(now)? };
        self.change(self.place, review, true)
    }

    /// The review to store: marked as favourite, or no longer.
    pub fn favourite(&mut self, now: Timestamp) -> Option<ReviewedSpan> {
        let before = self.review(now)?;
        let review = Review { favourite: !before.favourite, ..before };
        self.change(self.place, review, true)
    }

    /// The review to store; None if nothing was changed.
    pub fn undo(&mut self, now: Timestamp) -> Option<ReviewedSpan> {
        let (place, before) = self.changes.pop()?;
        self.place = place;
        let review = before.map_or(Review::withdrawn(now), |before| Review { at: now, ..before });
        self.change(place, review, false)
    }

    pub fn skip(&mut self) {
        self.place = (self.place + 1).min(self.items.len());
    }

    pub fn back(&mut self) {
        self.place = self.place.saturating_sub(1);
    }

    /// How many stretches that this session changed are confirmed and rejected now.
    pub fn counts(&self) -> (usize, usize) {
        let mut changed: Vec<usize> = self.changes.iter().map(|(place, _)| *place).collect();
        changed.sort_unstable();
        changed.dedup();
        let verdict = |place: &usize| self.items[*place].review.as_ref().and_then(|review| review.verdict);
        let count = |wanted: Verdict| changed.iter().filter(|place| verdict(place) == Some(wanted)).count();
        (count(Verdict::Confirmed), count(Verdict::Rejected))
    }

    fn change(&mut self, place: usize, mut review: Review, is_new: bool) -> Option<ReviewedSpan> {
        let item = self.items.get_mut(place)?;
        if let Some(before) = &item.review {
            // The later one applies, also if the clock was set back meanwhile.
            let after = before.at.saturating_add(SignedDuration::from_micros(1)).unwrap_or(before.at);
            review.at = review.at.max(after);
        }
        let before = item.review.replace(review.clone());
        if is_new {
            self.changes.push((place, before));
        }
        Some(item.reviewed(review))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::{ContentHash, SpanId};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn session() -> Session {
        let item = |id| Item {
            id: SpanId::Detection(id),
            source: "neil".into(),
            recording: "a.ogg".into(),
            content: ContentHash([1; 32]),
            start: Duration::from_secs(id as u64),
            end: Duration::from_secs(id as u64 + 1),
            starts: at(id),
            class: "Giggle",
            score: 0.5,
            clip: None,
            review: None,
        };
        Session::new(vec![item(1), item(2)])
    }

    fn shown(session: &Session) -> Option<usize> {
        session.current().map(|(number, _)| number)
    }

    #[test]
    fn a_verdict_is_stored_and_the_next_one_is_shown_until_none_is_left() {
        let mut session = session();
        let first = session.verdict(Verdict::Confirmed, at(10)).unwrap();
        assert_eq!((first.start, first.review.verdict), (Duration::from_secs(1), Some(Verdict::Confirmed)));
        assert_eq!(session.verdict(Verdict::Rejected, at(11)).unwrap().start, Duration::from_secs(2));
        assert_eq!((shown(&session), session.verdict(Verdict::Rejected, at(12))), (None, None));
        assert_eq!(session.counts(), (1, 1));
        session.back();
        assert_eq!(shown(&session), Some(2));
    }

    #[test]
    fn the_favourite_key_marks_and_unmarks_and_keeps_the_rest() {
        let mut session = session();
        let marked = session.favourite(at(10)).unwrap().review;
        assert_eq!(marked, Review { favourite: true, ..Review::withdrawn(at(10)) });
        assert!(session.current().is_some(), "it stays");
        let review = session.verdict(Verdict::Confirmed, at(11)).unwrap().review;
        assert_eq!((review.verdict, review.favourite), (Some(Verdict::Confirmed), true));
        session.back();
        assert!(!session.favourite(at(12)).unwrap().review.favourite);
        assert!(session.undo(at(13)).unwrap().review.favourite);
    }

    #[test]
    fn a_comment_keeps_the_verdict_and_a_verdict_the_comment() {
        let mut session = session();
        assert_eq!(session.comment(" with Ann ", at(10)).unwrap().review.comment.as_deref(), Some("with Ann"));
        let review = session.verdict(Verdict::Rejected, at(11)).unwrap().review;
        assert_eq!(review.comment.as_deref(), Some("with Ann"));
        session.back();
        let review = session.comment("", at(12)).unwrap().review;
        assert_eq!((review.verdict, review.comment), (Some(Verdict::Rejected), None));
    }

    #[test]
    fn undo_stores_what_was_there_before_and_is_later_than_it() {
        let mut session = session();
        assert_eq!(session.undo(at(9)), None);
        session.verdict(Verdict::Confirmed, at(10));
        session.back();
        session.verdict(Verdict::Rejected, at(3));
        let again = session.undo(at(3)).unwrap();
        assert_eq!((again.review.verdict, shown(&session)), (Some(Verdict::Confirmed), Some(1)));
        assert!(again.review.at > at(10), "the clock was set back");
        let withdrawn = session.undo(at(20)).unwrap().review;
        assert_eq!(withdrawn, Review { verdict: None, comment: None, favourite: false, at: at(20) });
        assert_eq!((session.undo(at(21)), session.counts()), (None, (0, 0)));
    }
}
