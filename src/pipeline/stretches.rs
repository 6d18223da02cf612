//! Divides the patches of a recording into stretches: those that are scored again at other speeds, and those between them.
//!
//! ```text
//! open patch   v >= CANDIDATE_FLOOR in one of the patches from AROUND before it to AROUND after it
//! next():      until the stretch at the front is known to its end, or long: take a batch of scored patches
//!              an open stretch becomes one task per view, with the samples that the views need; another one a task
//!              without work
//! ```
//!
//! Invariant: memory is bounded for any recording: at most two stretches of [`LONGEST`] patches and a batch wait, and
//! samples are dropped when no later patch needs them.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use yamnet::params::{EMBEDDING_SIZE, NUM_CLASSES};

use super::Scored;
use super::buffers::Buffer;
use super::views::{Excerpt, Task, UNKNOWN, View, views};
use crate::detect::{LogitSmoother, Score};
use crate::domain::{CANDIDATE_FLOOR, DetectionParameters, reaches};

/// Patches before and after a possible laugh that are scored again with it: 1.9 s.
///
/// Source: views everywhere give the same detections (docs/detection.md).
pub const AROUND: usize = 4;
/// Patches of the longest open stretch. With those that its views need beside it, about a batch.
const LONGEST: usize = 24;
/// Patches before the first one that waits whose samples are kept. The last patches of a view may lie before their place in
/// the recording by a fraction of a patch, which is known only at the end.
const KEPT: u64 = 2;

/// A patch with its score and, if it may be in a candidate, its embedding.
pub struct Patch {
    pub score: Score,
    pub embedding: Option<Box<[f32]>>,
}

/// The embedding of a patch that waits, in those of its batch. Most are never copied.
struct Row {
    embeddings: Arc<Vec<f32>>,
    start: usize,
}

impl Row {
    fn to_box(&self) -> Box<[f32]> {
        self.embeddings[self.start..][..EMBEDDING_SIZE].into()
    }
}

/// Consecutive patches.
pub struct Stretch {
    pub patches: Vec<Patch>,
    /// If they are asked for: those that arrived since the stretch before. All samples of a patch are in its stretch or
    /// before.
    pub samples: Vec<f32>,
}

/// The tasks of a recording's stretches, in order.
pub struct Stretches<'a, I: ?Sized> {
    scored: &'a mut I,
    parameters: &'a DetectionParameters,
    views: &'static [View],
    smoother: LogitSmoother<'a>,
    /// The embedding of the patch that the smoother holds back.
    held: Option<Row>,
    waiting: Waiting,
    samples: Samples,
    /// Samples that arrived since the last stretch.
    arrived: Vec<f32>,
    /// Whether stretches carry samples: clips need them.
    gives_samples: bool,
    tasks: VecDeque<Task>,
    has_ended: bool,
}

impl<'a, I: ?Sized> Stretches<'a, I> {
    pub fn new(scored: &'a mut I, parameters: &'a DetectionParameters, gives_samples: bool) -> Stretches<'a, I> {
        Stretches {
            scored,
            parameters,
            views: views(parameters),
            smoother: LogitSmoother::new(parameters),
            held: None,
            waiting: Waiting::default(),
            samples: Samples::default(),
            arrived: Vec::new(),
            gives_samples,
            tasks: VecDeque::new(),
            has_ended: false,
        }
    }

    fn push(&mut self, scored: Scored) {
        if !self.views.is_empty() {
            if self.gives_samples {
                self.arrived.extend_from_slice(&scored.samples);
            }
            self.samples.push(scored.samples);
        } else if self.gives_samples {
            self.arrived.extend_from_slice(&scored.samples);
        }
        let embeddings = Arc::new(scored.outputs.embeddings);
        for (index, logits) in scored.outputs.logits.chunks_exact(NUM_CLASSES).enumerate() {
            let start = index * EMBEDDING_SIZE;
            let row = (start < embeddings.len()).then(|| Row { embeddings: embeddings.clone(), start });
            let embedding = std::mem::replace(&mut self.held, row);
            if let Some(score) = self.smoother.push(logits) {
                self.wait(score, embedding);
            }
        }
    }

    /// Drops the samples that no later stretch needs.
    fn drop_samples(&mut self) {
        let first = self.waiting.first.saturating_sub(KEPT);
        self.samples.drop_until(self.needed(&(first..first + 1), UNKNOWN).start);
    }

    fn finish(&mut self) {
        self.has_ended = true;
        if let Some(score) = self.smoother.last_score() {
            let embedding = self.held.take();
            self.wait(score, embedding);
        }
    }

    fn wait(&mut self, score: Score, embedding: Option<Row>) {
        let opens = !self.views.is_empty() && reaches(score.v, CANDIDATE_FLOOR);
        self.waiting.push((score, embedding), opens);
    }

    /// Turns the stretch at the front into tasks. False if it is not known yet.
    fn cut(&mut self) -> bool {
        let behind = if self.has_ended || self.views.is_empty() { 0 } else { AROUND };
        let Some((is_open, length)) = self.waiting.front(behind, self.has_ended) else {
            return false;
        };
        let patches = self.waiting.first..self.waiting.first + length as u64;
        let excerpt = match is_open.then(|| self.excerpt(patches)) {
            Some(None) => return false,
            excerpt => excerpt.flatten().map(Arc::new),
        };
        let floor = self.parameters.candidate_floor();
        let patch = |(score, row): (Score, Option<Row>)| {
            let row = row.filter(|_| is_open || reaches(score.v, floor));
            Patch { score, embedding: row.map(|row| row.to_box()) }
        };
        let patches = self.waiting.take(length).map(patch).collect();
        let stretch = Some(Stretch { patches, samples: std::mem::take(&mut self.arrived) });
        match excerpt {
            Some(excerpt) => {
                let task = |view| Task { view: Some((view, excerpt.clone())), stretch: None };
                self.tasks.extend(self.views.iter().map(task));
                self.tasks.back_mut().expect("there are views").stretch = stretch;
            }
            None => self.tasks.push_back(Task { view: None, stretch }),
        }
        true
    }

    /// The samples that the views of some patches need. None if they are not there yet.
    fn excerpt(&self, patches: Range<u64>) -> Option<Excerpt> {
        let (end, length) = (self.samples.end(), if self.has_ended { self.samples.end() } else { UNKNOWN });
        let needed = self.needed(&patches, length);
        if needed.end > end && !self.has_ended {
            return None;
        }
        let needed = needed.start.min(end)..needed.end.min(end);
        Some(Excerpt { samples: self.samples.copy(&needed), start: needed.start, length, patches })
    }

    /// The samples of the recording that v of some patches depends on, in any view.
    fn needed(&self, patches: &Range<u64>, length: u64) -> Range<u64> {
        let needed = self.views.iter().map(|view| view.needed(patches, length, self.parameters));
        let wider = |a: Range<u64>, b: Range<u64>| a.start.min(b.start)..a.end.max(b.end);
        needed.reduce(wider).unwrap_or_default()
    }
}

impl<E, I: Iterator<Item = Result<Scored, E>> + ?Sized> Iterator for Stretches<'_, I> {
    type Item = Result<Task, E>;

    fn next(&mut self) -> Option<Result<Task, E>> {
        loop {
            if let Some(task) = self.tasks.pop_front() {
                return Some(Ok(task));
            }
            if self.cut() {
                continue;
            }
            if self.has_ended {
                return None;
            }
            self.drop_samples();
            match self.scored.next() {
                Some(Ok(scored)) => self.push(scored),
                Some(Err(error)) => return Some(Err(error)),
                None => self.finish(),
            }
        }
    }
}

/// Patches that are in no stretch yet, and whether each is open.
#[derive(Default)]
struct Waiting {
    patches: VecDeque<((Score, Option<Row>), bool)>,
    /// Index of the first of them.
    first: u64,
    /// So many of the patches that follow are open.
    open: usize,
}

impl Waiting {
    /// Takes the next patch; `opens`: it may be in a laugh.
    fn push(&mut self, patch: (Score, Option<Row>), opens: bool) {
        if opens {
            self.patches.iter_mut().rev().take(AROUND).for_each(|(_, is_open)| *is_open = true);
            self.open = AROUND + 1;
        }
        self.patches.push_back((patch, self.open > 0));
        self.open = self.open.saturating_sub(1);
    }

    /// Whether the patches at the front are open, and how many of them make a stretch. The last `behind` patches may still
    /// become open. None if more must be known.
    fn front(&self, behind: usize, has_ended: bool) -> Option<(bool, usize)> {
        let known = self.patches.len().saturating_sub(behind);
        let &(_, is_open) = self.patches.front().filter(|_| known > 0)?;
        let run = self.patches.iter().take(known).take_while(|(_, open)| *open == is_open).count();
        if !is_open {
            return Some((false, run));
        }
        match run {
            // Two equal halves rather than a long and a short one: a short one costs more per patch.
            _ if run >= 2 * LONGEST => Some((true, LONGEST)),
            _ if run == known && !has_ended => None,
            _ if run > LONGEST => Some((true, run.div_ceil(2))),
            _ => Some((true, run)),
        }
    }

    fn take(&mut self, count: usize) -> impl Iterator<Item = (Score, Option<Row>)> {
        self.first += count as u64;
        self.patches.drain(..count).map(|(patch, _)| patch)
    }
}

/// The last samples of the recording.
#[derive(Default)]
struct Samples {
    /// Index of the first of them.
    start: u64,
    /// Those of earlier batches.
    earlier: Vec<f32>,
    /// Those of the last one, which are copied only if they are needed longer.
    last: Buffer,
}

impl Samples {
    fn end(&self) -> u64 {
        self.start + (self.earlier.len() + self.last.len()) as u64
    }

    /// Takes the next samples, after [`Samples::drop_until`].
    fn push(&mut self, samples: Buffer) {
        self.last = samples;
    }

    fn drop_until(&mut self, start: u64) {
        let count = start.min(self.end()).saturating_sub(self.start) as usize;
        let earlier = count.min(self.earlier.len());
        self.earlier.drain(..earlier);
        let kept = &self.last[count - earlier..];
        // Not twice as much as is needed, as a vector grows by itself: each recording in progress has one.
        self.earlier.reserve_exact(kept.len());
        self.earlier.extend_from_slice(kept);
        self.last = Buffer::default();
        self.start += count as u64;
    }

    fn copy(&self, range: &Range<u64>) -> Buffer {
        let [start, end] = [range.start, range.end].map(|index| (index - self.start) as usize);
        let earlier = self.earlier.len();
        let mut copy = Buffer::with_room();
        copy.extend_from_slice(&self.earlier[start.min(earlier)..end.min(earlier)]);
        copy.extend_from_slice(&self.last[start.saturating_sub(earlier)..end.saturating_sub(earlier)]);
        copy
    }
}
