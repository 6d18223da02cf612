//! Scores possible laughs at several speeds: laughter stays laughter when it is a little faster or slower, most other
//! sounds that resemble it do not.
//!
//! ```text
//! open    patches with v >= CANDIDATE_FLOOR and those around them (stretches)
//! view    the recording at speed s, from its first sample on; normalized and padded with zeros as the recording is
//! v_s(t)  v of the view, smoothed over its own patches, at the centre of patch t divided by s;
//!         interpolated linearly between the centres of the view's patches, the last value behind the last centre
//! v(t)    the median of v(t) and v_s(t) over all views, if t is open
//! ```
//!
//! The centre of patch t is t + 1 hops from the start: a patch is two hops long.
//!
//! Invariant: v of a patch depends on the recording only, not on where stretches, batches or threads divide it.

use std::ops::Range;
use std::sync::{Arc, LazyLock};

use yamnet::params::{PATCH_HOP_SAMPLES, PATCH_SAMPLES};
use yamnet::{patch_count, samples_in_patches};

use super::buffers::Buffer;
use super::stretches::{Stretch, Stretches};
use super::{Scored, Scorer};
use crate::audio::normalize::{context, normalize_range};
use crate::audio::speed::SpeedChange;
use crate::detect::LogitSmoother;
use crate::domain::DetectionParameters;
use crate::pool::in_order;

/// The speeds besides 1, in pairs: with `views` 3 the first two.
static VIEWS: LazyLock<[View; 4]> =
    LazyLock::new(|| [(17, 20), (23, 20), (9, 10), (11, 10)].map(|(n, d)| View(SpeedChange::new(n, d))));

/// The views besides the recording itself.
pub fn views(parameters: &DetectionParameters) -> &'static [View] {
    match parameters.views {
        0 | 1 => &[],
        more => &VIEWS[..VIEWS.len().min(usize::from(more) - 1)],
    }
}

/// Calls `each` with the patches of a recording, in order, as soon as their v is final. Takes its batches as they are
/// scored; inside a pool, views are scored by any of its threads. `gives_samples`: stretches carry the samples of the batches.
pub fn decide<E>(
    scored: &mut dyn Iterator<Item = Result<Scored, E>>,
    scorer: &impl Scorer,
    (parameters, gives_samples): (&DetectionParameters, bool),
    mut each: impl FnMut(Stretch),
) -> Result<(), E> {
    let tasks = Stretches::new(scored, parameters, gives_samples);
    let work = |task: Task| task.run(scorer, parameters);
    let mut collect = |results: &mut dyn Iterator<Item = Result<Done, E>>| {
        let mut views = Vec::new();
        for done in results {
            let Done { values, stretch } = done?;
            views.extend(values);
            if let Some(mut stretch) = stretch {
                take_medians(&mut stretch, &views);
                views.clear();
                each(stretch);
            }
        }
        Ok(())
    };
    if views(parameters).is_empty() {
        return collect(&mut tasks.map(|task| task.map(&work)));
    }
    in_order(tasks, work, collect)
}

/// What a thread does at a time: it scores one view of one stretch, or nothing.
pub struct Task {
    pub view: Option<(&'static View, Arc<Excerpt>)>,
    /// The stretch, with its last view.
    pub stretch: Option<Stretch>,
}

/// A task after its work: v of the view for each patch of the stretch.
struct Done {
    values: Option<Vec<f32>>,
    stretch: Option<Stretch>,
}

impl Task {
    fn run(self, scorer: &impl Scorer, parameters: &DetectionParameters) -> Done {
        let values = self.view.map(|(view, excerpt)| view.values(&excerpt, scorer, parameters));
        Done { values, stretch: self.stretch }
    }
}

/// A part of the recording, which has everything that v of some patches depends on in every view.
pub struct Excerpt {
    /// Not normalized.
    pub samples: Buffer,
    /// Index of the first of them.
    pub start: u64,
    /// Length of the whole recording in samples, or [`UNKNOWN`].
    pub length: u64,
    /// The patches.
    pub patches: Range<u64>,
}

/// The length of a recording that has not ended: longer than any.
pub const UNKNOWN: u64 = 1 << 48;

/// The recording at another speed.
pub struct View(SpeedChange);

impl View {
    /// The samples of the recording that v of `patches` depends on. They may reach behind its end.
    pub fn needed(&self, patches: &Range<u64>, length: u64, parameters: &DetectionParameters) -> Range<u64> {
        let samples = self.samples(&self.patches(patches, length), length);
        self.0.input(&self.context(&samples, length, parameters))
    }

    /// v of the view for each patch of an excerpt.
    fn values(&self, excerpt: &Excerpt, scorer: &impl Scorer, parameters: &DetectionParameters) -> Vec<f32> {
        let patches = self.patches(&excerpt.patches, excerpt.length);
        let samples = self.samples(&patches, excerpt.length);
        let context = self.context(&samples, excerpt.length, parameters);
        let start = context.start;
        let mut view = Buffer::with_room();
        self.0.change(&excerpt.samples, excerpt.start, context, &mut view);
        if parameters.normalize {
            let mut normalized = Buffer::with_room();
            normalize_range(parameters, (&view, start), &samples, &mut normalized);
            view = normalized;
        }
        view.resize(samples_in_patches((patches.end - patches.start) as usize), 0.0);
        let smoothed = LogitSmoother::values(&scorer.logits_of(view), parameters);
        let count = self.patch_count(excerpt.length);
        let value = |patch| {
            let (at, rest) = self.place(patch, count);
            let at = (at - patches.start) as usize;
            self.between(smoothed[at], smoothed.get(at + 1).copied(), rest)
        };
        excerpt.patches.clone().map(value).collect()
    }

    /// The patches of the view that v of the recording's `patches` depends on: around each centre, and one more on each
    /// side for the mean over three.
    fn patches(&self, patches: &Range<u64>, length: u64) -> Range<u64> {
        let count = self.patch_count(length);
        let (first, _) = self.place(patches.start, count);
        let (last, rest) = self.place(patches.end - 1, count);
        first.saturating_sub(1)..(last + u64::from(rest > 0) + 2).min(count)
    }

    /// The samples of the view in its `patches`, without the zeros behind its end.
    fn samples(&self, patches: &Range<u64>, length: u64) -> Range<u64> {
        let hop = PATCH_HOP_SAMPLES as u64;
        let end = (patches.end - 1) * hop + PATCH_SAMPLES as u64;
        patches.start * hop..end.min(self.0.output_length(length))
    }

    /// The samples of the view that decide `samples` after normalization.
    fn context(&self, samples: &Range<u64>, length: u64, parameters: &DetectionParameters) -> Range<u64> {
        if parameters.normalize { context(samples, self.0.output_length(length)) } else { samples.clone() }
    }

    fn patch_count(&self, length: u64) -> u64 {
        patch_count(self.0.output_length(length))
    }

    /// Where the centre of a patch of the recording is among the centres of the view's `count` patches: at or behind which
    /// patch, and how far behind in units of 1 / numerator of the speed. Outside of them: the first or the last patch.
    fn place(&self, patch: u64, count: u64) -> (u64, u64) {
        match self.0.divide(patch + 1) {
            (0, _) => (0, 0),
            (hops, _) if hops >= count => (count - 1, 0),
            (hops, rest) => (hops - 1, rest),
        }
    }

    /// The value at `rest` between that of a patch and that of the next.
    fn between(&self, value: f32, next: Option<f32>, rest: u64) -> f32 {
        match next {
            Some(next) if rest > 0 => {
                let share = rest as f32 / self.0.numerator() as f32;
                value * (1.0 - share) + next * share
            }
            _ => value,
        }
    }
}

/// Replaces v of each patch by the median of it and of its value in each view.
fn take_medians(stretch: &mut Stretch, views: &[Vec<f32>]) {
    for (index, patch) in stretch.patches.iter_mut().enumerate() {
        let mut values: Vec<f32> = views.iter().map(|view| view[index]).collect();
        values.push(patch.score.v);
        let middle = values.len() / 2;
        patch.score.v = *values.select_nth_unstable_by(middle, f32::total_cmp).1;
    }
}

#[cfg(test)]
mod tests;
