//! Walks the elements of a segment, from block to block.
//!
//! After invalid data, the walk continues at the next cluster.
//!
//! Invariant: keeps numbers only, no contents; every step advances.

use std::io;

use super::super::view::View;
use super::element::{
    BLOCK, BLOCK_DURATION, BLOCK_GROUP, CLUSTER, DISCARD_PADDING, Element, SIMPLE_BLOCK, TIMESTAMP, none_at_the_end,
};
use super::lacing;

/// The position of a walk.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// Offset of the next element.
    pub at: u64,
    /// Timestamp of the cluster, in the segment's ticks.
    cluster: Option<u64>,
    /// Number of clusters so far.
    pub clusters: u64,
}

pub struct Walk {
    pub view: View,
    pub place: Place,
    /// Nanoseconds per tick.
    scale: u64,
}

/// A block, and its properties from its group.
#[derive(Debug, Clone, Copy)]
pub struct FoundBlock {
    pub data: Element,
    /// Nanoseconds.
    pub duration: Option<u64>,
    pub padding: u64,
}

/// The result of a step.
pub enum Step {
    Block(FoundBlock),
    /// An element without audio; continue.
    Passed,
    Damaged,
    /// An element that extends beyond the file.
    Beyond,
    /// This many zeros up to the end of the file.
    Zeros(u64),
    End,
}

impl Walk {
    pub fn new(view: View, at: u64, scale: u64) -> Walk {
        Walk { view, place: Place { at, cluster: None, clusters: 0 }, scale }
    }

    /// Reads the next element and advances behind or into it.
    pub fn step(&mut self) -> io::Result<Step> {
        let (length, at) = (self.view.length(), self.place.at);
        if at >= length {
            return Ok(Step::End);
        }
        let Some(element) = Element::read(&mut self.view, at)? else {
            let is_zero = self.view.is_zero_from(at)?;
            return Ok(if is_zero { Step::Zeros(length - at) } else { Step::Damaged });
        };
        if element.is_entered() {
            if element.id == CLUSTER {
                (self.place.cluster, self.place.clusters) = (None, self.place.clusters + 1);
            }
            self.place.at = element.start;
            return Ok(Step::Passed);
        }
        let Some(end) = element.end else { return Ok(Step::Damaged) };
        if !self.leads_on(&element, end)? {
            return Ok(Step::Damaged);
        }
        if end > length {
            return Ok(Step::Beyond);
        }
        self.place.at = end;
        match element.id {
            TIMESTAMP => self.place.cluster = Some(element.unsigned(&mut self.view)?),
            SIMPLE_BLOCK => return Ok(Step::Block(FoundBlock { data: element, duration: None, padding: 0 })),
            BLOCK_GROUP => return self.group(&element),
            _ => (),
        }
        Ok(Step::Passed)
    }

    /// Whether an element is followed by another one, by zeros, or by the end. Otherwise its size is damaged.
    fn leads_on(&mut self, element: &Element, end: u64) -> io::Result<bool> {
        if end >= self.view.length() {
            // In a cut file this is the last element, if it is valid.
            return Ok(element.is_known());
        }
        let next = Element::read(&mut self.view, end).or_else(none_at_the_end)?;
        if next.is_some_and(|next| next.is_known()) {
            return Ok(true);
        }
        Ok(element.is_known() && (self.view.length() - end < 12 || self.view.is_zero_from(end)?))
    }

    fn group(&mut self, group: &Element) -> io::Result<Step> {
        let (mut block, mut duration, mut padding) = (None, None, 0);
        for child in group.children(&mut self.view, 100)? {
            match child.id {
                BLOCK => block = Some(child),
                BLOCK_DURATION => duration = Some(child.unsigned(&mut self.view)?.saturating_mul(self.scale)),
                DISCARD_PADDING => padding = u64::try_from(child.signed(&mut self.view)?).unwrap_or(0),
                _ => (),
            }
        }
        Ok(block.map_or(Step::Passed, |data| Step::Block(FoundBlock { data, duration, padding })))
    }

    /// Advances to the next cluster. False if there is none.
    pub fn resync(&mut self) -> io::Result<bool> {
        let mark = CLUSTER.to_be_bytes();
        let mut from = self.place.at + 1;
        self.place.cluster = None;
        while let Some(found) = self.view.find(&mark, from, u64::MAX)? {
            from = found + 1;
            let cluster = Element::read(&mut self.view, found).or_else(none_at_the_end)?;
            let Some(cluster) = cluster else { continue };
            let child = Element::read(&mut self.view, cluster.start).or_else(none_at_the_end)?;
            if child.is_some_and(|child| child.is_known()) {
                self.place.at = found;
                return Ok(true);
            }
        }
        self.place.at = self.view.length();
        Ok(false)
    }

    /// Converts a timestamp relative to the cluster to nanoseconds.
    pub fn time(&self, relative: i16) -> Option<i64> {
        let ticks = i64::try_from(self.place.cluster?).ok()?.checked_add(i64::from(relative))?;
        ticks.checked_mul(i64::try_from(self.scale).ok()?)
    }

    /// The track's number and the time of a block.
    pub fn head(&mut self, found: &FoundBlock) -> io::Result<(Option<u64>, Option<i64>)> {
        let length = found.data.end.map_or(0, |end| end - found.data.start).min(12);
        let first = self.view.bytes(found.data.start, length as usize)?;
        let (track, timestamp) = (lacing::track(first), lacing::timestamp(first));
        Ok((track, timestamp.and_then(|timestamp| self.time(timestamp))))
    }
}
