//! Union, intersection and difference of spans of time.
//!
//! Invariant: spans are half-open. A returned list is sorted, and no two of its spans overlap or touch.

use std::time::Duration;

use jiff::Timestamp;

use crate::domain::Window;

/// From an instant to just before another. Empty if `to <= from`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    pub from: Timestamp,
    pub to: Timestamp,
}

impl Span {
    pub fn length(&self) -> Duration {
        self.to.duration_since(self.from).try_into().unwrap_or_default()
    }

    pub fn is_empty(&self) -> bool {
        self.to <= self.from
    }

    pub fn holds(&self, at: Timestamp) -> bool {
        (self.from..self.to).contains(&at)
    }

    pub fn window(&self) -> Window {
        Window { from: Some(self.from), to: Some(self.to) }
    }

    /// The intersection with another span; may be empty.
    pub fn within(&self, other: &Span) -> Span {
        Span { from: self.from.max(other.from), to: self.to.min(other.to) }
    }
}

/// The union of all spans.
pub fn union(spans: impl IntoIterator<Item = Span>) -> Vec<Span> {
    let mut spans: Vec<Span> = spans.into_iter().filter(|span| !span.is_empty()).collect();
    spans.sort_unstable();
    spans.into_iter().fold(Vec::new(), |mut merged: Vec<Span>, span| {
        match merged.last_mut().filter(|last| span.from <= last.to) {
            Some(last) => last.to = last.to.max(span.to),
            None => merged.push(span),
        }
        merged
    })
}

/// The difference of `whole` and `taken`, where `taken` is a result of [`union`].
pub fn without(whole: &[Span], taken: &[Span]) -> Vec<Span> {
    let around = |span: &Span| {
        let from = std::iter::once(span.from).chain(taken.iter().map(|taken| taken.to));
        let to = taken.iter().map(|taken| taken.from).chain(std::iter::once(span.to));
        let between = from.zip(to).map(|(from, to)| Span { from, to });
        between.map(|free| free.within(span)).collect::<Vec<_>>()
    };
    union(whole.iter().flat_map(around))
}

/// The total length.
pub fn length(spans: &[Span]) -> Duration {
    spans.iter().map(Span::length).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn span(from: i64, to: i64) -> Span {
        let at = |second| Timestamp::from_second(second).unwrap();
        Span { from: at(from), to: at(to) }
    }

    fn spans() -> impl Strategy<Value = Vec<Span>> {
        proptest::collection::vec((0..100_i64, 0..20_i64).prop_map(|(from, length)| span(from, from + length)), 0..12)
    }

    /// The reference: whether a second is in one of the spans.
    fn holds(spans: &[Span], second: i64) -> bool {
        spans.iter().any(|span| span.holds(Timestamp::from_second(second).unwrap()))
    }

    fn is_in_order(spans: &[Span]) -> bool {
        spans.windows(2).all(|pair| pair[0].to < pair[1].from) && spans.iter().all(|span| !span.is_empty())
    }

    proptest! {
        #[test]
        fn a_union_contains_exactly_what_one_of_the_spans_contains(spans in spans()) {
            let merged = union(spans.clone());
            prop_assert!(is_in_order(&merged));
            prop_assert!((-1..125).all(|second| holds(&merged, second) == holds(&spans, second)));
            prop_assert_eq!(length(&merged).as_secs(), (0..125).filter(|&second| holds(&spans, second)).count() as u64);
        }

        #[test]
        fn a_difference_removes_exactly_the_second_list(whole in spans(), taken in spans()) {
            let rest = without(&whole, &union(taken.clone()));
            prop_assert!(is_in_order(&rest));
            let wanted = |second| holds(&whole, second) && !holds(&taken, second);
            prop_assert!((-1..125).all(|second| holds(&rest, second) == wanted(second)));
        }
    }

    #[test]
    fn spans_that_touch_are_merged() {
        assert_eq!(union([span(5, 9), span(0, 5)]), [span(0, 9)]);
        assert_eq!(without(&[span(0, 9)], &[span(0, 9)]), []);
    }
}
